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

explains = (*SYMPTOMS, "module-built-but-refused", "nouveau-active")

signatures: tuple[Signature | str, ...] = (
    # modprobe and insmod: ENOKEY (before 4.13) and EKEYREJECTED.
    Signature(
        r"could not insert '?\"?nvidia\S* (?:Required key not available|Key was rejected by service)", 0.97
    ),
    Signature(r"Required key not available", 0.85, needs=(r"nvidia|could not insert '?nv\w+",)),
    # The kernel's own switch for the same check, and reporters' words for its answer.
    Signature(
        r"module\.sig_enforce(?:=1)?\b",
        0.72,
        needs=(r"nvidia", r"reject\w*|not load\w*|n't load|fails? to load|could not insert"),
    ),
    Signature(r"nvidia .{0,30}(?:keys?|signatures?) (?:is|are|was|were|being|gets?) rejected", 0.85),
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
        0.72,
        needs=(r"couldn't communicate with the NVIDIA driver|could not insert|modprobe",),
    ),
    Signature(r"UEFI Secure Boot.{0,200}(?:nvidia|module)", 0.6),
    Signature(r"mokutil.{0,200}(?:Failed|Enroll)", 0.45, needs=(r"nvidia",)),
    # A locked-down kernel (Bottlerocket, Fedora, Secure Boot) answers EPERM; in a container that would be its capability.
    Signature(
        r"could not insert '?\"?nvidia\S{0,20}:? Operation not permitted|(?:insmod|modprobe|init_module).{0,60}nvidia.{0,60}Operation not permitted",
        0.9,
        needs=(r"lockdown|secure ?boot|integrity|\bMOK\b|UEFI|unsigned",),
    ),
    Signature(
        r"could not insert '?\"?nvidia\S{0,20}:? Operation not permitted", 0.72, when="not-in-container"
    ),
    Signature(
        r"Lockdown: \S{1,40}: (?:unsigned )?module loading is restricted|kernel_lockdown|kernel is locked down",
        0.8,
        needs=(r"nvidia",),
    ),
    Signature(
        r"module verification failed .{0,60}required key|PKCS#7 signature not signed with a trusted key",
        0.6,
        needs=(r"nvidia", r"reject\w*|could not insert|not load|fails? to load|couldn't communicate"),
    ),
    # The reporter's words: what was asked at boot, and what was switched off.
    Signature(
        r"\bMOK\b.{0,40}(?:screen|enrol\w*|manag\w*|key|password|menu|util\w*)|(?:enrol\w*|sign\w*) (?:the |a |my |in )?(?:new )?MOK|mokutil",
        0.7,
        needs=(
            r"nvidia|NVIDIA",
            r"couldn't communicate|could not insert|not load\w*|isn't load\w*|fail\w*|No devices|nouveau|same error|not work\w*|doesn't work|rejected",
        ),
        unless=(r"SecureBoot disabled|secure ?boot(?: is)?:? (?:disabled|off)\b",),
    ),
    Signature(
        r"(?:disabl\w+|turn\w* off|switch\w* off|because of|due to|caused by|block\w* by|reject\w* by|prevent\w* by|refus\w* by|(?:not|n't|never) (?:being )?(?:\w+ ){0,2}(?:load|work)\w* (?:with|under)|fails? (?:with|under)|problem with|issue with|conflict\w* with) (?:the |UEFI |bios )*(?:secure|security|safe)[- ]?boot|(?:enabl\w+|activat\w+|(?:turn|switch)\w* on) (?:the |UEFI |bios )*(?:secure|security|safe)[- ]?boot|(?<!Crypto\sDisabled,\s)(?<!Crypto\sEnabled,\s)(?:secure|security)[- ]?boot (?:is |was |being |state:? )*(?:enabled|on|active|turned on|the (?:problem|culprit|reason|issue))|关闭安全启动|关闭 ?secure ?boot|安全启动",
        0.72,
        needs=(
            r"nvidia",
            r"couldn't communicate|could not insert|not load\w*|isn't load\w*|n't load|fail\w*|No devices|nouveau|not work\w*|n't work|rejected|modprobe|not detected|无法|不能用|用不了|不可用|失败|报错|加载不",
        ),
        unless=(
            r"SecureBoot disabled|secure ?boot(?: is| was| state)?:? (?:already )?(?:disabled|off)\b|(?:already|have|had|has|'ve) (?:already )?(?:disabled|turned off) (?:the )?secure ?boot|disabled (?:the )?secure ?boot[ ,.]{1,3}(?:but|still|no luck|didn)",
            # A step that was tried. Where it helped, the text says so.
            r"\bI (?:also )?(?:disabled|turned off) (?:the )?secure ?boot\b(?!.{0,80}(?:fix|solv|work(?:s|ed)|help|now|gone|resolv|load(?:s|ed)))",
        ),
    ),
    Signature(
        r"(?:n't|not|never|un|failed to|fails to|properly) ?sign(?:s|ed|ing)? (?:the )?(?:nvidia )?(?:kernel |driver )*modules?|modules? (?:is|are|was|were|being) (?:not |n't |un)(?:properly )?signed|unsigned (?:nvidia )?(?:kernel )?modules?|/etc/pki/akmods|kmodgenca|modules? .{0,30}signature .{0,30}(?:invalid|missing|rejected)",
        0.74,
        needs=(r"nvidia", r"load|key|secure|reject"),
        unless=(r"tainting kernel",),
    ),
    # NVIDIA's installer and the driver container say no more than "unable to load"; a title or an aside names Secure Boot.
    Signature(
        r"secure ?boot",
        0.8,
        needs=(
            r"Unable to load the (?:kernel module )?'?nvidia|kernel module failed to load|Failed to load the NVIDIA kernel module|could not insert 'nvidia|Unable to load the kernel module",
        ),
        unless=(
            r"secure ?boot(?: is| was| state)?:? (?:already )?(?:disabled|off)\b|disabled (?:the )?secure ?boot|no secure ?boot|without secure ?boot",
        ),
    ),
    Signature(
        r"secure ?boot ?(?:是)?(?:开启|启用|打开|没有关闭|未关闭|没关)|(?:关闭|禁用) ?secure ?boot",
        0.82,
        needs=(r"nvidia|驱动",),
    ),
    Signature(
        r"(?:missed|skipped|ignored|cancell?ed|didn't (?:do|complete|finish)|forg[eo]t\w*) .{0,30}\bMOK\b",
        0.8,
        needs=(r"nvidia",),
    ),
    # NVIDIA's installer, on the key; a reporter's one sentence.
    Signature(
        r"kernel module failed to load,? (?:because|as|since) (?:it|the module) (?:was|is) not signed by a key|module .{0,40}not signed by a key that is trusted by the kernel",
        0.93,
        unless=(r"tainting kernel",),
    ),
    Signature(
        r"not signed by a key that is trusted|signed (?:by|with) a key (?:that is )?(?:not trusted|unknown)|required key missing|module is signed, but",
        0.88,
        needs=(r"nvidia|kernel module load",),
        unless=(r"tainting kernel",),
    ),
    Signature(
        r"(?:can't|cant|cannot|could not|couldn't|won't|doesn't|does not|not be able to|unable to|fails? to|failed to) load\b.{0,40}(?:secure|safe)[- ]?boot|(?:secure|safe)[- ]?boot (?:\w+ ){0,6}(?:prevent\w*|block\w*|reject\w*|refus\w*|stop\w*|(?:not|n't|unable to) (?:be able to )?load)",
        0.84,
        needs=(r"nvidia",),
        unless=(r"secure ?boot(?: is| was| state)?:? (?:already )?(?:disabled|off)\b",),
    ),
    Signature(
        r"\b(?:have|has|got|with|keep\w*|using|need|want) (?:\w+ ){0,2}secure[- ]?boot (?:\w+ )?(?:working|enabled|on|active)\b",
        0.8,
        needs=(
            r"nvidia",
            r"mokutil|enrol\w*|\bMOK\b|sign\w*",
            r"not load\w*|n't load|still not|not work\w*|n't work|fail\w*|couldn't|unable|rejected",
        ),
    ),
    # It worked until Secure Boot was switched on: after a BIOS update, for another system, after the driver's installation.
    Signature(
        r"(?:later|then|afterwards|since|after|when|once|now|again|and) ?,? (?:I |we |it |they |someone |somebody |IT |the \w+ )?(?:was |were |been |had |have |has |got |also |then |later )*(?:re-?)?(?:enabl\w+|activat\w+|turn\w* on|switch\w* on) (?:the |UEFI |bios |its )*secure[- ]?boot|secure[- ]?boot (?:was |got |is |has |been |then |later |now |since |silently |again )+(?:re-?)?(?:enabled|activated|turned on|switched on)|(?:BIOS|firmware|UEFI) (?:\w+ )?(?:update|reset|upgrade)\w* .{0,40}(?:re-?)?(?:enabled|turned on|switched on) (?:the )?secure[- ]?boot",
        0.84,
        needs=(
            r"driver|nvidia|module",
            r"no longer|not (?:being )?(?:load|work|start|detect|find|found)|n't (?:load|work|start|detect|find)|fail\w*|stopped|couldn't communicate|could not|gone|rejected|No devices",
        ),
        unless=(
            r"tainting kernel",
            r"(?:works?|loads?|fine|ok) (?:\w+ ){0,3}(?:with|under) secure ?boot (?:on|enabled)",
        ),
    ),
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
