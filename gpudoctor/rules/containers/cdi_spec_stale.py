"""A CDI specification is of another driver than the one that runs

What it is: A CDI specification lists the driver's files by their full names, version and all. After a driver update or a
change of GPUs it names files that are gone, or libraries of the old version.

Why it hurts: Containers that ask for the device don't start ("no such file or directory", "failed to stat CDI host
device"), or start with libraries that the kernel module refuses ("Driver/library version mismatch").

How to tell: Every host path in the specification is looked up, and the version in its library names is compared with that
of the loaded kernel module.

How to fix: Generate it again, and let the toolkit's nvidia-cdi-refresh service (since 1.18) do it from now on.

Sources: https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/cdi-support.html
https://github.com/NVIDIA/nvidia-container-toolkit/issues/885
https://github.com/cncf-tags/container-device-interface/blob/main/SPEC.md
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.driver import Driver
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem, Subject, seen
from gpudoctor.rules.containers._cdi import overridden
from gpudoctor.rules.containers._shared import nvidia_specs
from gpudoctor.signature import Signature

explains = ("cdi-spec-shadowed",)

signatures: tuple[Signature | str, ...] = (
    Signature(
        r"failed to (?:stat|fulfil mount request).{0,60}(?:CDI host device|libnvidia\S*|libcuda\S*)", 0.85
    ),
    Signature(r"failed to stat CDI host device", 0.93),
    Signature(
        r"(?:mount|stat) \S*/lib(?:cuda|nvidia-ml)\.so\.\d+\.\d+\S* .{0,40}no such file or directory", 0.8
    ),
)


def check(driver: Driver, containers: Containers) -> Iterator[Problem]:
    specs = nvidia_specs(containers)
    if not specs:
        raise DoesNotApply("no CDI specification for NVIDIA devices")
    module = value_of(driver.module, None)
    for spec in specs:
        if overridden(spec, specs):
            continue  # no engine uses it
        named = spec.driver_version
        differs = module is not None and isinstance(named, Known) and named.value != module.version
        if not spec.missing and not differs:
            continue
        title = (
            f"{spec.path} is for driver {value_of(named, '?')}, the kernel runs {module.version}"
            if differs and module is not None
            else f"{spec.path} names {len(spec.missing)} files that are not there, {spec.missing[0]} among them"
        )
        yield Problem(
            title,
            Subject("file", spec.path, spec.path),
            evidence=(
                *(Evidence("not there", path, spec.path) for path in spec.missing[:5]),
                seen("driver of the specification", named),
                Evidence("module in memory", module.version, getattr(driver.module, "via", ""))
                if module is not None
                else seen("module in memory", driver.module),
            ),
            fix=Fix(
                "Generate the specification again",
                (f"sudo nvidia-ctk cdi generate --output={spec.path}",),
                "unsafe",
            ),
        )
