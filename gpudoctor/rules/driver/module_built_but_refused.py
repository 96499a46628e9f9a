"""The kernel refuses the NVIDIA module that is on disk

What it is: nvidia.ko lies under the running kernel's modules, and the kernel would not take it: it was built against
another kernel's sources or configuration ("version magic", "Unknown symbol", "Invalid module format"), or this kernel
enforces signatures even without Secure Boot (module.sig_enforce, lockdown).

Why it hurts: No module in memory: nvidia-smi can't reach the driver, CUDA finds no device.

How to tell: The file is there, the module is not in memory, and the kernel log has a refusal.

How to fix: Build the module again for exactly this kernel; where signatures are enforced, sign it with an enrolled key.

Sources: https://github.com/siderolabs/talos/issues/7174
https://github.com/secureblue/secureblue/issues/1043
https://docs.kernel.org/admin-guide/module-signing.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.driver import Driver
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Unknown, value_of
from gpudoctor.findings import CannotLook, Evidence, Fix, Problem, seen
from gpudoctor.rules.driver._installation import (
    SYMPTOMS,
    events,
    files_for_running,
    gpus,
    in_memory,
    native_linux,
    quoted,
)
from gpudoctor.signature import Signature

explains = SYMPTOMS

signatures: tuple[Signature | str, ...] = (
    Signature(r"nvidia: version magic '.{0,80}' should be", 0.9),
    Signature(r"nvidia: disagrees about version of symbol", 0.9),
    Signature(
        r"could not insert '?nvidia(?:[-_]\d+|[-_]current)?'?: (?:Invalid argument|Exec format error|Unknown symbol in module)",
        0.82,
        needs=(r"nvidia",),
    ),
)


def check(host: Host, driver: Driver, gpu: Gpu) -> Iterator[Problem]:
    native_linux(host)
    gpus(gpu)
    if in_memory(driver):
        return
    files = files_for_running(host, driver)
    if not files:
        return
    refused = events(host, "module-unfit", "module-rejected")
    if not refused:
        if isinstance(host.kernel_log, Unknown):
            raise CannotLook(f"kernel log: {host.kernel_log.reason}", host.kernel_log.would_help)
        return
    kernel = value_of(host.kernel, "$(uname -r)")
    why = (
        "it was built for another kernel"
        if refused[0].kind == "module-unfit"
        else "its signature is not accepted"
    )
    yield Problem(
        f"The kernel refuses {files[0].path.rpartition('/')[2]}: {why}",
        evidence=(
            Evidence("module on disk", files[0].path, "/lib/modules"),
            *quoted(host, refused),
            seen("module in memory", driver.module),
        ),
        fix=Fix(
            f"Build the module again for kernel {kernel}, and load it",
            (f"sudo dkms autoinstall --force -k {kernel}", "sudo depmod -a", "sudo modprobe nvidia"),
        ),
    )
