"""Two distributions own the same package folder

What it is: onnxruntime and onnxruntime-gpu, tensorflow and tensorflow-cpu, cupy-cuda11x and cupy-cuda12x install into
one and the same folder. Both are installed, so each has overwritten files of the other.

Why it hurts: The one installed last wins file by file: CUDAExecutionProvider is missing though onnxruntime-gpu is
installed, or CuPy refuses to start. Removing one of the two leaves the other with holes.

How to tell: More than one distribution of such a group in one site folder.

How to fix: Uninstall all of them, then install the one that is wanted.

Sources: https://github.com/microsoft/onnxruntime/issues/23833
https://docs.cupy.dev/en/stable/install.html#faq
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpudoctor.facts.frameworks import Frameworks, Interpreter
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import Evidence, Fix, Problem, package
from gpudoctor.rules.judging import driver_cuda, gpu_ruled_out
from gpudoctor.rules.pythons import packages_of, pip, pythons
from gpudoctor.signature import Signature
from gpudoctor.versions import is_version, major

#: Import folder -> the distributions that write into it.
GROUPS = {
    "onnxruntime": r"onnxruntime(?:-gpu|-rocm|-openvino|-directml|-training|-migraphx)?",
    "tensorflow": r"tensorflow(?:-cpu|-gpu|-rocm|-macos)?|tf-nightly(?:-cpu|-gpu)?",
    "cupy": r"cupy(?:-cuda\d+x?|-rocm-[\d-]+)?",
    "triton": r"(?:pytorch-)?triton(?:-rocm|-xpu|-nightly)?",
}

explains = ("cpu-only-wheel", "framework-cuda-version-mismatch", "import-fails")

signatures: tuple[Signature | str, ...] = (
    Signature(r"onnxruntime (?:==)?\d\S*\s+onnxruntime-gpu (?:==)?\d", 0.88, unless=(r"providers_cuda",)),
    Signature(r"onnxruntime-gpu (?:==)?\d\S*\s+onnxruntime (?:==)?\d", 0.88, unless=(r"providers_cuda",)),
    Signature(r"multiple CuPy packages are installed in this environment", 0.93),
    Signature(r"(?:tensorflow (?:==)?\d\S*\s+tensorflow-(?:gpu|cpu) (?:==)?\d)", 0.8),
)


def check(gpu: Gpu, frameworks: Frameworks) -> Iterator[Problem]:
    for python in pythons(frameworks):
        for folder, pattern in GROUPS.items():
            places: dict[str, dict[str, str]] = {}
            for own in packages_of(python):
                if own.installer != "conda" and re.fullmatch(pattern, own.name):
                    places.setdefault(own.location, {})[own.name] = own.version
            for location, found in places.items():
                if len(found) > 1 and not _front(found):
                    yield _problem(python, folder, location, found, gpu)


def _front(found: dict[str, str]) -> bool:
    """tensorflow-gpu from 2.12 on is an empty package that only fails to install: it owns nothing."""
    return set(found) == {"tensorflow", "tensorflow-gpu"} and found["tensorflow-gpu"].startswith("2.12")


def _problem(python: Interpreter, folder: str, location: str, found: dict[str, str], gpu: Gpu) -> Problem:
    keep = _wanted(folder, sorted(found), gpu)
    return Problem(
        f"{' and '.join(sorted(found))} are both installed into {folder}/",
        subject=package(python.path, folder),
        severity="failure",
        evidence=tuple(Evidence(name, version, location) for name, version in sorted(found.items())),
        fix=Fix(
            f"Uninstall all of them, then install {keep}",
            (f"{python.path} -m pip uninstall -y {' '.join(sorted(found))}", f"{pip(python)} {keep}"),
            "unsafe",
        ),
    )


def _wanted(folder: str, names: list[str], gpu: Gpu) -> str:
    without = gpu_ruled_out(gpu)
    if folder == "onnxruntime":
        return "onnxruntime" if without else next((n for n in names if n == "onnxruntime-gpu"), names[-1])
    if folder == "tensorflow":
        return "tensorflow-cpu" if without else "tensorflow"
    driver = value_of(driver_cuda(gpu), "")
    if folder == "cupy" and is_version(driver):
        fitting = [n for n in names if (m := re.search(r"cuda(\d\d)", n)) and int(m[1]) <= major(driver)]
        return fitting[-1] if fitting else names[-1]
    return (
        names[0]
        if folder == "triton" and "triton" not in names
        else "triton"
        if folder == "triton"
        else names[-1]
    )
