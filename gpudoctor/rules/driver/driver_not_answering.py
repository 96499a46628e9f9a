"""A driver library crashes, hangs or refuses, and nothing else says why

What it is: libnvidia-ml or libcuda was loaded in a process of its own and asked to initialise. It was killed by a
signal, gave no answer in time, could not be loaded, or returned an error that is none of the ordinary ones ("not
loaded", "no device"). This is the general id: where the machine shows a deeper cause, this one is folded under it.

Why it hurts: Every program that uses the GPU makes the same call first, so it crashes, hangs or fails in the same way.

How to tell: The code of nvmlInit or cuInit, or the signal and the call that it died in. The kernel's log usually has
the reason: lines that start with NVRM, and Xid numbers.

How to fix: Read the kernel's log for NVRM and Xid lines and follow those. If it has none, stop what uses the GPU and
load the driver's modules again, or reboot. In a container, compare with the host: if the host is well, start the
container anew.

Sources: https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceEnumvs.html
https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__TYPES.html
https://docs.nvidia.com/deploy/xid-errors/
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.gpu import CudaDriver, Gpu, Nvml
from gpudoctor.facts.observed import Absent, Known, Unknown, value_of
from gpudoctor.findings import CouldNotTell, DoesNotApply, Evidence, Fix, Problem, seen

#: Answers with a cause of their own each: no driver, no library (nvml.h).
NVML_ORDINARY = frozenset({0, 9, 12})
#: No device, a stub, compatibility libraries that this GPU may not use (cuda.h).
CUDA_ORDINARY = frozenset({0, 34, 100, 804})
#: What the loader says of a library that is simply not there; another sentence means that it is there and broken.
_MISSING = ("Not Found", "No such file")


explains = ("smoke-ran-on-cpu",)


def check(gpu: Gpu, containers: Containers) -> Iterator[Problem | CouldNotTell]:
    if isinstance(gpu.nvml, Absent) and isinstance(gpu.cuda, Absent):
        raise DoesNotApply("no driver library")
    for observed, name in ((gpu.nvml, "NVML"), (gpu.cuda, "libcuda")):
        if isinstance(observed, Unknown):
            yield CouldNotTell(f"{name}: {observed.reason}", observed.would_help)
    said = [
        *_what_nvml_did(value_of(gpu.nvml, None)),
        *_what_cuda_did(value_of(gpu.cuda, None)),
    ]
    if said:
        yield Problem(
            said[0][0], evidence=tuple(e for _, evidence in said for e in evidence), fix=_fix(containers)
        )


def _what_nvml_did(nvml: Nvml | None) -> list[tuple[str, tuple[Evidence, ...]]]:
    if nvml is None:
        return []
    title = ""
    if nvml.state == "hung":
        title = f"NVML does not answer{_where(nvml.detail)}"
    elif nvml.state == "crashed":
        title = f"NVML crashes{_where(nvml.detail)}"
    elif nvml.code == 12 and nvml.message and not any(words in nvml.message for words in _MISSING):
        title = f"libnvidia-ml cannot be loaded: {nvml.message}"
    elif nvml.code not in NVML_ORDINARY:
        title = f"nvmlInit fails with {nvml.code} ({nvml.message})"
    elif nvml.code == 0 and nvml.message.startswith("nvmlDeviceGetCount"):
        title = f"NVML cannot count the GPUs ({nvml.message})"
    if not title:
        return []
    answer = _answer(nvml.state, nvml.code, nvml.message)
    return [
        (title, (Evidence("nvmlInit", answer, "NVML"), seen("library", nvml.library), *_left(nvml.detail)))
    ]


def _what_cuda_did(cuda: CudaDriver | None) -> list[tuple[str, tuple[Evidence, ...]]]:
    if cuda is None:
        return []
    title = ""
    if cuda.state == "hung":
        title = f"libcuda does not answer{_where(cuda.detail)}"
    elif cuda.state == "crashed":
        title = f"libcuda crashes{_where(cuda.detail)}"
    elif cuda.code is None:
        title = f"libcuda cannot be loaded: {cuda.detail.partition(chr(10))[0]}"
    elif cuda.code not in CUDA_ORDINARY:
        title = f"cuInit fails with {cuda.code} ({cuda.name})"
    if not title:
        return []
    answer = _answer(cuda.state, cuda.code, cuda.name)
    return [
        (title, (Evidence("cuInit", answer, "libcuda"), seen("library", cuda.library), *_left(cuda.detail)))
    ]


def _answer(state: str, code: int | None, words: str) -> str:
    """ "failed, code 999, Unknown Error", or "crashed" alone."""
    return ", ".join(part for part in (state, "" if code is None else f"code {code}", words) if part)


def _where(detail: str) -> str:
    """ " (killed by SIGSEGV in nvmlInit)": the first line of what is known of a child's end."""
    first = detail.partition("\n")[0]
    return f" ({first})" if first else ""


def _left(detail: str) -> tuple[Evidence, ...]:
    return (Evidence("what the child left", detail, "standard error"),) if detail else ()


def _fix(containers: Containers) -> Fix:
    if isinstance(containers.inside, Known):
        kind = containers.inside.value.kind
        return Fix(
            "Run nvidia-smi on the host. If it works there, start this container anew: it may have lost its devices; if it "
            "fails there too, read the host's kernel log for NVRM and Xid lines",
            (f"{kind} restart CONTAINER   # on the host",) if kind in ("docker", "podman") else (),
        )
    return Fix(
        "Look for NVRM and Xid lines in the kernel's log; if there are none, reboot",
        ("sudo dmesg | grep -E 'NVRM|Xid'", "sudo reboot"),
    )
