"""`check`: choose the rules, ask for the facts they read, judge, and come to an exit code."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

from gpudoctor.engine import Asking, gated, judge, needs, only_from_text, reads
from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.machine import Expectation, Machine
from gpudoctor.facts.record import Record
from gpudoctor.findings import Judgement, Verdict
from gpudoctor.rules.judging import gpu_ruled_out
from gpudoctor.rules.registry import Cause, causes, families
from gpudoctor.system.port import Options, Port

if TYPE_CHECKING:
    from gpudoctor.policy import Policy
    from gpudoctor.system.live import Live

DEFAULT_TIMEOUT = 20.0

#: Families whose rules judge the GPU itself: if one is there and none of these could run, nothing was learnt.
GPU_FAMILIES = frozenset({"driver", "device", "hardware"})


#: Families that are judged wherever a GPU is: imported while the driver is still being asked.
WITH_GPU = GPU_FAMILIES | {"multigpu", "libraries"}


class Request(Record):
    """What the user asked for. `select` and `ignore`: ids of causes and names of families. `timeout` in seconds; None:
    the policy's, else the default. `baseline`: a snapshot's file."""

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    strict: bool = False
    require_gpu: bool = False
    root: str = ""
    snapshot: str = ""
    timeout: float | None = None
    options: Options = Options()
    policy: Policy | None = None
    baseline: str = ""


class Result(Record):
    machine: Machine
    judgement: Judgement
    exit_code: int
    requirements: tuple[Verdict, ...] = ()


def run(request: Request) -> Result:
    """Raises GpudoctorError for names that don't exist, an unreadable snapshot, a root that is no folder, or a
    system that can't be examined."""
    selected = choose(request.select, request.ignore)
    if request.policy is None and not request.baseline:
        machine = facts(request, selected)
        if request.require_gpu:
            machine = machine.replace(expectation=Expectation("--require-gpu"))
        judgement = judge(machine, selected)
        return Result(machine, judgement, exit_code(machine, judgement, selected, request.strict))
    from gpudoctor.workflows.preflight import judged

    return judged(request, selected)


def choose(select: Sequence[str], ignore: Sequence[str]) -> tuple[Cause, ...]:
    """The causes named by id or family, less those ignored. Raises GpudoctorError for a name that does not exist."""
    for name in (*select, *ignore):
        _must_exist(name)
    chosen = [c for c in causes() if not select or c.id in select or c.family in select]
    return tuple(c for c in chosen if c.id not in ignore and c.family not in ignore)


def _must_exist(name: str) -> None:
    names = [c.id for c in causes()] + list(families())
    if name in names:
        return
    import difflib

    near = difflib.get_close_matches(name, names, 3, 0.5)
    hint = f"did you mean {' or '.join(near)}?" if near else "`gpudoctor explain` lists all causes by family"
    raise GpudoctorError(
        f"there is no cause and no family named {name!r}", note="nothing was checked", hint=hint
    )


#: Asked only if a rule will read it: it costs the most, and where a GPU is ruled out nothing does.
LAST = "libraries"


def facts(request: Request, selected: Iterable[Cause], everything: bool = False) -> Machine:
    """From the snapshot, the root, or this machine. `everything`: also what no rule will read."""
    if request.snapshot:
        from gpudoctor.workflows.snapshot import read_snapshot

        return read_snapshot(request.snapshot).machine
    port = open_port(request)
    try:
        if request.options.pythons:
            from gpudoctor.probes.frameworks import complain

            complain(port)  # a --python that names nothing is an error of the command, not a fact
        if request.select:
            wanted = [group for cause in selected for group in (needs(cause.check) if cause.check else ())]
            # The gates of the families and the report's head read these.
            asking = Asking(port, dict.fromkeys(["host", "gpu", "driver", "containers", *wanted]))
            return asking.machine()
        chosen = tuple(selected)
        asking = Asking(port, last=LAST, wanted=lambda machine: everything or reads(chosen, machine, LAST))
        for cause in chosen:  # while the probes wait for their answers; a gated family may never be needed
            if not gated(cause.family) and not only_from_text(cause.family):
                cause.load()
        return asking.machine(cause.load for cause in chosen if cause.family in WITH_GPU)
    finally:
        close = getattr(port, "close", None)
        if close is not None:
            close()


def timeout(request: Request) -> float:
    """What the user said, else the policy, else the default (seconds)."""
    if request.timeout is not None:
        return request.timeout
    return (request.policy.timeout if request.policy else None) or DEFAULT_TIMEOUT


def open_port(request: Request) -> Port:
    import sys

    if request.root:
        from gpudoctor.system.root import Root

        return Root(request.root, timeout(request), options=request.options)
    if not sys.platform.startswith("linux"):
        name = {"darwin": "macOS", "win32": "Windows"}.get(sys.platform, sys.platform)
        raise GpudoctorError(
            f"check examines Linux and WSL2; this is {name}",
            note="nothing was checked; explain, diff and `check --snapshot FILE` work here",
            hint="on Windows run it inside WSL2; for another machine make a snapshot there",
        )
    from gpudoctor.system.live import Live

    live: Live = Live(timeout(request), options=request.options)
    return live


def exit_code(machine: Machine, judgement: Judgement, selected: Sequence[Cause], strict: bool) -> int:
    """1 ill; 2 could not tell; 0 well. What is minor and was not looked at counts with `strict` alone. See docs/architecture.md."""
    bad = ("failure", "warning") if strict else ("failure",)
    if any(f.severity in bad for f in judgement.findings):
        return 1
    if judgement.undecided(strict):
        return 2
    if not selected:
        return 2
    from gpudoctor.facts.observed import Known

    wanted = {c.id for c in selected if c.family in GPU_FAMILIES}
    ran = wanted & ({*judgement.passed} | {f.id for f in judgement.findings})
    if wanted and not ran and not gpu_ruled_out(machine.gpu, isinstance(machine.host.wsl, Known)):
        return 2
    return 0
