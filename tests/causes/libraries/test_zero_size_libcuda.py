"""zero-size-libcuda: bind-mount targets baked into an image."""

from __future__ import annotations

from gpudoctor.facts.containers import Inside
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding, folded, judgement
from tests.machines import healthy
from tests.machines.parts import driver


def baked(first: bool = True) -> Machine:
    """https://github.com/NVIDIA/libnvidia-container/issues/140"""
    laptop = healthy.rtx3050_laptop()
    empty = driver.library("libcuda.so.1", "418.56", "/usr/lib/x86_64-linux-gnu", size=0)
    real = laptop.driver.libraries.value
    libraries = (empty, *real) if first else (*real, empty.replace(origin="unreached"))
    return laptop.replace(driver=laptop.driver.replace(libraries=Known(libraries, "loader")))


def test_the_loader_stops_at_an_empty_file() -> None:
    assert "zero-size-libcuda" in causes(baked())
    found = finding(baked(), "zero-size-libcuda")
    assert found.severity == "failure" and "libcuda.so.418.56" in found.title
    assert (
        found.fix is not None and "sudo rm /usr/lib/x86_64-linux-gnu/libcuda.so.418.56" in found.fix.commands
    )


def test_an_empty_file_behind_the_real_one_is_a_warning() -> None:
    assert finding(baked(first=False), "zero-size-libcuda").severity == "warning"


def test_a_driver_with_bytes_is_well() -> None:
    assert causes(healthy.rtx3050_laptop()) == set() and folded(healthy.rtx3050_laptop()) == {}


def test_inside_a_container_the_containers_rule_judges_it() -> None:
    machine = baked()
    inside = Known(Inside("docker", "/.dockerenv"), "/.dockerenv")
    machine = machine.replace(containers=machine.containers.replace(inside=inside))
    assert "zero-size-libcuda" not in {f.id for f in judgement(machine).findings}
