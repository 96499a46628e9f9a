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
from typing import Any

from gpudoctor.facts.gpu import MigInstance, NvmlDevice, Process
from gpudoctor.facts.observed import Absent, Known, Unknown
from gpudoctor.parsers.nvidia_smi_fields import MODES, PCI, WORDS, read_field, yes
from gpudoctor.parsers.nvidia_smi_query import query

_FIRST = re.compile(
    rf"\|\s*(?P<index>\d{{1,3}})\s+(?P<name>\S[^|]*?)\s+(?P<persistence>On|Off|N/A|WDDM|TCC|MCDM|ERR!)\s*\|\s*(?P<pci>{PCI})"
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


def devices(text: str, via: str = "nvidia-smi") -> tuple[NvmlDevice, ...]:
    """By index. Whatever several of the outputs tell of one device is joined; the later word counts."""
    found: dict[int, dict[str, Any]] = {}
    if "|" in text:
        _table(text, via, found)
    if "(UUID: GPU-" in text:
        _list(text, via, found)
    if "Attached GPUs" in text or "<gpu id=" in text or "attached gpus" in text.lower():
        query(text, via, found)
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
                current["mig_enabled"] = yes(third["mig"], via)
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
    elif second["words"] and WORDS.search(second["words"]):
        for name in ("memory_total", "memory_used", "temperature", "throttle"):
            fields[name] = Unknown(second["words"])
    if second["mode"]:
        fields["compute_mode"] = Known(MODES[second["mode"]], via)


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
                fields[_COLUMNS[column]] = read_field(_COLUMNS[column], cell, via)
