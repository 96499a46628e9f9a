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

from gpudoctor.facts.host import Host, KernelEvent
from gpudoctor.findings import Fix, Problem, Subject
from gpudoctor.rules.witnesses import address, codes_of, log, log_lines, via_log

explains = ("nvlink-inactive",)


def check(host: Host) -> Iterator[Problem]:
    groups: dict[str, list[KernelEvent]] = {}
    for event in log(host):
        if event.kind == "sxid":
            groups.setdefault(address(event.pci) if event.pci else "", []).append(event)
    for pci, lines in groups.items():
        where = f"The NVSwitch at {pci}" if pci else "An NVSwitch"
        fatal = any(_is_fatal(line) for line in lines)
        numbers = codes_of(lines).replace("Xid", "SXid")
        yield Problem(
            f"{where} reported {'a fatal' if fatal else 'an'} error: {numbers}",
            Subject("device", pci or "nvswitch", where),
            "failure" if fatal else "warning",
            log_lines(lines, via_log(host)),
            fix=Fix("Stop all GPU work and reboot", ("sudo reboot",))
            if fatal
            else Fix("Watch it; the same link again and again is work for the vendor"),
        )


def _is_fatal(line: KernelEvent) -> bool:
    text = line.text.lower()
    return "fatal" in text and "non-fatal" not in text and "nonfatal" not in text
