"""libnvvm-missing: Numba's places, and none has libnvvm.so."""

from __future__ import annotations

from gpudoctor.facts.cuda import Selection, Toolkit
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import cuda

ID = "libnvvm-missing"


def laptop(*packages: str, kits: tuple[Toolkit, ...] = (), selections: tuple[Selection, ...] = ()) -> Machine:
    frameworks = cuda.environment_with(*(cuda.package(name, "0.60.0") for name in packages))
    machine = healthy.rtx3050_laptop().replace(frameworks=frameworks)
    return machine.replace(
        cuda=machine.cuda.replace(
            toolkits=Known(kits, "/usr/local"), selections=Known(selections, "environment")
        )
    )


def test_numba_cuda_without_a_toolkit() -> None:
    machine = laptop("numba", "numba-cuda")
    assert causes(machine) == {ID}
    assert finding(machine, ID).severity == "failure"


def test_numba_for_the_cpu_is_only_told() -> None:
    assert finding(laptop("numba"), ID).severity == "note"


def test_a_cuda_home_without_it_is_searched_in_vain() -> None:
    kit = cuda.toolkit("12.4", nvvm=Absent("/usr/local/cuda-12.4/nvvm/lib64"))
    machine = laptop("numba", kits=(kit,), selections=(cuda.selects("CUDA_HOME", "/usr/local/cuda-12.4"),))
    assert finding(machine, ID).severity == "warning"


def test_a_cuda_home_that_holds_it_is_well() -> None:
    at = "/usr/local/cuda-12.4"
    chosen = (cuda.selects("CUDA_HOME", at), *cuda.on_path(at))
    assert causes(laptop("numba", "numba-cuda", kits=(cuda.toolkit("12.4"),), selections=chosen)) == set()


def test_a_wheel_in_its_environment_is_well() -> None:
    wheel = cuda.toolkit("12.4", f"{cuda.SITE}/nvidia/cuda_nvcc", origin="wheel")
    assert causes(laptop("numba", "numba-cuda", kits=(wheel,))) == set()


def test_another_environments_wheel_does_not_help() -> None:
    wheel = cuda.toolkit("12.4", "/other/lib/python3.11/site-packages/nvidia/cuda_nvcc", origin="wheel")
    assert causes(laptop("numba", "numba-cuda", kits=(wheel,))) == {ID}
