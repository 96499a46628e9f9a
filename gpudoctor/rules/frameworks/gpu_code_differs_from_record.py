"""The library lacks GPU code that its build record names

What it is: The package's own record of how it was built (TensorFlow's build_info.py, the list of targets in PyTorch's
libtorch_python.so, which torch.cuda.get_arch_list() returns) names compute capabilities for which its library holds no code.

Why it hurts: On such a GPU the package works only through PTX, after a long compilation, or stops with "no kernel image is
available", although its record says that it was built for it.

How to tell: The record's list against the cubins in the fatbin of the library that decides.

How to fix: Install the package again: files of two builds were mixed, or the library was replaced. For a build of one's own:
look at what the compiler was really given (gpudoctor build-tf reads it back).

Sources: https://github.com/pytorch/pytorch/pull/41173
https://www.tensorflow.org/api_docs/python/tf/sysconfig/get_build_info
https://docs.nvidia.com/cuda/cuda-binary-utilities/
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.frameworks import Build, Frameworks, Interpreter, Targets
from gpudoctor.facts.observed import Known
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.pythons import TORCH_INDEX, installed, pip, subject
from gpudoctor.versions import sm


def check(frameworks: Frameworks) -> Iterator[Problem]:
    compared = False
    for python, build in installed(frameworks, "tensorflow", "torch"):
        if not isinstance(build.declared, Known) or not isinstance(build.targets, Known):
            continue
        compared = True
        held, named = build.targets.value, build.declared.value
        missing = [name for name in _names(named) if name not in _names(held)]
        if missing:
            yield Problem(
                f"{build.framework} {build.version} says it was built for {', '.join(missing)}, and its library holds no such code",
                subject=subject(python, build),
                severity="warning",
                evidence=(
                    Evidence("its build record names", ", ".join(_names(named)), build.declared.via),
                    Evidence("its library holds", ", ".join(_names(held)) or "none", held.library),
                ),
                fix=Fix(
                    "Install it again, for files of two builds are mixed",
                    (_again(python, build),),
                ),
            )
    if not compared:
        raise DoesNotApply("no framework whose build record could be held against its binary")


def _again(python: Interpreter, build: Build) -> str:
    variant = build.version.partition("+")[2]
    index = f" --index-url {TORCH_INDEX}/{variant}" if build.framework == "torch" and variant else ""
    return f"{pip(python, build)} --force-reinstall --no-deps {build.framework}=={build.version}{index}"


def _names(targets: Targets) -> list[str]:
    return [sm(cubin.capability) + cubin.variant for cubin in targets.cubins]
