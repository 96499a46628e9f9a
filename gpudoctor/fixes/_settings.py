"""Taking a setting out of the start-up file that makes it, line by line, with the rest of the file as it is."""

from __future__ import annotations

from collections.abc import Callable

from gpudoctor.changes.plan import FileChange, Plan
from gpudoctor.facts.environment import Environment
from gpudoctor.facts.observed import Absent, Known, Observed, value_of
from gpudoctor.fixes import _startup
from gpudoctor.fixes.see import Manual, See
from gpudoctor.parsers import shelledit

Edit = Callable[[str], "str | None"]


def setters(observed: tuple[Observed[str], ...], what: str) -> tuple[tuple[str, int], ...]:
    """(file, line) of each setting. Raises Manual where none is known."""
    found = []
    for one in observed:
        if isinstance(one, Known):
            path, _, line = one.value.rpartition(":")
            if path.startswith("/") and line.isdigit() and (path, int(line)) not in found:
                found.append((path, int(line)))
    if not found:
        if any(isinstance(one, Absent) for one in observed):
            raise Manual(
                f"no start-up file sets {what}: it was set in this shell, by its parent, or by a job system"
            )
        raise Manual(f"which file sets {what} is not known")
    return tuple(found)


def without_elements(
    see: See, environment: Environment, name: str, wanted: Callable[[str], bool], reason: str
) -> tuple[FileChange, ...]:
    """Every start-up file that puts a wanted element on the path `name`, without it."""
    home = see.login.home if see.login else ""

    def matches(element: str) -> bool:
        return wanted(_expanded(element, home))

    entries = [e for e in value_of(environment.paths, ()) if e.variable == name and wanted(e.value)]
    found = setters(tuple(e.set_by for e in entries), f"this part of {name}")
    return edited(
        see,
        name,
        dict.fromkeys(path for path, _ in found),
        lambda line: shelledit.without_element(line, name, matches),
        reason,
    )


def without_variable(see: See, environment: Environment, name: str, reason: str) -> tuple[FileChange, ...]:
    """Every start-up file that sets the variable, without its lines."""
    variables = [v for v in value_of(environment.variables, ()) if v.name == name]
    found = setters(tuple(v.set_by for v in variables), name)
    return edited(
        see,
        name,
        dict.fromkeys(path for path, _ in found),
        lambda line: "" if shelledit.understood(line, name) else None,
        reason,
    )


def edited(see: See, name: str, paths: dict[str, None], edit: Edit, reason: str) -> tuple[FileChange, ...]:
    """Each file with every line that `edit` changes. Raises Manual where nothing could be."""
    changes = []
    for path in paths:
        if see.read(path) is None:
            raise Manual(f"{path} is not there any more")
        text = see.text(path)
        lines = text.splitlines(keepends=True)
        new = "".join(_edited(line, edit, path) for line in lines)
        if new == text:
            raise Manual(f"the line of {path} that sets {name} is not understood: edit it by hand")
        changes.append(see.edit(path, new, reason))
    return tuple(changes)


def _edited(line: str, edit: Edit, path: str) -> str:
    body = line.rstrip("\r\n")
    end = line[len(body) :]
    new = edit(body)
    if new is None:
        return line
    if new or not body[:1].isspace():
        return new + end if new else ""
    # The only command of an `if` can't be taken out: a shell wants one there.
    indent = body[: len(body) - len(body.lstrip())]
    filler = "true" if path.endswith(".fish") else ":"
    return f"{indent}{filler} # {body.strip()}{end}"


def _expanded(element: str, home: str) -> str:
    for form in ("${HOME}", "$HOME"):
        element = element.replace(form, home)
    return home + element[1:] if element.startswith("~/") else element


def plan(see: See, cause: str, title: str, changes: tuple[FileChange, ...], *, safe: bool = False) -> Plan:
    """The usual plan of such edits: the shell must be able to read what is left."""
    validations = tuple(v for change in changes for v in _startup.syntax(change))
    return Plan(
        cause,
        title,
        "safe" if safe else "unsafe",
        files=changes,
        validations=validations,
        recheck=(cause,),
        notes=("shells that are open keep the old value: start a new one",),
    )
