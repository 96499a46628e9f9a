"""Small root file systems for probe tests: a tiny ELF writer, an ld.so.cache writer, and files by a table."""

from __future__ import annotations

import os
import struct
from collections.abc import Mapping, Sequence
from pathlib import Path

_NEEDED, _STRTAB, _STRSZ, _SONAME, _RPATH, _RUNPATH = 1, 5, 10, 14, 15, 29
_VERNEED, _VERNEEDNUM = 0x6FFFFFFE, 0x6FFFFFFF


def shared_object(
    soname: str = "",
    *,
    needed: Sequence[str] = (),
    rpath: str = "",
    runpath: str = "",
    glibc: str = "",
    bits: int = 64,
    machine: int = 0x3E,
    payload: bytes = b"",
) -> bytes:
    """A shared object that has nothing but what the loader's search reads (it cannot be loaded)."""
    strings = bytearray(b"\0")

    def string(text: str) -> int:
        at = len(strings)
        strings.extend(text.encode() + b"\0")
        return at

    entries = [(_NEEDED, string(name)) for name in needed]
    entries += [
        (tag, string(text)) for tag, text in ((_SONAME, soname), (_RPATH, rpath), (_RUNPATH, runpath)) if text
    ]
    needs = b""
    if glibc:
        needs = struct.pack("<HHIII", 1, 1, string("libc.so.6"), 16, 0)
        needs += struct.pack("<IHHII", 0, 0, 2, string(glibc), 0)
    head, row, pair = (64, 56, 16) if bits == 64 else (52, 32, 8)
    start = head + 2 * row
    count = len(entries) + 3 + (2 if glibc else 0)
    table, version_at = start + count * pair, 0
    version_at = table + len(strings)
    entries += [(_STRTAB, table), (_STRSZ, len(strings))]
    if glibc:
        entries += [(_VERNEED, version_at), (_VERNEEDNUM, 1)]
    entries.append((0, 0))
    body = b"".join(struct.pack("<QQ" if bits == 64 else "<II", *entry) for entry in entries)
    body += bytes(strings) + needs + payload
    total = start + len(body)
    if bits == 64:
        programs = struct.pack("<IIQQQQQQ", 1, 5, 0, 0, 0, total, total, 4096)
        programs += struct.pack("<IIQQQQQQ", 2, 6, start, start, start, count * pair, count * pair, 8)
        rest = struct.pack("<HHIQQQIHHHHHH", 3, machine, 1, 0, head, 0, 0, head, row, 2, 64, 0, 0)
    else:
        programs = struct.pack("<IIIIIIII", 1, 0, 0, 0, total, total, 5, 4096)
        programs += struct.pack("<IIIIIIII", 2, start, start, start, count * pair, count * pair, 6, 4)
        rest = struct.pack("<HHIIIIIHHHHHH", 3, 3, 1, 0, head, 0, 0, head, row, 2, 40, 0, 0)
    ident = b"\x7fELF" + bytes([2 if bits == 64 else 1, 1, 1]) + b"\0" * 9
    return ident + rest + programs + body


def loader_cache(entries: Sequence[tuple[str, str]], flags: int = 0x0303) -> bytes:
    """An /etc/ld.so.cache of the new layout; (soname, path) pairs in the loader's order."""
    strings, rows = bytearray(), []
    base = 48 + 24 * len(entries)
    for name, path in entries:
        key = base + len(strings)
        strings += name.encode() + b"\0"
        value = base + len(strings)
        strings += path.encode() + b"\0"
        rows.append(struct.pack("<IIIIQ", flags, key, value, 0, 0))
    head = b"glibc-ld.so.cache1.1" + struct.pack("<II", len(entries), len(strings)) + b"\0" * 20
    return head + b"".join(rows) + bytes(strings)


def build(root: Path, files: Mapping[str, bytes | str]) -> str:
    """Writes `files` (absolute path -> bytes, or "-> target" for a link) under `root`; gives the root."""
    for path, content in files.items():
        place = root / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str) and content.startswith("-> "):
            os.symlink(content[3:], place)
        else:
            place.write_bytes(content.encode() if isinstance(content, str) else content)
    return str(root)
