"""nouveau or nova owns the GPU, not NVIDIA's driver

What it is: The kernel's own driver for NVIDIA GPUs (nouveau, or its successor nova_core) took the GPU at boot, before
NVIDIA's module could. A device belongs to one driver.

Why it hurts: nouveau can't run CUDA, and NVIDIA's module finds no device left: "NVIDIA probe routine was not called".

How to tell: /sys/bus/pci/devices/<GPU>/driver points to nouveau, while NVIDIA's driver is installed.

How to fix: Blacklist nouveau (and nova_core), rebuild the initramfs so that it holds at the start of boot too, reboot.
Distributions' driver packages do that; a .run installation offers it.

Sources: https://github.com/NVIDIA/gpu-operator/issues/8
https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/#disabling-nouveau
https://docs.kernel.org/gpu/nova/index.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.driver import Driver
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Known, Unknown, value_of
from gpudoctor.findings import CouldNotTell, DoesNotApply, Evidence, Fix, Problem, seen
from gpudoctor.rules.driver._installation import (
    SYMPTOMS,
    described,
    events,
    gpus,
    initramfs_command,
    installation,
    native_linux,
    quoted,
    silent,
    subject,
)
from gpudoctor.signature import Signature

explains = (*SYMPTOMS, "gpu-init-failed", "nvidia-module-blacklisted")

#: Plymouth's and Fedora's sentence: nouveau takes over because NVIDIA's module is not there, not the other way round.
MISSING = r"kernel module (?:is )?(?:missing|not found)"

signatures: tuple[Signature | str, ...] = (
    # nv-pci.c of the driver.
    Signature(r"The NVIDIA probe routine was not called for \d+ device", 0.85),
    Signature(r"is already bound to (?:NovaCore|nouveau|nova\w*)", 0.97),
    r"This can occur when (?:a driver such as: nouveau|another driver)",
    Signature(r"a driver such as:? nouveau, rivafb", 0.9),
    # NVIDIA's installer; lspci.
    r"The Nouveau kernel driver is currently in use by your system",
    r"Kernel driver in use: nouveau",
    Signature(r"nouveau 0000:\S+: (?:NVIDIA|bios|fb:|DRM|disp|gr:|timer)", 0.8),
    Signature(r"(?:lsmod \| grep nouveau|^nouveau +\d{5,})", 0.7, needs=(r"^nouveau \d{4,}",)),
    Signature(r"(?:blacklist(?:ing)?|disable) nouveau", 0.4),
    # inxi, lshw, glxinfo, X.org's log, nvidia-installer of other years; prose.
    Signature(
        r"driver: nouveau|driver=nouveau|loaded: nouveau|OpenGL (?:vendor|renderer) string: (?:nouveau|NV[0-9A-F]{2,3}\b)",
        0.85,
    ),
    Signature(
        r"NOUVEAU\(0\)|nouveau E\[|nouveau: probe of|Nouveau kernel driver (?:is )?(?:currently )?(?:in use|loaded|running)",
        0.8,
    ),
    Signature(
        r"nouveau (?:driver |kernel |module |kernel module )*(?:is |was |are |being |still |already |gets? |got ){1,3}(?:loaded|in use|running|used|active|enabled|attached|bound|conflict\w*)|conflict\w* with (?:the )?nouveau|nouveau .{0,30}conflict|unload(?:ing)? (?:the )?nouveau",
        0.8,
        unless=(r"Unloading nouveau module",),  # a program that switches GPUs does so
    ),
    Signature(
        r"(?:blacklist(?:ing|ed)?|disabl(?:e|ed|ing)|modprobe\.blacklist=|rd\.driver\.blacklist=) ?(?:the )?nouveau",
        0.45,
        needs=(r"couldn't communicate|No devices were found|not load|fail\w*|error|conflict|nvidia",),
    ),
    Signature(r"禁用 ?nouveau|屏蔽 ?nouveau|nouveau ?(?:驱动)?(?:冲突|没有禁用|未禁用)", 0.65),
    Signature(
        r"already bound to (?:the )?(?:NovaCore|nova_core|nouveau|vfio|nvidiafb)\b.{0,80}",
        0.6,
        needs=(r"nova|nouveau",),
    ),
    Signature(
        r"nouveau[`'\"]? .{0,80}(?:still|anyway|again) (?:being )?(?:loaded|loads|in use|active|running|used|shows?|there)|(?:falls?|fell|falling|back|revert\w*|default\w*) (?:back )?to (?:the )?(?:open[- ]source )?nouveau|(?:uses?|using|runs?|running|loads?|loading|on|with) (?:the )?(?:open[- ]source )?nouveau (?:driver )?(?:instead|rather)|(?:instead|rather) .{0,20}nouveau (?:is|gets|was) (?:used|loaded)",
        0.74,
        needs=(r"nvidia|lsmod|drivers?\b|kernel|module",),
        unless=(MISSING,),
    ),
    Signature(
        r"nova_core (?:0000:)?\S* ?(?:claim|bound|probe)|nouveau .{0,20}(?:tak(?:es|ing) over|grabs?|claims?|claiming|grabbing|hijack\w*)",
        0.78,
        needs=(r"nvidia",),
    ),
    # negativo17's and RPM Fusion's service; prose.
    Signature(
        r"(?:fallback to nouveau|nouveau fallback|nvidia-fallback|falling back to nouveau|Fallback to nouveau as nvidia did not load)",
        0.76,
        needs=(r"nvidia",),
        unless=(MISSING,),
    ),
    Signature(
        r"nouveau (?:driver |module |kernel module )?(?:is |was |gets |keeps |stays |being )?(?:always|still|again|constantly|already|automatically) (?:\w+ ){0,3}(?:there|present|load\w*|active|running|used|in use|bound)|nouveau (?:not being|is not|isn't|wasn't|was not|not) (?:getting )?(?:blacklisted|disabled|unloaded|removed)",
        0.76,
        needs=(r"nvidia",),
    ),
    # lsmod's row, wherever it is quoted.
    Signature(
        r"\bnouveau {1,30}\d{6,8} {1,8}\d{1,3}\b", 0.86, needs=(r"nvidia|cuda|GeForce|GTX|RTX|Quadro|Tesla",)
    ),
)


OTHERS = ("nouveau", "nova", "NovaCore", "nvidiafb")


def check(host: Host, driver: Driver, gpu: Gpu) -> Iterator[Problem | CouldNotTell]:
    native_linux(host)
    found = gpus(gpu)
    held = [d for d in found if value_of(d.driver, "").startswith(OTHERS)]
    if not held:
        for one in found:
            if isinstance(one.driver, Unknown):
                yield CouldNotTell(f"driver of {one.address}: {one.driver.reason}", one.driver.would_help)
        return
    if not isinstance(driver.module, Known) and not installation(host, driver):
        raise DoesNotApply("no NVIDIA driver is installed that could have the GPU instead")
    owner = value_of(held[0].driver, "nouveau")
    lines = events(host, "bound-elsewhere", "nouveau")
    blacklist = f"printf 'blacklist {owner}\\noptions {owner} modeset=0\\n' | sudo tee /etc/modprobe.d/blacklist-{owner}.conf"
    commands = tuple(c for c in (blacklist, initramfs_command(host), "sudo reboot") if c)
    for whom in subject(gpu, held, found):
        yield Problem(
            f"{owner} drives the {described(held)}, so NVIDIA's driver can't",
            whom,
            "warning" if len(silent(gpu, found)) < len(found) else "failure",
            evidence=(
                *(
                    Evidence(f"driver of {d.address}", value_of(d.driver, ""), getattr(d.driver, "via", ""))
                    for d in held
                ),
                seen("blacklisted", driver.blacklisted),
                *quoted(host, lines),
            ),
            fix=Fix(f"Blacklist {owner}, rebuild the initramfs, reboot", commands),
        )
