"""cuda-home-disagrees-with-path: two selectors, two releases."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import cuda


def chosen(path: str, home: str) -> Machine:
    kits = (cuda.toolkit("12.4"), cuda.toolkit("11.8"))
    selections = (cuda.selects("PATH", path), cuda.selects("CUDA_HOME", home), cuda.selects("torch", home))
    return cuda.with_cuda(healthy.rtx3050_laptop(), *kits, selections=Known(selections, "environment"))


def test_cuda_home_of_another_release_than_path() -> None:
    machine = chosen("/usr/local/cuda-12.4", "/usr/local/cuda-11.8")
    assert causes(machine) == {"cuda-home-disagrees-with-path"}
    assert (
        finding(machine, "cuda-home-disagrees-with-path").title
        == "CUDA_HOME picks CUDA 11.8, nvcc on PATH is CUDA 12.4"
    )


def test_two_ways_to_one_toolkit_agree() -> None:
    assert causes(chosen("/usr/local/cuda-12.4", "/usr/local/cuda-12.4")) == set()


def test_two_toolkits_of_one_release_agree() -> None:
    """conda's 12.4 and the system's 12.4: two folders, one release."""
    conda = cuda.toolkit("12.4", "/opt/conda", origin="conda")
    selections = (cuda.selects("PATH", "/usr/local/cuda-12.4"), cuda.selects("CUDA_HOME", "/opt/conda"))
    machine = cuda.with_cuda(
        healthy.rtx3050_laptop(), cuda.toolkit("12.4"), conda, selections=Known(selections, "environment")
    )
    assert causes(machine) == set()
