"""NVML and CUDA describe the same GPU differently

What it is: The two libraries of the driver name one device, by its UUID, and give it different names or compute capabilities.

Why it hurts: One of them is not the driver's: a stub, an interception library, or the copy of another driver. What programs are told of the
GPU cannot be trusted, and code may be chosen for the wrong one.

How to tell: Name and compute capability of the same UUID from both.

How to fix: See which libcuda.so.1 and libnvidia-ml.so.1 are loaded (the evidence names them), and take the foreign one off the loader's path.

Sources: https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceQueries.html
https://docs.nvidia.com/cuda/cuda-driver-api/group__CUDA__DEVICE.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.findings import CannotLook, Evidence, Fix, Problem, seen
from gpudoctor.rules.judging import devices, need
from gpudoctor.rules.witnesses import answering


def check(gpu: Gpu) -> Iterator[Problem]:
    nvml = answering(gpu)
    cuda = need(gpu.cuda, "libcuda")
    if cuda.state != "answered" or cuda.code != 0:
        raise CannotLook(f"libcuda does not answer ({cuda.state}: {cuda.code} {cuda.name})")
    twins = {value_of(one.uuid, ""): one for one in cuda.devices if value_of(one.uuid, "")}
    for one in devices(gpu):
        twin = twins.get(one.subject.name)
        if twin is None or one.nvml is None:
            continue
        pairs = (
            ("name", one.nvml.name, twin.name),
            ("compute capability", one.nvml.compute_capability, twin.compute_capability),
        )
        for what, ours, theirs in pairs:
            if isinstance(ours, Known) and isinstance(theirs, Known) and ours.value != theirs.value:
                yield Problem(
                    f"{one.subject.label}: its {what} is {ours.value} by NVML and {theirs.value} by CUDA",
                    one.subject,
                    "warning",
                    (
                        Evidence(f"{what} by NVML", ours.value, ours.via),
                        Evidence(f"{what} by CUDA", theirs.value, theirs.via),
                        seen("libnvidia-ml", nvml.library),
                        seen("libcuda", cuda.library),
                    ),
                    fix=Fix("Take the library that is not the driver's off the loader's path"),
                )
