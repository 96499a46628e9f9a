"""Any pasted text, as clean lines with their numbers.

Bytes come in pieces and a piece is forgotten once it has been looked at: a log of any size takes the same memory. A text
up to `WHOLE` bytes is kept whole; of a longer one, what may matter is kept: its beginning, its end, and the surroundings
of every line that a `Sieve` picks.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import IO, TYPE_CHECKING

from gpudoctor.errors import GpudoctorError
from gpudoctor.logs.lazy import Lazy
from gpudoctor.logs.locales import in_english

if TYPE_CHECKING:
    from gpudoctor.logs.sieve import Sieve

#: Bytes. Up to here a text is kept whole.
WHOLE = 1 << 20
PIECE = 1 << 20
#: Of a longer text: so many lines of its beginning and its end.
EDGE = 1500
#: Longer lines are cut: nothing that names a cause stands behind so much.
LONGEST = 8000
#: A text that is longer than that after picking is cut; a log that repeats an error a million times says it once.
KEPT = 40_000

_ESCAPE = re.compile(
    rb"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]{0,500}(?:\x07|\x1b\\)|[()][A-Za-z0-9]|[=>78cDEHM])"
)
#: What launchers, compose, kubectl, mail and chat put before a program's line.
_PREFIX = re.compile(
    r"(?:\[?(?:rank|default) ?\d+\]?: ?|\[pod/[^\]\s]{1,200}\] |[A-Za-z][\w./-]{0,80} +\| (?!(?:e?grep|awk|sed|head|tail|less|more|sort|uniq|wc|tee|cut|xargs|column|(?:ba)?sh|sudo|python3?)\b)|> |\(\w{1,30} pid=\d+(?:, ip=[\d.]+)?\) )+"
)
#: Compose's own prefix: the container's name ends in its number ("app-1 | ", "detect_worker_1 | ").
_COMPOSED = Lazy(r"[a-zA-Z][\w.-]{0,80}[-_]\d{1,3} \| ")
#: Quotes that a program quoted again: docker and runc do so once for each that hands the message on.
_QUOTED = Lazy(r"\\+(?=[\"'])")
#: `nvidia-smi -q -x`: read as what `nvidia-smi -q` prints.
_ELEMENT = Lazy(r"<([a-z]\w{1,60})>(?:([^<>]{1,200})</\1>)?$")
#: Quotes that word processors, chats and localised compilers make curly.
_STRAIGHT = str.maketrans("\u2018\u2019\u201c\u201d\u00b4", "''\"\"'")
_BLANKS = re.compile(r"[ \t\xa0\u3000]+")


class Text:
    """Clean lines in order. `numbers[i]` is the number of `lines[i]` in the file named `files[i]`. `composed`: compose's
    prefixes stood before lines, so what speaks there is in a container."""

    def __init__(self) -> None:
        self.numbers: list[int] = []
        self.lines: list[str] = []
        self.files: list[str] = []
        self.composed = False
        self._joined = ""
        self._starts: list[int] = []

    def add(self, number: int, raw: bytes, file: str) -> None:
        for part in raw[: LONGEST * 4].decode("utf-8", "replace").split("\r"):
            line = _BLANKS.sub(" ", part).strip()[:LONGEST]
            prefix = _PREFIX.match(line)
            if prefix:
                self.composed = self.composed or _COMPOSED.match(line) is not None
                line = line[prefix.end() :]
            if not line.isascii():
                line = line.translate(_STRAIGHT)
            line = in_english(line)
            if "\\" in line:
                line = _QUOTED.sub("", line)
            if line[:1] == "<":
                line = _ELEMENT.sub(_plain_element, line)
            if line:
                self.numbers.append(number)
                self.lines.append(line)
                self.files.append(file)
        self._joined = ""

    @property
    def joined(self) -> str:
        if not self._joined and self.lines:
            self._joined = "\n".join(self.lines)
            at, self._starts = 0, []
            for line in self.lines:
                self._starts.append(at)
                at += len(line) + 1
        return self._joined

    def indices(self, start: int, end: int) -> range:
        """The lines that the characters start..end of `joined` touch."""
        _ = self.joined
        first = bisect_right(self._starts, start) - 1
        return range(first, bisect_right(self._starts, max(start, end - 1)))


def _plain_element(found: re.Match[str]) -> str:
    """`<driver_version>550.54.15</driver_version>` as "driver version : 550.54.15"."""
    name = found[1].replace("_", " ")
    return f"{name} : {found[2]}" if found[2] else name


def read(sources: Iterable[tuple[str, IO[bytes]]], sieve: Sieve) -> Text:
    """All sources as one text. Raises GpudoctorError for one that is empty, no text, or breaks off (gzip)."""
    text = Text()
    for name, stream in sources:
        before = len(text.lines)
        _read_one(text, name, stream, sieve)
        if len(text.lines) == before:
            raise GpudoctorError(f"{name} is empty", note="there is nothing to diagnose")
    return text


def raw_lines(name: str, stream: IO[bytes]) -> Iterator[str]:
    """Every line as it stands, without terminal escapes. Raises as `read` does."""
    for _, line in _lines(_decoded(name, _unpacked(name, stream))):
        yield line.decode("utf-8", "replace")


def _read_one(text: Text, name: str, stream: IO[bytes], sieve: Sieve) -> None:
    pieces = _decoded(name, _unpacked(name, stream))
    head: list[bytes] = []
    size = 0
    for piece in pieces:
        head.append(piece)
        size += len(piece)
        if size > WHOLE:
            break
    lines = _lines(iter(head)) if size <= WHOLE else _picked(_chain(head, pieces), sieve)
    for number, line in lines:
        if len(text.lines) >= KEPT:
            break
        text.add(number, line, name)


def _chain(head: list[bytes], rest: Iterator[bytes]) -> Iterator[bytes]:
    while head:
        yield head.pop(0)
    yield from rest


def _unpacked(name: str, stream: IO[bytes]) -> Iterator[bytes]:
    start = stream.read(PIECE)
    if start[:2] != b"\x1f\x8b":
        while start:
            yield start
            start = stream.read(PIECE)
        return
    import zlib

    unpacker = zlib.decompressobj(31)
    try:
        while start:
            piece = unpacker.decompress(start, PIECE)
            while piece:
                yield piece
                piece = unpacker.decompress(unpacker.unconsumed_tail, PIECE)
            if unpacker.eof and unpacker.unused_data:  # another member follows
                start, unpacker = unpacker.unused_data, zlib.decompressobj(31)
                continue
            start = stream.read(PIECE)
    except zlib.error as error:
        raise GpudoctorError(f"{name} is damaged: {error}", note="nothing was diagnosed") from None
    if not unpacker.eof:
        raise GpudoctorError(
            f"{name} breaks off: the gzip data ends before its end",
            note="nothing was diagnosed",
            hint="copy the file again, whole",
        )


def _decoded(name: str, pieces: Iterator[bytes]) -> Iterator[bytes]:
    """UTF-8 (or whatever the program wrote, byte by byte). UTF-16, which PowerShell's `>` writes, becomes UTF-8."""
    first = next(pieces, b"")
    if not first:
        return
    encoding = _utf16(first)
    if encoding:
        import codecs

        decoder = codecs.getincrementaldecoder(encoding)("replace")
        yield decoder.decode(first).lstrip("\ufeff").encode("utf-8", "replace")
        for piece in pieces:
            yield decoder.decode(piece).encode("utf-8", "replace")
        return
    sample = first[:8192]
    odd = sum(b < 32 and b not in (8, 9, 10, 12, 13, 27) for b in sample)
    if odd > max(2, len(sample) // 50):
        raise GpudoctorError(
            f"{name} is not text",
            context=f"its first bytes are {sample[:8].hex(' ')}",
            note="nothing was diagnosed",
            hint="give it a log, a traceback, or the .log.gz that nvidia-bug-report.sh writes",
        )
    yield first.removeprefix(b"\xef\xbb\xbf")
    yield from pieces


def _utf16(first: bytes) -> str:
    if first[:2] == b"\xff\xfe":
        return "utf-16-le"
    if first[:2] == b"\xfe\xff":
        return "utf-16-be"
    sample = first[:400]
    if len(sample) >= 8 and not any(sample[1::2]) and all(sample[0::2]):
        return "utf-16-le"
    if len(sample) >= 8 and not any(sample[0::2]) and all(sample[1::2]):
        return "utf-16-be"
    return ""


def _whole_lines(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes cut at line ends; a line longer than a piece is cut anyway."""
    left: list[bytes] = []
    held = 0
    for piece in pieces:
        cut = piece.rfind(b"\n") + 1
        if not cut and held + len(piece) < 4 * PIECE:
            left.append(piece)
            held += len(piece)
            continue
        yield b"".join([*left, piece[:cut]]) if cut else b"".join([*left, piece]) + b"\n"
        left, held = ([piece[cut:]], len(piece) - cut) if cut and cut < len(piece) else ([], 0)
    if left:
        yield b"".join(left)


def _clean(block: bytes) -> bytes:
    if b"\x1b" in block:
        block = _ESCAPE.sub(b"", block)
    return block.replace(b"\r\n", b"\n")


def _lines(pieces: Iterator[bytes]) -> Iterator[tuple[int, bytes]]:
    number = 0
    for block in _whole_lines(pieces):
        lines = _clean(block).split(b"\n")
        if lines and not lines[-1]:
            lines.pop()
        for line in lines:
            number += 1
            yield number, line


def _picked(pieces: Iterator[bytes], sieve: Sieve) -> Iterator[tuple[int, bytes]]:
    """Of a long text: its beginning, what surrounds the lines that the sieve picks, its end."""
    given = 0
    last: deque[tuple[int, bytes]] = deque(maxlen=EDGE)
    budget = KEPT - 2 * EDGE
    for number, lines, wanted in _sieved(pieces, sieve):
        chosen = set(range(min(len(lines), EDGE - number)))
        for index, around in wanted.items():
            if budget > 0 or number + index < EDGE:
                near = range(max(0, index - around), min(len(lines), index + around + 1))
                budget -= len(chosen.union(near)) - len(chosen)
                chosen.update(near)
        for index in sorted(chosen):
            given = number + index + 1
            yield given, lines[index]
        tail = lines[-EDGE:]
        last.extend((number + len(lines) - len(tail) + i + 1, line) for i, line in enumerate(tail))
    for at, line in last:
        if at > given:
            yield at, line


def _sieved(pieces: Iterator[bytes], sieve: Sieve) -> Iterator[tuple[int, list[bytes], Mapping[int, int]]]:
    """Stretches of lines, how many stand before them, and what the sieve picks of them; a stretch is sieved while the next is read."""
    number = 0
    held: tuple[int, list[bytes], Callable[[], Mapping[int, int]]] | None = None
    for block in _whole_lines(pieces):
        lines = _clean(block).split(b"\n")
        if lines and not lines[-1]:
            lines.pop()
        begun = sieve.begin(lines)
        if held is not None:
            yield held[0], held[1], held[2]()
        held = number, lines, begun
        number += len(lines)
    if held is not None:
        yield held[0], held[1], held[2]()
