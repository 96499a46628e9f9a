"""A change is a value: printed before it is made, graded, and taken back from the journal.

Whoever wants something changed (a fix, a runtime's configuration, a TensorFlow tree's patch) makes a `Plan`; nothing but
`gpudoctor.changes.transaction` carries it out. All paths are absolute, as the examined machine spells them: the
transaction puts a --root before them.
"""

from __future__ import annotations

from gpudoctor.facts.record import Record
from gpudoctor.findings import MACHINE, Applicability, Subject


class FileChange(Record):
    """One file. `before` and `after`: whole contents, None where there is no file; `before` is what was read when the
    plan was made, and a file that differs by the time of writing is refused.

    `link`: the path becomes a symbolic link with this target instead (`after` is then None). `old_link`: the path is a
    symbolic link with this target, and the link itself is replaced or removed (`before` is then None); without it a link
    is followed, and the file at its end is edited. `mode`: permission bits of a file that is new; an existing file
    keeps its mode, owner, times of access and extended attributes. `reason`: one sentence for the person who reads the
    diff.
    """

    path: str
    before: bytes | None
    after: bytes | None
    reason: str
    link: str | None = None
    mode: int = 0o644
    old_link: str | None = None


class Action(Record):
    """Something that is no file of ours: a module loaded, a package installed, a daemon told to read its file again.

    `argv` does it; `undo_argv` takes it back, and is known before `argv` runs (empty: nothing to take back). On the way
    back the files are restored first and the actions undone after that, the last one first: what only reads files again
    (`ldconfig`, a daemon's reload) is its own `undo_argv`. An action that failed or was interrupted is undone too, so
    `undo_argv` must bear that `argv` did not get far. `touches`: files that the program writes (/etc/ld.so.cache): they are
    saved too, and put back as they were if they are still as the program left them; `undo_argv` is then left out. `state_argv`, if any, prints the state before,
    which the journal keeps. `forget_argv` removes what `undo_argv` lives on, once nobody wants to go back. `stops`: what a person must consent to ("container web", "container db").
    """

    argv: tuple[str, ...]
    reason: str
    undo_argv: tuple[str, ...] = ()
    state_argv: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    timeout: float = 60.0
    stops: tuple[str, ...] = ()
    touches: tuple[str, ...] = ()
    forget_argv: tuple[str, ...] = ()


class Validation(Record):
    """A program that must end with status 0 after the files are written, or everything is rolled back:
    `dockerd --validate --config-file ...`. Under --root it is not run, and listed as not run."""

    argv: tuple[str, ...]
    reason: str
    timeout: float = 30.0
    env: tuple[tuple[str, str], ...] = ()


class Plan(Record):
    """What would be done about one cause. `id`: the cause's id, or the command's own ("runtime-docker").

    Order of work: `files` are written, `validations` run, then `actions`; then the causes in `recheck` are judged
    again. `manual`: commands that only a person may run (reboot, driver, Secure Boot, BIOS), printed and never run.
    `source_now`: lines for the shell that is open ("source ~/.bashrc"). `needs_root`: its programs need root, whatever its
    files need.
    """

    id: str
    title: str
    applicability: Applicability
    subject: Subject = MACHINE
    files: tuple[FileChange, ...] = ()
    validations: tuple[Validation, ...] = ()
    actions: tuple[Action, ...] = ()
    recheck: tuple[str, ...] = ()
    manual: tuple[str, ...] = ()
    source_now: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    needs_root: bool = False
