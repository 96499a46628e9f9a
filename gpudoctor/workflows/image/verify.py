"""`image verify`: what an image's files and configuration say, judged by the rules, without a GPU and without running it."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gpudoctor.engine import Asking, judge
from gpudoctor.errors import EXIT_CANNOT_TELL, GpudoctorError
from gpudoctor.facts.containers import Containers, Inside
from gpudoctor.facts.environment import Environment
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.image import Image
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown
from gpudoctor.facts.record import Record
from gpudoctor.findings import Judgement, Skip
from gpudoctor.report.model import machine_line
from gpudoctor.rules.registry import Cause, causes
from gpudoctor.system.image.archive import open_image
from gpudoctor.system.image.port import FolderImage, LayeredImage
from gpudoctor.workflows.image.target import Aim, Target, aim, onto

DEFAULT_TIMEOUT = 120.0

#: Families whose rules read files and the environment alone.
FAMILIES = ("libraries", "frameworks")
#: Of other families, what an image can be judged by.
ALSO = (
    "glibc-too-old",
    "ld-library-path-empty-element",
    "path-of-another-cuda-major",
    "environment-variable-harmful",
    "ld-preload-cuda",
    "toolkit-incomplete",
    "cuda-link-dangling",
)
#: These ask the running machine: its processes, its loader's cache as it is now, its kernel.
NOT_OF_FILES = ("import-fails", "import-differs-from-files", "zero-size-libcuda", "libcuda-stub-on-path")
#: h: need the compute capability of the GPU.
NEED_GPU = (
    "wheel-lacks-gpu-arch",
    "extension-lacks-gpu-arch",
    "cudnn-lacks-gpu-kernels",
    "gpu-too-old-for-toolkit",
)
#: e: need the driver's version.
NEED_DRIVER = (
    "container-requirement-unsatisfied",
    "driver-too-old-for-runtime",
    "ptx-newer-than-driver",
    "cuda-compat-shadows-driver",
)


class Request(Record):
    """`image`: a name, a file or a folder. `given`: gpu, cc, driver."""

    image: str
    given: Mapping[str, Any] = {}
    snapshot: str = ""
    platform: str = ""
    tag: str = ""
    engine: str = ""
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    strict: bool = False
    timeout: float = DEFAULT_TIMEOUT


class NotJudged(Record):
    """Causes that nobody asked about, and what would have asked."""

    causes: tuple[str, ...]
    reason: str


class Verified(Record):
    """`target` None where nobody says what the image is for."""

    machine: Machine
    judgement: Judgement
    exit_code: int
    target: Target | None
    not_judged: tuple[NotJudged, ...]


def verify(request: Request) -> Verified:
    """Raises GpudoctorError for what can't be read, a target that is not understood, names that don't exist."""
    chosen = _chosen(request)
    port = open_files(request)
    labels = port.image.config.value.labels if isinstance(port.image.config, Known) else {}
    return _verified(request, port, aim(request.given, request.snapshot, labels), chosen)


def for_machine(request: Request, machine: Machine) -> Verified:
    """As `verify`, for a machine that is known already: the one where the image is to be run."""
    line = machine_line(machine)
    target = Target(tuple(g.name for g in line.gpus), line.driver, "this machine")
    aimed = Aim(target, (machine,)) if target.gpus or target.driver else None
    return _verified(request, open_files(request), aimed, _chosen(request))


def _verified(
    request: Request, port: LayeredImage | FolderImage, aimed: Aim | None, chosen: tuple[Cause, ...]
) -> Verified:
    image = _facts(port)
    target = aimed.target if aimed else None
    selected, not_judged = _asked(chosen, target)
    judgement = _judged(image, aimed, selected)
    code = _exit_code(judgement, selected, request.strict)
    return Verified(image, judgement, code, target, not_judged)


# ---------------------------------------------------------------- the image


def open_files(request: Request) -> LayeredImage | FolderImage:
    name = request.image
    if os.path.exists(name):
        return open_image(name, request.platform, request.tag, request.timeout)
    if name.startswith(("/", "./", "../", "~")) or name.endswith((".tar", ".tar.gz", ".tgz")):
        raise GpudoctorError(f"there is no file {name}", note="nothing was judged")
    from gpudoctor.images.stored import open_stored

    return open_stored(name, request.engine, request.platform, request.timeout)


#: Groups that an image's files answer; the rest is the target's.
_GROUPS = ("host", "driver", "cuda", "libraries", "environment", "frameworks", "image")


def _facts(port: LayeredImage | FolderImage) -> Machine:
    asked = Asking(port, _GROUPS).machine()
    image = asked.image.replace(name=port.image.name, kind=port.image.kind)
    environment = asked.environment
    if not port.env:
        environment = _without_variables(image)
    nobody = Unknown("the machine that it will run on was not described (--gpu, --driver, --snapshot)")
    return asked.replace(
        image=image,
        environment=environment,
        gpu=Gpu(pci=nobody, nvml=nobody, cuda=nobody, smi=nobody),
        containers=Containers(inside=_container(image)),
    )


def _without_variables(image: Image) -> Environment:
    """A configuration that sets nothing is known to set nothing; a folder has no configuration at all."""
    if isinstance(image.config, Known):
        via = image.config.via
        return Environment(Known((), via), Known((), via), Absent(via), Absent(via), Absent(via))
    none = Absent(getattr(image.config, "looked_in", "no configuration"))
    return Environment(none, none, none, none, none)


def _container(image: Image) -> Observed[Inside]:
    """The container that would be started from it, as far as its configuration says."""
    if not isinstance(image.config, Known):
        return Absent("no configuration")
    via, env = image.config.via, image.config.value.env

    def said(name: str) -> Observed[str]:
        return Known(env[name], via) if name in env else Absent(via)

    return Known(
        Inside(
            "docker",
            via,
            visible_devices=said("NVIDIA_VISIBLE_DEVICES"),
            capabilities=said("NVIDIA_DRIVER_CAPABILITIES"),
            require_cuda=said("NVIDIA_REQUIRE_CUDA"),
            disable_require=said("NVIDIA_DISABLE_REQUIRE"),
            cuda_version=said("CUDA_VERSION"),
            requirements=Known({k: v for k, v in env.items() if k.startswith("NVIDIA_REQUIRE_")}, via),
        ),
        via,
    )


# ---------------------------------------------------------------- which causes


def _chosen(request: Request) -> tuple[Cause, ...]:
    from gpudoctor.workflows.check import choose

    fitting = [c for c in causes() if _fits(c)]
    if not request.select and not request.ignore:
        return tuple(fitting)
    wanted = {c.id for c in choose(request.select, request.ignore)}
    return tuple(c for c in fitting if c.id in wanted)


def _fits(cause: Cause) -> bool:
    if cause.id in (*ALSO, *NEED_GPU, *NEED_DRIVER):
        return True
    own = cause.family == "images" and cause.id.startswith("image-")
    return own or (cause.family in FAMILIES and cause.id not in NOT_OF_FILES)


def _asked(chosen: Sequence[Cause], target: Target | None) -> tuple[tuple[Cause, ...], tuple[NotJudged, ...]]:
    """Without a GPU or a driver to judge against these causes are no question, and the report says so."""
    left: list[NotJudged] = []
    out: set[str] = set()
    for needs, has, options in (
        (NEED_GPU, target is not None and bool(target.gpus), "--gpu or --snapshot"),
        (NEED_DRIVER, target is not None and bool(target.driver), "--driver or --snapshot"),
    ):
        missing = tuple(c.id for c in chosen if c.id in needs) if not has else ()
        if missing:
            out |= set(missing)
            left.append(NotJudged(missing, f"nobody says what it will run on: give {options}"))
    return tuple(c for c in chosen if c.id not in out), tuple(left)


# ---------------------------------------------------------------- judging


def _judged(image: Machine, aimed: Aim | None, selected: tuple[Cause, ...]) -> Judgement:
    if aimed is None:
        return judge(image, selected)
    found = [judge(onto(image, machine), selected) for machine in aimed.machines]
    return found[0] if len(found) == 1 else _agreed(found)


def _agreed(found: Sequence[Judgement]) -> Judgement:
    """What holds for every machine that fits the target; the rest is not known."""
    last = found[-1]
    everywhere = set.intersection(*({(f.id, f.subject) for f in j.findings} for j in found))
    open_ends = dict.fromkeys(f.id for j in found for f in j.findings if (f.id, f.subject) not in everywhere)
    unsure = tuple(
        Skip(name, "it depends on the release within the driver's branch: give the whole version")
        for name in open_ends
    )
    return last.replace(
        findings=tuple(f for f in last.findings if (f.id, f.subject) in everywhere),
        skipped=(*last.skipped, *unsure),
        passed=tuple(name for name in last.passed if name not in open_ends),
    )


def _exit_code(judgement: Judgement, selected: Iterable[Cause], strict: bool) -> int:
    bad = ("failure", "warning") if strict else ("failure",)
    if any(f.severity in bad for f in judgement.findings):
        return 1
    return EXIT_CANNOT_TELL if judgement.undecided(strict) or not list(selected) else 0
