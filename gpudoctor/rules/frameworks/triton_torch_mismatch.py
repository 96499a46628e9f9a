"""Triton is not the release that belongs to this PyTorch

What it is: torch.compile generates code for one release of Triton, which PyTorch's wheel pins. Another one is installed,
mostly because a package with a pin of its own (vllm, xformers, unsloth) brought it.

Why it hurts: torch.compile can fail with "cannot import name ... from triton" or an internal error of inductor (the farther
apart the releases, the surer); eager code goes on working.

How to tell: PyTorch's requirement for triton, or the published pair, against the triton that is installed.

How to fix: Install the triton that PyTorch pins, and give the other package an environment of its own.

Sources: https://github.com/pytorch/pytorch/blob/main/.ci/docker/triton_version.txt
https://github.com/vllm-project/vllm/issues/3426
https://github.com/Chennesxu/triton-turing/issues/24
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor import knowledge
from gpudoctor.facts.frameworks import Frameworks, Interpreter, Package
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem, package
from gpudoctor.rules.pythons import (
    package_named,
    pip,
    public,
    pythons,
    requirements,
    same_release,
    satisfies,
)
from gpudoctor.signature import Signature
from gpudoctor.versions import is_version, release

signatures: tuple[Signature | str, ...] = (
    Signature(r"cannot import name '\w+' from 'triton\.", 0.85),
    Signature(r"torch \S+ requires triton==\S+, but you have triton", 0.9),
    Signature(
        r"module 'triton\.\w+' has no attribute|No module named 'triton\.(?:ops|language|runtime|compiler)",
        0.75,
        needs=(r"triton",),
    ),
)


def check(frameworks: Frameworks) -> Iterator[Problem]:
    judged = False
    for python in pythons(frameworks):
        torch, triton = package_named(python, "torch"), package_named(python, "triton")
        if torch is None or triton is None or not is_version(public(triton.version)):
            continue
        wanted, via = _wanted(python, torch)
        judged = judged or bool(wanted)
        if not wanted or _fits(triton, wanted):
            continue
        pin = wanted if wanted[0] in "=<>~!" else f"=={wanted}.*"
        yield Problem(
            f"PyTorch {torch.version} goes with triton{pin}, installed is {triton.version}",
            subject=package(python.path, "triton"),
            severity="warning",
            evidence=(
                Evidence("triton", triton.version, triton.location),
                Evidence("the triton of this PyTorch", pin, via),
            ),
            fix=Fix("Install the triton that PyTorch pins", (f"{pip(python)} 'triton{pin}'",), "unsafe"),
        )
    if not judged:
        raise DoesNotApply("torch and triton are not installed together")


def _wanted(python: Interpreter, torch: Package) -> tuple[str, str]:
    for name, spec, line in requirements(torch, python):
        if name == "triton" and spec:
            return spec, f"torch's requirement {line}"
    if not is_version(public(torch.version)):
        return "", ""
    row = knowledge.torch_companions(release(public(torch.version)))
    return (row.triton, row.source) if row is not None and row.triton else ("", "")


def _fits(triton: Package, wanted: str) -> bool:
    if wanted[0] in "=<>~!":
        return satisfies(triton.version, wanted) is not False
    return same_release(public(triton.version), wanted)
