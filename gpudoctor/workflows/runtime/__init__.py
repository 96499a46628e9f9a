"""`runtime`: which engines are here, make one ready for GPUs or take that back, prove it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from gpudoctor.changes.outcome import Outcome
from gpudoctor.changes.plan import Plan
from gpudoctor.errors import EXIT_CANNOT_TELL
from gpudoctor.facts.record import Record
from gpudoctor.system.port import Port
from gpudoctor.workflows.runtime.find import Request, open_port


class Changed(Record):
    """`state`: "unchanged" (all is so already), "pending", "declined", or how the transaction ended."""

    plan: Plan
    state: str
    outcome: Outcome | None = None


def _docker(port: Port, request: Request) -> Plan:
    from gpudoctor.workflows.runtime import docker

    return docker.plan(port, request)


def _containerd(port: Port, request: Request) -> Plan:
    from gpudoctor.workflows.runtime import containerd

    return containerd.plan(port, request)


def _crio(port: Port, request: Request) -> Plan:
    from gpudoctor.workflows.runtime import others

    return others.crio(port, request)


def _podman(port: Port, request: Request) -> Plan:
    from gpudoctor.workflows.runtime import others

    return others.podman(port, request)


def _toolkit(port: Port, request: Request) -> Plan:
    from gpudoctor.workflows.runtime import others

    return others.toolkit(port, request)


PLANS: Mapping[str, Callable[[Port, Request], Plan]] = {
    "docker": _docker,
    "containerd": _containerd,
    "crio": _crio,
    "podman": _podman,
    "toolkit": _toolkit,
}


def planned(request: Request) -> Changed:
    """What would be done. Raises GpudoctorError where it is refused."""
    port = open_port(request.root)
    try:
        plan = PLANS[request.engine](port, request)
    finally:
        getattr(port, "close", lambda: None)()
    return Changed(plan, "pending" if plan.files or plan.actions else "unchanged")


def applied(request: Request, changed: Changed) -> tuple[Changed, ...]:
    """Carry it out; consent is the caller's business. Raises GpudoctorError where it was refused before anything changed.

    Docker's default runtime is changed in a second step, when the runtime has been proven: a daemon that runs would keep a bad
    default until its next start, even after the file is as before.
    """
    if request.engine == "docker" and request.default and not request.remove and changed.plan.actions:
        first = planned(request.replace(default=False))
        if first.plan.files and first.plan.files != changed.plan.files:
            done = _applied(request, first)
            if done.state != "applied":
                return (done,)
            changed = planned(request)
            return (done, _applied(request, changed) if changed.state == "pending" else changed)
    return (_applied(request, changed),)


def _applied(request: Request, changed: Changed) -> Changed:
    from gpudoctor.changes import transaction
    from gpudoctor.system.writer import Writer

    writer = Writer(
        request.root, command=f"gpudoctor runtime {'un' * request.remove}configure {request.engine}"
    )
    outcome = transaction.apply(changed.plan, writer)
    return changed.replace(state=outcome.state, outcome=outcome)


def exit_code(changes: Sequence[Changed]) -> int:
    """0 nothing to do or done, 1 pending or rolled back, 2 could not be taken back."""
    states = {changed.state for changed in changes}
    if states <= {"applied", "unchanged"}:
        return 0
    return EXIT_CANNOT_TELL if "open" in states else 1


def stops(plan: Plan) -> tuple[str, ...]:
    """What a person has to consent to."""
    return tuple(stopped for action in plan.actions for stopped in action.stops)
