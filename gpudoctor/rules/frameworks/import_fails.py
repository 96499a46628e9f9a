"""Importing the framework fails

What it is: The framework's files are there, and its own interpreter can't import it: an exception, a crash in native
code, or an import that does not come back. Asked only by `check --import`.

Why it hurts: Nothing that uses the framework runs in this environment.

How to tell: The framework was imported in a child of that interpreter, in a neutral folder, with the working directory
and PYTHONPATH off the import path.

How to fix: Mend what the exception names: a missing package is installed with pip; a missing library or symbol means
that parts of different builds are mixed, and installing the framework again is the shortest way.

Sources: https://docs.python.org/3/library/faulthandler.html
https://github.com/pytorch/pytorch/issues/15346
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpudoctor.facts.frameworks import Build, Frameworks, Imported, Interpreter
from gpudoctor.facts.observed import Known, Unknown
from gpudoctor.findings import CouldNotTell, DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.pythons import installed, pip, public, subject


def check(frameworks: Frameworks) -> Iterator[Problem | CouldNotTell]:
    asked = False
    for python, build in installed(frameworks, "torch", "tensorflow", "jax"):
        if isinstance(build.imported, Unknown):
            if build.imported.reason != "not looked at":
                asked = True
                yield CouldNotTell(
                    f"import {build.framework}: {build.imported.reason}", subject=subject(python, build)
                )
            continue
        if not isinstance(build.imported, Known):
            continue
        asked = True
        found = build.imported.value
        if found.state != "ok":
            yield _problem(python, build, found, build.imported.via)
    if not asked:
        raise DoesNotApply("imports are tried with --import only")


def _problem(python: Interpreter, build: Build, found: Imported, via: str) -> Problem:
    how = {
        "failed": f"fails with {found.error}",
        "crashed": f"is killed by {found.error}",
        "hung": "does not come back",
        "not-run": "could not be tried: the interpreter does not start",
    }[found.state]
    words = found.message.strip().splitlines()
    return Problem(
        f"import {build.framework} {how}"
        + (f": {words[-1][:120]}" if words and found.state != "hung" else ""),
        subject=subject(python, build),
        evidence=(
            Evidence("outcome", f"{found.state} {found.error}".strip(), via),
            Evidence("its words", found.message[:600], via),
            Evidence(build.framework, build.version, build.location),
        ),
        fix=_fix(python, build, found),
    )


def _fix(python: Interpreter, build: Build, found: Imported) -> Fix:
    missing = re.search(r"No module named '([\w]+)'", found.message)
    if missing and missing[1] != build.framework:
        return Fix(
            "Install the missing package", (f"{pip(python, build)} {missing[1].replace('_', '-')}",), "unsafe"
        )
    name = build.distribution or build.framework
    return Fix(
        "Install the framework again, with what it requires",
        (f"{pip(python, build)} --force-reinstall {name}=={public(build.version)}",),
        "unsafe",
    )
