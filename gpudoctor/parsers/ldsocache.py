"""/etc/ld.so.cache: which file the loader takes for a soname.

Three layouts exist: the old one ("ld.so-1.7.0"), the old one with the new one behind it (what ldconfig wrote
before glibc 2.32), and the new one alone. Layouts as in glibc's sysdeps/generic/dl-cache.h.

A real cache, as `ldconfig -p` shows it:

    libcuda.so.1 (libc6,x86-64) => /lib/x86_64-linux-gnu/libcuda.so.1
    libcuda.so.1 (libc6) => /lib/i386-linux-gnu/libcuda.so.1
"""

from __future__ import annotations

from gpudoctor.facts.record import Record

_OLD, _NEW = b"ld.so-1.7.0", b"glibc-ld.so.cache1.1"
_OLD_HEADER, _OLD_ENTRY = 16, 12
_NEW_HEADER, _NEW_ENTRY = 48, 24

#: The second byte of an entry's flags: the ABIs that this tool's users may meet. Others are named by their number.
_ABIS = {
    0x00: "32-bit",
    0x03: "x86_64",
    0x05: "ppc64",
    0x08: "x32",
    0x09: "armhf",
    0x0A: "aarch64",
    0x10: "riscv64",
}
_ABIS_32 = frozenset({"32-bit", "x32", "armhf"})


class CacheEntry(Record):
    """`name` "libcuda.so.1", `path` "/lib/x86_64-linux-gnu/libcuda.so.1", `abi` "x86_64" or "32-bit"."""

    name: str
    path: str
    abi: str

    @property
    def is_64_bit(self) -> bool:
        return self.abi not in _ABIS_32


def parse(data: bytes) -> tuple[CacheEntry, ...]:
    """All entries, in the loader's order for each name. Raises ValueError for what is no cache, or a cut one."""
    start = 0
    if data.startswith(_OLD):
        count = int.from_bytes(data[12:16], "little")
        behind = _OLD_HEADER + count * _OLD_ENTRY
        start = next((at for at in (-(-behind // 8) * 8, behind) if data[at : at + 20] == _NEW), -1)
        if start < 0:
            return _entries(data, _OLD_HEADER, _OLD_ENTRY, count, behind)
    if data[start : start + 20] != _NEW:
        raise ValueError("no ld.so.cache")
    count = int.from_bytes(data[start + 20 : start + 24], "little")
    return _entries(data, start + _NEW_HEADER, _NEW_ENTRY, count, start)


def _entries(data: bytes, first: int, size: int, count: int, strings: int) -> tuple[CacheEntry, ...]:
    if first + count * size > len(data):
        raise ValueError("cut short")
    # The fields of one kind side by side: flags, name, path are an entry's first three words. The cache is written
    # for this machine's loader, so its byte order is ours.
    words = memoryview(data[first : first + count * size]).cast("I")
    step = size // 4
    found = []
    for flags, name, path in zip(words[::step], words[1::step], words[2::step], strict=True):
        number = flags >> 8 & 0xFF
        abi = _ABIS.get(number) or f"abi {number:#04x}"
        found.append(CacheEntry(_string(data, strings + name), _string(data, strings + path), abi))
    return tuple(found)


def _string(data: bytes, start: int) -> str:
    end = data.find(b"\0", start)
    if start >= len(data) or end < 0:
        raise ValueError("a string lies outside")
    return data[start:end].decode("utf-8", "surrogateescape")
