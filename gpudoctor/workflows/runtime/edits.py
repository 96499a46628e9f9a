"""From an edited text to a change of a file, and from a refusal to an error with its place."""

from __future__ import annotations

from collections.abc import Callable

from gpudoctor.changes.plan import FileChange
from gpudoctor.errors import GpudoctorError
from gpudoctor.runtimes.edited import Edited, Refused, excerpt


def edited(path: str, text: str, edit: Callable[[str], Edited]) -> Edited:
    """Raises GpudoctorError with line, column and a caret."""
    try:
        return edit(text)
    except Refused as refused:
        context = path
        if refused.line:
            shown = excerpt(text.removeprefix("\ufeff"), refused.line, refused.column)
            context = f"{path}:{refused.line}:{refused.column}\n    " + shown.replace("\n", "\n    ")
        raise GpudoctorError(
            refused.problem, context=context, note="nothing was changed", hint=refused.hint
        ) from None


def change(path: str, before: bytes | None, text: str, reason: str) -> tuple[FileChange, ...]:
    """No change where the bytes are the same already; no file where there was none and nothing is left to say."""
    after = text.encode()
    if after == (before or b"") and (before is not None or not after):
        return ()
    return (FileChange(path, before, after, reason),)
