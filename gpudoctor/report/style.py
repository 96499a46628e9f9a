"""Colours and glyphs that degrade: none without a terminal, none with NO_COLOR, ASCII where the encoding needs it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import IO, Any

from gpudoctor.facts.record import Record

_CODES: Mapping[str, str] = {
    "bold": "1",
    "dim": "2",
    "red": "31",
    "green": "32",
    "yellow": "33",
    "cyan": "36",
}


class Style(Record):
    """`colour`: escape codes may be written. `unicode`: glyphs beyond ASCII may be. `width` in columns."""

    colour: bool = False
    unicode: bool = False
    width: int = 80

    def paint(self, text: str, *names: str) -> str:
        if not self.colour or not text:
            return text
        return f"\x1b[{';'.join(_CODES[n] for n in names)}m{text}\x1b[0m"

    def glyph(self, severity: str) -> str:
        pretty, plain, colour = _GLYPHS[severity]
        return self.paint(pretty if self.unicode else plain, "bold", colour)


_GLYPHS: Mapping[str, tuple[str, str, str]] = {
    "failure": ("✗", "x", "red"),
    "warning": ("▲", "!", "yellow"),
    "note": ("•", "-", "cyan"),
    "ok": ("✓", "+", "green"),
}


def style_for(stream: IO[Any], env: Mapping[str, str] = os.environ) -> Style:
    """What `stream` can show. NO_COLOR (any value but empty) and TERM=dumb switch colours off, FORCE_COLOR on."""
    terminal = bool(getattr(stream, "isatty", lambda: False)())
    colour = terminal and not env.get("NO_COLOR") and env.get("TERM") != "dumb"
    if env.get("FORCE_COLOR") and not env.get("NO_COLOR"):
        colour = True
    encoding = (getattr(stream, "encoding", None) or "ascii").lower().replace("-", "")
    width = 80
    if terminal:
        import shutil

        width = max(40, min(shutil.get_terminal_size().columns, 110))
    return Style(colour, encoding.startswith("utf"), width)
