"""Changing files of the tree: through the transaction alone, so that it can be taken back, also after a kill."""

from __future__ import annotations

import os
from calendar import timegm
from time import strptime

from gpudoctor.changes.journal import Journal, journals
from gpudoctor.changes.plan import FileChange, Plan
from gpudoctor.changes.transaction import apply as carry_out
from gpudoctor.errors import GpudoctorError
from gpudoctor.system.writer import Writer
from gpudoctor.tfbuild.configure import WRITES
from gpudoctor.tfbuild.state import WRITING, Saved, State, Workdir, sha256

#: The plan that a stage carries out -> the stage.
PLANS = {"build-tf-patch": "patch", "build-tf-configure": "configure"}


def apply(plan: Plan) -> str:
    """The journal's id; "" where all was so already. Raises GpudoctorError where it was refused or rolled back."""
    outcome = carry_out(plan, Writer(command="gpudoctor build-tf"))
    if outcome.state not in ("applied", "unchanged"):
        raise GpudoctorError(f"the change was not made: {outcome.why}", note="the files are as they were")
    return outcome.id


def standing(state: State, tree: str, workdir: str) -> tuple[str, ...]:
    """The changes of this build that stand, oldest first: those that the state names, but for what was taken back meanwhile, and the one of a
    run that was killed between making it and noting it down."""
    interrupted = [s for s in map(state.stage, PLANS.values()) if s and s.state in ("running", "failed")]
    if not state.journals and not interrupted:
        return ()
    found = []
    for journal in journals(Writer()):
        if journal.state in ("undone", "rolled-back"):
            continue
        if journal.id in state.journals or _of_a_killed_run(journal, state, (tree, workdir)):
            found.append(journal.id)
    return tuple(found)


def _of_a_killed_run(journal: Journal, state: State, folders: tuple[str, ...]) -> bool:
    stage = state.stage(PLANS.get(journal.plan, ""))
    if stage is None or stage.state not in ("running", "failed"):
        return False
    began = timegm(strptime(journal.at, "%Y-%m-%dT%H:%M:%SZ"))  # whole seconds
    return began >= int(stage.started) and all(
        any(file.path.startswith(f + "/") for f in folders) for file in journal.files
    )


def save(workdir: Workdir, state: State, tree: str) -> State:
    """Keep what configure.py is about to overwrite. What was kept before is the older truth and stays."""
    kept = {s.path: s.replace(after=WRITING) for s in state.saved}
    for name in WRITES:
        path = os.path.join(tree, name)
        if path in kept:
            continue
        saved = ""
        try:
            with open(path, "rb") as file:
                saved = f"saved/{name.replace('/', '__')}"
                workdir.put(saved, file.read(), 0o600)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise GpudoctorError(
                f"{path} can't be read: {error.strerror}", note="nothing was changed"
            ) from None
        kept[path] = Saved(path, saved, WRITING)
    return state.replace(saved=tuple(kept.values()))


def settle(state: State) -> State:
    """What the files are after configure and our block: only so they are taken back."""
    return state.replace(saved=tuple(s.replace(after=sha256(s.path)) for s in state.saved))


def revert_saved(workdir: Workdir, state: State, *, force: bool = False) -> Plan:
    """The plan that puts configure's files back. Raises GpudoctorError for one that somebody has changed since. Its notes say which
    were written by a run that was killed: how it left them nobody knows, so a copy is kept."""
    files, notes = [], []
    for saved in state.saved:
        now = _read(saved.path)
        before = _read(workdir.file(saved.before)) if saved.before else None
        if now == before:
            continue
        if saved.after == WRITING and now is not None:
            copy = workdir.file("saved", f"{os.path.basename(saved.path)}.interrupted")
            notes.append(f"{saved.path} was being written by a run that was killed; how it was then: {copy}")
        elif saved.after != WRITING and sha256(saved.path) != saved.after and not force:
            raise GpudoctorError(
                f"{saved.path} was changed since configure wrote it",
                note="nothing was taken back",
                hint=f"what it was before is {workdir.file(saved.before) if saved.before else 'no file at all'}; --force restores that",
            )
        files.append(FileChange(saved.path, now, before, "as it was before configure"))
    return Plan(
        "build-tf-revert", "take back what configure wrote", "safe", files=tuple(files), notes=tuple(notes)
    )


def keep_interrupted(workdir: Workdir, state: State) -> None:
    """Copies of what a killed run of configure.py left, before it is taken back."""
    for saved in state.saved:
        now = _read(saved.path)
        if saved.after == WRITING and now is not None:
            workdir.put(f"saved/{os.path.basename(saved.path)}.interrupted", now, 0o600)


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None
