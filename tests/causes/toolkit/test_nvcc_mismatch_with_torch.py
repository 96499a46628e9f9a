"""nvcc-mismatch-with-torch: extension builds would take another CUDA major."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import cuda


def laptop(release: str, torch_cuda: str, *packages: str) -> Machine:
    frameworks = cuda.environment_with(
        *(cuda.package(name) for name in packages), builds=(cuda.build("torch", "2.5.1", torch_cuda),)
    )
    return cuda.with_cuda(healthy.rtx3050_laptop(), cuda.toolkit(release)).replace(frameworks=frameworks)


def test_nvcc_11_8_for_a_torch_of_cuda_12() -> None:
    machine = laptop("11.8", "12.4", "ninja")
    assert "nvcc-mismatch-with-torch" in causes(machine)
    found = finding(machine, "nvcc-mismatch-with-torch")
    assert found.severity == "warning"
    assert "12.4" in found.title and "11.8" in found.title


def test_where_nobody_builds_it_is_only_a_note() -> None:
    assert finding(laptop("11.8", "12.4"), "nvcc-mismatch-with-torch").severity == "note"


def test_a_fitting_toolkit_beside_it_is_the_fix() -> None:
    machine = laptop("11.8", "12.4", "ninja")
    kits = (cuda.toolkit("11.8"), cuda.toolkit("12.4"))
    fix = finding(machine.replace(cuda=cuda.installed(*kits)), "nvcc-mismatch-with-torch").fix
    assert fix is not None and fix.commands == ("export CUDA_HOME=/usr/local/cuda-12.4",)


def test_another_minor_is_well() -> None:
    """torch only warns about a minor."""
    assert "nvcc-mismatch-with-torch" not in causes(laptop("12.4", "12.1", "ninja"))
