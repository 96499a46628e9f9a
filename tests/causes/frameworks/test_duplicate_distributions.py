"""duplicate-distributions: two distributions in one folder. Composed from microsoft/onnxruntime#23833."""

from __future__ import annotations

from gpudoctor.facts.frameworks import Build, Package
from gpudoctor.facts.machine import Machine
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import frameworks


def machine(*parts: Package | Build) -> Machine:
    return healthy.rtx3050_laptop().replace(frameworks=frameworks.with_pythons(frameworks.python(*parts)))


def test_onnxruntime_twice() -> None:
    ill = machine(
        frameworks.package("onnxruntime", "1.20.1"), frameworks.package("onnxruntime-gpu", "1.20.1")
    )
    assert causes(ill) == {"duplicate-distributions"}
    fix = finding(ill, "duplicate-distributions").fix
    assert fix is not None and fix.commands[0].endswith("uninstall -y onnxruntime onnxruntime-gpu")
    assert fix.commands[1].endswith("onnxruntime-gpu")


def test_cupy_for_two_cudas_keeps_what_the_driver_runs() -> None:
    ill = machine(frameworks.package("cupy-cuda12x", "13.3.0"), frameworks.package("cupy-cuda13x", "13.6.0"))
    fix = finding(ill, "duplicate-distributions").fix
    assert fix is not None and fix.commands[1].endswith("cupy-cuda12x")


def test_one_of_them_is_well() -> None:
    assert causes(machine(frameworks.package("onnxruntime-gpu", "1.20.1"))) == set()


def test_in_two_folders_they_do_not_meet() -> None:
    other = frameworks.package("onnxruntime", "1.20.1", location="/usr/lib/python3/dist-packages")
    assert causes(machine(other, frameworks.package("onnxruntime-gpu", "1.20.1"))) == set()
