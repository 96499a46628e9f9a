"""Which GPUs a shared object has code for, read from its fatbins without CUDA and without decompressing anything.

NVIDIA documents neither the section nor the headers; the layout below was measured on libraries of CUDA 12.8 and on
files that nvcc 13.0 made for every target it knows, and is checked against `cuobjdump --list-elf --list-ptx`.

A section (`.nv_fatbin`, and `__nv_relfatbin` for relocatable device code) is a row of containers:

    u32 magic 0xBA55ED50   u16 version 1   u16 header size 16   u64 size of what follows      (padded to 8 bytes)

and a container is a row of entries:

    +0  u16 kind (1 PTX, 2 cubin; others are passed over)      +28 u32 architecture (86, 120)
    +4  u32 header size                                         +40 u32 flags (0x100000 "a", 0x200000 "f")
    +8  u64 payload size                                        +24 u32 of PTX: ISA version, major << 16 | minor

Only headers are read, with `pread`: a library of 750 MB costs as many small reads as it has entries (7 ms, 100 ms
from a cold disk). A memory map was slower from a cold disk, and a file that shrinks meanwhile would kill us (SIGBUS).
"""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from struct import Struct, error
from typing import IO, Literal

from gpudoctor.facts.frameworks import Cubin, Ptx, Targets
from gpudoctor.facts.observed import Known
from gpudoctor.parsers import elf

SECTIONS = (".nv_fatbin", "__nv_relfatbin")
MAGIC = 0xBA55ED50
PTX, CUBIN = 1, 2
#: A container's header and the one of its first entry.
CHUNK = 16 + 44
ARCH_SPECIFIC, FAMILY_SPECIFIC = 0x100000, 0x200000

_CONTAINER = Struct("<IHHQ")
#: kind, header size, payload size, (PTX) ISA version, architecture, flags
_ENTRY = Struct("<H2xIQ8xII8xI")

#: `size` bytes from `offset`, fewer at the file's end.
Read = Callable[[int, int], bytes]
#: Entry as counted: kind, architecture, variant bits, ISA (0 for a cubin).
_Key = tuple[int, int, int, int]


def read(file: IO[bytes], library: str = "") -> Targets:
    """The targets of an ELF file. Raises ValueError for what is no ELF file, or whose fatbins are broken.

    A file without fatbins gives no targets and `containers` 0: it holds no GPU code.
    """
    own: Read | None = getattr(file, "pread", None)  # a file within an archive has no descriptor
    if own is not None:
        return _read(file, own, library)
    descriptor = file.fileno()
    return _read(file, lambda size, offset: os.pread(descriptor, size, offset), library)


def read_bytes(data: bytes, library: str = "") -> Targets:
    """As `read`, of an ELF image in memory."""
    from io import BytesIO

    return _read(BytesIO(data), lambda size, offset: data[offset : offset + size], library)


def _read(file: elf.Seekable, pread: Read, library: str) -> Targets:
    groups: Counter[frozenset[_Key]] = Counter()
    try:
        for section in elf.sections(file):
            if section.name in SECTIONS:
                for container in containers(pread, section.offset, section.offset + section.size):
                    groups[container] += 1
    except (error, OverflowError, OSError) as problem:
        raise ValueError(f"truncated: {problem}") from problem
    return _targets(groups, library)


def containers(pread: Read, at: int, end: int) -> Iterator[frozenset[_Key]]:
    """What each container between two offsets holds. Raises ValueError where the chain breaks."""
    while at + _CONTAINER.size <= end:
        head = pread(CHUNK, at)
        magic, _, header, size = _CONTAINER.unpack_from(head)
        if magic == 0:
            # Padding between object files that were linked together; in big steps, a hole may be any size.
            chunk = pread(1 << 16, at)
            at += max(8, (len(chunk) - len(chunk.lstrip(b"\0"))) & ~7)
            continue
        if magic != MAGIC:
            raise ValueError(f"no fatbin container at offset {at}")
        if header < _CONTAINER.size or at + header + size > end:
            raise ValueError(f"a fatbin container at offset {at} reaches beyond its section")
        yield frozenset(_entries(pread, at + header, at + header + size, head[header:]))
        at += (header + size + 7) & ~7


def _entries(pread: Read, at: int, end: int, head: bytes) -> Iterator[_Key]:
    """`head`: bytes from `at` on that are already read; they hold the first header, mostly the only one."""
    unpack, smallest = _ENTRY.unpack_from, _ENTRY.size
    while at + smallest <= end:
        kind, header, payload, isa, architecture, flags = unpack(
            head if len(head) >= smallest else pread(smallest, at)
        )
        head = b""
        if header < smallest or at + header + payload > end:
            raise ValueError(f"a fatbin entry at offset {at} reaches beyond its container")
        if kind in (PTX, CUBIN):
            yield kind, architecture, flags & (ARCH_SPECIFIC | FAMILY_SPECIFIC), isa if kind == PTX else 0
        at += header + payload


def _targets(groups: Counter[frozenset[_Key]], library: str) -> Targets:
    everything = sorted(set().union(*groups)) if groups else []
    cubins = tuple(Cubin(_capability(a), _variant(v)) for k, a, v, _ in everything if k == CUBIN)
    ptx = tuple(
        Ptx(_capability(a), _variant(v), f"{isa >> 16}.{isa & 0xFFFF}")
        for k, a, v, isa in everything
        if k == PTX
    )
    return Targets(
        cubins,
        ptx,
        "fatbin",
        library,
        sum(groups.values()),
        Known(_serving(groups), library or "fatbin"),
    )


def _serving(groups: Counter[frozenset[_Key]]) -> dict[str, int]:
    """Capability -> how many containers hold a cubin that runs on it: a plain one of this major and no later minor,
    an "a" of exactly this capability, an "f" of its family. See `Targets.serving` for what lies between two keys."""
    marks: set[int] = set()
    for group in groups:
        for kind, architecture, variant, _ in group:
            if kind == CUBIN:
                # An "a" cubin serves its own minor only, so the next minor needs a mark of its own.
                marks |= {architecture, architecture + 1} if variant else {architecture}
    counts = {}
    for mark in sorted(marks):
        count = sum(n for group, n in groups.items() if any(_runs(key, mark) for key in group))
        counts[_capability(mark)] = count
    return counts


def _runs(key: _Key, architecture: int) -> bool:
    kind, own, variant, _ = key
    if kind != CUBIN or own // 10 != architecture // 10:
        return False
    return own == architecture if variant & ARCH_SPECIFIC else own <= architecture


def _capability(architecture: int) -> str:
    return f"{architecture // 10}.{architecture % 10}"


def _variant(flags: int) -> Literal["", "a", "f"]:
    return "a" if flags & ARCH_SPECIFIC else "f" if flags & FAMILY_SPECIFIC else ""
