"""What a GPU can do at best: derived from what the device tells, else from its datasheet; and what is too little."""

from __future__ import annotations

from typing import Any

from gpudoctor.facts.record import Record
from gpudoctor.facts.smoke import Device
from gpudoctor.knowledge.tables import source, table

#: Rates of copies between host and device.
HOST_COPIES = ("h2d_gbs", "d2h_gbs")


class Peak(Record):
    """`value` in TFLOP/s or GB/s; `basis`: "derived" from multiprocessors and clocks, or "datasheet"."""

    value: float
    basis: str
    source: str


class Share(Record):
    """Which part of a peak, or of the siblings' median, is a failure and which a warning."""

    failure: float
    warning: float


def peak_of(device: Device, measured: str) -> Peak | None:
    """`measured`: "fp16_tflops", "copy_gbs" (a copy on the device reads and writes: both are counted), "h2d_gbs", "d2h_gbs" (a copy
    from or to pinned memory of the host, over PCIe). None: not known."""
    if device.kind != "cuda":
        return None
    if measured == "copy_gbs":
        return _bandwidth(device)
    if measured in HOST_COPIES:
        return _link(device)
    kind = measured.removesuffix("_tflops")
    if kind == measured:
        return None
    return _derived(device, kind) or _datasheet(device.name, kind)


def link_floor(device: Device) -> float:
    """The share of its PCIe link's line rate that copies from and to the host reach on a healthy machine; 0 where that is not known."""
    row = _generation(device)
    return row["floor"] / row["line_rate"] if row else 0.0


def share(what: str) -> Share:
    """`what`: "gemm", "copy" or "sibling"."""
    row = table("peaks")["shares"][what]
    return Share(row["failure"], row["warning"])


def half_rate(name: str) -> bool:
    """Products with fp32 accumulation, which is what frameworks ask for, run at half the speed on these."""
    return any(row["names"] in name for row in table("peaks")["half_rate"])


def rate(capability: str, kind: str, name: str = "") -> float:
    """Multiply-adds a clock and multiprocessor; 0 where that is not known."""
    rows: list[dict[str, Any]] = table("peaks")["rates"]
    row = next((r for r in rows if capability in r["capabilities"]), {})
    found = float(row.get(kind, 0))
    return found / 2 if kind != "fp32" and half_rate(name) else found


def _derived(device: Device, kind: str) -> Peak | None:
    per_clock = rate(device.compute_capability, kind, device.name)
    if not per_clock or not device.multiprocessors or not device.sm_clock_max:
        return None
    value = 2 * device.multiprocessors * per_clock * device.sm_clock_max * 1e6 / 1e12
    how = f"2 x {device.multiprocessors} multiprocessors x {per_clock:g} x {device.sm_clock_max} MHz"
    return Peak(value, "derived", how)


def _bandwidth(device: Device) -> Peak | None:
    if device.bus_width and device.memory_clock_max:
        value = 2 * device.bus_width / 8 * device.memory_clock_max * 1e6 / 1e9
        return Peak(value, "derived", f"2 x {device.bus_width} bit x {device.memory_clock_max} MHz")
    return _datasheet(device.name, "bandwidth")


def _generation(device: Device) -> dict[str, Any] | None:
    rows: list[dict[str, Any]] = table("peaks")["pcie"]
    return next((r for r in rows if r["generation"] == device.link_generation_max), None)


def _link(device: Device) -> Peak | None:
    row = _generation(device)
    if row is None or not device.link_width_max:
        return None
    value = row["line_rate"] * device.link_width_max / 16
    return Peak(value, "derived", f"PCIe {row['generation']}, {device.link_width_max} lanes")


def _datasheet(name: str, kind: str) -> Peak | None:
    found = table("peaks")
    rows: list[dict[str, Any]] = [
        r for r in found["datasheets"] if any(name == n or n in name for n in r["names"]) and kind in r
    ]
    # "NVIDIA A10" is part of "NVIDIA A100-SXM4-40GB" too: the longest name that fits is meant.
    rows.sort(key=lambda r: -max(len(n) for n in r["names"] if n in name))
    exact = [r for r in rows if any(name == n or (n in name and not _goes_on(name, n)) for n in r["names"])]
    return Peak(float(exact[0][kind]), "datasheet", source(found, exact[0]["source"])) if exact else None


def _goes_on(name: str, part: str) -> bool:
    """The name continues with a letter or a digit where `part` ends: another product."""
    rest = name.partition(part)[2]
    return bool(rest) and rest[0].isalnum()
