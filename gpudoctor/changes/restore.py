"""Going back: what `undo` does, what a run does that failed on its way, and what the next run does after one that was killed.

It is one thing: each file that is as we wrote it becomes what it was, each program that was run is undone; a file that is
neither is somebody else's work by now, and is left alone and reported. Interrupted, it can be done again from the start.
"""

from __future__ import annotations

import os
from typing import Literal

from gpudoctor.changes import journal as journals_of
from gpudoctor.changes.diff import unified
from gpudoctor.changes.journal import ENDS, UNFINISHED, Journal, SavedFile, journals, keep, mark
from gpudoctor.changes.outcome import Outcome, Runner, Step, run_program, said, shown
from gpudoctor.errors import GpudoctorError
from gpudoctor.system.filestate import ABSENT, FileState, refused
from gpudoctor.system.statefolder import roots_changes
from gpudoctor.system.writer import Writer


def undo(writer: Writer, identifier: str = "", *, leave: bool = False, run: Runner = run_program) -> Outcome:
    """Take back a change: the interrupted one if there is one, else the named, else the newest that stands.

    `leave`: what can't be taken back (a file that somebody changed since, a program that fails) is left as it is, and the
    change is closed. Returns "undone" or "open". Raises GpudoctorError where it was refused and nothing was changed.
    """
    _chosen(journals(writer), identifier)  # where there is nothing, no folder is made to find that out
    with writer.locked():
        journal = _chosen(journals(writer), identifier)
        files = _writer_of(journal, writer, leave)
        stood = journal.state not in UNFINISHED
        try:
            if stood:
                sweep(files, journal)
                if not leave:
                    _refuse_changed(journal, files, journals(writer))
                journal = keep(writer, journal.replace(state="taking-back"))
            back = take_back(journal, files, run, "undone", leave)
            if back.state == "open" and stood and not back.files and not any(s.ok for s in back.steps):
                keep(
                    writer, journal.replace(state="done")
                )  # nothing was taken back: it does not stand in the way
                raise GpudoctorError(
                    f"change {journal.id} can't be taken back", context=back.why, note="it stands as it did"
                )
            return back
        except OSError as error:
            raise refused(error, writer.state) from None
        finally:
            files.close()


def forget(writer: Writer, identifier: str, *, run: Runner = run_program) -> Outcome:
    """Let a change stand for good, and remove what going back would need. Returns "forgotten", and in `why` what could not be
    removed; raises GpudoctorError where the change is not one that stands."""
    _chosen(journals(writer), identifier)
    with writer.locked():
        journal = _chosen(journals(writer), identifier)
        if journal.state in UNFINISHED:
            raise GpudoctorError(
                f"change {journal.id} ({journal.title}) was interrupted, and must be taken back first",
                note="nothing was changed",
                hint=f"gpudoctor undo {journal.id}",
            )
        steps = []
        try:
            # First of all: what is half removed must not look as if it could be gone back to.
            keep(writer, journal.replace(state="forgotten"))
            journals_of.drop_contents(writer, journal)
        except OSError as error:
            raise refused(error, writer.state) from None
        for action in journal.actions:
            if action.forget_argv:
                ran = run(action.forget_argv, action.timeout, action.env)
                steps.append(Step("undo", action.forget_argv, ran.code == 0, said(ran)))
        why = "\n".join(f"`{shown(s.argv)}` failed: {s.said}" for s in steps if not s.ok)
        return Outcome(journal.id, "forgotten", steps=tuple(steps), why=why)


def _chosen(known: tuple[Journal, ...], identifier: str) -> Journal:
    interrupted = [j for j in known if j.state in UNFINISHED]
    wanted = [j for j in known if j.id == identifier.lstrip("0")]
    if identifier and not wanted:
        raise GpudoctorError(
            f"there is no change {identifier!r}",
            note="nothing was changed",
            hint="`gpudoctor undo --list` lists them",
        )
    if wanted and wanted[0].state in ENDS:
        how = "was forgotten, and stands" if wanted[0].state == "forgotten" else "is taken back already"
        raise GpudoctorError(
            f"change {wanted[0].id} {how} ({wanted[0].state})",
            note="nothing was changed",
            hint="`gpudoctor undo --list` lists them",
        )
    if interrupted and wanted and wanted[0] not in interrupted:
        raise GpudoctorError(
            f"change {interrupted[-1].id} ({interrupted[-1].title}) was interrupted and comes first",
            note="nothing was changed",
            hint=f"gpudoctor undo {interrupted[-1].id}",
        )
    for journal in wanted or interrupted[::-1] or [j for j in known[::-1] if j.state == "done"]:
        return journal
    raise GpudoctorError("there is no change to take back", note="nothing was changed", hint=roots_changes())


def _writer_of(journal: Journal, writer: Writer, leave: bool) -> Writer:
    try:
        return writer.for_root(journal.root)
    except GpudoctorError:
        if leave:
            return writer.for_root(writer.state)
        raise GpudoctorError(
            f"change {journal.id} was made under {journal.root}, which is not there",
            note="nothing was changed",
            hint=f"put it back in its place, or give it up with `gpudoctor undo {journal.id} --leave`",
        ) from None


def _refuse_changed(journal: Journal, writer: Writer, known: tuple[Journal, ...]) -> None:
    for file in journal.files:
        now, content = _look(writer, file.target)
        if now.same(file.after) or now.same(file.before) or file.action >= 0:
            continue
        later = [
            j.id
            for j in known
            if j.state == "done"
            and int(j.id) > int(journal.id)
            and j.root == journal.root
            and any(f.target == file.target for f in j.files)
        ]
        if later:
            raise GpudoctorError(
                f"{file.path} was changed again by change {later[-1]}",
                note="nothing was changed",
                hint=f"gpudoctor undo {later[-1]}",
            )
        raise GpudoctorError(
            f"{file.path} was changed since change {journal.id}",
            context=_difference(file, now, content, journal, writer),
            note="nothing was changed",
            hint=f"edit it by hand, or `gpudoctor undo {journal.id} --leave` takes back the rest and leaves this file",
        )


def _difference(file: SavedFile, now: FileState, content: bytes, journal: Journal, writer: Writer) -> str:
    if now.kind == "absent":
        return "it is not there any more"
    if now.kind != file.after.kind:
        return f"it is a {now.kind} now" + (f" (to {now.link})" if now.link else "")
    if now.kind == "link":
        return f"it points to {now.link} now; to {file.after.link} after the change"
    if now.sha256 != file.after.sha256:
        wrote = journals_of.wrote_bytes(writer, journal, journal.files.index(file))
        if wrote is None:
            return f"its contents differ: {now.size} bytes now, {file.after.size} after the change"
        shown = unified(file.path, wrote, content, 1)[2:]
        return "\n    ".join(["since then:", *shown[:20], *(["..."] if len(shown) > 20 else [])])
    parts = []
    if now.mode != file.after.mode:
        parts.append(f"its mode is {now.mode:o} now, {file.after.mode:o} after the change")
    if (now.uid, now.gid) != (file.after.uid, file.after.gid):
        parts.append(
            f"its owner is {now.uid}:{now.gid} now, {file.after.uid}:{file.after.gid} after the change"
        )
    return "; ".join(parts) or "its extended attributes differ"


def settle(writer: Writer, run: Runner) -> list[str]:
    """Take back what an earlier run left unfinished. Raises GpudoctorError where that can't be done."""
    notes = []
    known = journals(writer)
    for journal in reversed(known):
        if journal.state not in UNFINISHED:
            continue
        stops = [
            what for action in journal.actions if action.state in ("started", "done") for what in action.stops
        ]
        if stops:
            raise GpudoctorError(
                f"change {journal.id} ({journal.title}) was interrupted, and taking it back stops {', '.join(stops)}",
                note="nothing was changed",
                hint=f"gpudoctor undo {journal.id}",
            )
        files = _writer_of(journal, writer, leave=False)
        try:
            end: Literal["rolled-back", "undone"] = "rolled-back" if journal.state == "open" else "undone"
            back = take_back(journal, files, run, end)
        finally:
            files.close()
        if back.state == "open":
            raise stuck(back)
        notes.append(f"change {journal.id} ({journal.title}) had been interrupted; it was taken back first")
    if known and known[-1].state not in UNFINISHED and known[-1].root == writer.prefix:
        sweep(writer, known[-1])  # a run that was killed between closing and sweeping
    return notes


def recover(writer: Writer, run: Runner = run_program) -> tuple[str, ...]:
    """Take back whatever was interrupted, and say so. Before facts are asked for, so that they are of the mended machine."""
    if not journals_of.unfinished(writer):
        return ()
    with writer.locked():
        return tuple(settle(writer, run))


def stuck(back: Outcome) -> GpudoctorError:
    return GpudoctorError(
        f"change {back.id} was interrupted and can't be taken back",
        context=back.why,
        note="nothing else is changed before that",
        hint=f"mend that and run `gpudoctor undo {back.id}`, or `gpudoctor undo {back.id} --leave` leaves it as it is",
    )


def take_back(
    journal: Journal,
    writer: Writer,
    run: Runner,
    end: Literal["rolled-back", "undone"],
    leave: bool = False,
) -> Outcome:
    """Files first, then actions, the last one first. Done again after an interruption, it goes on where it was."""
    problems: list[str] = []
    restored = []
    unlike: set[int] = set()  # programs whose files somebody has written again since
    for number in reversed(range(len(journal.files))):
        problem, did = _restore(journal, number, writer)
        if problem and journal.files[number].action >= 0:
            unlike.add(journal.files[number].action)
        elif problem:
            problems.append(problem)
        elif did:
            restored.append(journal.files[number].target)
    steps: list[Step] = []
    for number in reversed(range(len(journal.actions))):
        action = journal.actions[number]
        if action.state not in ("started", "done"):
            continue
        touched = any(file.action == number for file in journal.files)
        if action.undo_argv and (number in unlike or not touched):
            ran = run(action.undo_argv, action.timeout, action.env)
            steps.append(Step("undo", action.undo_argv, ran.code == 0, said(ran)))
            if not steps[-1].ok:
                problems.append(f"`{shown(action.undo_argv)}` failed: {steps[-1].said}")
                if not leave:
                    break  # what was done before it may be what going back lives on
                continue
        journal = _try_mark(writer, journal, number)
    why = "\n".join(problems)
    if problems and not leave:
        return Outcome(journal.id, "open", tuple(restored), tuple(steps), why=why)
    sweep(writer, journal)
    try:
        keep(writer, journal.replace(state=end, left=tuple(problems)))
    except OSError as error:
        # All is as before; the journal will be closed by the next run that finds room for it.
        return Outcome(
            journal.id, end, tuple(restored), tuple(steps), why=str(refused(error, writer.state).what)
        )
    return Outcome(journal.id, end, tuple(restored), tuple(steps), why=why)


def _try_mark(writer: Writer, journal: Journal, number: int) -> Journal:
    try:
        return mark(writer, journal, number, state="undone")
    except OSError:
        return journal  # then it is undone once more, which it must bear


def _restore(journal: Journal, number: int, writer: Writer) -> tuple[str, bool]:
    """One file as it was. Returns what is in the way ("" if nothing is), and whether anything was to be done."""
    file = journal.files[number]
    did = False
    try:
        now, _ = _look(writer, file.target)
        if not now.same(file.before):
            if file.seen and not now.same(file.after):
                return f"{file.path} was changed by somebody else meanwhile", False
            _put_back(journal, number, writer)
            did = True
        for folder in reversed(file.made):
            if not writer.missing_folders(folder + "/x"):
                _clear(journal, folder, writer)
                writer.remove_folder(folder)
    except OSError as error:
        return refused(error, file.path, "").what, did
    except GpudoctorError as error:
        return error.what, did
    return "", did


def _clear(journal: Journal, folder: str, writer: Writer) -> None:
    """What was left beside a file in a folder of ours must go before the folder can."""
    for number, file in enumerate(journal.files):
        if os.path.dirname(file.target) == folder:
            writer.remove(journal.temporary(number))
            writer.remove(journal.aside(number))


def _put_back(journal: Journal, number: int, writer: Writer) -> None:
    file = journal.files[number]
    if file.before.kind == "absent":
        writer.remove(file.target)
    elif file.before.kind == "link":
        writer.stage_link(journal.temporary(number), file.before)
        writer.rename(journal.temporary(number), file.target)
    else:
        aside = journal.aside(number)
        # Its second name is the old file itself, and needs no room; a file system without them has the saved bytes.
        if not _look(writer, aside)[0].same(file.before):
            content = journals_of.saved_bytes(writer, journal, number)
            aside = journal.temporary(number)
            writer.stage(aside, content, file.before)
        writer.rename(aside, file.target)
    writer.sync_folder(os.path.dirname(file.target))


def _look(writer: Writer, path: str) -> tuple[FileState, bytes]:
    return (ABSENT, b"") if writer.missing_folders(path) else writer.look(path)


def sweep(writer: Writer, journal: Journal) -> None:
    for number in range(len(journal.files)):
        for path in (journal.temporary(number), journal.aside(number)):
            try:
                writer.remove(path)
            except OSError:
                continue  # the folder is gone, or read-only by now; nothing depends on it
