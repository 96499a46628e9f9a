"""mixed-cuda-libraries: members of two sets in one process."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding, folded
from tests.machines import healthy
from tests.machines.parts import libraries as parts

TOOLKIT = "/usr/local/cuda-12.1/lib64"


def older_linker(version: str = "12.1.105") -> Machine:
    """cuSPARSE's RUNPATH comes after LD_LIBRARY_PATH: https://github.com/pytorch/pytorch/issues/134929"""
    soname = "libnvJitLink.so.12"
    return parts.changed(
        parts.with_framework(healthy.h100_node()),
        parts.elsewhere(soname, TOOLKIT, version),
        copies=(parts.system_copy(soname, TOOLKIT, version),),
    )


def test_an_older_nvjitlink_in_front() -> None:
    assert causes(older_linker()) == {"mixed-cuda-libraries"}
    found = finding(older_linker(), "mixed-cuda-libraries")
    assert "12.1.105" in found.title and "12.4.127" in found.title and TOOLKIT in found.title


def test_a_newer_nvjitlink_serves_older_cusparse() -> None:
    assert causes(older_linker("12.6.85")) == set()


def test_cublas_and_cublaslt_of_two_releases() -> None:
    """The wheel's libcublas finds cuBLASLt by RUNPATH: https://github.com/pytorch/pytorch/pull/174320"""
    newer = parts.elsewhere("libcublasLt.so.12", TOOLKIT, "12.6.4.1")
    assert causes(parts.changed(parts.with_framework(healthy.h100_node()), newer)) == {"mixed-cuda-libraries"}


def test_two_wheels_that_write_one_file() -> None:
    machine = parts.with_framework(healthy.h100_node())
    both = "nvidia-cudnn-cu12, nvidia-cudnn-cu13"
    copies = tuple(
        c.replace(package=both) if c.family == "cudnn" else c for c in machine.libraries.copies.value
    )
    machine = machine.replace(libraries=machine.libraries.replace(copies=Known(copies, "wheels")))
    assert causes(machine) == {"mixed-cuda-libraries"}
    assert "nvidia-cudnn-cu13" in finding(machine, "mixed-cuda-libraries").title


def test_a_cuda_11_framework_that_meets_cuda_12s_cusolver() -> None:
    """libcusolver.so.11 is CUDA 11's and CUDA 12's name: https://github.com/cupy/cupy/issues/7573"""
    machine = parts.with_framework(healthy.h100_node(), "cupy-cuda11x", cuda="11.8")
    solver = parts.elsewhere("libcusolver.so.11", TOOLKIT, "11.4.5", framework="cupy-cuda11x")
    linker = parts.nowhere("libnvJitLink.so.12", "cupy-cuda11x").replace(wanted_by=solver.path)
    machine = machine.replace(
        libraries=machine.libraries.replace(loads=Known((solver, linker), "ELF files"), copies=Known((), "-"))
    )
    assert causes(machine) == {"mixed-cuda-libraries"}
    assert folded(machine) == {"cuda-libs-missing-for-framework": "mixed-cuda-libraries"}


def test_one_set_is_well() -> None:
    assert causes(parts.with_framework(healthy.h100_node())) == set()
