"""A Linux NVIDIA driver is installed inside WSL

What it is: In WSL the driver is Windows': its libraries appear in /usr/lib/wsl/lib. A Linux driver installed beside it
(by the packages cuda, cuda-drivers or nvidia-driver, or a .run file) brings its own libcuda, which knows no /dev/dxg.

Why it hurts: The loader takes the Linux libcuda first; CUDA answers "no device" (100) or 999 although nvidia-smi works.
Where the order happens to be right, the next ldconfig or upgrade turns it.

How to tell: The first libcuda.so.1 that the loader finds is not below /usr/lib/wsl, or dpkg lists packages of the driver.

How to fix: Purge the Linux driver; keep the driver in Windows. For the toolkit install cuda-toolkit-<version>, never cuda
or cuda-drivers.

Sources: https://docs.nvidia.com/cuda/wsl-user-guide/index.html
https://github.com/microsoft/WSL/issues/9254
https://github.com/NVIDIA/cuml/issues/6218
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.driver import Driver
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Known, Unknown, value_of
from gpudoctor.findings import CannotLook, DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.driver._installation import core_packages
from gpudoctor.rules.judging import need
from gpudoctor.rules.wsl import LINUX_DRIVER
from gpudoctor.signature import Signature

explains = (
    "wsl-libcuda-stub",
    "driver-not-answering",
    "driver-library-mismatch",
    "gpu-lost-in-cuda",
    "kernel-module-not-loaded",
)

signatures: tuple[Signature | str, ...] = (
    Signature(
        r"(?:nvidia-driver-\d+|cuda-drivers|libnvidia-compute-\d+|nvidia-dkms)",
        0.65,
        when="on-wsl",
        needs=(r"apt|dpkg|install",),
    ),
    # Installed, and then: nvidia-smi is Linux's and finds no driver, libcuda is there twice.
    Signature(
        LINUX_DRIVER,
        0.94,
        when="on-wsl",
        needs=(
            r"GPU access blocked|(?:/usr)?/lib/x86_64-linux-gnu\S{0,4} .{0,60}libcuda|libcuda\.so\.[3-9]\d\d|couldn't communicate with the NVIDIA driver|Driver/library version mismatch",
        ),
        unless=(r"(?:purg|remov|uninstall)\w* .{0,60}(?:nvidia|driver)",),
    ),
)


def check(host: Host, driver: Driver) -> Iterator[Problem]:
    if need(host.wsl, "WSL").generation != 2:
        raise DoesNotApply("WSL 1 has no GPU at all")
    libraries = need(driver.libraries, "driver libraries")
    reached = [
        c for c in libraries if c.name == "libcuda.so.1" and c.origin in ("loader", "ld-library-path", "wsl")
    ]
    foreign = [
        c
        for c in libraries
        if c.origin in ("loader", "ld-library-path", "unreached") and isinstance(c.version, Known)
    ]
    packages = core_packages(driver)
    shadows = bool(reached) and reached[0].origin != "wsl" and reached[0].size != 0
    if not shadows and not packages and not foreign:
        if isinstance(driver.packages, Unknown):
            raise CannotLook(f"packages: {driver.packages.reason}")
        return
    evidence = (
        [Evidence("libcuda.so.1 of the loader", reached[0].real_path, reached[0].path)] if reached else []
    )
    evidence += [Evidence("copy of the Linux driver", c.real_path, c.path) for c in foreign[:3]]
    if packages:
        evidence.append(Evidence("packages", ", ".join(packages[:4]), getattr(driver.packages, "via", "")))
    title = (
        f"The Linux driver's {reached[0].real_path} hides Windows' libcuda in /usr/lib/wsl/lib"
        if shadows
        else "A Linux NVIDIA driver is installed inside WSL, beside Windows' driver"
    )
    yield Problem(
        title,
        severity="failure" if shadows else "warning",
        evidence=tuple(evidence),
        fix=_fix(bool(packages), value_of(host.distribution, None) is not None),
    )


def _fix(by_package: bool, known: bool) -> Fix:
    summary = "Remove the Linux driver from WSL; Windows' driver is enough"
    if by_package and known:
        return Fix(
            summary,
            (
                "sudo apt-get purge 'nvidia-driver-*' 'libnvidia-*' 'cuda-drivers*' 'nvidia-dkms-*'",
                "sudo ldconfig",
            ),
        )
    return Fix(summary, ("sudo nvidia-uninstall", "sudo ldconfig"))
