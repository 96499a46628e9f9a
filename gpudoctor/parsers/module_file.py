"""What a kernel module's file says of itself: its .modinfo section, and the signature that may follow the ELF file.

.modinfo holds strings that end in a zero byte:

    version=550.163.01\\0license=NVIDIA\\0...vermagic=6.8.0-45-generic SMP preempt mod_unload modversions \\0

A signed module ends in "~Module signature appended~\\n" (kernel/module/signing.c). The open flavour's licence is
"Dual MIT/GPL", the proprietary one's "NVIDIA" (driver README, "Open Linux Kernel Modules").
"""

from __future__ import annotations

from typing import IO

from gpudoctor.facts.record import Record

SIGNATURE = b"~Module signature appended~\n"
#: A .modinfo section is some kilobytes (nvidia.ko lists its PCI ids there); anything larger is garbage.
SECTION_LIMIT = 1 << 20
_CHUNK = 1 << 20
_OVERLAP = 4096


class ModuleInfo(Record):
    """`version` and `license` are empty where the file does not say."""

    version: str = ""
    license: str = ""
    signed: bool = False


def read_module(file: IO[bytes]) -> ModuleInfo:
    """An uncompressed module: reads the section table and that one section. Raises ValueError, OSError."""
    section = _modinfo(file)
    file.seek(0, 2)
    file.seek(max(0, file.tell() - len(SIGNATURE)))
    return _info(section, file.read(len(SIGNATURE)) == SIGNATURE)


def read_stream(stream: IO[bytes], limit: int = 256 << 20) -> ModuleInfo:
    """A module that can only be read from the beginning (compressed). Raises ValueError when nothing is found."""
    import re

    version = license_ = b""
    tail, read = b"", 0
    while read < limit:
        chunk = stream.read(_CHUNK)
        if not chunk:
            break
        read += len(chunk)
        window = tail + chunk
        if not version and (match := re.search(rb"\0version=(\d+\.\d+(?:\.\d+)?)\0", window)):
            version = match[1]
        if not license_ and (match := re.search(rb"[\0]license=(NVIDIA|Dual MIT/GPL)\0", window)):
            license_ = match[1]
        tail = window[-_OVERLAP:]
    if not version and not license_:
        raise ValueError("no .modinfo strings")
    return ModuleInfo(version.decode(), license_.decode(), tail.endswith(SIGNATURE))


def parse_modinfo(text: str) -> ModuleInfo:
    """The output of kmod's modinfo: "version:        550.163.01". Raises ValueError when it names neither."""
    values: dict[str, str] = {}
    for line in text.splitlines():
        name, colon, value = line.partition(":")
        if colon:
            values.setdefault(name, value.strip())
    if "version" not in values and "license" not in values:
        raise ValueError("no version and no licence")
    return ModuleInfo(
        values.get("version", ""), values.get("license", ""), "sig_id" in values or "signer" in values
    )


def _info(section: bytes, signed: bool) -> ModuleInfo:
    values: dict[str, str] = {}
    for item in section.split(b"\0"):
        name, equals, value = item.partition(b"=")
        if equals:
            values.setdefault(name.decode("ascii", "replace"), value.decode("utf-8", "replace"))
    return ModuleInfo(values.get("version", ""), values.get("license", ""), signed)


def _modinfo(file: IO[bytes]) -> bytes:
    """The bytes of .modinfo of a 64-bit little-endian ELF file (x86_64, aarch64: the only ones with an nvidia.ko)."""
    import struct

    header = file.read(64)
    if len(header) < 64 or header[:6] != b"\x7fELF\x02\x01":
        raise ValueError("not a 64-bit little-endian ELF file")
    table = struct.unpack_from("<Q", header, 40)[0]
    size, count, names_index = struct.unpack_from("<HHH", header, 58)
    if size < 64 or not 0 < names_index < count:
        raise ValueError("no section table")
    file.seek(table)
    rows = file.read(size * count)
    if len(rows) < size * count:
        raise ValueError("the section table is cut off")
    sections = [struct.unpack_from("<IIQQQQ", rows, n * size) for n in range(count)]
    names = _bytes(file, sections[names_index])
    for section in sections:
        if names[section[0] : section[0] + 9] == b".modinfo\0":
            return _bytes(file, section)
    raise ValueError("no .modinfo section")


def _bytes(file: IO[bytes], section: tuple[int, ...]) -> bytes:
    offset, length = section[4], section[5]
    if length > SECTION_LIMIT:
        raise ValueError("a section is too large")
    file.seek(offset)
    data = file.read(length)
    if len(data) < length:
        raise ValueError("a section is cut off")
    return data
