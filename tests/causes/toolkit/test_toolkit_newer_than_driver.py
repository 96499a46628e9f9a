"""toolkit-newer-than-driver: what is built here, the driver cannot run, or not from PTX."""

from __future__ import annotations

from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import cuda


def test_cuda_13_on_a_driver_of_cuda_12_4() -> None:
    machine = cuda.with_cuda(healthy.rtx3050_laptop(), cuda.toolkit("13.0"))
    assert causes(machine) == {"toolkit-newer-than-driver"}
    found = finding(machine, "toolkit-newer-than-driver")
    assert "will not start" in found.title and found.severity == "warning"


def test_a_newer_minor_costs_only_ptx() -> None:
    found = finding(
        cuda.with_cuda(healthy.rtx3050_laptop(), cuda.toolkit("12.8")), "toolkit-newer-than-driver"
    )
    assert found.severity == "note" and "PTX" in found.title


def test_the_drivers_own_release_and_an_older_one_are_well() -> None:
    assert causes(cuda.with_cuda(healthy.rtx3050_laptop(), cuda.toolkit("12.4"))) == set()
    assert causes(cuda.with_cuda(healthy.rtx3050_laptop(), cuda.toolkit("11.8"))) == set()


def test_a_build_server_without_a_gpu_is_well() -> None:
    assert causes(cuda.with_cuda(healthy.no_gpu_server(), cuda.toolkit("13.0"))) == set()
