"""`nvidia-smi -q` and `-q -x`: each GPU's block of sections and "key : value" lines.

    GPU 00000000:07:00.0
        MIG Mode
            Current                           : Disabled
        Remapped Rows
            Pending                           : No

Pastes lose their indentation: a section is told by the heading that stands before.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from gpudoctor.facts.gpu import Process, RemappedRows
from gpudoctor.facts.observed import Known, Unknown
from gpudoctor.parsers.nvidia_smi_fields import PCI, read_field, yes

_DEVICE = re.compile(rf'(?:GPU|<gpu id=")\s*(?P<pci>{PCI})"?>?$', re.I)
_PAIR = re.compile(r"(?P<key>[\w ./()-]{2,60}?)\s*:\s+(?P<value>\S.*)$")
_ELEMENT = re.compile(r"<(?P<key>[a-z]\w+)>(?P<value>[^<>]*)</(?P=key)>$")
#: What a line "key : value" of a section tells: (section, key) -> field. Sections are the heading before; "" is any.
_PLAIN = {
    "product name": "name",
    "gpu uuid": "uuid",
    "uuid": "uuid",
    "persistence mode": "persistence",
    "compute mode": "compute_mode",
    "product brand": "brand",
    "vbios version": "vbios",
    "current mig": "mig_enabled",
}
_SECTIONED = {
    ("mig mode", "current"): "mig_enabled",
    ("fb memory usage", "total"): "memory_total",
    ("fb memory usage", "used"): "memory_used",
    ("link width", "max"): "link_width_max",
    ("link width", "current"): "link_width",
    ("link widths", "max link width"): "link_width_max",
    ("link widths", "current link width"): "link_width",
    ("fabric", "state"): "fabric",
}
_THROTTLE = {
    "applications clocks setting": "applications-clocks-setting",
    "sw power cap": "sw-power-cap",
    "hw slowdown": "hw-slowdown",
    "hw thermal slowdown": "hw-thermal-slowdown",
    "hw power brake slowdown": "hw-power-brake",
    "sync boost": "sync-boost",
    "sw thermal slowdown": "sw-thermal-slowdown",
    "display clock setting": "display-clock-setting",
}


def query(text: str, via: str, found: dict[int, dict[str, Any]]) -> None:
    blocks: list[tuple[str, list[tuple[str, str, str]]]] = []
    section = ""
    for line in text.splitlines():
        line = line.strip()
        start = _DEVICE.match(line)
        if start:
            blocks.append((start["pci"].lower(), []))
            section = ""
            continue
        if not blocks or not line:
            continue
        pair = _PAIR.match(line) or _ELEMENT.match(line)
        if pair:
            blocks[-1][1].append(
                (section, pair["key"].replace("_", " ").strip().lower(), pair["value"].strip())
            )
        elif re.fullmatch(r"<?[A-Za-z][\w /().-]{2,60}>?", line):
            if line == "None" and section:
                blocks[-1][1].append(("", section, "None"))
            section = line.strip("<>").replace("_", " ").lower()
    for index, (pci, lines) in enumerate(blocks):
        number = next((i for i, f in found.items() if f.get("pci") == Known(pci, via)), index)
        fields = found.setdefault(number, {})
        fields["pci"] = Known(pci, via)
        _of_block(fields, lines, via)


def _of_block(fields: dict[str, Any], lines: Sequence[tuple[str, str, str]], via: str) -> None:
    volatile = 0
    counted = False
    rows: dict[str, str] = {}
    throttle: list[str] | None = None
    top = ""
    for section, key, value in lines:
        top = (
            section
            if section in ("volatile", "aggregate", "remapped rows", "retired pages", "ecc errors")
            else top
        )
        field = _PLAIN.get(key) or _SECTIONED.get((section, key))
        if field == "fabric":
            fields["fabric"] = _fabric(value, via)
        elif field:
            fields[field] = read_field(field, value, via)
        elif (
            top == "volatile"
            and value.isdigit()
            and ("uncorrectable" in key or (section == "double bit" and key == "total"))
        ):
            volatile, counted = volatile + int(value), True
        elif key == "mig devices" and value == "None":
            fields["mig_instances"] = Known((), via)
        elif section == "remapped rows" or key.startswith("remapped row"):
            rows[key.removeprefix("remapped row ")] = value
        elif key in ("pending page blacklist", "pending blacklist", "pending retirement"):
            fields["retired_pages_pending"] = yes(value, via)
        elif key in ("reset required", "recovery action") and value.lower() in ("yes", "reset", "gpu reset"):
            fields["throttle"] = Unknown("GPU requires reset")
        reason = re.sub(r"^clocks? (?:event|throttle) reasons? ", "", key)
        if reason in _THROTTLE and value in ("Active", "Not Active"):
            throttle = throttle or []
            throttle += [_THROTTLE[reason]] if value == "Active" else []
    if counted:
        fields["ecc_uncorrected_volatile"] = Known(volatile, via)
    if throttle is not None and "throttle" not in fields:
        fields["throttle"] = Known(tuple(throttle), via)
    _rows(fields, rows, via)
    processes = tuple(_query_processes(lines))
    if processes:
        fields["processes"] = Known(processes, via)


def _rows(fields: dict[str, Any], rows: dict[str, str], via: str) -> None:
    told = {
        name: next((rows[key] for key in keys if key in rows), "")
        for name, keys in (
            ("correctable", ("correctable error", "corr")),
            ("uncorrectable", ("uncorrectable error", "unc")),
            ("pending", ("pending",)),
            ("failed", ("remapping failure occurred", "failure")),
        )
    }
    if told["pending"] in ("Yes", "No"):
        fields["remapped_rows"] = Known(
            RemappedRows(
                int(told["correctable"]) if told["correctable"].isdigit() else 0,
                int(told["uncorrectable"]) if told["uncorrectable"].isdigit() else 0,
                told["pending"] == "Yes",
                told["failed"] == "Yes",
            ),
            via,
        )


def _fabric(value: str, via: str) -> Any:
    words = {
        "Completed": "completed",
        "In Progress": "in-progress",
        "Not Started": "not-started",
        "N/A": "not-supported",
    }
    return Known(words[value], via) if value in words else Unknown(value)


def _query_processes(lines: Iterable[tuple[str, str, str]]) -> Iterable[Process]:
    pid, kind, name = 0, "", ""
    for _, key, value in lines:
        if key in ("process id", "pid") and value.isdigit():
            pid, kind, name = int(value), "", ""
        elif key == "type":
            kind = value
        elif key in ("name", "process name"):
            name = value
        elif key in ("used gpu memory", "used memory") and pid:
            memory = re.match(r"(\d+) ?MiB", value)
            if kind != "G":
                yield Process(pid, name, int(memory[1]) << 20 if memory else -1)
            pid = 0
