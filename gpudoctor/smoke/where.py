"""Which interpreter, and which frameworks are in it: from files, nothing is imported."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.record import Record
from gpudoctor.probes.python import select
from gpudoctor.probes.python.layout import layout
from gpudoctor.probes.python.packages import packages
from gpudoctor.system.port import Port

#: Distribution -> the framework that it brings.
DISTRIBUTIONS: Mapping[str, str] = {
    "torch": "torch",
    "pytorch": "torch",
    "tensorflow": "tensorflow",
    "tensorflow-cpu": "tensorflow",
    "tf-nightly": "tensorflow",
    "tf-nightly-cpu": "tensorflow",
    "jax": "jax",
}
FRAMEWORKS = ("torch", "tensorflow", "jax")


class Interpreter(Record):
    """`frameworks`: name -> version, as installed."""

    path: str
    selected_by: str
    frameworks: Mapping[str, str]


def choose(port: Port, python: str, wanted: Sequence[str]) -> Interpreter:
    """The interpreter that was asked for, else the first on the usual places that has (one of) the wanted frameworks.
    Raises GpudoctorError where there is none, or where it belongs to another user."""
    candidates = [select.requested(port, python)] if python else select.candidates(port)
    looked = [_look(port, one) for one in candidates]
    names = wanted or FRAMEWORKS
    found = next((i for i in looked if any(n in i.frameworks for n in names)), None)
    if found is None:
        searched = ", ".join(i.path for i in looked) or "none"
        raise GpudoctorError(
            f"no {' or '.join(names)} in {'that interpreter' if python else 'any interpreter that was found'}",
            context=f"looked in: {searched}",
            note="nothing was run",
            hint="name the environment of your job with --python PATH (a python, a venv's or conda environment's folder)",
        )
    refused = select.runnable(port, found.path)
    if refused:
        raise GpudoctorError(refused, context="--python", note="nothing was run")
    missing = [n for n in wanted if n not in found.frameworks]
    if missing:
        has = ", ".join(f"{n} {v}" for n, v in found.frameworks.items())
        raise GpudoctorError(
            f"{found.path} has no {' and no '.join(missing)}",
            context=f"--framework {','.join(wanted)}; it has {has}",
            note="nothing was run",
            hint="leave --framework out to run those that are installed",
        )
    return found


def _look(port: Port, one: select.Candidate) -> Interpreter:
    found: dict[str, str] = {}
    for package in packages(port, layout(port, one.path)):
        name = DISTRIBUTIONS.get(package.name)
        if name is not None:
            found.setdefault(name, package.version)
    return Interpreter(one.path, one.selected_by, {n: found[n] for n in FRAMEWORKS if n in found})
