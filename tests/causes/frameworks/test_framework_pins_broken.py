"""framework-pins-broken: NVIDIA wheels displaced. Composed from torch 2.5.1's METADATA and pytorch/pytorch#111469."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import frameworks

PINS = (
    'nvidia-cudnn-cu12 ==9.1.0.70 ; platform_system == "Linux" and platform_machine == "x86_64"',
    'nvidia-nvjitlink-cu12 ==12.4.127 ; platform_system == "Linux" and platform_machine == "x86_64"',
    'opt-einsum >=3.3 ; extra == "opt-einsum"',
)


def machine(cudnn: str, pins: tuple[str, ...] = PINS) -> Machine:
    torch = frameworks.package("torch", "2.5.1+cu124", *pins)
    wheels = (
        frameworks.package("nvidia-cudnn-cu12", cudnn),
        frameworks.package("nvidia-nvjitlink-cu12", "12.4.127"),
    )
    return healthy.rtx3050_laptop().replace(frameworks=frameworks.with_torch(torch, *wheels))


def test_a_cudnn_that_displaced_the_pinned_one() -> None:
    assert causes(machine("9.5.1.17")) == {"framework-pins-broken"}
    found = finding(machine("9.5.1.17"), "framework-pins-broken")
    assert "9.5.1.17" in found.title and "==9.1.0.70" in found.title and found.severity == "warning"


def test_the_pinned_one_is_well() -> None:
    assert causes(machine("9.1.0.70")) == set()


def test_a_pin_for_another_platform_does_not_count() -> None:
    assert (
        causes(machine("9.5.1.17", ('nvidia-cudnn-cu12==9.1.0.70; platform_system == "Windows"',))) == set()
    )
