"""A desktop with two different GPUs. Composed: names and compute capabilities from NVIDIA's list of CUDA GPUs."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.machines import healthy
from tests.machines.parts import driver, gpu

SMALL, LARGE = ("NVIDIA GeForce GTX 1080 Ti", "6.1"), ("NVIDIA GeForce RTX 3090", "8.6")


def small_then_large(cuda_order: tuple[int, ...] = (0, 1)) -> Machine:
    """A GTX 1080 Ti (6.1) on the first slot and an RTX 3090 (8.6) on the second; CUDA lists them in that order."""
    base = gpu.answering(2, LARGE[0], LARGE[1], 0x2204, 24 << 30, False)
    nvml, cuda = base.nvml.value, base.cuda.value
    small = {"name": Known(SMALL[0], "nvml"), "compute_capability": Known(SMALL[1], "nvml")}
    first = cuda.devices[0].replace(**small)
    listed = (first, cuda.devices[1])
    shown = tuple(listed[n].replace(ordinal=i) for i, n in enumerate(cuda_order))
    pci = (gpu.pci(0, 0x1B06), gpu.pci(1, 0x2204))
    answers = base.replace(
        pci=Known(pci, "/sys/bus/pci/devices"),
        nvml=Known(nvml.replace(devices=(nvml.devices[0].replace(**small), nvml.devices[1])), "nvml"),
        cuda=Known(cuda.replace(devices=shown), "libcuda"),
    )
    return healthy.rtx3050_laptop().replace(driver=driver.installed(gpus=2), gpu=answers)
