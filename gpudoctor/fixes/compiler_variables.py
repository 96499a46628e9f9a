"""What XLA and Triton are told about a toolkit's parts: --xla_gpu_cuda_data_dir in XLA_FLAGS, and a ptxas that knows the GPU.

A toolkit that is there is named; nothing is downloaded. The variable goes where the interpreter's environment is activated if
it is active now (a conda environment's activate.d, a venv's bin/activate), else to the start-up file of the user's shell.
"""

from __future__ import annotations

import re

from gpudoctor.changes.plan import FileChange, Plan
from gpudoctor.facts.frameworks import Interpreter
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.findings import Finding
from gpudoctor.fixes import _settings, _startup, python_packages
from gpudoctor.fixes._startup import Assign, Place, Prepend, Statement
from gpudoctor.fixes.see import Manual, See
from gpudoctor.parsers import shelledit

mends = ("libdevice-not-found", "ptxas-too-old")

_DATA_DIR = "--xla_gpu_cuda_data_dir="


def plan(finding: Finding, machine: Machine, see: See) -> Plan:
    if finding.id == "ptxas-too-old":
        return _ptxas(finding, machine, see)
    whole = [
        t
        for t in value_of(machine.cuda.toolkits, ())
        if isinstance(t.libdevice, Known) and t.origin != "wheel"
    ]
    if not whole:
        return python_packages.plan(finding, machine, see)
    prefix = whole[0].prefix
    flag = f"{_DATA_DIR}{prefix}"
    flags = next((v for v in value_of(machine.environment.variables, ()) if v.name == "XLA_FLAGS"), None)
    if flags is not None and _DATA_DIR in flags.value:
        found = _settings.setters((flags.set_by,), "XLA_FLAGS")
        changes = _settings.edited(
            see,
            "XLA_FLAGS",
            dict.fromkeys(path for path, _ in found),
            lambda line: _renamed(line, prefix),
            f"libdevice is in {prefix}",
        )
        return _settings.plan(see, finding.id, f"Point XLA at {prefix}", changes)
    interpreter = finding.subject.parent.name if finding.subject.parent else ""
    statement = Assign("XLA_FLAGS", flag, add=True)
    return _blocks(finding, machine, see, interpreter, "xla", statement, f"XLA finds libdevice in {prefix}")


def _renamed(line: str, prefix: str) -> str | None:
    if not re.match(r"\s*(export\s+|set\s+-\S+\s+)?XLA_FLAGS[= ]", line):
        return None
    new = re.sub(rf"{_DATA_DIR}[^\s'\"]+", f"{_DATA_DIR}{prefix}", line)
    return None if new == line else new


def _ptxas(finding: Finding, machine: Machine, see: See) -> Plan:
    """The rule names the variable and the ptxas; a line that sets the variable already is corrected in its place."""
    command = finding.fix.commands[0] if finding.fix and finding.fix.commands else ""
    said = re.fullmatch(r'export (\w+)="?([^"$]+?)(?:\$\{.*)?"?', command)
    if said is None:
        raise Manual("no toolkit here has a ptxas that knows this GPU")
    name, value = said[1], said[2]
    if name == "PATH":
        return _blocks(
            finding, machine, see, "", "ptxas", Prepend("PATH", value), f"its ptxas knows this GPU: {value}"
        )
    variable = next((v for v in value_of(machine.environment.variables, ()) if v.name == name), None)
    if variable is not None:
        found = _settings.setters((variable.set_by,), name)
        changes = _settings.edited(
            see,
            name,
            dict.fromkeys(path for path, _ in found),
            lambda line: shelledit.with_value(line, name, value),
            f"this ptxas knows the GPU: {value}",
        )
        return _settings.plan(see, finding.id, f"Set {name} to {value}", changes)
    return _blocks(
        finding, machine, see, "", "ptxas", Assign(name, value), f"this ptxas knows the GPU: {value}"
    )


def _blocks(
    finding: Finding, machine: Machine, see: See, interpreter: str, purpose: str, what: Statement, reason: str
) -> Plan:
    if see.login is None:
        raise Manual("another root has no user who logs in")
    place = _activation(machine, see, interpreter)
    changes: tuple[FileChange, ...]
    if place is not None:
        changes = (_startup.block(see, place, purpose, (what,), reason),)
        if "/activate.d/" in place.path and isinstance(what, Assign) and what.add:
            off = place.path.replace("/activate.d/", "/deactivate.d/")
            changes += (_startup.taken_off(see, off, purpose, what, f"{what.name} is as before afterwards"),)
    else:
        changes = _startup.blocks(see, see.login, purpose, (what,), reason)
    plan = _settings.plan(see, finding.id, reason[:1].upper() + reason[1:], changes, safe=True)
    return plan.replace(source_now=_startup.source_now(changes, see.login))


def _activation(machine: Machine, see: See, path: str) -> Place | None:
    """Where the interpreter's own environment is activated, if it is the one that is active."""
    one: Interpreter | None = next(
        (i for i in value_of(machine.frameworks.interpreters, ()) if i.path == path), None
    )
    if one is None or see.login is None or see.login.other or see.login.shell.endswith("/fish"):
        return None
    if one.kind == "conda" and see.env.get("CONDA_PREFIX") == one.prefix:
        return Place(f"{one.prefix}/etc/conda/activate.d/gpudoctor.sh", "sh")
    if (
        one.kind == "venv"
        and see.env.get("VIRTUAL_ENV") == one.prefix
        and see.is_there(f"{one.prefix}/bin/activate")
    ):
        return Place(f"{one.prefix}/bin/activate", "sh")
    return None
