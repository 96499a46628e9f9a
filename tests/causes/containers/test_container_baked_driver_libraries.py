"""container-baked-driver-libraries: an image that was committed from a running GPU container."""

from __future__ import annotations

from gpudoctor.facts.observed import Known
from tests.judged import causes, finding
from tests.machines.parts import containers

LIB = "/usr/lib/x86_64-linux-gnu"


def test_an_empty_libcuda_in_the_image_is_named() -> None:
    machine = containers.gpu_container(baked=Known((f"{LIB}/libcuda.so.535.54.03",), LIB))
    assert causes(machine) == {"container-baked-driver-libraries"}
    found = finding(machine, "container-baked-driver-libraries")
    assert found.severity == "failure" and "libcuda.so.535.54.03" in found.title


def test_an_empty_side_library_is_a_warning() -> None:
    machine = containers.gpu_container(baked=Known((f"{LIB}/libnvidia-opticalflow.so.535.54.03",), LIB))
    assert finding(machine, "container-baked-driver-libraries").severity == "warning"


def test_libraries_that_are_mounted_are_not_baked() -> None:
    assert causes(containers.gpu_container()) == set()
