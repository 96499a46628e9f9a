"""path-of-another-cuda-major: PATH and LD_LIBRARY_PATH of two majors."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import cuda

ID = "path-of-another-cuda-major"


def laptop(library: str, link: str = "") -> Machine:
    machine = cuda.with_cuda(healthy.rtx3050_laptop(), cuda.toolkit("12.4"), cuda.toolkit("11.8"))
    if link:
        says = cuda.selects("/usr/local/cuda", link, "/usr/local/cuda")
        chosen = Known((*cuda.on_path("/usr/local/cuda-12.4"), says), "environment")
        machine = machine.replace(cuda=machine.cuda.replace(selections=chosen))
    return machine.replace(environment=cuda.shell(cuda.entry("LD_LIBRARY_PATH", library)))


def test_the_libraries_of_11_8_with_the_nvcc_of_12_4() -> None:
    machine = laptop("/usr/local/cuda-11.8/lib64")
    assert ID in causes(machine)
    assert "CUDA 11.8" in finding(machine, ID).title


def test_the_link_is_followed() -> None:
    assert ID in causes(laptop("/usr/local/cuda/lib64", link="/usr/local/cuda-11.8"))
    assert ID not in causes(laptop("/usr/local/cuda/lib64", link="/usr/local/cuda-12.4"))


def test_the_selected_toolkits_own_libraries_are_well() -> None:
    assert ID not in causes(laptop("/usr/local/cuda-12.4/lib64"))


def test_a_folder_of_no_toolkit_is_not_judged() -> None:
    assert ID not in causes(laptop("/opt/app/lib"))


def test_another_minor_of_the_same_major_is_well() -> None:
    machine = cuda.with_cuda(healthy.rtx3050_laptop(), cuda.toolkit("12.4"), cuda.toolkit("12.8"))
    environment = cuda.shell(cuda.entry("LD_LIBRARY_PATH", "/usr/local/cuda-12.8/lib64"))
    assert ID not in causes(machine.replace(environment=environment))
