"""framework-cuda-version-mismatch: libraries of another CUDA major. Composed from CuPy's installation page and TensorFlow's tested builds."""

from __future__ import annotations

from gpudoctor.facts.frameworks import Build, Package
from gpudoctor.facts.libraries import Library
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import frameworks


def cupy(major: str) -> Build:
    return Build(
        "cupy", "13.3.0", "/s/cupy", f"cuda{major}", Known(major, "name"), distribution=f"cupy-cuda{major}x"
    )


def machine(*parts: Build | Package, copies: tuple[Library, ...] = ()) -> Machine:
    laptop = healthy.rtx3050_laptop()
    return laptop.replace(
        frameworks=frameworks.with_pythons(frameworks.python(*parts)),
        libraries=laptop.libraries.replace(copies=Known(copies, "ld.so.cache")),
    )


CUDART_12 = Library(
    "cudart", "libcudart.so.12", "/usr/local/cuda/lib64/libcudart.so.12", "/usr/local/cuda/lib64/libcudart.so.12",
    "toolkit", Known("12.4.127", "name"), "/usr/local/cuda", 700_000,
)  # fmt: skip


def test_cupy_for_cuda_11_with_a_toolkit_12() -> None:
    ill = machine(cupy("11"), copies=(CUDART_12,))
    assert causes(ill) == {"framework-cuda-version-mismatch"}
    fix = finding(ill, "framework-cuda-version-mismatch").fix
    assert fix is not None and fix.commands[1].endswith("cupy-cuda12x")


def test_tensorflow_for_12_with_wheels_of_11() -> None:
    wheel = frameworks.package("nvidia-cuda-runtime-cu11", "11.8.89")
    assert "framework-cuda-version-mismatch" in causes(machine(frameworks.tensorflow(), wheel))


def test_cupy_for_cuda_12_is_well() -> None:
    assert causes(machine(cupy("12"), copies=(CUDART_12,))) == set()


def test_another_environments_wheels_do_not_count_as_there() -> None:
    foreign = CUDART_12.replace(origin="wheel", owner="/home/u/other")
    assert "framework-cuda-version-mismatch" not in causes(machine(cupy("11"), copies=(foreign,)))


def test_no_cuda_at_all_is_another_cause() -> None:
    assert "framework-cuda-version-mismatch" not in causes(machine(cupy("11")))
