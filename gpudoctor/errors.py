"""Errors that reach a user speak in four parts: what happened, its context, a note, a hint."""

from __future__ import annotations

#: Usage errors, unreadable input, "could not look": everything that is neither well (0) nor ill (1).
EXIT_CANNOT_TELL = 2


class GpudoctorError(Exception):
    """An error with words for a person. `what` is one sentence; the other parts may be empty.

    Printed as:

        error: the snapshot machine.json is not valid JSON
          at: line 3, column 7
          note: nothing was judged
          hint: make it again with `gpudoctor snapshot --output machine.json`
    """

    exit_code = EXIT_CANNOT_TELL

    def __init__(self, what: str, *, context: str = "", note: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.context = context
        self.note = note
        self.hint = hint

    def render(self) -> str:
        lines = [f"error: {self.what}"]
        lines += [f"  {label}: {text}" for label, text in self._parts() if text]
        return "\n".join(lines)

    def _parts(self) -> tuple[tuple[str, str], ...]:
        return (("at", self.context), ("note", self.note), ("hint", self.hint))
