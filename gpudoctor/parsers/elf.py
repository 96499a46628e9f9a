"""ELF files: what they are for, what they need, where they look for it, and where their sections lie.

Reads by seeking, a few hundred bytes of a file of any size: nothing is mapped, executed or read whole. Layouts as
in elf(5) and glibc's elf.h. What `readelf -dV` shows of such a file:

     0x000000000000000e (SONAME)  Library soname: [libcudnn.so.9]
     0x0000000000000001 (NEEDED)  Shared library: [libdl.so.2]
     0x000000000000001d (RUNPATH) Library runpath: [$ORIGIN]
    Version needs section '.gnu.version_r': 0x0000: File: libc.so.6  0x0010: Name: GLIBC_2.17

Whatever the bytes say, the only exception of this module's own is ValueError; OSError is the disk's.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpudoctor.facts.record import Record

_MACHINES = {
    0x03: "i386",
    0x15: "ppc64",
    0x28: "arm",
    0x3E: "x86_64",
    0xB7: "aarch64",
    0xBE: "cuda",
    0xF3: "riscv",
}
_TYPES = {1: "relocatable", 2: "executable", 3: "shared", 4: "core"}

_PT_LOAD, _PT_DYNAMIC = 1, 2
_NEEDED, _STRTAB, _STRSZ, _SONAME, _RPATH, _RUNPATH = 1, 5, 10, 14, 15, 29
_VERNEED, _VERNEEDNUM, _FLAGS_1 = 0x6FFFFFFE, 0x6FFFFFFF, 0x6FFFFFFB
_NODEFLIB = 0x800
_SHT_NOBITS = 8

#: More of anything than this is no real file: it keeps garbage from costing time or memory.
_MOST_ENTRIES, _MOST_VERSIONS, _LONGEST_STRING = 1 << 16, 1 << 12, 1 << 16


if TYPE_CHECKING:
    from typing import Protocol

    class Seekable(Protocol):
        """A binary file, an `mmap`, or a `BytesIO`."""

        def seek(self, offset: int, whence: int = ..., /) -> object: ...

        def tell(self) -> int: ...

        def read(self, size: int, /) -> bytes: ...


class VersionNeed(Record):
    """The symbol versions wanted of one library: "libc.so.6" of ("GLIBC_2.14", "GLIBC_2.17")."""

    library: str
    versions: tuple[str, ...]


class Section(Record):
    """`offset` and `size` in the file; `size` is 0 for a section without bytes there (.bss)."""

    name: str
    offset: int
    size: int
    address: int


class Elf(Record):
    """`bits` 32 or 64; `machine` "x86_64" (or "machine 0x1234"); `type` "shared", "executable", "relocatable", "core".

    `rpath` and `runpath` are split at colons and otherwise as written ("$ORIGIN/../lib"); `no_default_dirs`: the
    file forbids the default folders (`-z nodefaultlib`)."""

    bits: int
    little_endian: bool
    machine: str
    type: str
    soname: str = ""
    needed: tuple[str, ...] = ()
    rpath: tuple[str, ...] = ()
    runpath: tuple[str, ...] = ()
    versions: tuple[VersionNeed, ...] = ()
    no_default_dirs: bool = False


def read(file: Seekable) -> Elf:
    """The header and what the dynamic loader would read. A file without a dynamic part has empty fields.

    Raises ValueError for what is no ELF file, or a damaged one."""
    view = _View(file)
    base = Elf(view.bits, view.order == "<", view.machine, view.type)
    segments = _segments(view)
    dynamic = _dynamic(view, segments)
    if not dynamic:
        return base
    strings = _Strings(view, segments, _first(dynamic, _STRTAB), _first(dynamic, _STRSZ))
    return base.replace(
        soname=next((strings.at(v) for t, v in dynamic if t == _SONAME), ""),
        needed=tuple(strings.at(v) for t, v in dynamic if t == _NEEDED),
        rpath=_paths(strings, dynamic, _RPATH),
        runpath=_paths(strings, dynamic, _RUNPATH),
        versions=_versions(view, segments, strings, dynamic),
        no_default_dirs=bool((_first(dynamic, _FLAGS_1) or 0) & _NODEFLIB),
    )


def sections(file: Seekable) -> tuple[Section, ...]:
    """The section table; empty when it was stripped. Raises ValueError for what is no ELF file, or a damaged one."""
    view = _View(file)
    if not view.section_offset:
        return ()
    rows = _section_rows(view)
    if not rows:
        return ()
    index = view.names_index if view.names_index != 0xFFFF else rows[0][5]
    if index >= len(rows):
        raise ValueError("section names: no such section")
    names = rows[index]
    found = []
    for name, kind, address, offset, size, _ in rows:
        size = 0 if kind == _SHT_NOBITS else size
        if offset + size > view.size:
            raise ValueError("a section lies outside the file")
        found.append(Section(view.string(names[3] + name, names[3] + names[4]), offset, size, address))
    return tuple(found)


def section(file: Seekable, name: str) -> Section | None:
    """The first section of that name (".nv_fatbin", ".modinfo"), None if there is none. Raises ValueError."""
    return next((s for s in sections(file) if s.name == name), None)


def section_bytes(file: Seekable, name: str, limit: int = 8 << 20) -> bytes | None:
    """That section's bytes, at most `limit`. Raises ValueError."""
    found = section(file, name)
    return None if found is None else _View(file).bytes(found.offset, min(found.size, limit))


def exported(file: Seekable) -> frozenset[str]:
    """The names that a shared library defines for others (.dynsym): "_ZNSt3__122__libcpp_verbose_abortEPKcz". Empty where the section table
    was stripped. Raises ValueError."""
    view = _View(file)
    table, names = section(file, ".dynsym"), section_bytes(file, ".dynstr", limit=64 << 20)
    if table is None or names is None:
        return frozenset()
    # elf(5): st_name first; st_shndx, which is 0 for what is wanted from elsewhere, at 6 of 24 bytes or at 14 of 16
    layout, step, place = ("IBBHQQ", 24, 3) if view.bits == 64 else ("IIIBBH", 16, 5)
    found = set()
    for row in view.table(layout, table.offset, min(table.size // step, _MOST_ENTRIES), step):
        if row[place] and row[0] < len(names):
            end = names.find(b"\0", row[0])
            found.add(names[row[0] : end if end >= 0 else None].decode("utf-8", "surrogateescape"))
    return frozenset(found - {""})


# ---------------------------------------------------------------- reading


class _View:
    """The file by offsets, never beyond its end, and the header's fields."""

    def __init__(self, file: Seekable) -> None:
        self._file = file
        file.seek(0, 2)
        self.size = file.tell()
        head = self.bytes(0, min(64, self.size))
        if head[:4] != b"\x7fELF" or len(head) < 52:
            raise ValueError("no ELF file")
        if head[4] not in (1, 2) or head[5] not in (1, 2):
            raise ValueError("an ELF file of unknown class or byte order")
        self.bits = 64 if head[4] == 2 else 32
        self.order = "<" if head[5] == 1 else ">"
        if self.bits == 64 and len(head) < 64:
            raise ValueError("cut short")
        layout = "HHIQQQIHHHHHH" if self.bits == 64 else "HHIIIIIHHHHHH"
        fields = self.unpack(layout, 16)
        kind, machine = fields[0], fields[1]
        self.type = _TYPES.get(kind, f"type {kind:#x}")
        self.machine = _MACHINES.get(machine, f"machine {machine:#06x}")
        self.program_offset, self.section_offset = fields[4], fields[5]
        self.program_size, self.program_count = fields[8], fields[9]
        self.section_size, self.section_count, self.names_index = fields[10], fields[11], fields[12]

    def bytes(self, offset: int, size: int) -> bytes:
        if offset < 0 or size < 0 or offset + size > self.size:
            raise ValueError("something lies outside the file")
        self._file.seek(offset)
        data = self._file.read(size)
        if len(data) != size:
            raise ValueError("cut short")
        return data

    def unpack(self, layout: str, offset: int) -> tuple[int, ...]:
        import struct

        form = struct.Struct(self.order + layout)
        return form.unpack(self.bytes(offset, form.size))

    def table(self, layout: str, offset: int, count: int, step: int) -> list[tuple[int, ...]]:
        """`count` records of `layout`, `step` bytes apart."""
        import struct

        form = struct.Struct(self.order + layout)
        if count and step < form.size:
            raise ValueError("a table's records are too small")
        if count > _MOST_ENTRIES:
            raise ValueError("a table is too large")
        data = self.bytes(offset, count * step)
        return [form.unpack_from(data, at) for at in range(0, len(data), step)] if count else []

    def string(self, offset: int, end: int) -> str:
        """The text from `offset` to its NUL. Tables of names reach 100 MB, so never the table: a piece at a time."""
        end = min(end, self.size, offset + _LONGEST_STRING)
        found = b""
        while True:
            piece = self.bytes(offset + len(found), max(0, min(256, end - offset - len(found))))
            head, nul, _ = piece.partition(b"\0")
            found += head
            if nul:
                return found.decode("utf-8", "surrogateescape")
            if not piece:
                raise ValueError("a string does not end")


class _Strings:
    """The dynamic string table. Without one every look-up is a ValueError."""

    def __init__(
        self, view: _View, segments: list[tuple[int, ...]], address: int | None, size: int | None
    ) -> None:
        self._view = view
        self._start = None if address is None else _offset(segments, address)
        self._size = size or 0

    def at(self, index: int) -> str:
        if self._start is None or index >= self._size:
            raise ValueError("a name lies outside its table")
        return self._view.string(self._start + index, self._start + self._size)


def _segments(view: _View) -> list[tuple[int, ...]]:
    """(type, offset, address, size in the file) of each program header."""
    if view.bits == 64:
        rows = view.table("IIQQQQQQ", view.program_offset, view.program_count, view.program_size)
        return [(r[0], r[2], r[3], r[5]) for r in rows]
    rows = view.table("IIIIIIII", view.program_offset, view.program_count, view.program_size)
    return [(r[0], r[1], r[2], r[4]) for r in rows]


def _offset(segments: list[tuple[int, ...]], address: int) -> int:
    """Where in the file the byte of that address lies."""
    for kind, offset, start, size in segments:
        if kind == _PT_LOAD and start <= address < start + size:
            return offset + address - start
    raise ValueError("an address lies in no segment")


def _dynamic(view: _View, segments: list[tuple[int, ...]]) -> list[tuple[int, int]]:
    for kind, offset, _, size in segments:
        if kind == _PT_DYNAMIC:
            step = 16 if view.bits == 64 else 8
            rows = view.table("qQ" if view.bits == 64 else "iI", offset, size // step, step)
            end = next((n for n, row in enumerate(rows) if row[0] == 0), len(rows))
            return [(row[0] & 0xFFFFFFFF, row[1]) for row in rows[:end]]
    return []


def _first(dynamic: list[tuple[int, int]], tag: int) -> int | None:
    return next((value for t, value in dynamic if t == tag), None)


def _paths(strings: _Strings, dynamic: list[tuple[int, int]], tag: int) -> tuple[str, ...]:
    value = _first(dynamic, tag)
    return () if value is None else tuple(part for part in strings.at(value).split(":") if part)


def _versions(
    view: _View, segments: list[tuple[int, ...]], strings: _Strings, dynamic: list[tuple[int, int]]
) -> tuple[VersionNeed, ...]:
    address = _first(dynamic, _VERNEED)
    if address is None:
        return ()
    at = _offset(segments, address)
    found: list[VersionNeed] = []
    left = _MOST_VERSIONS
    for _ in range(min(_first(dynamic, _VERNEEDNUM) or 0, _MOST_VERSIONS)):
        _version, count, file, first, following = view.unpack("HHIII", at)
        names: list[str] = []
        inner = at + first
        for _ in range(count):
            left -= 1
            if left < 0:
                raise ValueError("too many symbol versions")
            _hash, _flags, _other, name, step = view.unpack("IHHII", inner)
            names.append(strings.at(name))
            if not step:
                break
            inner += step
        found.append(VersionNeed(strings.at(file), tuple(names)))
        if not following:
            break
        at += following
    return tuple(found)


def _section_rows(view: _View) -> list[tuple[int, ...]]:
    """(name, type, address, offset, size, link) of each section."""
    layout = "IIQQQQIIQQ" if view.bits == 64 else "IIIIIIIIII"
    count = view.section_count
    if count == 0:  # more than 0xff00: the first section's size says how many
        first = view.table(layout, view.section_offset, 1, view.section_size)[0]
        count = first[5]
    rows = view.table(layout, view.section_offset, count, view.section_size)
    return [(r[0], r[1], r[3], r[4], r[5], r[6]) for r in rows]
