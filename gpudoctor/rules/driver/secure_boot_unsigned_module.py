"""Secure Boot refuses the NVIDIA module

What it is: With Secure Boot on, the kernel loads only modules signed with a key that the firmware or the machine's owner
(MOK) vouches for. The NVIDIA module is unsigned, or signed with a key that was never enrolled.

Why it hurts: modprobe ends in "Key was rejected by service" or "Required key not available"; there is no module in
memory, so no nvidia-smi and no CUDA.

How to tell: The EFI variable SecureBoot ends in 1, nvidia.ko for this kernel is on disk and not in memory, and it has no
signature, or the kernel log says that a module's key was rejected.

How to fix: Enrol the key that signs the module (`sudo mokutil --import <key>`, confirm it on the blue screen at the next
boot), use the distribution's prebuilt signed modules, or switch Secure Boot off in the BIOS.

Sources: https://github.com/MicrosoftDocs/azure-docs/issues/111536
https://github.com/crhy/spaced/issues/25
https://docs.kernel.org/admin-guide/module-signing.html
https://wiki.debian.org/SecureBoot
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.driver import Driver
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Known, Unknown, value_of
from gpudoctor.findings import CannotLook, Fix, Problem, seen
from gpudoctor.rules.driver._installation import (
    SYMPTOMS,
    events,
    family,
    files_for_running,
    gpus,
    in_memory,
    native_linux,
    quoted,
)
from gpudoctor.rules.judging import need_or
from gpudoctor.signature import Signature

explains = (*SYMPTOMS, "module-built-but-refused")

signatures: tuple[Signature | str, ...] = (
    # modprobe and insmod: ENOKEY (before 4.13) and EKEYREJECTED.
    Signature(
        r"could not insert '?\"?nvidia\S* (?:Required key not available|Key was rejected by service)", 0.97
    ),
    Signature(r"Required key not available", 0.85, needs=(r"nvidia",)),
    Signature(r"Key was rejected by service", 0.92),
    # The kernel's own lines.
    Signature(
        r"Loading of (?:unsigned )?module is rejected|Loading of module with unavailable key is rejected",
        0.85,
        needs=(r"rejected",),
    ),
    r"Lockdown: (?:modprobe|insmod): unsigned module loading is restricted",
    # NVIDIA's installer.
    r"kernel module .{0,60}signature (?:could not be|was not) verified|the kernel module load was rejected|signing key .{0,60}Secure Boot",
    Signature(
        r"SecureBoot enabled",
        0.5,
        needs=(r"couldn't communicate with the NVIDIA driver|could not insert|modprobe",),
    ),
    Signature(r"UEFI Secure Boot.{0,200}(?:nvidia|module)", 0.6),
    Signature(r"mokutil.{0,200}(?:Failed|Enroll)", 0.45, needs=(r"nvidia",)),
)


def check(host: Host, driver: Driver, gpu: Gpu) -> Iterator[Problem]:
    native_linux(host)
    gpus(gpu)
    if in_memory(driver) or not need_or(host.secure_boot, "Secure Boot", False):
        return
    files = files_for_running(host, driver)
    if not files:
        return
    refused = events(host, "module-rejected")
    unsigned = [f for f in files if isinstance(f.signed, Known) and not f.signed.value]
    if not refused and not unsigned:
        if isinstance(files[0].signed, Unknown):
            raise CannotLook(f"signature of {files[0].path}: {files[0].signed.reason}", "root")
        if isinstance(host.kernel_log, Unknown):
            raise CannotLook(f"kernel log: {host.kernel_log.reason}", host.kernel_log.would_help)
        return
    what = "unsigned" if unsigned else "signed with a key that this machine does not trust"
    yield Problem(
        f"Secure Boot is on and the NVIDIA module is {what}",
        evidence=(
            seen("Secure Boot", host.secure_boot),
            seen(f"signature of {files[0].path}", files[0].signed),
            seen("module in memory", driver.module),
            *quoted(host, refused),
        ),
        fix=_fix(host, bool(unsigned), value_of(host.kernel, "$(uname -r)")),
    )


def _fix(host: Host, unsigned: bool, kernel: str) -> Fix:
    summary = "Enrol the key that signs the module and confirm it at the next boot, or switch Secure Boot off in the BIOS"
    key = {
        "ubuntu": "/var/lib/shim-signed/mok/MOK.der",
        "debian": "/var/lib/dkms/mok.pub",
        "fedora": "/etc/pki/akmods/certs/public_key.der",
    }.get(family(host))
    if key is None:
        return Fix(summary)
    rebuild = (f"sudo dkms autoinstall --force -k {kernel}",) if unsigned and family(host) != "fedora" else ()
    return Fix(summary, (*rebuild, f"sudo mokutil --import {key}", "sudo reboot"), "manual")
