"""cuda-libs-missing-for-framework: `pip install tensorflow` without [and-cuda]."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known, Unknown
from tests.judged import causes, finding, folded
from tests.machines import healthy
from tests.machines.parts import libraries as parts

OPENED = ("libcudart.so.12", "libcublas.so.12", "libcufft.so.11", "libcudnn.so.9")


def tensorflow_alone() -> Machine:
    """TensorFlow 2.18.0 opens these by name and says only "Cannot dlopen some GPU libraries"."""
    machine = parts.with_framework(healthy.h100_node(), "tensorflow")
    loads = tuple(parts.nowhere(soname, "tensorflow") for soname in OPENED)
    return machine.replace(
        libraries=machine.libraries.replace(loads=Known(loads, "ELF files"), copies=Known((), "-"))
    )


def test_each_missing_library_is_named() -> None:
    machine = tensorflow_alone()
    assert causes(machine) == {"cuda-libs-missing-for-framework"} and folded(machine) == {}
    found = finding(machine, "cuda-libs-missing-for-framework")
    assert all(soname in found.title for soname in OPENED)
    assert found.fix is not None and found.fix.commands == (
        f'{parts.PYTHON} -m pip install "tensorflow[and-cuda]==2.18.0"',
    )


def test_with_its_wheels_it_is_well() -> None:
    assert causes(parts.with_framework(healthy.h100_node(), "tensorflow")) == set()


def test_not_knowing_what_is_loaded_is_no_pass() -> None:
    from tests.judged import judgement

    machine = tensorflow_alone()
    machine = machine.replace(libraries=machine.libraries.replace(loads=Unknown("no answer")))
    skipped = {s.id for s in judgement(machine).skipped}
    assert {"cuda-libs-missing-for-framework", "cudnn-missing", "mixed-cuda-libraries"} <= skipped
