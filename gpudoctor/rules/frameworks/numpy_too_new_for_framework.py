"""NumPy is newer than the framework was compiled for

What it is: NumPy 2 broke the binary interface of NumPy 1. A framework that was compiled against NumPy 1 (PyTorch before
2.3 among them), or whose metadata excludes this NumPy, is installed beside a newer one.

Why it hurts: "A module that was compiled using NumPy 1.x cannot be run in NumPy 2", "Numpy is not available" from
torch's from_numpy, or a crash inside the framework.

How to tell: The framework's requirement for numpy, or PyTorch's release, against the numpy that is installed.

How to fix: Install a NumPy in the range, or a newer framework.

Sources: https://numpy.org/doc/stable/numpy_2_0_migration_guide.html
https://github.com/pytorch/pytorch/issues/107302
https://github.com/securefederatedai/openfederatedlearning/issues/999
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.frameworks import Frameworks, Package
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem, package
from gpudoctor.rules.pythons import package_named, packages_of, pip, public, pythons, requirements, satisfies
from gpudoctor.versions import is_version, major, older

#: The first PyTorch that was compiled for both.
TORCH_WITH_NUMPY_2 = "2.3"
JUDGED = ("torch", "tensorflow", "tensorflow-cpu", "jax", "jaxlib", "numba", "onnxruntime", "onnxruntime-gpu")

explains = ("import-fails",)


def check(frameworks: Frameworks) -> Iterator[Problem]:
    judged = False
    for python in pythons(frameworks):
        numpy = package_named(python, "numpy")
        if numpy is None or not is_version(numpy.version):
            continue
        for own in packages_of(python):
            if own.name not in JUDGED or own.installer == "conda":
                continue
            judged = True
            wanted, why = _limit(own, numpy)
            for name, spec, line in requirements(own, python):
                # Only a bound from above: too old a numpy is pip's ordinary business.
                if name == "numpy" and "<" in spec and satisfies(numpy.version, _upper(spec)) is False:
                    wanted, why = _upper(spec), line
            if wanted:
                yield Problem(
                    f"{own.name} {own.version} wants numpy{wanted}, installed is {numpy.version}",
                    subject=package(python.path, own.name),
                    severity="warning",
                    evidence=(
                        Evidence("numpy", numpy.version, numpy.location),
                        Evidence(own.name, own.version, own.location),
                        Evidence("limit", why, own.location),
                    ),
                    fix=Fix("Install a NumPy in the range", (f"{pip(python)} 'numpy{wanted}'",), "unsafe"),
                )
    if not judged:
        raise DoesNotApply("no framework beside numpy")


def _limit(own: Package, numpy: Package) -> tuple[str, str]:
    version = public(own.version)
    old = own.name == "torch" and is_version(version) and older(version, TORCH_WITH_NUMPY_2)
    if old and major(numpy.version) >= 2:
        return "<2", f"PyTorch before {TORCH_WITH_NUMPY_2} was compiled for NumPy 1"
    return "", ""


def _upper(spec: str) -> str:
    return ",".join(part for part in spec.split(",") if part.startswith("<"))
