"""An NVSwitch reported an error

What it is: The chip that joins the GPUs of a server by NVLink logged an SXid. A fatal one stops its links until the system
is reset; a non-fatal one was handled, and tells of a link or a partner that misbehaves.

Why it hurts: After a fatal SXid work on several GPUs fails or hangs, and new work may not start at all (CUDA error 802).

How to tell: "SXid" in the kernel log with the switch's PCI address, a number, and the word Fatal or Non-fatal.

How to fix: Fatal: stop all GPU work and reboot (or reset all GPUs of the system and restart the Fabric Manager). Non-fatal: watch it; the
same link again and again is work for the vendor.

Sources: https://docs.nvidia.com/datacenter/tesla/fabric-manager-user-guide/index.html
https://docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host, KernelEvent
from gpudoctor.facts.observed import Known
from gpudoctor.findings import Evidence, Fix, Problem, Severity, Subject
from gpudoctor.rules.witnesses import address, codes_of, log_lines, log_unless, nvswitches, via_log
from gpudoctor.signature import Signature

explains = ("nvlink-inactive",)

signatures: tuple[Signature | str, ...] = (Signature(r"nvidia-nvswitch\d?: SXid \(", 0.85),)


def check(host: Host, gpu: Gpu) -> Iterator[Problem]:
    groups: dict[str, list[KernelEvent]] = {}
    none = isinstance(gpu.pci, Known) and not nvswitches(gpu)
    for event in log_unless(host, gpu, "no NVSwitch on the PCI bus" if none else ""):
        if event.kind == "sxid":
            groups.setdefault(address(event.pci) if event.pci else "", []).append(event)
    for pci, lines in groups.items():
        where = f"The NVSwitch at {pci}" if pci else "An NVSwitch"
        severity = min((_severity(line) for line in lines), key=("failure", "warning", "note").index)
        fatal = severity == "failure"
        numbers = codes_of(lines).replace("Xid", "SXid")
        yield Problem(
            f"{where} reported {'a fatal' if fatal else 'an'} error: {numbers}",
            Subject("device", pci or "nvswitch", where),
            severity,
            (*log_lines(lines, via_log(host)), *_meanings(lines)),
            fix=Fix("Stop all GPU work and reboot", ("sudo reboot",))
            if fatal
            else Fix("Watch it; the same link again and again is work for the vendor"),
        )


def _severity(line: KernelEvent) -> Severity:
    """The line's own word; where it has none, the table's; a number that neither tells is a warning."""
    from gpudoctor import knowledge

    text = line.text.lower()
    if "non-fatal" in text or "nonfatal" in text:
        return "warning"
    if "fatal" in text:
        return "failure"
    row = knowledge.sxid(line.code or 0)
    return (
        "failure"
        if row and row.severity == "failure"
        else "note"
        if row and row.severity == "note"
        else "warning"
    )


def _meanings(lines: list[KernelEvent]) -> tuple[Evidence, ...]:
    from gpudoctor import knowledge

    rows = [knowledge.sxid(code) for code in sorted({line.code or 0 for line in lines})]
    return tuple(Evidence(f"meaning of SXid {row.code}", row.meaning, row.source) for row in rows if row)
