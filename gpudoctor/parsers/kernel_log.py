"""The kernel's log: the lines that concern a GPU, from /dev/kmsg, dmesg, kern.log or journalctl.

/dev/kmsg gives one record a line, with a prefix and with line feeds inside a message written as \\x0a:

    3,1021,7205812,-;NVRM: GPU 0000:01:00.0: RmInitAdapter failed! (0x22:0x56:884)
    6,1188,51234567,-;NVRM: Xid (PCI:0000:3b:00): 79, pid='<unknown>', name=<unknown>, GPU has fallen off the bus.

kern.log and `journalctl -k` put a date and a host before the message, dmesg only "[    7.205812] "; rsyslog writes line
feeds inside a message as #012, dmesg and journalctl indent the lines that follow:

    [    5.559842] NVRM: The NVIDIA GPU 0000:02:00.0 (PCI ID: 10de:2c58)
                   NVRM: installed in this system requires use of the NVIDIA open kernel modules.

The driver wraps its own messages, older branches with one record a line, so a message is put together first: an NVRM
line goes on until it ends in a full stop. The wordings are those of NVIDIA's open-gpu-kernel-modules (nv.c, nv-pci.c,
nv_gpu_ops.c), of the Linux kernel (kernel/module/signing.c, version.c), and of public bug reports.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from gpudoctor.facts.host import KernelEvent, KernelEventKind

#: Events of one kind, code and device that are kept: the first and the newest ones. A broken GPU writes millions.
KEPT = 8
#: A line without any of these says nothing about a GPU. Checked first: a log has 100 000 lines, a regex costs more.
_MARKS = (
    "NVRM:",
    "SXid",
    "nouveau",
    "NovaCore",
    "nova_core",
    "nvidia",
    "PM: suspend exit",
    "PM: hibernation",
    "rejected",
    "key not available",
    "unsigned module",
    "Out of memory:",
    "oom-kill",
    "can't assign; no space",
    "version magic",
    "disagrees about version of symbol",
)
_PCI = r"(?:PCI:|GPU |nvidia |gpu )?([0-9a-fA-F]{4,8}:[0-9a-fA-F]{2}:[0-9a-fA-F]{2})(?:\.[0-7])?"
#: What a message must match to be of a kind; the first that fits decides. None as kind: known and harmless.
_KINDS: tuple[tuple[str, KernelEventKind | None], ...] = (
    (r" segfault at [0-9a-f]+ ip ", None),  # a program's own crash, be it in libnvidia-ml
    (r"NVRM: Xid \(", "xid"),
    (r"SXid \(", "sxid"),
    (
        r"requires use of the NVIDIA open kernel modules|requires use of NVIDIA open kernel",
        "needs-open-module",
    ),
    (r"not supported by open nvidia\.ko|does not include the required GPU System Processor", "no-gsp-in-gpu"),
    (
        r"NVIDIA driver will ignore this GPU|supported through the NVIDIA \S+ Legacy drivers",
        "unsupported-gpu",
    ),
    (r"NVRM: API mismatch", "version-mismatch"),
    (r"is already bound to|probe routine was not called", "bound-elsewhere"),
    (r"fallen off the bus|GPU lost from the bus|GPU is lost", "fallen-off-bus"),
    (r"RmInitAdapter failed|rm_init_adapter failed", "rm-init-failed"),
    (
        r"PCI I/O region assigned to your NVIDIA device is invalid|NVRM: BAR\d is 0M|can't assign; no space",
        "bar",
    ),
    (
        r"Cannot initialize GSP firmware|unexpected WPR2|Timeout (?:after \d+s )?(?:of )?waiting for RPC|"
        r"GSP (?:firmware|RM)[^\n]*(?:fail|error|not)|firmware load for nvidia/\S*gsp\S* failed|_kgspBootGspRm",
        "gsp",
    ),
    (r"module verification failed: signature and/or required key missing", None),
    (
        r"Key was rejected by service|Required key not available|key is rejected|unsigned module (?:is rejected|loading)|"
        r"Loading of [a-z ]*module[a-z ]* is rejected",
        "module-rejected",
    ),
    (
        r"nvidia\S*: (?:version magic|disagrees about version of symbol|Unknown symbol)|"
        r"nvidia\S*: .*Invalid module format",
        "module-unfit",
    ),
    (r"^(?:PM: suspend exit|PM: hibernation: hibernation exit)", "resume"),
    (r"Out of memory: Kill|^oom-kill:", "oom-killer"),
    (r"nouveau|NovaCore|nova_core", "nouveau"),
    (r"^NVRM: (?:loading NVIDIA|objClInitPcieChipset|GPU serial number)", None),
    (r"NVRM:", "nvrm"),
)


def parse_kmsg(text: str) -> tuple[KernelEvent, ...]:
    """From /dev/kmsg's records. Lines that are no record (continuations with a blank, garbage) are passed over."""
    return _events(_kmsg_messages(text))


def parse_text(text: str) -> tuple[KernelEvent, ...]:
    """From dmesg, kern.log or journalctl. Only what follows the newest start of a kernel is read: what an older
    kernel said is no evidence for this one."""
    start = _newest_start(text)
    if start >= 0:
        text = text[text.rfind("\n", 0, start) + 1 :]
    return _events(_text_messages(text))


def starts(text: str) -> bool:
    """Whether a kernel's first line is in the text: then nothing that the running kernel said before it is missing."""
    return _newest_start(text) >= 0


def _newest_start(text: str) -> int:
    return max(text.rfind("] Linux version "), text.rfind("kernel: Linux version "))


def _kmsg_messages(text: str) -> Iterator[tuple[float | None, str]]:
    for line in _marked(text):
        prefix, semicolon, message = line.partition(";")
        fields = prefix.split(",")
        if not semicolon or len(fields) < 3 or not fields[2].isdigit():
            continue
        yield int(fields[2]) / 1e6, message.replace("\\x0a", "\n")


def _text_messages(text: str) -> Iterator[tuple[float | None, str]]:
    for line in _marked(text):
        line = line.replace("#012", "\n").rstrip()
        stamp = re.match(r"(?:.*? kernel: ?)?(?:\[ *(\d+\.\d+)\] ?)?", line)
        assert stamp is not None
        message = line[stamp.end() :]
        message = re.sub(r"^\[[A-Z][a-z]{2} [A-Z][a-z]{2} [\d :]+\] ?", "", message)
        yield (float(stamp[1]) if stamp[1] else None), message.strip()


def _marked(text: str) -> list[str]:
    """The lines with a mark. Each mark is looked for in the whole text: that is ten times as fast as line by line."""
    found: dict[int, str] = {}
    for mark in _MARKS:
        at = text.find(mark)
        while at >= 0:
            start, end = text.rfind("\n", 0, at) + 1, text.find("\n", at)
            end = len(text) if end < 0 else end
            found[start] = text[start:end].rstrip("\r")
            at = text.find(mark, end)
    return [line for _, line in sorted(found.items())]


def _events(messages: Iterable[tuple[float | None, str]]) -> tuple[KernelEvent, ...]:
    kept: dict[tuple[str, int | None, str], list[tuple[int, KernelEvent]]] = {}
    for number, (seconds, message) in enumerate(_joined(messages)):
        event = _event(seconds, message)
        if event is None:
            continue
        same = kept.setdefault((event.kind, event.code, event.pci), [])
        same.append((number, event))
        if len(same) > KEPT:
            del same[1]  # the first one stays: it says when it began
    found = sorted((pair for same in kept.values() for pair in same), key=lambda pair: pair[0])
    return tuple(event for _, event in found)


def _joined(messages: Iterable[tuple[float | None, str]]) -> Iterator[tuple[float | None, str]]:
    """Put the driver's wrapped messages together: "NVRM: The NVIDIA GPU ...\\nNVRM: installed in this system ..."."""
    held: tuple[float | None, str] | None = None
    for seconds, message in messages:
        flat = re.sub(r"\n\s*(?:NVRM:)?\s*", " ", message).strip()
        if held is not None and flat.startswith("NVRM:") and not _begins(flat):
            held = (held[0], f"{held[1]} {flat[5:].strip()}")
        else:
            if held is not None:
                yield held
            held = (seconds, flat)
        # A message that never ends must not swallow the log.
        if not held[1].startswith("NVRM:") or not _goes_on(held[1]) or len(held[1]) > 1000:
            yield held
            held = None
    if held is not None:
        yield held


def _begins(message: str) -> bool:
    """An NVRM line that starts a message of its own, whatever came before it."""
    return (
        re.match(
            r"NVRM: (?:Xid|GPU [0-9a-f]|RmInitAdapter|The NVIDIA|API mismatch|This PCI|loading|No NVIDIA|"
            r"\S+(?:_IMPL|_[A-Z]{2}\d+)?: )",
            message,
        )
        is not None
    )


def _goes_on(message: str) -> bool:
    """The opening of a message that the driver wraps."""
    return (
        not message.endswith(".")
        and re.match(
            r"NVRM: (?:The NVIDIA .*(?:GPU|PCI ID|installed|supported|Please|visit|driver|nvidia\.ko|Processor)|"
            r"API mismatch|This PCI I/O region|This can occur|Try unloading)",
            message,
        )
        is not None
    )


def _event(seconds: float | None, message: str) -> KernelEvent | None:
    for pattern, kind in _KINDS:
        if re.search(pattern, message):
            if kind is None:
                return None
            pci = re.search(_PCI, message)
            code = re.search(r"Xid \([^)]*\): (\d+)", message) if kind in ("xid", "sxid") else None
            if kind in ("xid", "sxid") and code is None:
                return None
            return KernelEvent(
                kind,
                message[:500],
                int(code[1]) if code else None,
                _normal(pci[1]) if pci and kind not in ("resume", "oom-killer") else "",
                seconds,
            )
    return None


def _normal(pci: str) -> str:
    """Four digits of domain, small letters: "00000000:3B:00" -> "0000:3b:00"."""
    domain, bus, slot = pci.lower().split(":")
    return f"{domain[-4:]}:{bus}:{slot}"
