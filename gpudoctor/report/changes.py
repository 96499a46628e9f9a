"""What `fix`, `undo` and `runtime` print: the changes, planned or made, and how to take them back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from gpudoctor.changes.diff import of_change
from gpudoctor.changes.journal import Journal
from gpudoctor.changes.outcome import Outcome, Step, shown
from gpudoctor.changes.plan import Plan
from gpudoctor.facts.record import Record
from gpudoctor.findings import MACHINE, Judgement, Subject
from gpudoctor.report.compat import wrapped
from gpudoctor.report.model import Report, head
from gpudoctor.report.style import Style

#: Change with every change of the shape that a reader could notice.
FIX_SCHEMA, UNDO_SCHEMA = "gpudoctor-fix/1", "gpudoctor-undo/1"


class FileDiff(Record):
    """`diff`: the lines of a unified diff, without newlines."""

    path: str
    reason: str
    diff: tuple[str, ...]


class Program(Record):
    """`undo`: what takes it back, empty where nothing does or need be. `stops`: what stops running meanwhile."""

    argv: tuple[str, ...]
    reason: str
    undo: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()


class Change(Record):
    """One change. `state`: "pending", "applied", "unchanged", "declined", "refused", "rolled-back", "open", "manual" (only a
    person can: the commands are `manual`); `recheck`: "mended", "still-ill", "not-judged" or "" (not judged again).
    `journal`: the number for `gpudoctor undo`; `not_run`: programs left out under --root."""

    id: str
    title: str
    subject: Subject
    applicability: str
    state: str
    files: tuple[FileDiff, ...] = ()
    validations: tuple[Program, ...] = ()
    actions: tuple[Program, ...] = ()
    manual: tuple[str, ...] = ()
    source_now: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    why: str = ""
    hint: str = ""
    journal: str = ""
    steps: tuple[Step, ...] = ()
    not_run: tuple[str, ...] = ()
    recheck: str = ""


class Changes(Record):
    """`made`: --apply was given. `notes`: what was taken back first, and the like."""

    made: bool
    items: tuple[Change, ...]
    notes: tuple[str, ...] = ()


class FixReport(Report):
    """What `gpudoctor fix --format json` prints; `findings` are those of the last judgement."""

    changes: Changes


class Undone(Record):
    """`taken_back`: how it ended, null for --list. `journals`: every change that is known, oldest first."""

    taken_back: Outcome | None
    journals: tuple[Journal, ...]


class UndoReport(Report):
    """What `gpudoctor undo --format json` prints."""

    changes: Undone


def change_of(
    plan: Plan,
    state: str = "pending",
    outcome: Outcome | None = None,
    recheck: str = "",
    why: str = "",
    hint: str = "",
) -> Change:
    """A plan and what became of it."""
    files = tuple(FileDiff(f.path, f.reason, diff) for f in plan.files if (diff := of_change(f)))
    notes = plan.notes + (outcome.notes if outcome else ())
    if plan.needs_root and state == "pending":
        notes += ("its programs need root: with --apply, run it through sudo",)
    return Change(
        plan.id,
        plan.title,
        plan.subject,
        plan.applicability,
        state,
        files,
        tuple(Program(v.argv, v.reason) for v in plan.validations),
        tuple(Program(a.argv, a.reason, a.undo_argv, a.stops) for a in plan.actions),
        plan.manual,
        plan.source_now,
        notes,
        why,
        hint,
        outcome.id if outcome else "",
        outcome.steps if outcome else (),
        outcome.not_run if outcome else (),
        recheck,
    )


def manual_change(
    identifier: str, title: str, subject: Subject = MACHINE, commands: Sequence[str] = (), why: str = ""
) -> Change:
    return Change(identifier, title, subject, "manual", "manual", manual=tuple(commands), why=why)


def fix_report(changes: Changes, judgement: Judgement, exit_code: int) -> FixReport:
    return FixReport(**head(FIX_SCHEMA, "fix", exit_code, judgement), changes=changes)


def undo_report(taken_back: Outcome | None, journals: tuple[Journal, ...], exit_code: int) -> UndoReport:
    return UndoReport(
        **head(UNDO_SCHEMA, "undo", exit_code, Judgement()), changes=Undone(taken_back, journals)
    )


# ---------------------------------------------------------------- for people

_STATES = {
    "pending": ("warning", ""),
    "applied": ("ok", "done"),
    "unchanged": ("ok", "nothing to change"),
    "declined": ("warning", "not done: nobody consented"),
    "refused": ("failure", "refused, nothing was changed"),
    "rolled-back": ("failure", "failed, and all is as before"),
    "open": ("failure", "failed, and could not be taken back wholly"),
    "manual": ("note", "for you to do"),
}
_GRADES = {"safe": "safe", "unsafe": "asks first", "manual": "by hand"}
_VERDICTS = {
    "mended": ("ok", "judged again: it is well now"),
    "still-ill": ("failure", "judged again: it is still ill"),
    "not-judged": ("warning", "it could not be judged again"),
}


def render(changes: Changes, style: Style, command: str = "gpudoctor fix") -> str:
    """`command`: what the reader typed, for the line that says how to go on."""
    lines = [line for note in changes.notes for line in wrapped(f"{style.glyph('warning')} {note}", style, 0)]
    for change in changes.items:
        lines += [*render_change(change, style), ""]
    lines += _close(changes, style, command)
    return "\n".join(lines) + "\n"


def render_change(change: Change, style: Style) -> Iterator[str]:
    """One change with its diff."""
    glyph, words = _STATES[change.state]
    about = f"  [{change.subject.label or change.subject.name}]" if change.subject.kind != "machine" else ""
    yield f"{style.glyph(glyph)} {style.paint(change.id, 'bold')}{about}" + (f": {words}" if words else "")
    grade = f" ({_GRADES[change.applicability]})" if change.state != "manual" else ""
    yield from wrapped(f"{change.title}{grade}", style, 2)
    if change.why:
        for line in change.why.splitlines():
            yield from wrapped(_plain(line), style, 4)
    if change.hint:
        yield from wrapped(f"hint: {change.hint}", style, 4)
    for file in change.files:
        yield from wrapped(style.paint(file.reason, "dim"), style, 4)
        for line in file.diff:
            colour = {"+": "green", "-": "red"}.get(line[:1], "dim")
            yield "    " + style.paint(_plain(line), colour)
    yield from _programs(change, style)
    for line in change.manual:
        yield f"      {style.paint('$', 'dim')} {line}"
    yield from _after(change, style)


def _programs(change: Change, style: Style) -> Iterator[str]:
    for program in change.actions:
        yield f"    {style.paint('run', 'bold')} {_command(program.argv)}  {style.paint(f'({program.reason})', 'dim')}"
        if program.stops:
            yield from wrapped(f"stops: {', '.join(program.stops)}", style, 8)
    if change.state == "pending":
        for program in change.validations:
            yield f"    {style.paint('check', 'dim')} {style.paint(program.reason, 'dim')}"
    for command in change.not_run:
        yield from wrapped(f"not run here: {command}", style, 4)


def _after(change: Change, style: Style) -> Iterator[str]:
    for note in change.notes:
        yield from wrapped(f"note: {note}", style, 4)
    if change.recheck:
        glyph, words = _VERDICTS[change.recheck]
        yield f"    {style.glyph(glyph)} {words}"
    if change.state == "applied":
        for line in change.source_now:
            yield f"    in shells that are open:  {style.paint(line, 'green')}"
        if change.journal:
            yield f"    to take it back:  {style.paint(f'{_sudo()}gpudoctor undo {change.journal}', 'green')}"


def _sudo() -> str:
    """Who made a change through sudo takes it back through sudo: the journal is root's."""
    import os

    return "sudo " if os.geteuid() == 0 and os.environ.get("SUDO_USER") else ""


def _close(changes: Changes, style: Style, command: str) -> Iterator[str]:
    states = [change.state for change in changes.items]
    if not states:
        yield f"{style.glyph('ok')} {style.paint('nothing to change', 'bold')}"
    pending = states.count("pending")
    if pending:
        unsafe = sum(c.state == "pending" and c.applicability != "safe" for c in changes.items)
        asks = f"; {unsafe} of them ask first (--yes consents)" if unsafe else ""
        yield f"nothing was changed; `{_sudo()}{command} --apply` makes {pending} change{'s' * (pending > 1)}{asks}"


#: As `--list` says it.
_JOURNALS = {
    "open": "interrupted",
    "taking-back": "interrupted",
    "done": "in force",
    "rolled-back": "failed",
    "undone": "taken back",
    "forgotten": "forgotten",
}


def render_journals(journals: Sequence[Journal], style: Style, hint: str = "") -> str:
    """`hint`: where others may be found."""
    more = f"hint: {hint}\n" if hint else ""
    if not journals:
        return f"nothing was ever changed here\n{more}"
    lines = []
    for journal in journals:
        where = f" under {journal.root}" if journal.root else ""
        lines.append(
            f"{journal.id:>4}  {journal.at}  {_JOURNALS[journal.state]:<11}  {journal.plan}: {_plain(journal.title)}{where}"
        )
        lines += [f"{'':8}{file.path}" for file in journal.files if file.action < 0]
        lines += [f"{'':8}run {_command(action.argv)}" for action in journal.actions]
        lines += [f"{'':8}left as it was: {_plain(one)}" for one in journal.left]
    if any(journal.state == "done" for journal in journals):
        lines.append(f"`{_sudo()}gpudoctor undo ID` takes one back that is {_JOURNALS['done']}")
    return "\n".join(lines) + "\n" + more


def render_outcome(outcome: Outcome, style: Style) -> str:
    """How an undo ended."""
    good = outcome.state in ("undone", "forgotten")
    words = {
        "undone": f"change {outcome.id} is taken back",
        "forgotten": f"change {outcome.id} stands, and what was kept to take it back is removed",
    }.get(outcome.state, f"change {outcome.id} could not be taken back wholly")
    lines = [f"{style.glyph('ok' if good else 'failure')} {style.paint(words, 'bold')}"]
    lines += [f"    {path} is as it was" for path in outcome.files]
    lines += [f"    {'ran' if s.ok else 'failed:'} {_command(s.argv)}" for s in outcome.steps]
    for line in outcome.why.splitlines():
        lines += wrapped(f"{'left as it is: ' if good else ''}{_plain(line)}", style, 4)
    if not good:
        lines.append(
            f"    mend that and run `gpudoctor undo {outcome.id}`; --leave gives up what can't be taken back"
        )
    return "\n".join(lines) + "\n"


def _command(argv: tuple[str, ...]) -> str:
    return _plain(shown(argv))


def _plain(text: str) -> str:
    """A file's contents must not command the terminal."""
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", lambda m: f"\\x{ord(m[0]):02x}", text)
