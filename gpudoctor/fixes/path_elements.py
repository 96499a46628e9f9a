"""Entries of PATH and LD_LIBRARY_PATH that hurt, taken out where they are set; the rest of the line keeps its meaning."""

from __future__ import annotations

from gpudoctor.changes.plan import Plan
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import Finding
from gpudoctor.fixes import _settings
from gpudoctor.fixes.see import Manual, See
from gpudoctor.parsers import shelledit

mends = (
    "path-entry-missing",
    "path-of-another-cuda-major",
    "cudnn-shadowed-by-ld-library-path",
    "ld-library-path-empty-element",
    "ptxas-from-another-toolkit",
)

LD = "LD_LIBRARY_PATH"
_PATH_OF = {"ptxas-from-another-toolkit": "PATH"}
#: Folders that hold more than a toolkit's programs: taken off PATH, they would be missed.
_SHARED = {"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"}


def plan(finding: Finding, machine: Machine, see: See) -> Plan:
    if finding.id == "ld-library-path-empty-element":
        return _without_empty(finding, machine, see)
    name = "PATH" if "PATH" in (finding.subject.name, _PATH_OF.get(finding.id)) else LD
    folders = _folders(finding, name, machine)
    if not folders:
        raise Manual(f"which entry of {name} it is can't be told")
    changes = _settings.without_elements(
        see,
        machine.environment,
        name,
        lambda element: element.rstrip("/") in folders,
        f"{finding.title[:1].lower()}{finding.title[1:]}",
    )
    listed = " and ".join(sorted(folders))
    return _settings.plan(
        see,
        finding.id,
        f"Take {listed} out of {name}",
        changes,
        safe=finding.id == "path-entry-missing",
    )


def _folders(finding: Finding, name: str, machine: Machine) -> set[str]:
    """The entries in question: those that the finding names, or those that a framework takes its cuDNN from."""
    if finding.id == "ptxas-from-another-toolkit":
        return _strangers(machine)
    if finding.id != "cudnn-shadowed-by-ld-library-path":
        return {e.value.rstrip("/") for e in finding.evidence if e.what == name}
    interpreter, _, framework = finding.subject.name.rpartition(":")
    return {
        load.path.rpartition("/")[0]
        for load in value_of(machine.libraries.loads, ())
        if (load.interpreter, load.framework) == (interpreter, framework)
        and load.via == LD
        and load.family == "cudnn"
        and load.path
    }


def _strangers(machine: Machine) -> set[str]:
    """The folders on PATH from which another toolkit's programs come."""
    tools = [t for t in value_of(machine.cuda.tools_on_path, ()) if t.selected_by == "PATH"]
    mine = next((t.toolkit for t in tools if t.name == "nvcc"), "")
    folders = {t.path.rpartition("/")[0] for t in tools if t.toolkit != mine}
    if folders & _SHARED:
        raise Manual(
            f"another toolkit's programs are linked into {sorted(folders & _SHARED)[0]}: remove the links"
        )
    return folders


def _without_empty(finding: Finding, machine: Machine, see: See) -> Plan:
    entries = [e for e in value_of(machine.environment.paths, ()) if e.variable == LD]
    found = _settings.setters(tuple(e.set_by for e in entries if not e.value), f"the empty element of {LD}")
    changes = _settings.edited(
        see,
        LD,
        dict.fromkeys(path for path, _ in found),
        lambda line: shelledit.without_empty(line, LD),
        "the old value is added only where there is one",
    )
    return _settings.plan(see, finding.id, f"Write {LD} without an empty element", changes, safe=True)
