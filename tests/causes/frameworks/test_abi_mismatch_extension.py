"""abi-mismatch-extension: an extension for another torch. Composed from Dao-AILab/flash-attention#975."""

from __future__ import annotations

from gpudoctor.facts.observed import Absent
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import frameworks


def test_flash_attn_for_torch_2_6_beside_2_5() -> None:
    build = frameworks.extension("flash-attn", "2.7.4.post1+cu12torch2.6cxx11abiFALSE", "2.6")
    machine = healthy.rtx3050_laptop().replace(frameworks=frameworks.with_torch(build))
    assert causes(machine) == {"abi-mismatch-extension"}
    found = finding(machine, "abi-mismatch-extension")
    assert "2.6" in found.title and "2.5.1+cu124" in found.title
    assert found.fix is not None and "--no-build-isolation" in found.fix.commands[0]


def test_another_cuda_major_is_one_too() -> None:
    build = frameworks.extension("torch-scatter", "2.1.2+pt25cu118", "2.5", "11.8")
    machine = healthy.rtx3050_laptop().replace(frameworks=frameworks.with_torch(build))
    assert causes(machine) == {"abi-mismatch-extension"}


def test_the_right_pair_is_well() -> None:
    build = frameworks.extension("flash-attn", "2.7.4.post1+cu12torch2.5cxx11abiFALSE", "2.5")
    assert causes(healthy.rtx3050_laptop().replace(frameworks=frameworks.with_torch(build))) == set()


def test_an_extension_that_names_no_torch_is_not_judged() -> None:
    build = frameworks.extension("flash-attn", "2.7.4").replace(built_for_torch=Absent("its version"))
    assert causes(healthy.rtx3050_laptop().replace(frameworks=frameworks.with_torch(build))) == set()


def test_with_a_cpu_torch_the_cpu_wheel_is_the_cause() -> None:
    build = frameworks.extension("torch-scatter", "2.1.2+pt25cu124", "2.5", "12.4")
    python = frameworks.python(frameworks.torch("2.5.1+cpu", ""), build)
    machine = healthy.rtx3050_laptop().replace(frameworks=frameworks.with_pythons(python))
    assert causes(machine) == {"cpu-only-wheel"}
