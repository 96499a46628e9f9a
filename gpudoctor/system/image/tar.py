"""The headers of a tar archive, read in passing: names, kinds, and where the bytes lie.

Why not `tarfile`: it takes a damaged header in the middle for the end of the archive, and says nothing; and it needs
twice as long (measured: 1.5 s against 0.75 s for 68 000 entries). Formats: POSIX ustar and pax, and GNU's long names, as in
tar(5) of libarchive.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Literal

from gpudoctor.facts.record import Record
from gpudoctor.system.image.sources import Damaged, Source

BLOCK = 512
Kind = Literal["file", "hardlink", "link", "char", "block", "dir", "other"]

_KINDS: Mapping[bytes, Kind] = {
    b"0": "file", b"\0": "file", b"7": "file", b"1": "hardlink", b"2": "link", b"3": "char", b"4": "block",
    b"5": "dir", b"6": "other",
}  # fmt: skip
#: Links, nodes and folders have no bytes, whatever size an old tar wrote beside them.
_WITHOUT_BYTES = (b"1", b"2", b"3", b"4", b"5", b"6")
#: Names and pax records longer than this are no image's (bytes).
_LONGEST = 1 << 20


class Entry(Record):
    """`path` absolute and without a slash at its end ("/etc/passwd"); `target`: of a link as written, of a hard link an
    absolute path. `offset`: where the bytes begin in the archive."""

    path: str
    kind: Kind
    mode: int
    uid: int
    gid: int
    size: int
    mtime: float
    target: str
    offset: int


class End(Record):
    """`at`: where the archive ended; `marked`: with the blocks of zeros that say so."""

    at: int
    marked: bool


def entries(source: Source) -> Iterator[Entry | End]:
    """Every entry, then the End. Raises Damaged for what is no tar archive or ends within an entry."""
    at = 0
    shared: dict[str, str] = {}
    own: dict[str, str] = {}
    while True:
        head = source.pread(BLOCK, at)
        if len(head) < BLOCK or not any(head):
            if head and len(head) < BLOCK and any(head):
                raise Damaged(f"{source.name} is cut short within a header, at byte {at}")
            yield End(at, len(head) == BLOCK)
            return
        size = _check(head, source.name, at)
        kind, data = head[156:157], at + BLOCK
        following = data + (size + BLOCK - 1) // BLOCK * BLOCK
        if kind in b"xgLK":
            said = _long(source, data, size)
            if kind == b"g":
                shared.update(_pax(said, source.name))
            elif kind == b"x":
                own.update(_pax(said, source.name))
            else:
                own["path" if kind == b"L" else "linkpath"] = _text(said.split(b"\0", 1)[0])
        else:
            entry = _entry(head, size, data, {**shared, **own})
            own = {}
            if entry.kind == "file" and entry.size:
                following = data + (entry.size + BLOCK - 1) // BLOCK * BLOCK
                if not source.pread(1, data + entry.size - 1):
                    raise Damaged(f"{source.name} is cut short within {entry.path}")
            elif kind in _WITHOUT_BYTES:
                following = data
            yield entry
        at = following


def _check(head: bytes, name: str, at: int) -> int:
    """The size of what follows. Raises Damaged where the header's own sum is wrong."""
    try:
        wanted = _number(head[148:156])
        if sum(head) - sum(head[148:156]) + 8 * 32 != wanted:
            raise ValueError
        return _number(head[124:136])
    except ValueError:
        what = f"is damaged at byte {at}" if at else "is no tar archive"
        raise Damaged(f"{name} {what}") from None


def _number(field: bytes) -> int:
    if field[0] & 0x80:  # GNU's base 256, for what octal digits can't hold
        return int.from_bytes(field, "big") & ~(0x80 << 8 * (len(field) - 1))
    text = field.split(b"\0", 1)[0].strip()
    return int(text, 8) if text else 0


def _long(source: Source, at: int, size: int) -> bytes:
    if size > _LONGEST:
        raise Damaged(f"{source.name}: a name of {size} bytes")
    found = source.pread(size, at)
    if len(found) < size:
        raise Damaged(f"{source.name} is cut short at byte {at}")
    return found


def _pax(data: bytes, name: str) -> dict[str, str]:
    """ "30 mtime=1350244992.023960108\n", one after the other."""
    found, at = {}, 0
    while at < len(data) and data[at : at + 1] != b"\0":
        digits = data[at : at + 12].split(b" ", 1)[0]
        if not digits.isdigit() or int(digits) <= len(digits):
            raise Damaged(f"{name}: a broken pax header")
        key, _, value = data[at + len(digits) + 1 : at + int(digits) - 1].partition(b"=")
        found[_text(key)] = _text(value)
        at += int(digits)
    return found


def _entry(head: bytes, size: int, data: int, said: Mapping[str, str]) -> Entry:
    kind: Kind = _KINDS.get(head[156:157], "other")
    name = said.get("path") or _name(head)
    if kind == "file" and name.endswith("/"):
        kind = "dir"
    if "GNU.sparse.major" in said or "GNU.sparse.size" in said:
        kind = "other"  # its bytes are not as they stand
    target = said.get("linkpath") or _text(head[157:257].split(b"\0", 1)[0])
    try:
        size = int(said.get("size", size)) if kind == "file" else 0
        uid, gid = int(said.get("uid", _number(head[108:116]))), int(said.get("gid", _number(head[116:124])))
        mtime = float(said.get("mtime", _number(head[136:148])))
        mode = _number(head[100:108]) & 0o7777
    except ValueError:
        raise Damaged(f"a broken header of {name!r}") from None
    return Entry(
        absolute(name),
        kind,
        mode,
        uid,
        gid,
        size,
        mtime,
        absolute(target) if kind == "hardlink" else target,
        data,
    )


def _name(head: bytes) -> str:
    name = head[:100].split(b"\0", 1)[0]
    if head[257:263] == b"ustar\0":
        prefix = head[345:500].split(b"\0", 1)[0]
        name = prefix + b"/" + name if prefix else name
    return _text(name)


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


def absolute(name: str) -> str:
    """ "./usr//bin/" -> "/usr/bin". ".." is kept out: an archive must not point above itself."""
    parts = [part for part in name.split("/") if part not in ("", ".", "..")]
    return "/" + "/".join(parts)
