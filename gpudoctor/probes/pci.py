"""The PCI bus in /sys: NVIDIA's devices, and everybody's display controllers. Read without waking anyone.

Not a fact group: `probes/gpu.py` and others read it through `devices`, which is asked once per port.
"""

from __future__ import annotations

import itertools
import os
import re
import struct

from gpudoctor.facts.gpu import Bar, Bridge, PciDevice
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown, value_of
from gpudoctor.system.port import Port, exists, observe, text

NVIDIA = 0x10DE
FOLDER = "/sys/bus/pci/devices"
_DISPLAY = 0x03

#: Flags of include/linux/ioport.h.
_IO, _MEMORY, _UNSET = 0x100, 0x200, 0x20000000
_FIRST_BARS = 6
#: BAR 1 is the window to a GPU's memory; every NVIDIA GPU has it. Some kernels blank what they could not place.
_MEMORY_WINDOW = 1

_ADDRESS = re.compile(r"(?<=/)[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7](?=/|$)")
#: Configuration space: its whole, what everybody may read of it, where the extended capabilities begin, and the number of the one asked for.
_CONFIG_SPACE, _FOR_EVERYBODY, _EXTENDED, _ACS = 4096, 64, 0x100, 0x000D


def devices(port: Port) -> Observed[tuple[PciDevice, ...]]:
    return port.memo("pci.devices", lambda: observe(lambda: _read(port), FOLDER))


def sleeps(device: PciDevice) -> bool:
    """Suspended under NVIDIA's driver: asking NVML would wake it. (Under nouveau NVML would find no driver.)"""
    return (
        value_of(device.runtime_status, "") == "suspended"
        and value_of(device.driver, "").partition("-")[0] == "nvidia"
    )


def _read(port: Port) -> tuple[PciDevice, ...]:
    found = (_device(port, address) for address in port.listdir(FOLDER))
    present = tuple(device for device in found if device is not None)
    gpus = [device.address for device in present if _is_gpu(device.vendor, device.class_code)]
    if len(gpus) < 2:
        return tuple(device.replace(bridges=Absent(FOLDER)) for device in present)
    above = {address: _above(port, address) for address in gpus}
    parting = _parting([value_of(way, ()) for way in above.values()])
    virtual = bool(parting) and _is_virtual(port)
    asleep = not port.options.wake and any(sleeps(device) for device in present)
    ports: dict[str, Observed[int]] = {
        at: Absent("a virtual machine")
        if virtual
        else Unknown("GPU is asleep", "wake")
        if asleep  # reading a port's registers wakes it
        else _acs(port, at)
        for at in parting
    }
    return tuple(
        device.replace(bridges=_bridges(above.get(device.address, Absent(FOLDER)), ports))
        for device in present
    )


def _above(port: Port, address: str) -> Observed[tuple[str, ...]]:
    """The addresses on the way from the root to the device: /sys/bus/pci/devices has links into the tree."""
    place = f"{FOLDER}/{address}"
    return observe(lambda: tuple(_ADDRESS.findall(port.readlink(place)))[:-1], place)


def _parting(ways: list[tuple[str, ...]]) -> set[str]:
    """The ports at which ways to two GPUs part below a bridge that both have above them."""
    found: set[str] = set()
    for one, other in itertools.combinations(ways, 2):
        common = len(os.path.commonprefix([one, other]))
        if common and len(one) > common and len(other) > common:
            found |= {one[common], other[common]}
    return found


def _bridges(way: Observed[tuple[str, ...]], ports: dict[str, Observed[int]]) -> Observed[tuple[Bridge, ...]]:
    if not isinstance(way, Known):
        return way
    return Known(tuple(Bridge(at, ports.get(at, Absent("no GPUs part here"))) for at in way.value), way.via)


def _is_virtual(port: Port) -> bool:
    """What a virtual machine shows of a switch is its hypervisor's. The first processor's flags are enough."""
    try:
        return " hypervisor" in text(port, "/proc/cpuinfo", 8192) or exists(port, "/sys/hypervisor/type")
    except OSError:
        return False


def _acs(port: Port, address: str) -> Observed[int]:
    """The kernel shows whoever is not root of this machine the first 64 bytes only."""
    place = f"{FOLDER}/{address}/config"
    space = observe(lambda: port.read(place, _CONFIG_SPACE), place)
    if not isinstance(space, Known):
        return space
    if len(space.value) <= _FOR_EVERYBODY:
        return Unknown(f"{place}: root of the host alone may read it", "root")
    if space.value[:2] == b"\xff\xff":
        return Unknown(f"{place}: the port does not answer")
    return observe(lambda: _control(space.value), place, absent_when=(LookupError,))


def _control(space: bytes) -> int:
    """ACSCtl out of the list of extended capabilities (include/uapi/linux/pci_regs.h); LookupError where there is none."""
    at, seen = _EXTENDED, 0
    while _EXTENDED <= at <= len(space) - 8 and seen < _CONFIG_SPACE // 8:
        (header,) = struct.unpack_from("<I", space, at)
        if header & 0xFFFF == _ACS:
            return int(struct.unpack_from("<H", space, at + 6)[0])
        at, seen = header >> 20 & ~3, seen + 1
    raise LookupError("no Access Control Services")


def _device(port: Port, address: str) -> PciDevice | None:
    folder = f"{FOLDER}/{address}"
    try:
        vendor, number, code = (_hex(port, f"{folder}/{name}") for name in ("vendor", "device", "class"))
    except (OSError, ValueError):
        return None  # it went away between the listing and now, or its files are no hexadecimal numbers
    if vendor != NVIDIA and code >> 16 != _DISPLAY:
        return None
    if exists(port, f"{folder}/physfn"):
        return None  # a virtual function of a GPU that is listed itself: a virtual machine's share (SR-IOV), not a GPU of this host
    device = PciDevice(
        address,
        vendor,
        number,
        code,
        driver=observe(lambda: port.readlink(f"{folder}/driver").rpartition("/")[2], f"{folder}/driver"),
        bars=observe(
            lambda: _bars(text(port, f"{folder}/resource"), _is_gpu(vendor, code)), f"{folder}/resource"
        ),
        runtime_status=observe(lambda: _status(port, folder), f"{folder}/power/runtime_status"),
    )
    if sleeps(device) and not port.options.wake:
        # From Linux 6.18 on, reading a link's state powers the device up.
        asleep = Unknown("GPU is asleep", "wake")
        return device.replace(
            link_width=asleep, link_width_max=asleep, link_speed=asleep, link_speed_max=asleep
        )
    return device.replace(
        link_width=_width(port, f"{folder}/current_link_width"),
        link_width_max=_width(port, f"{folder}/max_link_width"),
        link_speed=_speed(port, f"{folder}/current_link_speed"),
        link_speed_max=_speed(port, f"{folder}/max_link_speed"),
    )


def _is_gpu(vendor: int, code: int) -> bool:
    return vendor == NVIDIA and code >> 16 == _DISPLAY


def _hex(port: Port, path: str) -> int:
    return int(text(port, path, 64).strip(), 16)


def _status(port: Port, folder: str) -> str:
    status = text(port, f"{folder}/power/runtime_status", 64).strip()
    if not re.fullmatch("[a-z]+", status):
        raise ValueError(repr(status[:20]))
    return status


def _bars(resource: str, gpu: bool) -> tuple[Bar, ...]:
    """Lines of "START END FLAGS"; the first six are the BARs, an unused one and a 64-bit one's second half are zeros."""
    bars = []
    lines = resource.splitlines()
    if len(lines) < _FIRST_BARS:
        raise ValueError("fewer lines than there are BARs")
    for index, line in enumerate(lines[:_FIRST_BARS]):
        start, end, flags = (int(word, 16) for word in line.split())
        if flags & (_IO | _MEMORY):
            size = end - start + 1
            bars.append(Bar(index, size, start != 0 and not flags & _UNSET))
        elif gpu and index == _MEMORY_WINDOW:
            bars.append(Bar(index, 0, False))
    return tuple(bars)


def _width(port: Port, path: str) -> Observed[int]:
    def read() -> int:
        width = int(text(port, path, 64))
        if width not in (1, 2, 4, 8, 12, 16, 32):  # 0, 63 and 255 are what a link that is down reads as
            raise ValueError(f"{width} lanes")
        return width

    return observe(read, path)


def _speed(port: Port, path: str) -> Observed[float]:
    """ "16.0 GT/s PCIe"; "Unknown" where the link is down."""

    def read() -> float:
        words = text(port, path, 64).split()
        if len(words) < 2 or words[1] != "GT/s":
            raise ValueError(" ".join(words) or "empty")
        return float(words[0])

    return observe(read, path)
