"""JAX, jaxlib and the CUDA plugin are of different versions

What it is: jax, jaxlib, jax-cudaNN-plugin and jax-cudaNN-pjrt are released together; jaxlib uses a plugin of exactly its
own version only. Here they do not match, usually because one was upgraded alone.

Why it hurts: JAX ignores the plugin ("JAX plugin jax_cuda12_plugin version X is installed, but it is not compatible with
the installed jaxlib version Y, so it will not be used") and runs on the CPU, or it fails at the first computation.

How to tell: The versions of the four distributions, and the range of jaxlib that jax's metadata requires.

How to fix: Install them together by the extra.

Sources: https://docs.jax.dev/en/latest/installation.html
https://github.com/jax-ml/jax/blob/main/jaxlib/plugin_support.py
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpudoctor.facts.frameworks import Frameworks, Interpreter, Package
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem, package
from gpudoctor.rules.pythons import package_named, packages_of, pip, public, pythons, requirements, satisfies
from gpudoctor.signature import Signature
from gpudoctor.versions import numbers

explains = ("smoke-ran-on-cpu", "import-fails", "import-differs-from-files", "jax-cpu-only-jaxlib")

signatures: tuple[Signature | str, ...] = (
    Signature(
        r"JAX plugin jax_cuda\d+_plugin version \S+ is installed, but it is not compatible with the installed jaxlib version",
        0.95,
    ),
    Signature(r"jaxlib version \S+ is newer than and incompatible with jax version", 0.9),
    Signature(
        r"PJRT plugin version mismatch|plugin .{0,40}version .{0,60}(?:not compatible|incompatible|does not match) .{0,40}jaxlib",
        0.8,
    ),
    Signature(r"jaxlib is version \S+, but this version of jax requires version", 0.9),
)


def check(frameworks: Frameworks) -> Iterator[Problem]:
    judged = False
    for python in pythons(frameworks):
        jax, jaxlib = package_named(python, "jax"), package_named(python, "jaxlib")
        if jax is None or jaxlib is None:
            continue
        judged = True
        why = _differs(python, jax, jaxlib)
        if why:
            yield _problem(python, jax, why)
    if not judged:
        raise DoesNotApply("jax and jaxlib are not installed together")


def _differs(python: Interpreter, jax: Package, jaxlib: Package) -> str:
    for name, spec, _ in requirements(jax, python):
        if name == "jaxlib" and satisfies(public(jaxlib.version), spec) is False:
            return f"jax {jax.version} wants jaxlib{spec}, installed is {jaxlib.version}"
    for own in _plugins(python):
        if own.name.endswith("-plugin") and _release(own.version) != _release(jaxlib.version):
            return f"{own.name} {own.version} does not go with jaxlib {jaxlib.version}"
        twin = package_named(python, own.name.replace("-plugin", "-pjrt"))
        if own.name.endswith("-plugin") and twin is None:
            return f"{own.name} is installed without {own.name.replace('-plugin', '-pjrt')}"
        if twin is not None and twin is not own and _release(twin.version) != _release(own.version):
            return f"{twin.name} {twin.version} does not go with {own.name} {own.version}"
    return ""


def _plugins(python: Interpreter) -> list[Package]:
    return [p for p in packages_of(python) if re.fullmatch(r"jax-cuda\d+-(?:plugin|pjrt)", p.name)]


def _release(version: str) -> tuple[int, ...]:
    """As jaxlib compares: the leading numbers, all of them."""
    return numbers(version) if version[:1].isdigit() else ()


def _problem(python: Interpreter, jax: Package, why: str) -> Problem:
    parts = [p for p in packages_of(python) if re.fullmatch(r"jax(?:lib|-cuda\d+-(?:plugin|pjrt))?", p.name)]
    majors = sorted({m[1] for p in parts if (m := re.search(r"cuda(\d+)", p.name))})
    extra = f"[cuda{majors[-1]}]" if majors else ""
    return Problem(
        f"JAX's parts do not match: {why}",
        subject=package(python.path, "jax"),
        evidence=tuple(Evidence(p.name, p.version, p.location) for p in parts),
        fix=Fix(
            "Install them together",
            (f"{pip(python)} --upgrade 'jax{extra}=={public(jax.version)}'",),
            "unsafe",
        ),
    )
