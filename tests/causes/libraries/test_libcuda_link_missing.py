"""libcuda-link-missing: the loader is content with libcuda.so.1, the linker is not."""

from __future__ import annotations

from pathlib import Path

from gpudoctor.engine import Asking
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known
from gpudoctor.system.root import Root
from tests.judged import causes, finding, judgement
from tests.machines import healthy
from tests.machines.parts import cuda
from tests.machines.parts.driver import LIB
from tests.sysroot import build, loader_cache, shared_object

ID = "libcuda-link-missing"


def laptop(*packages: str, linkable: bool = False) -> Machine:
    machine = healthy.rtx3050_laptop()
    there = Known(f"{LIB}/libcuda.so", LIB) if linkable else Absent(LIB)
    return machine.replace(
        driver=machine.driver.replace(linkable=there),
        frameworks=cuda.environment_with(*(cuda.package(name) for name in packages)),
    )


def test_triton_can_not_link_where_only_the_loaders_name_is_there() -> None:
    """libcuda.so.1 without libcuda.so: https://github.com/triton-lang/triton/pull/1981"""
    assert causes(laptop("triton")) == {ID}
    found = finding(laptop("triton"), ID)
    assert found.severity == "warning" and found.fix is not None
    assert found.fix.commands == (f"sudo ln -s libcuda.so.1 {LIB}/libcuda.so",)


def test_with_the_link_it_is_well_and_without_anybody_who_links_it_is_no_matter() -> None:
    assert causes(laptop("triton", linkable=True)) == set()
    assert causes(laptop()) == set()


def test_without_a_driver_there_is_nothing_to_link_with() -> None:
    machine = healthy.no_gpu_server().replace(frameworks=laptop("triton").frameworks)
    assert ID in {n.id for n in judgement(machine).not_applicable}


def test_the_probe_looks_beside_the_loaders_choice(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        "/usr/lib/libcuda.so.550.163.01": shared_object("libcuda.so.1"),
        "/usr/lib/libcuda.so.1": "-> libcuda.so.550.163.01",
        "/etc/ld.so.cache": loader_cache([("libcuda.so.1", "/usr/lib/libcuda.so.1")]),
    }
    root = build(tmp_path, files)
    assert Asking(Root(root), ("driver",)).machine().driver.linkable == Absent("/usr/lib")
    build(tmp_path, {"/usr/lib/libcuda.so": "-> libcuda.so.1"})
    assert Asking(Root(root), ("driver",)).machine().driver.linkable == Known(
        "/usr/lib/libcuda.so", "/usr/lib"
    )
