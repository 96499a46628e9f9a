"""How a change ended, and how its programs are run."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from gpudoctor.facts.record import Record
from gpudoctor.system.port import Ran

Runner = Callable[[tuple[str, ...], float, tuple[tuple[str, str], ...]], Ran]

#: What of a program's output is kept for the report (characters).
_TAIL = 2000


class Step(Record):
    """A program that was run. `ok`: it ended with status 0; `said`: the end of what it printed."""

    what: Literal["validation", "action", "undo"]
    argv: tuple[str, ...]
    ok: bool
    said: str = ""


class Outcome(Record):
    """How it ended. `state`: "applied"; "unchanged" (all was so already); "rolled-back" (`why` says what failed, and all is as
    before); "undone"; "forgotten" (it stands, and can't be taken back any more); "open" (something could not be taken back: `why`, and `undo` tries again). `id`: the journal's, ""
    where none was needed. `files`: those written, after links; `not_run`: what was left out under --root."""

    id: str
    state: Literal["applied", "unchanged", "rolled-back", "undone", "forgotten", "open"]
    files: tuple[str, ...] = ()
    steps: tuple[Step, ...] = ()
    not_run: tuple[str, ...] = ()
    why: str = ""
    notes: tuple[str, ...] = ()


def run_program(argv: tuple[str, ...], timeout: float, env: tuple[tuple[str, str], ...]) -> Ran:
    """In a session of its own, with this deadline; a program that is not there ends with status 127."""
    import os

    from gpudoctor.system.live import RESERVE, Live

    try:
        return Live(timeout + 2 * RESERVE).run(argv, timeout, env={**os.environ, **dict(env)})
    except OSError as error:
        return Ran(argv, 127, "", f"{argv[0]}: {error.strerror or error}")


def said(ran: Ran) -> str:
    if ran.timed_out:
        return f"no end within {ran.seconds:.0f} s"
    return (ran.stderr.strip() or ran.stdout.strip())[-_TAIL:]


def shown(argv: tuple[str, ...]) -> str:
    """The command as it would be typed; a program handed over as text is only hinted at."""
    import shlex

    return " ".join(shlex.quote(word) if len(word) < 200 else "..." for word in argv)
