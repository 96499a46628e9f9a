"""A change as a unified diff, for people and for `patch`."""

from __future__ import annotations

import re

from gpudoctor.changes.plan import FileChange


def unified(path: str, old: bytes | None, new: bytes | None, context: int = 2) -> tuple[str, ...]:
    """The lines of a unified diff, without their newlines. None: there is no such file. Bytes that are no UTF-8 are shown as
    \\xNN; binary contents are only said to differ.

    >>> unified("/etc/x", b"a\\nb\\n", b"a\\nc\\n")[3:]
    (' a', '-b', '+c')
    """
    import difflib

    if old == new:
        return ()
    head = (
        f"--- {path if old is not None else '/dev/null'}",
        f"+++ {path if new is not None else '/dev/null'}",
    )
    if b"\0" in (old or b"") or b"\0" in (new or b""):
        return (*head, "(binary contents differ)")
    lines = [_lines(content) for content in (old or b"", new or b"")]
    body = [_hidden(line) for line in difflib.unified_diff(lines[0], lines[1], lineterm="", n=context)][2:]
    return (*head, *body) if body else (*head, "(an empty file)")


def of_change(change: FileChange) -> tuple[str, ...]:
    """The diff of a planned change; a link is shown by where it points.

    >>> of_change(FileChange("/usr/local/cuda", None, None, "", link="cuda-12.4", old_link="cuda-11.8"))
    ('--- /usr/local/cuda', '+++ /usr/local/cuda', '-link to cuda-11.8', '+link to cuda-12.4')
    """
    if change.link is None and change.old_link is None:
        return unified(change.path, change.before, change.after)
    old = [f"-link to {change.old_link}"] if change.old_link is not None else _signed("-", change.before)
    new = [f"+link to {change.link}"] if change.link is not None else _signed("+", change.after)
    return (
        f"--- {change.path if old else '/dev/null'}",
        f"+++ {change.path if new else '/dev/null'}",
        *old,
        *new,
    )


_SECRET = re.compile(r"(\w*(?:TOKEN|KEY|SECRET|PASSW|CREDENTIAL)\w*[\"']?\s*[=:\s]\s*)(\S.*)", re.I)


def _hidden(line: str) -> str:
    """Start-up files hold keys, and a diff is pasted into questions: a line that is only context keeps them to itself.

    >>> _hidden(" export WANDB_API_KEY=abc")
    ' export WANDB_API_KEY=...'
    """
    return _SECRET.sub(r"\1...", line) if line.startswith(" ") else line


def _signed(sign: str, content: bytes | None) -> list[str]:
    return [] if content is None else [sign + line for line in _lines(content)]


def _lines(content: bytes) -> list[str]:
    text = content.decode("utf-8", "backslashreplace")
    lines = text.split("\n")
    end = lines.pop()
    return [*lines, f"{end}\\ no newline at end of file"] if end else lines
