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
    from gpudoctor.parsers import elf

    section = elf.section_bytes(file, ".modinfo", SECTION_LIMIT)
    if section is None:
        raise ValueError("no .modinfo section")
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
