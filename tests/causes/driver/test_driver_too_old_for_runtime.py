"""driver-too-old-for-runtime. CUDA and driver versions: NVIDIA's CUDA release notes, tables 2 and 3."""

from __future__ import annotations

import pytest

from gpudoctor.facts.frameworks import Build, Interpreter
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known, Unknown
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import driver, gpu

PYTHON = "/usr/bin/python3"


def with_torch(cuda: str, driver_version: str, driver_cuda: str) -> Machine:
    variant = "cu" + cuda.replace(".", "")
    version = {"12.4": "2.5.1", "12.6": "2.6.0", "13.0": "2.9.0", "11.8": "2.1.0"}[cuda]
    build = Build("torch", f"{version}+{variant}", "/site/torch", variant, Known(cuda, "version.py"))
    interpreter = Interpreter(PYTHON, PYTHON, "PATH", builds=(build,))
    laptop = healthy.rtx3050_laptop()
    return laptop.replace(
        driver=driver.installed(driver_version),
        gpu=gpu.rtx3050_laptop(driver_version, driver_cuda),
        frameworks=laptop.frameworks.replace(interpreters=Known((interpreter,), "PATH")),
    )


def test_a_newer_major_needs_a_newer_driver() -> None:
    machine = with_torch("13.0", "550.163.01", "12.4")
    assert "driver-too-old-for-runtime" in causes(machine)
    found = finding(machine, "driver-too-old-for-runtime")
    assert "13.0" in found.title and "550.163.01" in found.title and "580" in found.title
    assert found.subject.kind == "package" and found.subject.label == "torch"


@pytest.mark.parametrize(
    ("cuda", "version", "implemented"),
    [
        ("12.4", "550.163.01", "12.4"),
        ("12.6", "550.163.01", "12.4"),
        ("11.8", "550.163.01", "12.4"),
        ("12.6", "525.60.13", "12.0"),
    ],
)
def test_minor_versions_and_older_majors_run(cuda: str, version: str, implemented: str) -> None:
    assert "driver-too-old-for-runtime" not in causes(with_torch(cuda, version, implemented))


def test_the_table_decides_where_no_library_tells() -> None:
    machine = with_torch("13.0", "550.163.01", "12.4")
    silent = machine.gpu.replace(nvml=Unknown("asleep"), cuda=Unknown("asleep"), smi=Absent("PATH"))
    assert "driver-too-old-for-runtime" in causes(machine.replace(gpu=silent))
