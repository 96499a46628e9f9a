"""The device nodes are missing, or may not be opened

What it is: Programs reach the driver through nodes in /dev: nvidiactl, one nvidiaN for each GPU, nvidia-uvm. They are
missing, are no device nodes, or their owner and mode keep this user out.

Why it hurts: NVML says "Insufficient Permissions", "Driver Not Loaded" or finds no device; CUDA finds no device. Often
root works and users don't.

How to tell: `ls -l /dev/nvidia*` against this user's groups, and what opening them really gives. Some distributions give
the nodes mode 0660 and group video by the module options NVreg_DeviceFileMode and NVreg_DeviceFileGID. Where a scheduler gave
this job some of the GPUs, the nodes of the others do not open, and that is meant so.

How to fix: Add the user to the nodes' group and log in again, or change the module options; make missing nodes with
`nvidia-modprobe`.

Sources: https://github.com/openSUSE/nvidia-driver-G06/issues/52
https://github.com/containers/podman/issues/17539
https://github.com/NVIDIA/nvidia-container-toolkit/issues/210
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.driver import DeviceNode, Driver
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Known, Unknown, value_of
from gpudoctor.findings import CannotLook, DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.driver._installation import native_linux
from gpudoctor.rules.judging import need
from gpudoctor.rules.witnesses import withheld
from gpudoctor.signature import Signature

explains = (
    "smoke-ran-on-cpu",
    "driver-not-answering",
    "uvm-not-working",
    "gpu-missing-in-nvml",
    "gpu-lost-in-cuda",
)

signatures: tuple[Signature | str, ...] = (
    # ls -l of the nodes, nvidia-smi as another user, libnvidia-container.
    Signature(r"Failed to initialize NVML: Insufficient Permissions", 0.93),
    Signature(r"NVML_ERROR_NO_PERMISSION|nvml(?: error)?: insufficient permissions", 0.9),
    Signature(
        r"/dev/nvidia(?:\d+|ctl)\b.{0,60}(?:Permission denied|No such file or directory|Operation not permitted|cannot access)",
        0.9,
    ),
    Signature(
        r"(?:cannot open|open|access|stat)\W{1,4}/dev/nvidia(?:\d+|ctl)?\b(?!-).{0,60}(?:denied|no such file|not permitted)",
        0.88,
    ),
    Signature(r"cr[w-][-w]-{4,8} \d \w+ \w+ 195, ?\d+ .{0,40}/dev/nvidia", 0.85),
    Signature(r"crw-rw---- \d .{3,80}nvidia(?:\d|ctl|-uvm)", 0.8),
    Signature(r"NVreg_DeviceFile(?:Mode|GID|UID)", 0.6),
    # A mode that keeps others out, and somebody whom it does.
    Signature(
        r"NVreg_DeviceFileMode=0?(?!666)[0-7]{3}\b|DeviceFileMode: (?!438\b)\d+",
        0.86,
        needs=(r"not |n't|no |fail\w*|error|denied|cannot|False|unavailable|only",),
    ),
    Signature(r"could not open device file /dev/nvidia", 0.85),
    Signature(r"failed to (?:open|stat) (?:CDI host device )?\"?/dev/nvidia", 0.6),
    # `ls -l`: a node of major 195 that not everybody may read and write; the wildcard finds nothing.
    Signature(r"^c(?!rw-rw-rw-)[-rwxstST]{9}\S? \d+ \w+ \w+ 195, ?\d+ .{0,40}/dev/nvidia(?:\d|ctl)", 0.85),
    Signature(r"/dev/nvidia\S{0,3}['\"]?\W{1,3}(?:No such file|没有那个文件|does not exist)", 0.88),
    Signature(
        r"(?:no|missing|without|create\w*|mknod\b.{0,20}|don't (?:see|have) (?:any )?) ?[`'\"]?/dev/nvidia(?:\d|ctl|\*)?(?![\w-])",
        0.72,
    ),
    Signature(
        r"/dev/nvidia(?:\d|ctl|\*)? .{0,30}(?:is missing|are missing|missing|not present|don't exist|not exist\b|isn't there|not created|not (?:being )?mounted)",
        0.8,
    ),
    # nvidia-ml-py, go-nvml, DCGM, X.org's libraries.
    Signature(r"NVMLError_NoPermission|NVML_ERROR_NO_PERMISSION|nvml\w*: Insufficient Permissions", 0.85),
    Signature(r"could not open (?:the )?device file /dev/nvidia", 0.85),
    Signature(
        r"avc: denied .{0,200}nvidia|container_use_devices|security-opt[= ]label[=:]disable",
        0.72,
        needs=(r"nvidia", r"denied|permission|not work|fail|error|Insufficient"),
    ),
    # Groups and root, in the reporter's words.
    Signature(
        r"(?:usermod|adduser|gpasswd|add\w*|not in|member of|join\w*) .{0,40}(?:video|render|vglusers|nvidia) group|usermod -a?G? ?\S{0,12}video",
        0.72,
        needs=(
            r"group|usermod",
            r"nvidia|cuda",
        ),
        unless=(r"amdgpu|rocm|ROCm",),
    ),
    Signature(
        r"(?:works?|working|runs?|fine|detect\w*|succeed\w*|see\w*|available|True) .{0,40}(?:(?:as|with|under|using|from|by|via|in) (?:the )?(?:root\b|sudo\b|superuser)|(?:if|when) (?:I am |I'm |run (?:as|with|by) |using |running as )?(?:root|sudo)\b)|(?:as|with|under|using) (?:root|sudo) .{0,30}(?:works|is fine|it's fine|no problem|succeeds)",
        0.7,
        needs=(
            r"nvidia|cuda",
            r"root|sudo|superuser",
            r"user|permission|without sudo|non-root|not root|normal|account|group|chmod",
        ),
        unless=(r"pip install|apt install", r"rootless"),
    ),
    Signature(
        r"/dev/nvidia\S{0,8} .{0,40}(?:permissions?|owner\w*|chmod)|permissions? (?:on|of|for) .{0,10}/dev/nvidia|chmod .{0,20}/dev/nvidia",
        0.75,
    ),
    Signature(
        r"/dev/nvidia\S{0,12} ?(?:的)?(?:权限|没有权限)|普通用户.{0,30}(?:GPU|显卡|nvidia)|(?:GPU|nvidia\S*).{0,20}权限(?:问题|不足|不够)",
        0.75,
    ),
    Signature(
        r"device (?:files?|nodes?) (?:are|were|is|was|have|has) ?(?:not |n't )(?:been )?(?:being )?created|nvidia-modprobe (?:is )?(?:not |n't )(?:setuid|suid|installed)",
        0.76,
        needs=(r"nvidia",),
    ),
    Signature(
        r"(?:permission denied|access denied|EACCES|not permitted) .{0,30}/dev/nv(?:idia|host|map)\S*|/dev/nv(?:host|map)\S{0,20}.{0,60}permission denied|permission denied: /dev/nv",
        0.84,
        unless=(r"cgroup",),
    ),
    # Who may and who may not: root or sudo against an ordinary user, in either order.
    Signature(
        r"(?:\b(?:as|with|under|using|in|only|by) (?:the )?(?:root|sudo)\b|\broot (?:can|user can|works|sees)\b|(?:with|run\w*) `?--user root).{0,160}(?:(?:as|for|under) (?:an? |my |the )?(?:normal |regular |ordinary |non-?root |unprivileged |other |different )*(?:users?|uid|account)\b|other users?|without (?:it|sudo|root)|non-?root|su - \w+)|"
        r"(?:(?:as|for|under) (?:an? |my |the )?(?:normal |regular |ordinary |non-?root |unprivileged |other )*(?:users?|uid \d+|account)\b|other users?|without (?:sudo|root)|non-?root|su - \w+).{0,200}(?:\b(?:as|with|under|using) (?:the )?(?:root|sudo)\b|root (?:can|works|user))",
        0.8,
        needs=(
            r"nvidia-smi|cuda|No CUDA|deviceQuery|\bGPU\b|Jetson",
            r"not |n't|no |fail\w*|error|denied|returned 100|False|can't|cannot",
        ),
        unless=(r"pip install|apt install|apt-get|docker group|docker\.sock|rootless|pip3 install",),
    ),
    # Jetson's memory manager; groups named together; NVML's word for an ordinary user.
    Signature(
        r"NvRmMemInitNvmap failed with Permission denied|NvRmMem\w* .{0,30}Permission denied|nvmap\W{0,3} .{0,30}(?:open failed|Permission denied)",
        0.9,
    ),
    Signature(
        r"(?:add\w*|not (?:a member|part) of|in|member of|to) (?:the |my |a )?(?:\w+ )?(?:user )?(?:\w+ )?(?:to |into )?(?:the )?[`'\"]?(?:video|render)[`'\"]?(?: (?:and|or|,) [`'\"]?(?:video|render)[`'\"]?)? groups?\b",
        0.74,
        needs=(
            r"nvidia|cuda|GPU|Jetson",
            r"permission|denied|fix\w*|solv\w*|work\w*|not |n't|fail\w*|no compatible",
        ),
        unless=(r"amdgpu|rocm|radeon",),
    ),
    Signature(r"nvidia-smi.{0,60}Insufficient Permissions", 0.9),
    Signature(
        r"(?:inside|in) (?:a |the )?(?:container|image|pod).{0,60}non-?root|non-?root (?:user|container).{0,60}(?:GPU|cuda|nvidia)|(?:GPU|cuda|nvidia)\b.{0,60}(?:as|for) (?:a )?non-?root",
        0.78,
        needs=(r"not |n't|no |fail\w*|error|denied|returned 100|False|can't|cannot", r"nvidia|cuda|GPU"),
        unless=(r"rootless|pip|docker group",),
    ),
    # Nobody but root: "only root sees the card", "fails unless I am superuser".
    Signature(
        r"(?:not|n't|no|never|fails?|failed|cannot|unavailable|False|error|denied) .{0,60}\b(?:unless|except|other than|if not)(?: [\w']{1,10}){0,5}? (?:the )?(?:root|sudo|super-?user)\b|"
        r"\bonly (?:works?|runs?|seen?|available|visible|detected|usable|possible|found|accessible|True|(?:ever )?succeeds?) .{0,30}(?:as|with|under|using|by|for|to|in|when|if) (?:I am |I'm |run as |running as )?(?:root|sudo|super-?user)\b|\bonly (?:root|sudo|(?:the )?super-?user) (?:can |may |is able to |has )?(?:sees?|uses?|finds?|access|runs?|works?|gets?|opens?)\b|"
        r"只有 ?(?:root|sudo|管理员) ?(?:用户|权限|账号)?(?:下)?(?:才|可以|能)|非 ?root ?用户.{0,20}(?:不|无法|没)",
        0.8,
        needs=(r"nvidia|cuda|GPU|torch|tensorflow|显卡", r"root|sudo|super-?user|管理员"),
        unless=(
            r"pip3? install|apt install|apt-get|docker group|docker\.sock|rootless",
            r"nvidia-smi -(?:pm|pl|lgc|mig|r|e|c|i)\b|ncu\b|nsight|ERR_NVGPUCTRPERM|profil",
        ),
    ),
    # The same program with sudo and without it.
    Signature(
        r"\bsudo [\w./-]{1,30} (?:[\w.-]+ ){0,2}(?:works?|runs?|succeeds?|is fine|sees? (?:it|the|all)|finds? (?:it|the|all))\b",
        0.78,
        needs=(
            r"cuda|GPU|nvidia|torch|tensorflow",
            r"alone|without|plain|as (?:my |a |the |an )?(?:normal |regular |ordinary )?(?:user|me|myself)|user|account|group",
            r"unavailable|False|not |n't|no |fail\w*|denied|error",
        ),
        unless=(
            r"pip3? install|apt install|apt-get|docker|rootless|nvidia-smi -",
            r"sudo (?:apt|pip|rmmod|modprobe|reboot|systemctl)",
        ),
    ),
    Signature(
        r"/dev/nvidia\S{0,6} .{0,40}\bc(?!rw-rw-rw-)[-rwxstST]{9}\S? \d+ \w+ \w+ 195, ?\d+|\bc(?!rw-rw-rw-)[-rwxstST]{9}\S? \d+ root \w+ 195, ?\d+",
        0.84,
        needs=(r"nvidia", r"not |n't|no |fail\w*|error|denied|cannot|False|only|as root"),
    ),
)


REFUSED = ("EACCES", "EPERM")
#: Names that are a node or a fault. (Others of the driver's are folders: nvidia-caps, nvidia-caps-imex-channels.)
_NODE = re.compile(r"/dev/nvidia(?:\d+|ctl|-uvm|-uvm-tools|-modeset)")


def check(host: Host, driver: Driver, gpu: Gpu, containers: Containers) -> Iterator[Problem]:
    native_linux(host)
    need(driver.module, "NVIDIA kernel module in memory")
    nodes = {n.path: n for n in need(driver.nodes, "device nodes")}
    inside = isinstance(containers.inside, Known)
    false = [n for n in nodes.values() if not n.is_device and _NODE.fullmatch(n.path)]
    if false:
        yield _no_device(false)
        return
    kept = withheld(driver, gpu)
    refused = [n for n in nodes.values() if value_of(n.open_error, "") in REFUSED and n not in kept]
    if inside and any(value_of(n.open_error, "") == "EPERM" for n in refused):
        raise DoesNotApply("in a container EPERM comes from its device rules, not from the nodes")
    if refused:
        yield _refused(host, driver, refused)
        return
    bound = [d for d in value_of(gpu.pci, ()) if value_of(d.driver, "") == "nvidia" and d.is_display]
    wanted = ["/dev/nvidiactl", *(f"/dev/nvidia{n}" for n in range(len(bound)))]
    missing = [path for path in wanted if path not in nodes]
    if missing and not inside and not _answers(gpu):
        if value_of(driver.modprobe_helper, False):
            raise CannotLook(
                f"{missing[0]} is not there yet; the first CUDA program makes it through nvidia-modprobe"
            )
        yield _missing(missing, nodes)
        return
    untried = [n for n in nodes.values() if isinstance(n.open_error, Unknown) and n.path == "/dev/nvidiactl"]
    if untried and not _answers(gpu):
        raise CannotLook(f"{untried[0].path}: {getattr(untried[0].open_error, 'reason', 'not opened')}")


def _answers(gpu: Gpu) -> bool:
    nvml = value_of(gpu.nvml, None)
    return nvml is not None and nvml.code == 0 and bool(nvml.devices)


def _no_device(false: list[DeviceNode]) -> Problem:
    paths = [n.path for n in false]
    return Problem(
        f"{paths[0]} is no device node",
        evidence=tuple(Evidence(path, "not a character device", "/dev") for path in paths),
        fix=Fix(
            "Remove it and let the driver make it anew",
            (f"sudo rm {' '.join(paths)}", "sudo nvidia-modprobe -c 0 -u"),
            "unsafe",
        ),
    )


def _refused(host: Host, driver: Driver, refused: list[DeviceNode]) -> Problem:
    node = refused[0]
    uid, groups = value_of(host.uid, None), value_of(host.groups, ())
    by_group = bool(node.mode & 0o060) and node.gid not in groups
    commands = (f'sudo usermod -aG "$(getent group {node.gid} | cut -d: -f1)" "$USER"',) if by_group else ()
    settings = {k: v for k, v in value_of(driver.parameters, {}).items() if k.startswith("DeviceFile")}
    evidence = [
        Evidence(
            n.path,
            f"{n.mode:04o} uid {n.uid} gid {n.gid}: {value_of(n.open_error, '')}",
            getattr(n.open_error, "via", ""),
        )
        for n in refused
    ]
    evidence.append(
        Evidence("this user", f"uid {uid}, groups {', '.join(map(str, groups))}", "/proc/self/status")
    )
    evidence += [Evidence(f"NVreg_{k}", v, "/proc/driver/nvidia/params") for k, v in settings.items()]
    return Problem(
        f"This user may not open {node.path} (mode {node.mode:04o}, group {node.gid})",
        evidence=tuple(evidence),
        fix=Fix(
            f"Add the user to group {node.gid} and log in again"
            if by_group
            else "Give the nodes a mode that lets this user in (module option NVreg_DeviceFileMode)",
            commands,
            "unsafe" if commands else "manual",
        ),
    )


def _missing(missing: list[str], nodes: dict[str, DeviceNode]) -> Problem:
    indices = [path[len("/dev/nvidia") :] for path in missing if path[len("/dev/nvidia") :].isdigit()]
    commands = tuple(f"sudo nvidia-modprobe -c {index}" for index in indices or ["0"])
    return Problem(
        f"{', '.join(missing)} {'is' if len(missing) == 1 else 'are'} missing although the module is loaded",
        evidence=(
            Evidence("missing", ", ".join(missing), "/dev"),
            Evidence("there", ", ".join(sorted(nodes)) or "none", "/dev"),
        ),
        fix=Fix("Make the nodes", commands, "safe"),
    )
