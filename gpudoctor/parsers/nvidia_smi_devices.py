"""The devices that nvidia-smi speaks of, as NVML would describe them: from its table, `-L`, `-q`, `-q -x`, `--query-gpu`.

    |   0  NVIDIA A100-SXM4-40GB          On  |   00000000:07:00.0 Off |                    0 |
    | N/A   33C    P0             72W /  400W |       0MiB /  40960MiB |      0%   E. Process |
    |                                         |                        |             Disabled |

    GPU 0: NVIDIA A100-SXM4-40GB (UUID: GPU-12345678-1234-1234-1234-123456780000)
      MIG 3g.20gb     Device  0: (UUID: MIG-5c89852c-d268-5ff2-8b1e-0bc1d4b2a3a3)

    index, name, driver_version, memory.total [MiB]
    0, NVIDIA A100-SXM4-40GB, 550.163.01, 40960 MiB

Pastes lose their indentation, so sections of `-q` are told by the heading that stands before. Blanks may be one or many. A text
that was cut gives what stands before the cut. Older tables (before R450) have no third line and no GI and CI columns; on
Windows the driver model (WDDM, TCC) stands where persistence is told.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

from gpudoctor.facts.gpu import MigInstance, NvmlDevice, Process, RemappedRows
from gpudoctor.facts.observed import Absent, Known, Unknown

_PCI = r"[0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-7]"
_FIRST = re.compile(
    rf"\|\s*(?P<index>\d{{1,3}})\s+(?P<name>\S[^|]*?)\s+(?P<persistence>On|Off|N/A|WDDM|TCC|MCDM|ERR!)\s*\|\s*(?P<pci>{_PCI})"
    r"\s+(?:On|Off|N/A|ERR!)\s*\|\s*(?P<ecc>[\w/!]+)?"
)
_SECOND = re.compile(
    r"\|[^|]*\|\s*(?:(?P<used>\d+)\s*MiB\s*/\s*(?P<total>\d+)\s*MiB|(?P<words>[A-Z][\w ]+?))\s*\|"
    r"\s*(?:\d+%|N/A|ERR!)?\s*(?P<mode>Default|E\. Process|E\. Thread|Exclusive_Process|Prohibited)?"
)
_THIRD = re.compile(r"\|\s*\|\s*\|\s*(?P<mig>Enabled|Disabled|N/A)\*?\s*\|?$")
_MIG_ROW = re.compile(
    r"\|\s*(?P<index>\d{1,3})\s+(?P<gi>\d+)\s+(?P<ci>\d+)\s+(?P<dev>\d+)\s*\|\s*\d+\s*MiB\s*/\s*(?P<total>\d+)\s*MiB"
)
_PROCESS = re.compile(
    r"\|\s*(?P<index>\d{1,3})\s+(?:(?:N/A|\d+)\s+(?:N/A|\d+)\s+)?(?P<pid>\d+)\s+(?P<type>M\+C|C\+G|C|G)\s+(?P<name>\S[^|]*?)"
    r"\s+(?:(?P<memory>\d+)\s*MiB|N/A)\s*\|"
)
_LISTED = re.compile(r"GPU (?P<index>\d{1,3}): (?P<name>[^()\n]{2,80}?) ?\(UUID: (?P<uuid>GPU-[\w-]{8,40})\)")
_MIG_LISTED = re.compile(r"MIG (?P<profile>\d+[\w.+]*)\s+Device\s+\d+: \(UUID: (?P<uuid>MIG-[\w/-]{8,60})\)")
_MODES = {
    "Default": "default",
    "E. Process": "exclusive-process",
    "Exclusive_Process": "exclusive-process",
    "E. Thread": "exclusive-thread",
    "Exclusive_Thread": "exclusive-thread",
    "Prohibited": "prohibited",
}
#: What nvidia-smi writes where a field can't be told.
_NOTHING = ("N/A", "[N/A]", "[Not Supported]", "Not Supported", "Off", "")
_WORDS = re.compile(
    r"(GPU is lost|Unknown Error|GPU requires reset|Requires Reset|Insufficient Permissions)", re.I
)


def devices(text: str, via: str = "nvidia-smi") -> tuple[NvmlDevice, ...]:
    """By index. Whatever several of the outputs tell of one device is joined; the later word counts."""
    found: dict[int, dict[str, Any]] = {}
    if "|" in text:
        _table(text, via, found)
    if "(UUID: GPU-" in text:
        _list(text, via, found)
    if "Attached GPUs" in text or "<gpu id=" in text or "attached gpus" in text.lower():
        _query(text, via, found)
    if ", " in text and (
        "--query-gpu" in text
        or re.search(r"^(?:index|name|timestamp|driver_version|pci\.bus_id|uuid|gpu_name), ?\w", text, re.M)
    ):
        _csv(text, via, found)
    return tuple(NvmlDevice(index, **fields) for index, fields in sorted(found.items()))


# ---------------------------------------------------------------- the table


def _table(text: str, via: str, found: dict[int, dict[str, Any]]) -> None:
    current: dict[str, Any] | None = None
    after = 0
    for line in text.splitlines():
        if "|" not in line:
            continue
        line = line.strip()
        first = _FIRST.match(line)
        if first:
            current, after = found.setdefault(int(first["index"]), {}), 0
            _of_first(current, first, via)
            continue
        after += 1
        if current is not None and after <= 2:
            second = _SECOND.match(line)
            third = _THIRD.match(line)
            if third:
                current["mig_enabled"] = _yes(third["mig"], via)
            elif second and after == 1:
                _of_second(current, second, via)
        process = _PROCESS.match(line)
        if process:
            _process(found, process, via)
            continue
        instance = _MIG_ROW.match(line)
        if instance:
            _instance(found, instance, via)
    if "No MIG devices found" in text or "No MIG device" in text:
        for fields in found.values():
            if fields.get("mig_enabled") == Known(True, via):
                fields.setdefault("mig_instances", Known((), via))
    if "No running processes found" in text:
        for fields in found.values():
            fields.setdefault("processes", Known((), via))


def _of_first(fields: dict[str, Any], first: re.Match[str], via: str) -> None:
    fields["name"] = (
        Known(first["name"], via) if "..." not in first["name"] else Unknown("the table cuts the name")
    )
    fields["pci"] = Known(first["pci"].lower(), via)
    if first["persistence"] in ("On", "Off"):
        fields["persistence"] = Known(first["persistence"] == "On", via)
    ecc = first["ecc"] or ""
    if ecc.isdigit():
        fields["ecc_uncorrected_volatile"] = Known(int(ecc), via)
    elif ecc in ("N/A", "Off"):
        fields["ecc_uncorrected_volatile"] = Absent(via)


def _of_second(fields: dict[str, Any], second: re.Match[str], via: str) -> None:
    if second["total"]:
        fields["memory_used"] = Known(int(second["used"]) << 20, via)
        fields["memory_total"] = Known(int(second["total"]) << 20, via)
    elif second["words"] and _WORDS.search(second["words"]):
        for name in ("memory_total", "memory_used", "temperature", "throttle"):
            fields[name] = Unknown(second["words"])
    if second["mode"]:
        fields["compute_mode"] = Known(_MODES[second["mode"]], via)


def _process(found: dict[int, dict[str, Any]], row: re.Match[str], via: str) -> None:
    fields = found.get(int(row["index"]))
    if fields is None:
        return
    have = fields.get("processes")
    known = have.value if isinstance(have, Known) else ()
    memory = int(row["memory"]) << 20 if row["memory"] else -1
    one = Process(int(row["pid"]), row["name"], memory)
    if row["type"] != "G" and all(p.pid != one.pid for p in known):
        fields["processes"] = Known((*known, one), via)


def _instance(found: dict[int, dict[str, Any]], row: re.Match[str], via: str) -> None:
    fields = found.get(int(row["index"]))
    if fields is None:
        return
    have = fields.get("mig_instances")
    known = have.value if isinstance(have, Known) else ()
    one = MigInstance("", "", int(row["total"]) << 20)
    fields["mig_instances"] = Known((*known, one), via)


def _yes(word: str, via: str) -> Any:
    return (
        Absent(via) if word in _NOTHING else Known(word.startswith(("Enabled", "Yes", "On", "Active")), via)
    )


# ---------------------------------------------------------------- -L and --query-gpu


def _list(text: str, via: str, found: dict[int, dict[str, Any]]) -> None:
    current: dict[str, Any] | None = None
    for line in text.splitlines():
        gpu = _LISTED.search(line)
        if gpu:
            current = found.setdefault(int(gpu["index"]), {})
            current["name"], current["uuid"] = Known(gpu["name"].strip(), via), Known(gpu["uuid"], via)
            continue
        mig = _MIG_LISTED.search(line)
        if mig and current is not None:
            have = current.get("mig_instances")
            known = have.value if isinstance(have, Known) and have.value and have.value[0].uuid else ()
            current["mig_instances"] = Known((*known, MigInstance(mig["uuid"], mig["profile"])), via)
            current["mig_enabled"] = Known(True, via)


_COLUMNS = {
    "name": "name",
    "gpu_name": "name",
    "uuid": "uuid",
    "gpu_uuid": "uuid",
    "pci.bus_id": "pci",
    "gpu_bus_id": "pci",
    "compute_cap": "compute_capability",
    "memory.total": "memory_total",
    "memory.used": "memory_used",
    "compute_mode": "compute_mode",
    "mig.mode.current": "mig_enabled",
    "persistence_mode": "persistence",
    "ecc.errors.uncorrected.volatile.total": "ecc_uncorrected_volatile",
    "pcie.link.width.current": "link_width",
    "pcie.link.width.max": "link_width_max",
}


def _csv(text: str, via: str, found: dict[int, dict[str, Any]]) -> None:
    columns: list[str] = []
    row = 0
    for line in text.splitlines():
        cells = [cell.strip() for cell in line.split(",")]
        names = [cell.partition(" [")[0] for cell in cells]
        if (
            len(names) > 1
            and sum(n in _COLUMNS or n in ("index", "driver_version", "timestamp") for n in names) >= 2
        ):
            columns, row = names, 0
            continue
        if not columns or len(cells) != len(columns):
            columns = columns if len(cells) == len(columns) else []
            continue
        told = dict(zip(columns, cells, strict=True))
        index = int(told["index"]) if told.get("index", "").isdigit() else row
        row += 1
        fields = found.setdefault(index, {})
        for column, cell in told.items():
            if column in _COLUMNS:
                fields[_COLUMNS[column]] = _cell(_COLUMNS[column], cell, via)


def _cell(field: str, cell: str, via: str) -> Any:
    words = _WORDS.search(cell)
    if words:
        return Unknown(words[1])
    if cell in _NOTHING:
        return Absent(via)
    if field in ("memory_total", "memory_used"):
        number = re.match(r"(\d+)(?: ?MiB)?$", cell)
        return Known(int(number[1]) << 20, via) if number else Unknown(cell)
    if field in ("ecc_uncorrected_volatile", "link_width", "link_width_max"):
        number = re.match(r"(\d+)x?$", cell)
        return Known(int(number[1]), via) if number else Unknown(cell)
    if field in ("mig_enabled", "persistence"):
        return _yes(cell, via)
    if field == "compute_mode":
        return Known(_MODES[cell], via) if cell in _MODES else Unknown(cell)
    if field == "compute_capability" and not re.fullmatch(r"\d{1,2}\.\d", cell):
        return Unknown(cell)
    return Known(cell.lower() if field == "pci" else cell, via)


# ---------------------------------------------------------------- -q and -q -x

_DEVICE = re.compile(rf'(?:GPU|<gpu id=")\s*(?P<pci>{_PCI})"?>?$', re.I)
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


def _query(text: str, via: str, found: dict[int, dict[str, Any]]) -> None:
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
            fields[field] = _cell(field, value, via)
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
            fields["retired_pages_pending"] = _yes(value, via)
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
