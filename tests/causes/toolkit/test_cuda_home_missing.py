"""cuda-home-missing: the variable that names the toolkit leads nowhere."""

from __future__ import annotations

from gpudoctor.facts.cuda import Selection
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import cuda


def home(value: str, why: str) -> Machine:
    """A laptop with CUDA 12.4 on PATH and this CUDA_HOME."""
    says = Selection("CUDA_HOME", value, Absent(why))
    torch = Selection("torch", value, Absent(why))
    path = cuda.selects("PATH", "/usr/local/cuda-12.4")
    return cuda.with_cuda(healthy.rtx3050_laptop(), selections=Known((path, says, torch), "environment"))


def test_a_cuda_home_that_was_uninstalled_is_named_with_its_value() -> None:
    machine = home("/usr/local/cuda-12.1", "/usr/local/cuda-12.1 does not exist")
    assert causes(machine) == {"cuda-home-missing"}
    found = finding(machine, "cuda-home-missing")
    assert found.title == 'CUDA_HOME is "/usr/local/cuda-12.1": /usr/local/cuda-12.1 does not exist'
    assert found.fix is not None and found.fix.commands[0].startswith("export CUDA_HOME=/usr/local/cuda-12.4")


def test_a_list_in_cuda_home_is_mended_to_the_part_that_is_a_toolkit() -> None:
    machine = home(":/usr/local/cuda-12.4", "':/usr/local/cuda-12.4' is no absolute path")
    fix = finding(machine, "cuda-home-missing").fix
    assert fix is not None and fix.commands == ("export CUDA_HOME=/usr/local/cuda-12.4",)


def test_deepspeed_without_any_toolkit_is_told_what_it_lacks() -> None:
    frameworks = cuda.environment_with(
        cuda.package("deepspeed", "0.16.2"), builds=(cuda.build("torch", "2.5.1", "12.4"),)
    )
    assert causes(healthy.rtx3050_laptop().replace(frameworks=frameworks)) == {"cuda-home-missing"}


def test_torch_without_cuda_home_is_well() -> None:
    """A wheel needs no toolkit to run: an unset CUDA_HOME alone is no fault."""
    frameworks = cuda.environment_with(builds=(cuda.build("torch", "2.5.1", "12.4"),))
    assert "cuda-home-missing" not in causes(healthy.rtx3050_laptop().replace(frameworks=frameworks))


def test_a_cuda_home_that_is_a_toolkit_is_well() -> None:
    at = "/usr/local/cuda-12.4"
    chosen = Known((*cuda.on_path(at), cuda.selects("CUDA_HOME", at)), "environment")
    assert causes(cuda.with_cuda(healthy.rtx3050_laptop(), selections=chosen)) == set()
