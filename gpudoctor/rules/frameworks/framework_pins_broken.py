"""NVIDIA's wheels are not in the versions that the framework pins

What it is: PyTorch's wheels require exact versions of NVIDIA's library wheels, JAX's and others' a range. Another
version is installed: a later `pip install` of something else replaced it, or it was upgraded by hand.

Why it hurts: Frameworks are tested with what they pin. Another version may lack a symbol ("undefined symbol:
__nvJitLink..."), disagree with its sister libraries (cuDNN's sublibraries), or hit a bug that the pin avoids.

How to tell: The Requires-Dist lines of the framework's metadata against the versions that are installed; pip check says
the same.

How to fix: Install the pinned versions again, and put what displaced them into another environment.

Sources: https://packaging.python.org/en/latest/specifications/dependency-specifiers/
https://github.com/pytorch/pytorch/issues/111469
https://pip.pypa.io/en/stable/cli/pip_check/
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.frameworks import Frameworks, Interpreter, Package
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem, package
from gpudoctor.rules.pythons import package_named, packages_of, pip, pythons, requirements, satisfies

#: Whose pins count. An and-cuda extra's can't be told from others' wishes, so TensorFlow is not here.
PINNING = ("torch", "jax-cuda12-plugin", "jax-cuda13-plugin", "cuda-toolkit")


def check(frameworks: Frameworks) -> Iterator[Problem]:
    judged = False
    for python in pythons(frameworks):
        for name in PINNING:
            own = package_named(python, name)
            if own is None or own.installer == "conda":
                continue
            pins = [(n, s) for n, s, _ in requirements(own, python) if n.startswith("nvidia-")]
            judged = judged or bool(pins)
            broken = [
                (other, spec)
                for wanted, spec in pins
                if (other := package_named(python, wanted)) is not None
                and satisfies(other.version, spec) is False
            ]
            if broken:
                yield _problem(python, own, broken)
    if not judged and not any(packages_of(p) for p in pythons(frameworks)):
        raise DoesNotApply("no framework that pins NVIDIA's wheels")


def _problem(python: Interpreter, own: Package, broken: list[tuple[Package, str]]) -> Problem:
    first, spec = broken[0]
    more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
    wanted = " ".join(f"'{other.name}{s}'" for other, s in broken)
    return Problem(
        f"{own.name} {own.version} wants {first.name}{spec}, installed is {first.version}{more}",
        subject=package(python.path, own.name),
        severity="warning",
        evidence=tuple(
            Evidence(other.name, f"{other.version}, wanted {s}", other.location) for other, s in broken
        ),
        fix=Fix("Install the pinned versions", (f"{pip(python)} {wanted}",), "unsafe"),
    )
