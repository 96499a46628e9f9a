"""Carrying out a plan so that it can be taken back: the only code that writes to a machine.

In order: the lock; an unfinished change is taken back first; every file is looked at again and refused if it is not what the
plan was made from; the journal with all that going back needs; the new contents beside each file, which is where a full
disk, a read-only file system or a missing right shows, before anything has changed; renames; validations; actions;
the journal is closed. Whatever fails on the way is taken back. A run that is killed leaves each file old or new and a
journal that is open: `undo` or the next run restores what was there.
"""

from __future__ import annotations

import hashlib
import os
from typing import Literal

from gpudoctor.changes import journal as journals_of
from gpudoctor.changes.diff import unified
from gpudoctor.changes.journal import Journal, SavedAction, SavedFile, keep, mark
from gpudoctor.changes.outcome import Outcome, Runner, Step, run_program, said, shown
from gpudoctor.changes.places import owner_of
from gpudoctor.changes.plan import Action, FileChange, Plan, Validation
from gpudoctor.changes.restore import settle, stuck, sweep, take_back
from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.record import Record
from gpudoctor.system.filestate import ABSENT, FileState, refused
from gpudoctor.system.writer import Writer


class _Todo(Record):
    """A file that has to change: where it lies after links, what it is now, and its bytes."""

    change: FileChange
    target: str
    now: FileState
    content: bytes
    made: tuple[str, ...] = ()


# ---------------------------------------------------------------- forward


def apply(plan: Plan, writer: Writer, run: Runner = run_program) -> Outcome:
    """Carry out a plan. Consent is the caller's business: everything in the plan is done.

    Returns "applied", "unchanged", "rolled-back" or "open". Raises GpudoctorError where it was refused before anything was
    changed: another run, drift, an immutable or foreign file, no room, no right, an interrupted change that can't be
    taken back.
    """
    if plan.needs_root and writer.live and os.geteuid() != 0:
        raise GpudoctorError(
            f"{plan.title}: only root can",
            note="nothing was changed",
            hint=f"sudo {writer.command} --apply"
            if "--apply" not in writer.command
            else f"sudo {writer.command}",
        )
    with writer.locked():
        notes = settle(writer, run)
        todo = [found for change in plan.files if (found := _examine(change, writer)) is not None]
        notes += [note for found in todo if (note := _about_link(found))]
        if not todo and not plan.actions:
            return Outcome("", "unchanged", notes=tuple(notes))
        journal = _open(plan, todo, _touched(plan, writer), writer)
        try:
            _write(journal, todo, writer)
        except BaseException as error:
            back = take_back(journals_of.reread(writer, journal), writer, run, "rolled-back")
            if back.state == "open":
                raise stuck(back) from error
            if isinstance(error, OSError):
                raise refused(error, _path_of(error, todo)) from None
            raise
        outcome = _run_all(plan, journal, writer, run)
        return outcome.replace(
            notes=(*notes, *outcome.notes),
            files=tuple(t.target for t in todo) if outcome.state == "applied" else outcome.files,
        )


def _examine(change: FileChange, writer: Writer) -> _Todo | None:
    """None where the file is as it shall be already. Raises GpudoctorError for drift and for what can't be edited."""
    path = change.path
    itself = change.link is not None or change.old_link is not None
    target = writer.resolve(path, follow=not itself)
    elsewhere = owner_of(path, target, lambda p: _is_there(writer, p))
    if elsewhere is not None:
        raise GpudoctorError(
            f"{path} is made by {elsewhere.what}: an edit would be lost",
            note="nothing was changed",
            hint=elsewhere.where,
        )
    made = writer.missing_folders(target)
    try:
        now, content = (ABSENT, b"") if made else writer.look(target)
    except OSError as error:
        raise refused(error, path) from None
    if _is_after(change, now):
        return None
    if not _is_before(change, now, itself):
        raise _drifted(change, now, content)
    if target != path and now.kind == "absent" and writer.resolve(path, follow=False) != target:
        raise GpudoctorError(
            f"{path} is a link to {target}, which is not there",
            note="nothing was changed",
            hint="mend or remove the link first",
        )
    _refuse_unwritable(path, target, now, made, writer)
    return _Todo(change, target, now, content, made)


def _is_there(writer: Writer, path: str) -> bool:
    return os.path.exists(writer.host(writer.resolve(path)))


def _is_after(change: FileChange, now: FileState) -> bool:
    if change.link is not None:
        return now.kind == "link" and now.link == change.link
    if change.after is None:
        return now.kind == "absent"
    return now.kind == "file" and now.sha256 == _digest(change.after)


def _is_before(change: FileChange, now: FileState, itself: bool) -> bool:
    if change.old_link is not None:
        return now.kind == "link" and now.link == change.old_link
    if change.before is None:
        return now.kind == "absent"
    return now.kind == "file" and now.sha256 == _digest(change.before)


def _drifted(change: FileChange, now: FileState, content: bytes) -> GpudoctorError:
    if now.kind == "link":
        seen = f"it is a link to {now.link} now"
    elif now.kind == "absent":
        seen = "it is not there any more"
    elif change.before is None:
        seen = "there is a file of that name now"
    else:
        seen = "\n    ".join(["it is different now:", *unified(change.path, change.before, content, 1)[:20]])
    return GpudoctorError(
        f"{change.path} was changed since it was examined",
        context=seen,
        note="nothing was changed",
        hint="run it again: it will look at the file as it is now",
    )


def _refuse_unwritable(path: str, target: str, now: FileState, made: tuple[str, ...], writer: Writer) -> None:
    where = made[0] if made else target
    if writer.immutable(where):
        raise GpudoctorError(
            f"{path} can't be written: it or its folder is immutable (chattr +i or +a)",
            note="nothing was changed",
            hint=f"`lsattr -d {target}` shows it; whoever set it had a reason: `sudo chattr -i` takes it off",
        )
    if now.kind == "file" and writer.names_of(target) > 1:
        raise GpudoctorError(
            f"{path} has {writer.names_of(target)} names (hard links): an edit would part them",
            note="nothing was changed",
            hint=f"`find / -xdev -samefile {target}` finds the other; make one of them a copy or a symbolic link",
        )


def _about_link(found: _Todo) -> str:
    path = found.change.path
    follows = found.change.link is None and found.change.old_link is None
    return f"{path} is a link: {found.target} was edited" if follows and found.target != path else ""


def _touched(plan: Plan, writer: Writer) -> list[tuple[int, _Todo]]:
    """What the plan's programs will write, as it is now, with the number of the program."""
    found = []
    for number, action in enumerate(plan.actions if writer.live else ()):
        for path in action.touches:
            target = writer.resolve(path, follow=False)
            try:
                now, content = (ABSENT, b"") if writer.missing_folders(target) else writer.look(target)
            except OSError as error:
                raise refused(error, path) from None
            change = FileChange(path, None, None, action.reason)
            found.append((number, _Todo(change, target, now, content)))
    return found


def _open(plan: Plan, todo: list[_Todo], touched: list[tuple[int, _Todo]], writer: Writer) -> Journal:
    """The journal of what will be changed, on the disk."""
    journal = journals_of.new_journal(writer, plan.id, plan.title)
    actions = plan.actions if writer.live else ()
    files = [SavedFile(f.change.path, f.target, f.now, _expected(f), f.made, f.change.reason) for f in todo]
    files += [
        SavedFile(f.change.path, f.target, f.now, f.now, (), f.change.reason, number, seen=False)
        for number, f in touched
    ]
    journal = journal.replace(
        files=tuple(files),
        actions=tuple(_saved(a) for a in actions),
    )
    everything = (*todo, *(found for _, found in touched))
    saved = {number: found.content for number, found in enumerate(everything) if found.now.kind == "file"}
    try:
        wrote = {number: f.change.after for number, f in enumerate(todo) if f.change.after is not None}
        journals_of.begin(writer, journal, saved, wrote)
    except OSError as error:
        raise refused(
            error, writer.state, "the journal could not be written, so nothing was changed"
        ) from None
    return journal


def _saved(action: Action) -> SavedAction:
    return SavedAction(
        action.argv, action.reason, action.undo_argv, action.env, action.timeout, action.stops,
        forget_argv=action.forget_argv,
    )  # fmt: skip


def _expected(found: _Todo) -> FileState:
    """What will be there. The owner of a new file is known only when it is made."""
    change, now = found.change, found.now
    if change.link is not None:
        return FileState("link", link=change.link, uid=now.uid, gid=now.gid)
    if change.after is None:
        return ABSENT
    new = now if now.kind == "file" else FileState("file", mode=change.mode)
    return new.replace(sha256=_digest(change.after), size=len(change.after), mtime_ns=0)


def _write(journal: Journal, todo: list[_Todo], writer: Writer) -> None:
    """Everything beside its place first, then the renames. Raises OSError, GpudoctorError."""
    for folder in dict.fromkeys(folder for found in todo for folder in found.made):
        writer.make_folder(folder)
    files = list(journal.files)
    for number, (found, file) in enumerate(zip(todo, journal.files, strict=False)):
        new = journal.temporary(number)
        if file.after.kind == "link":
            writer.stage_link(new, file.after)
        elif file.after.kind == "file":
            assert found.change.after is not None
            writer.stage(new, found.change.after, file.after)
            files[number] = file.replace(after=writer.look(new)[0])
        if file.before.kind == "file":
            writer.second_name(file.target, journal.aside(number))
    journal = keep(writer, journal.replace(files=tuple(files)))
    for number, file in enumerate(journal.files[: len(todo)]):
        now, content = writer.look(file.target)
        if not now.same(file.before):
            raise _drifted(todo[number].change, now, content)
        if file.after.kind == "absent":
            writer.remove(file.target)
        else:
            writer.rename(journal.temporary(number), file.target)
        writer.sync_folder(os.path.dirname(file.target))


def _run_all(plan: Plan, journal: Journal, writer: Writer, run: Runner) -> Outcome:
    """Validations, then actions; the journal is closed, or all is taken back."""
    journal = journals_of.reread(writer, journal)
    steps: list[Step] = []
    not_run: tuple[str, ...] = ()
    try:
        if writer.live:
            journal, failed = _run_programs(plan, journal, writer, run, steps)
            if failed:
                return _failed(journal, writer, run, steps, failed)
        else:
            not_run = tuple(shown(v.argv) for v in plan.validations)
            not_run += tuple(shown(a.argv) for a in plan.actions)
        _finish(writer, journal, "done")
    except BaseException as error:
        back = take_back(journals_of.reread(writer, journal), writer, run, "rolled-back")
        if back.state == "open":
            raise stuck(back) from error
        if isinstance(error, OSError):
            raise refused(error, writer.state) from None
        raise
    return Outcome(journal.id, "applied", steps=tuple(steps), not_run=not_run)


def _run_programs(
    plan: Plan, journal: Journal, writer: Writer, run: Runner, steps: list[Step]
) -> tuple[Journal, str]:
    """The journal as it then is, and the reason of what failed, "" if nothing did."""
    for validation in plan.validations:
        steps.append(_step("validation", validation, run))
        if not steps[-1].ok:
            return journal, validation.reason
    for number, action in enumerate(plan.actions):
        journal = _act(journal, number, action, writer, run, steps)
        if not steps[-1].ok:
            return journal, action.reason
    return journal, ""


def _act(
    journal: Journal, number: int, action: Action, writer: Writer, run: Runner, steps: list[Step]
) -> Journal:
    before = run(action.state_argv, action.timeout, action.env).stdout if action.state_argv else ""
    journal = mark(writer, journal, number, state="started", before=before)
    steps.append(_step("action", action, run))
    files = [
        file.replace(after=_state(writer, file.target), seen=True) if file.action == number else file
        for file in journal.files
    ]
    journal = journal.replace(files=tuple(files))
    return mark(writer, journal, number, state="done" if steps[-1].ok else "started")


def _state(writer: Writer, path: str) -> FileState:
    return ABSENT if writer.missing_folders(path) else writer.look(path)[0]


def _step(what: Literal["validation", "action"], asked: Validation | Action, run: Runner) -> Step:
    ran = run(asked.argv, asked.timeout, asked.env)
    return Step(what, asked.argv, ran.code == 0, said(ran))


def _failed(journal: Journal, writer: Writer, run: Runner, steps: list[Step], reason: str) -> Outcome:
    last = steps[-1]
    why = f"{reason}: `{shown(last.argv)}` failed" + (f": {last.said}" if last.said else "")
    back = take_back(journal.replace(why=why), writer, run, "rolled-back")
    why = f"{why}\n{back.why}" if back.why else why
    return back.replace(steps=(*steps, *back.steps), why=why)


def _finish(writer: Writer, journal: Journal, state: journals_of.State) -> Journal:
    """Close the journal, then sweep what lies beside the files: killed between the two, the next run sweeps."""
    journal = keep(writer, journal.replace(state=state))
    sweep(writer, journal)
    return journal


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _path_of(error: OSError, todo: list[_Todo]) -> str:
    return (
        todo[0].change.path
        if len(todo) == 1
        else os.path.dirname(todo[0].target)
        if todo
        else str(error.filename)
    )
