"""The image demands a newer driver than the host has

What it is: CUDA images carry NVIDIA_REQUIRE_CUDA, a condition such as `cuda>=12.8`, and the toolkit compares it with
what the host's driver implements. Older images have only CUDA_VERSION, which the toolkit reads as such a condition.

Why it hurts: With the toolkit's hook the container does not start ("unsatisfied condition: cuda>=12.8"). With CDI, or
with the check turned off, it starts, and CUDA fails later: error 35 for an older major version, "unsupported toolchain"
for anything that needs the driver's compiler.

How to tell: The NVIDIA_REQUIRE_* variables of the first process against the CUDA version that libcuda answers with.
Blanks mean or, commas mean and, several variables must all hold.

How to fix: A newer driver on the host, or an image of an older CUDA. On data-centre GPUs the cuda-compat package in the
image is a third way. NVIDIA_DISABLE_REQUIRE=true (without an S at its end) switches the check off: within one major
version of CUDA that works, as long as nothing needs the driver's compiler.

Sources: https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/docker-specialized.html#constraints
https://github.com/NVIDIA/nvidia-container-toolkit/issues/152
https://github.com/ggml-org/llama.cpp/issues/9665
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

from gpudoctor.facts.containers import Containers, Inside
from gpudoctor.facts.driver import Driver
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.observed import Absent, Known, value_of
from gpudoctor.findings import CannotLook, DoesNotApply, Evidence, Fix, Problem, seen
from gpudoctor.parsers.require_cuda import all_fulfilled
from gpudoctor.rules.containers._shared import the_container
from gpudoctor.rules.judging import driver_cuda, driver_version, need, need_or
from gpudoctor.signature import Signature
from gpudoctor.versions import is_version, major, release

explains = ("driver-too-old-for-runtime", "container-require-disabled")

signatures: tuple[Signature | str, ...] = (
    Signature(
        r"requirement error: unsatisfied condition: (?P<wants>[\w>=.]+)",
        0.97,
        explanation="The image demands {wants} of the host's driver, which offers less.",
        fix="Update the host's driver until it satisfies {wants}, or use an image of an older CUDA.",
    ),
    Signature(r"unsatisfied condition: (?:cuda|driver|brand|arch)", 0.95),
    Signature(r"requirement error: (?:invalid expression|no compatible)", 0.8),
    Signature(r"please update your driver to a newer version, or use an earlier cuda container", 0.93),
    Signature(r"unsatisfied condition: ", 0.93, needs=(r"nvidia|cuda|driver",)),
    Signature(r"unsatisfied condition\b", 0.82, needs=(r"nvidia|cuda|driver",)),
    Signature(r"NVIDIA_DISABLE_REQUIRE", 0.66, needs=(r"driver|cuda",)),
    Signature(
        r"NVIDIA_DISABLE_REQUIRE ?[=:] ?[\"']?(?:1|true)",
        0.68,
        needs=(r"container|docker|pod|image",),
        unless=(r"Unknown Error",),
    ),
    Signature(
        r"NVIDIA_REQUIRE_CUDA ?= ?\"?cuda>=", 0.72, needs=(r"fail\w*|error|refus\w*|cannot|won't|n't start",)
    ),
    Signature(r"requirement error", 0.72, needs=(r"cuda ?>=|driver ?>=",)),
)


_CUDA = re.compile(r"cuda>=?(\d+(?:\.\d+)?)")


def check(driver: Driver, gpu: Gpu, containers: Containers) -> Iterator[Problem]:
    inside = the_container(containers)
    demands = _demands(inside)
    if not any(text.strip() for text in demands.values()):
        raise DoesNotApply("the image demands nothing of the driver")
    if isinstance(gpu.nvml, Absent) and isinstance(gpu.cuda, Absent):
        raise DoesNotApply("no driver in this container to compare with")
    cuda = need(driver_cuda(gpu), "CUDA version of the driver")
    answer = all_fulfilled(demands.values(), _properties(driver, gpu, cuda))
    if answer is None:
        raise CannotLook(f"whether {' and '.join(demands)} holds: it hangs on a property that is not known")
    if answer:
        return
    wanted = [match.group(1) for text in demands.values() for match in _CUDA.finditer(text)]
    another_major = bool(wanted) and all(major(w) > major(cuda) for w in wanted)
    condition = f"CUDA {wanted[0]}" if wanted else "another driver"
    yield Problem(
        f"The image demands {condition}, the host's driver implements CUDA {cuda}",
        # Within a major version CUDA runs on older drivers, but for what needs their compiler.
        severity="failure" if another_major or not wanted else "warning",
        evidence=(
            *(Evidence(name, text, _via(inside)) for name, text in demands.items()),
            seen("CUDA of the driver", driver_cuda(gpu)),
            seen("driver", driver_version(driver, gpu)),
            seen("NVIDIA_DISABLE_REQUIRE", inside.disable_require),
        ),
        fix=Fix(
            f"Install a newer driver on the host, or take an image of CUDA {release(cuda)} or older"
            + ("" if another_major or not wanted else "; NVIDIA_DISABLE_REQUIRE=true switches the check off")
        ),
    )


def _demands(inside: Inside) -> Mapping[str, str]:
    all_of_them = value_of(inside.requirements, {})
    if all_of_them:
        return all_of_them
    require = need_or(inside.require_cuda, "NVIDIA_REQUIRE_CUDA", "")
    if require:
        return {"NVIDIA_REQUIRE_CUDA": require}
    # An image from before NVIDIA_REQUIRE_CUDA: the toolkit makes the condition from CUDA_VERSION.
    version = value_of(inside.cuda_version, "")
    return {"CUDA_VERSION": f"cuda>={release(version)}"} if is_version(version) else {}


def _via(inside: Inside) -> str:
    for said in (inside.requirements, inside.require_cuda, inside.cuda_version):
        if isinstance(said, Known):
            return said.via
    return ""


def _properties(driver: Driver, gpu: Gpu, cuda: str) -> Mapping[str, str]:
    """What conditions may name. Brand and architecture count only where all GPUs agree."""
    found = {"cuda": cuda}
    version = driver_version(driver, gpu)
    if isinstance(version, Known):
        found["driver"] = version.value
    nvml = value_of(gpu.nvml, None)
    devices = nvml.devices if nvml else ()
    for name, values in (
        ("brand", {value_of(d.brand, "") for d in devices}),
        ("arch", {value_of(d.compute_capability, "") for d in devices}),
    ):
        if len(values) == 1 and "" not in values:
            found[name] = values.pop()
    return found
