"""Another driver waits on disk for the next reboot

What it is: The module in memory and the libraries agree, but the module on disk for this kernel is of another version:
the kernel's half of the driver was upgraded, the libraries were not.

Why it hurts: All works until the reboot. Then the other module is loaded, does not fit the libraries, and nothing works
("Driver/library version mismatch").

How to tell: The version in nvidia.ko's .modinfo against /sys/module/nvidia/version and the name of libnvidia-ml's file.

How to fix: Bring both halves to one version (`sudo apt-get install -f`, or install the driver once more) before the
machine is started anew.

Sources: https://github.com/tinygrad/open-gpu-kernel-modules/issues/47
https://github.com/NVIDIA/ubuntu-packaging-nvidia-driver/issues/3
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.driver import Driver
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.findings import CannotLook, DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.driver._installation import native_linux, user_space
from gpudoctor.rules.judging import need, need_or


def check(host: Host, driver: Driver) -> Iterator[Problem]:
    native_linux(host)
    module = need(driver.module, "NVIDIA kernel module in memory")
    kernel = need(host.kernel, "running kernel")
    files = [f for f in need_or(driver.module_files, "modules on disk", ()) if f.kernel == kernel]
    if not files:
        raise DoesNotApply("no module on disk for this kernel")
    versions = {f.version.value: f for f in files if isinstance(f.version, Known)}
    if not versions:
        raise CannotLook(f"{files[0].path}: {getattr(files[0].version, 'reason', 'no version')}")
    libraries = [c for c in user_space(driver) if c.name == "libnvidia-ml.so.1" and c.origin != "unreached"]
    library = value_of(libraries[0].version, "") if libraries else ""
    if module.version in versions or library != module.version:
        return
    version, file = next(iter(versions.items()))
    yield Problem(
        f"After a reboot module {version} would meet libraries of {library}",
        severity="warning",
        evidence=(
            Evidence("module on disk", version, file.path),
            Evidence("module in memory", module.version, getattr(driver.module, "via", "")),
            Evidence("user-space driver", library, libraries[0].real_path),
        ),
        fix=Fix("Install module and libraries of one version before the next reboot"),
    )
