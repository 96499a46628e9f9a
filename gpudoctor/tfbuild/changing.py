"""Changing files of the tree: through the transaction alone, so that it can be taken back, also after a kill."""

from __future__ import annotations

import os

from gpudoctor.changes.plan import FileChange, Plan
from gpudoctor.changes.transaction import apply as carry_out
from gpudoctor.errors import GpudoctorError
from gpudoctor.system.writer import Writer
from gpudoctor.tfbuild.configure import WRITES
from gpudoctor.tfbuild.state import Saved, State, Workdir, sha256


def apply(plan: Plan) -> str:
    """The journal's id; "" where all was so already. Raises GpudoctorError where it was refused or rolled back."""
    outcome = carry_out(plan, Writer(command="gpudoctor build-tf"))
    if outcome.state not in ("applied", "unchanged"):
        raise GpudoctorError(f"the change was not made: {outcome.why}", note="the files are as they were")
    return outcome.id


def save(workdir: Workdir, state: State, tree: str) -> State:
    """Keep what configure.py is about to overwrite. What was kept before is the older truth and stays."""
    kept = {s.path: s for s in state.saved}
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
        kept[path] = Saved(path, saved, sha256(path))
    return state.replace(saved=tuple(kept.values()))


def settle(state: State) -> State:
    """What the files are after configure and our block: only so they are taken back."""
    return state.replace(saved=tuple(s.replace(after=sha256(s.path)) for s in state.saved))


def revert_saved(workdir: Workdir, state: State, *, force: bool = False) -> Plan:
    """The plan that puts configure's files back. Raises GpudoctorError for one that somebody has changed since."""
    files = []
    for saved in state.saved:
        now = _read(saved.path)
        before = _read(workdir.file(saved.before)) if saved.before else None
        if now == before:
            continue
        if sha256(saved.path) != saved.after and not force:
            raise GpudoctorError(
                f"{saved.path} was changed since configure wrote it",
                note="nothing was taken back",
                hint=f"what it was before is {workdir.file(saved.before) if saved.before else 'no file at all'}; --force restores that",
            )
        files.append(FileChange(saved.path, now, before, "as it was before configure"))
    return Plan("build-tf-revert", "take back what configure wrote", "safe", files=tuple(files))


def _read(path: str) -> bytes | None:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return None
