"""NVML shows a GPU that CUDA does not

What it is: The driver's management library counts more GPUs than libcuda finds, even without CUDA_VISIBLE_DEVICES.

Why it hurts: nvidia-smi looks right, and programs cannot use the missing GPU.

How to tell: The devices of NVML against those of libcuda asked without the variable. With MIG on, CUDA shows fewer by design, and that is
another matter.

How to fix: Look at the device's node in /dev (is it there, may you open it, does the container's cgroup allow it), and at the
kernel log for faults of that GPU.

Sources: https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__INITIALIZE.html
https://github.com/NVIDIA/nvidia-container-toolkit/issues/48
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import MACHINE, CannotLook, DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.judging import devices, need
from gpudoctor.rules.witnesses import answering


def check(gpu: Gpu) -> Iterator[Problem]:
    nvml = answering(gpu)
    cuda = need(gpu.cuda, "libcuda")
    if cuda.state != "answered" or cuda.code != 0:
        # Then CUDA as a whole fails, and its code has causes of its own.
        raise CannotLook(f"libcuda does not answer ({cuda.state}: {cuda.code} {cuda.name})")
    if any(value_of(one.mig_enabled, False) for one in nvml.devices):
        raise DoesNotApply("MIG is on: CUDA shows fewer devices by design")
    count = need(cuda.devices_unmasked, "count of CUDA's devices without CUDA_VISIBLE_DEVICES")
    if count >= len(nvml.devices):
        return
    evidence = (
        Evidence("devices that NVML shows", str(len(nvml.devices)), "NVML"),
        Evidence("devices that libcuda shows", str(count), "libcuda"),
    )
    fix = Fix(
        "Look at the device nodes and the kernel log", ("ls -l /dev/nvidia*", "sudo dmesg | grep -i nvrm")
    )
    shown = {value_of(one.uuid, "") for one in cuda.devices}
    missing = [one for one in devices(gpu) if one.subject.name not in shown]
    if len(cuda.devices) == count and len(missing) == len(nvml.devices) - count:
        for one in missing:
            title = f"{one.subject.label} is shown by nvidia-smi, and not by CUDA"
            yield Problem(title, one.subject, "failure", evidence, fix=fix)
    else:
        title = f"CUDA shows {count} of the {len(nvml.devices)} GPUs that nvidia-smi shows"
        yield Problem(title, MACHINE, "failure", evidence, fix=fix)
