"""`image run`: check and smoke in a throwaway container, and the host beside it."""

from __future__ import annotations

import time

from gpudoctor.errors import EXIT_CANNOT_TELL, GpudoctorError
from gpudoctor.facts.containers import Engine
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.facts.record import Record
from gpudoctor.findings import Evidence, Judgement, Skip
from gpudoctor.images.running import gpus as flags
from gpudoctor.images.running.order import Runner
from gpudoctor.images.running.result import Difference, Given, Inside, Result, SmokeInside
from gpudoctor.workflows.compare import differences
from gpudoctor.workflows.image.inside import look_inside
from gpudoctor.workflows.image.pair import GROUPS, pairs, together

DEFAULT_TIMEOUT = 300.0
#: Of that, the longest that the host's own check may take (seconds).
HOST = 20.0


class Request(Record):
    """`engine` "docker", "podman" or "" for the first that has the image. `gpus`: as typed. `zipapp`: a file, or "" for one made
    of this installation. `timeout` in seconds, for everything."""

    image: str
    engine: str = ""
    gpus: str = "all"
    smoke: bool = False
    zipapp: str = ""
    strict: bool = False
    timeout: float = DEFAULT_TIMEOUT


def run(request: Request) -> Result:
    """Raises GpudoctorError where nothing could be begun: no engine, no such image, --gpus not understood."""
    devices = flags.asked(request.gpus)
    deadline = time.monotonic() + request.timeout
    runner = _runner(request)
    try:
        host, judged, code = _host(min(HOST, request.timeout / 3))
        engine = _engine_of(host, runner)
        given = _gpus(host, engine, devices)
        inside, smoke, refused = look_inside(request, runner, given.gpus, host, deadline, _visible(engine))
    finally:
        runner.close()
    if refused:
        from gpudoctor.workflows.runtime.prove import named_cause

        given = Given(given.gpus, "refused", refused, named_cause(refused))
    return _result(request, runner, given, (host, judged, code), inside, smoke)


def _result(
    request: Request,
    runner: Runner,
    given: Given,
    host: tuple[Machine, Judgement, int],
    inside: Inside,
    smoke: SmokeInside,
) -> Result:
    machine, judged, code = host
    inside = _without_gpus(inside, given)
    both, sides = together(judged, inside.judgement)
    if inside.error:
        both = both.replace(skipped=(*both.skipped, Skip("image-run", f"in the container: {inside.error}")))
    other = inside.machine
    changes = differences(machine, other) if other is not None else ()
    return Result(
        request.image,
        runner.engine,
        runner.version,
        given,
        machine,
        judged,
        code,
        inside,
        pairs(machine, other) if other is not None else (),
        tuple(Difference(c.where, c.before, c.after) for c in changes if c.where.startswith(GROUPS)),
        smoke,
        both,
        sides,
        _exit_code(request, given, both, code, inside, smoke),
    )


#: What `check` inside says of a container whose image wants GPUs (NVIDIA_VISIBLE_DEVICES) and that has none.
_NO_GPU = ("container-no-gpu-flag", "no-nvidia-gpu")


def _without_gpus(inside: Inside, given: Given) -> Inside:
    """That no GPU was asked for is no fault of the container where there is none, or none was wanted: a note, with the reason."""
    judgement = inside.judgement
    if given.state not in ("none-here", "not-wanted") or judgement is None:
        return inside
    why = Evidence("run without GPUs", given.gpus.why)
    findings = tuple(
        f.replace(severity="note", fix=None, evidence=(*f.evidence, why)) if f.id in _NO_GPU else f
        for f in judgement.findings
    )
    code = inside.exit_code
    if code == 1 and findings != judgement.findings and not any(f.severity == "failure" for f in findings):
        code = EXIT_CANNOT_TELL if judgement.undecided() or inside.error else 0
    return inside.replace(judgement=judgement.replace(findings=findings), exit_code=code)


def _exit_code(
    request: Request, given: Given, both: Judgement, host: int, inside: Inside, smoke: SmokeInside
) -> int:
    """As check's, of both sides; a GPU that is there and does not reach the container is a failure, and a container in which
    nothing could be asked is no success."""
    bad = ("failure", "warning") if request.strict else ("failure",)
    if any(f.severity in bad for f in both.findings) or given.state in ("refused", "no-way"):
        return 1
    if 1 in (host, inside.exit_code) or smoke.exit_code == 1:
        return 1
    if inside.exit_code != 0 or host != 0 or inside.how in ("files", "none"):
        return EXIT_CANNOT_TELL
    return EXIT_CANNOT_TELL if request.smoke and smoke.exit_code != 0 else 0


# ---------------------------------------------------------------- the host


def _host(timeout: float) -> tuple[Machine, Judgement, int]:
    from gpudoctor.engine import judge
    from gpudoctor.workflows import check

    asked = check.Request(timeout=timeout)
    selected = check.choose((), ())
    machine = check.facts(asked, selected, everything=True)
    judgement = judge(machine, selected)
    return machine, judgement, check.exit_code(machine, judgement, selected, False)


def _runner(request: Request) -> Runner:
    problems = []
    for name in [request.engine] if request.engine else ["docker", "podman"]:
        try:
            return _one(name, request.image)
        except GpudoctorError as error:
            problems.append(error)
    if len(problems) == 1:
        raise problems[0]
    raise GpudoctorError(
        f"no engine here has an image {request.image}",
        context="; ".join(p.what for p in problems),
        note="nothing was run, and nothing is pulled",
        hint="pull or build it first, start the engine, or name one with --engine",
    )


def _one(name: str, image: str) -> Runner:
    if name == "podman":
        from gpudoctor.images.running.podman import Podman

        return Podman(image)
    from gpudoctor.images.running.docker import Docker
    from gpudoctor.probes.container_engines import selected
    from gpudoctor.system.live import Live

    endpoint, by = selected(Live())
    if not endpoint:
        raise GpudoctorError(f"Docker's {by} names no daemon", note="nothing was run")
    return Docker(endpoint, image)


def _engine_of(host: Machine, runner: Runner) -> Engine:
    """What the host's facts say of this engine; where they say nothing, only that it is there."""
    found = [e for e in value_of(host.containers.engines, ()) if e.name == runner.engine]
    chosen = [e for e in found if e.selected_by] or found
    return chosen[0] if chosen else Engine("podman" if runner.engine == "podman" else "docker")


def _visible(engine: Engine) -> bool:
    """The engine sees this machine's files: one in a virtual machine or in a snap does not."""
    return engine.flavour not in ("desktop", "snap")


def _gpus(host: Machine, engine: Engine, devices: tuple[str, ...]) -> Given:
    from gpudoctor.rules.judging import gpu_ruled_out

    if not devices:
        return Given(flags.none("--gpus none"), "not-wanted")
    if gpu_ruled_out(host.gpu, isinstance(host.host.wsl, Known)):
        return Given(flags.none("this machine has no NVIDIA GPU"), "none-here")
    try:
        return Given(flags.choose(engine, host.containers, devices), "given")
    except flags.NoWay as error:
        return Given(flags.none(f"{engine.name} can't give a container GPUs: {error}"), "no-way")
