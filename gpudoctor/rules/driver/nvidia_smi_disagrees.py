"""nvidia-smi and the driver library are of different versions

What it is: The nvidia-smi that PATH finds speaks of another driver version than NVML does, or it is the program of
another driver version than the library that it loads. Usually two of them are installed: one of the distribution's
packages, one left by a .run installation, a container image or a toolkit.

Why it hurts: nvidia-smi is what people paste and what scripts parse. An older one lacks columns and options, and a
left-over shows that a second driver installation lies around, which the next upgrade may make fatal.

How to tell: The first number of nvidia-smi's banner is the program's own, the second the kernel driver's; both are
compared with what NVML answers. On WSL2 the numbers differ by design (the second is Windows' driver), and nothing is
said.

How to fix: Find every nvidia-smi on PATH, and remove the package or installation that the odd one belongs to.

Sources: https://docs.nvidia.com/deploy/nvidia-smi/index.html
https://docs.nvidia.com/cuda/wsl-user-guide/index.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.gpu import Gpu, Nvml, Smi
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Known, Observed
from gpudoctor.findings import CannotLook, DoesNotApply, Evidence, Fix, Problem, seen
from gpudoctor.rules.judging import gpu_ruled_out, need

_EXPLANATION_KERNEL = (
    "Both ask the same kernel driver, so two answers mean that one of them does not speak of this machine: a wrapper, "
    "or a program that loads another library."
)


def check(host: Host, gpu: Gpu) -> Iterator[Problem]:
    if isinstance(host.wsl, Known):
        raise DoesNotApply("on WSL2 these versions differ by design")
    smi = need(gpu.smi, "nvidia-smi")
    nvml = need(gpu.nvml, "libnvidia-ml")
    kernel = _pair(smi.kmd_version, nvml.driver_version)
    program = _pair(smi.smi_version, nvml.library_version)
    if not kernel and not program and gpu_ruled_out(gpu):
        raise DoesNotApply("no NVIDIA GPU, so nvidia-smi has no driver to speak of")
    if not kernel and not program:
        raise CannotLook(
            f"nvidia-smi or NVML does not tell its version (nvidia-smi {smi.state}, NVML {nvml.state})"
        )
    if kernel and kernel[0] != kernel[1]:
        yield Problem(
            f"nvidia-smi speaks of driver {kernel[0]}, NVML of {kernel[1]}",
            severity="warning",
            evidence=_evidence(smi, nvml),
            explanation=_EXPLANATION_KERNEL,
            fix=_fix(),
        )
    elif program and program[0] != program[1]:
        yield Problem(
            f"nvidia-smi is of driver {program[0]}, the library that it should belong to of {program[1]}",
            severity="note",
            evidence=_evidence(smi, nvml),
            fix=_fix(),
        )


def _pair(first: Observed[str], second: Observed[str]) -> tuple[str, str] | None:
    return (first.value, second.value) if isinstance(first, Known) and isinstance(second, Known) else None


def _evidence(smi: Smi, nvml: Nvml) -> tuple[Evidence, ...]:
    return (
        seen("nvidia-smi itself", smi.smi_version, smi.path),
        seen("kernel driver as nvidia-smi says", smi.kmd_version, smi.path),
        seen("kernel driver as NVML says", nvml.driver_version),
        seen("libnvidia-ml itself", nvml.library_version),
        *(Evidence("another nvidia-smi", copy, "PATH") for copy in smi.others),
    )


def _fix() -> Fix:
    return Fix(
        "Find every nvidia-smi, and remove the installation that the odd one belongs to",
        ("which -a nvidia-smi", "dpkg -S $(which -a nvidia-smi) || rpm -qf $(which -a nvidia-smi)"),
    )
