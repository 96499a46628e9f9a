"""library-not-in-package: CUDA 13's wheels share one folder. Composed from the file lists of nvidia-cuda-runtime-cu12
12.4.127 and nvidia-cuda-runtime 13.0.96."""

from __future__ import annotations

from gpudoctor.facts.libraries import Library
from gpudoctor.facts.machine import Expectation, Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding
from tests.machines import healthy

SITE = "/home/u/venv/lib/python3.11/site-packages"


def looking_for(wanted: str) -> Machine:
    path = f"{SITE}/nvidia/cu13/lib/libcudart.so.13"
    copy = Library(
        "cudart", "libcudart.so.13", path, path, "wheel", Known("13.0.96", "RECORD"), "/home/u/venv",
        700_000, "nvidia-cuda-runtime",
    )  # fmt: skip
    base = healthy.rtx3050_laptop()
    libraries = base.libraries.replace(copies=Known((copy,), "site-packages"))
    return base.replace(libraries=libraries, expectation=Expectation(sonames=(wanted,)))


def test_the_folder_of_cuda_12s_wheels() -> None:
    machine = looking_for("nvidia/cuda_runtime/lib/libcudart.so.13")
    assert causes(machine) == {"library-not-in-package"}
    fix = finding(machine, "library-not-in-package").fix
    assert fix is not None and "nvidia/cu13/lib/libcudart.so.13" in fix.summary


def test_where_it_is() -> None:
    assert causes(looking_for("nvidia/cu13/lib/libcudart.so.13")) == set()


def test_by_its_soname() -> None:
    assert causes(looking_for("libcudart.so.13")) == set()
    assert causes(looking_for("libcudart.so.12")) == {"library-not-in-package"}
