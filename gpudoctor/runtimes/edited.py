"""What an edit gives back, and how it refuses.

Two texts that say the same can't be told apart afterwards: where a file was empty, or held an empty object or table that
configuring filled, unconfiguring leaves the shortest text that means the same. `gpudoctor undo` restores such a file to the byte.
"""

from __future__ import annotations

from gpudoctor.facts.record import Record


class Edited(Record):
    """`text`: the whole new contents. `notes`: what a person should know (a key that stands there twice, a value that was
    kept), one sentence each. `changed`: the keys that were changed, as a person names them ("runtimes.nvidia")."""

    text: str
    changed: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


class Refused(ValueError):
    """The text can't be edited safely. `line` and `column` count from 1, in characters; 0 where no place is to blame."""

    def __init__(self, problem: str, line: int = 0, column: int = 0, hint: str = "") -> None:
        super().__init__(f"line {line}, column {column}: {problem}" if line else problem)
        self.problem = problem
        self.line = line
        self.column = column
        self.hint = hint


def place(text: str, offset: int) -> tuple[int, int]:
    """Line and column of an offset, both from 1.

    >>> place("ab\\ncd", 4)
    (2, 2)
    """
    start = text.rfind("\n", 0, offset) + 1
    return text.count("\n", 0, offset) + 1, offset - start + 1


def refuse_at(text: str, offset: int, problem: str, hint: str = "") -> Refused:
    return Refused(problem, *place(text, offset), hint)


def excerpt(text: str, line: int, column: int) -> str:
    """The line to blame with a caret under the place; a long line is cut around it.

    {"debug": true, // why
                    ^
    """
    lines = text.split("\n")
    if not 1 <= line <= len(lines):
        return ""
    shown = lines[line - 1].rstrip("\r").replace("\t", " ")
    start = max(0, column - 60)
    return f"{shown[start : start + 100]}\n{' ' * (column - 1 - start)}^"


def newline_of(text: str) -> str:
    """The line ending that the text uses: that of its first line."""
    first = text.find("\n")
    return "\r\n" if first > 0 and text[first - 1] == "\r" else "\n"
