"""The running kernel's headers are missing, so DKMS cannot build the module

What it is: The driver came as source for DKMS, and the headers (the build tree) of the running kernel are not installed,
so no module was built for it.

Why it hurts: After a kernel update the machine boots without the NVIDIA module; nothing prints an error, DKMS just skips
that kernel.

How to tell: DKMS knows the nvidia module, /lib/modules/<running kernel>/build is missing, and there is no nvidia.ko for
this kernel.

How to fix: Install the headers of exactly this kernel and build; install the meta package that pulls headers with every
kernel (linux-headers-generic, kernel-devel, linux-headers), so that it does not come back.

Sources: https://github.com/MatMoul/archfi/issues/113
https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.driver import Driver
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Absent
from gpudoctor.findings import CannotLook, Evidence, Fix, Problem, seen
from gpudoctor.rules.driver._installation import (
    SYMPTOMS,
    files_for_running,
    gpus,
    headers_command,
    in_memory,
    native_linux,
)
from gpudoctor.rules.judging import need
from gpudoctor.signature import Signature

explains = (*SYMPTOMS, "dkms-build-failed")

signatures: tuple[Signature | str, ...] = (
    Signature(r"Your kernel headers for kernel \S+ cannot be found", 0.95),
    Signature(r"Unable to find the kernel source tree for the currently running kernel", 0.95),
    Signature(r"Kernel headers for target kernel \S+ (?:was not found|were not found|are missing)", 0.93),
    Signature(r"/lib/modules/\S+/build(?:: No such file|\S* does not exist)", 0.85),
    # NVIDIA's driver container; apt and dnf.
    Signature(r"Could not resolve Linux kernel version", 0.88),
    Signature(
        r"Unable to locate package linux-headers-|No package kernel-(?:devel|headers)-\S+ available", 0.88
    ),
    Signature(
        r"(?:kernel-devel|kernel-headers|linux-headers)-\S+ .{0,40}(?:not found|No match|Nothing provides)",
        0.85,
    ),
    Signature(
        r"kernel source (?:path|tree|directory) .{0,80}(?:does not exist|not found|is incorrect|could not be found)",
        0.85,
    ),
)


def check(host: Host, driver: Driver, gpu: Gpu) -> Iterator[Problem]:
    native_linux(host)
    gpus(gpu)
    builds = need(host.dkms, "DKMS tree")
    kernel = need(host.kernel, "running kernel")
    if not builds or in_memory(driver) or files_for_running(host, driver):
        return
    if any(b.kernel == kernel and b.state in ("built", "installed") for b in builds):
        return
    if not isinstance(host.kernel_headers, Absent):
        if need(host.kernel_headers, "kernel headers"):
            return
        raise CannotLook("kernel headers")
    command = headers_command(host)
    commands = (command, f"sudo dkms autoinstall -k {kernel}", "sudo modprobe nvidia") if command else ()
    yield Problem(
        f"The headers of kernel {kernel} are missing, so DKMS built no NVIDIA module for it",
        evidence=(
            seen("kernel headers", host.kernel_headers),
            Evidence("DKMS", f"{builds[0].module} {builds[0].version}", "/var/lib/dkms"),
            seen("module in memory", driver.module),
        ),
        fix=Fix(
            "Install the headers of the running kernel, build the module, load it",
            commands,
        ),
    )
