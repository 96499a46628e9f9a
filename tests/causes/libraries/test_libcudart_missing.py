"""libcudart-missing: the runtime alone is found nowhere."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding, folded
from tests.machines import healthy
from tests.machines.parts import libraries as parts


def cupy_without_toolkit() -> Machine:
    """`pip install cupy-cuda12x` on a machine with a driver only: https://github.com/cupy/cupy/issues/7772"""
    machine = parts.with_framework(healthy.rtx3050_laptop(), "cupy-cuda12x")
    loads = (parts.nowhere("libcudart.so.12", "cupy-cuda12x"),)
    return machine.replace(
        libraries=machine.libraries.replace(loads=Known(loads, "ELF files"), copies=Known((), "-"))
    )


def test_the_runtime_alone_is_missing() -> None:
    machine = cupy_without_toolkit()
    assert causes(machine) == {"libcudart-missing"}
    fix = finding(machine, "libcudart-missing").fix
    assert fix is not None and "nvidia-cuda-runtime-cu12" in fix.commands[0]


def test_it_is_another_illness_when_more_is_missing() -> None:
    machine = cupy_without_toolkit()
    loads = (*machine.libraries.loads.value, parts.nowhere("libcublas.so.12", "cupy-cuda12x"))
    machine = machine.replace(libraries=machine.libraries.replace(loads=Known(loads, "ELF files")))
    assert causes(machine) == {"cuda-libs-missing-for-framework"} and folded(machine) == {}


def test_a_runtime_that_is_found_is_well() -> None:
    assert causes(parts.with_framework(healthy.rtx3050_laptop(), "cupy-cuda12x")) == set()
