"""What the user asked for, checked for its form; what is derived from it and the tree is derived here, once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping

from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.record import Record
from gpudoctor.system.statefolder import state_folder

#: The stages in order.
STAGES = (
    "detect",
    "preflight",
    "view",
    "mirrors",
    "patch",
    "configure",
    "fetch",
    "build",
    "wheel",
    "install",
    "smoke",
)
TARGETS = ("wheel", "libtensorflow")


class Request(Record):
    """The options of `build-tf`. Empty: not given. `capabilities`: "auto" or a list; `jobs`: "auto" or a number. Paths are absolute.

    `ignored`: preflight rows that may fail. `method`: "patch" changes the tree with `patches`, "outside" leaves it alone."""

    source: str
    cuda: str = ""
    cudnn: str = ""
    capabilities: str = "auto"
    local_cuda: str = ""
    local_cudnn: str = ""
    local_nccl: str = ""
    clang: str = ""
    python: str = ""
    venv: str = ""
    mirror: str = "none"
    distdir: str = ""
    repository_cache: str = ""
    method: str = "outside"
    patches: tuple[str, ...] = ()
    jobs: str = "auto"
    output_user_root: str = ""
    targets: tuple[str, ...] = ("wheel",)
    workdir: str = ""
    ignored: tuple[str, ...] = ()
    allow_cpu: bool = False
    #: How long Bazel may take, seconds; and the pause before a download is tried again.
    timeout: float = 172800.0
    pause: float = 10.0


class Machine(Record):
    """What of this machine the stages need. `gpus`: compute capabilities; `gpus_known` False: nobody could tell.

    Memory in bytes."""

    gpus: tuple[str, ...] = ()
    gpus_known: bool = False
    cores: int = 1
    memory: int = 0


def default_workdir(source: str, env: Mapping[str, str]) -> str:
    """<state folder>/build-tf/<name>-<hash of the tree's path>: outside tree and CUDA install."""
    real = os.path.realpath(source)
    short = hashlib.sha256(os.fsencode(real)).hexdigest()[:8]
    return os.path.join(state_folder(env), "build-tf", f"{os.path.basename(real) or 'tree'}-{short}")


def jobs_for(cores: int, memory: int) -> int:
    """Jobs by memory: clang and cicc need about two gigabytes each at their worst, four stay for Bazel and the system.

    A rule of thumb, not a measurement: TensorFlow's documentation names no number. `--jobs N` goes before it.

    >>> jobs_for(16, 16 << 30), jobs_for(4, 64 << 30), jobs_for(8, 2 << 30)
    (6, 4, 1)
    """
    return max(1, min(cores, ((memory >> 30) - 4) // 2))


def chosen_stages(only: str, start: str, until: str) -> tuple[str, ...]:
    """The stages that --only, --from and --until leave. Raises GpudoctorError for a range without stages."""
    if only and (start or until):
        raise GpudoctorError("--only is one stage: leave --from and --until away")
    if only:
        return (only,)
    first = STAGES.index(start) if start else 0
    last = STAGES.index(until) if until else len(STAGES) - 1
    if first > last:
        raise GpudoctorError(f"{start} comes after {until}", hint=f"the order is {', '.join(STAGES)}")
    return STAGES[first : last + 1]


def check(request: Request) -> None:
    """What can be wrong in a request without looking at anything. Raises GpudoctorError."""
    if request.patches and request.method != "patch":
        raise GpudoctorError(
            "--patch changes the tree, --method outside does not",
            hint="add --method patch, or leave --patch away",
        )
    if request.jobs != "auto" and not (request.jobs.isdigit() and int(request.jobs) > 0):
        raise GpudoctorError(f"{request.jobs!r} is no number of jobs", context="--jobs", hint="auto, or 8")
    for name, path in (
        ("--local-cuda", request.local_cuda),
        ("--local-cudnn", request.local_cudnn),
        ("--local-nccl", request.local_nccl),
        ("--distdir", request.distdir),
    ):
        if path and not os.path.isdir(path):
            raise GpudoctorError(f"{path} is not a folder", context=name)
    for target in request.targets:
        if target not in TARGETS:
            raise GpudoctorError(
                f"there is no target {target!r}",
                context="--targets",
                hint=f"the targets are {', '.join(TARGETS)}",
            )
