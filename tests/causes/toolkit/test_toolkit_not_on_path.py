"""toolkit-not-on-path: installed, and nvcc is not found."""

from __future__ import annotations

from gpudoctor.facts.cuda import Toolkit
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import cuda


def unselected(*kits: Toolkit) -> Machine:
    return cuda.with_cuda(
        healthy.rtx3050_laptop(), *kits, selections=Known((), "PATH"), tools_on_path=Known((), "PATH")
    )


def test_a_fresh_installation_that_nobody_put_on_path() -> None:
    machine = unselected(cuda.toolkit("12.4"))
    assert causes(machine) == {"toolkit-not-on-path"}
    found = finding(machine, "toolkit-not-on-path")
    assert found.severity == "note"
    assert found.fix is not None and "/usr/local/cuda-12.4/bin${PATH:+:$PATH}" in found.fix.commands[0]


def test_the_fix_never_makes_an_empty_element() -> None:
    """`...:$LD_LIBRARY_PATH` would, where it was not set."""
    fix = finding(unselected(cuda.toolkit("12.4")), "toolkit-not-on-path").fix
    assert fix is not None
    for command in fix.commands:
        assert ":$LD_LIBRARY_PATH" not in command.replace("${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}", "")
        assert ":$PATH" not in command.replace("${PATH:+:$PATH}", "")


def test_a_wheels_nvcc_is_not_meant_for_path() -> None:
    wheel = cuda.toolkit("13.0", f"{cuda.SITE}/nvidia/cu13", origin="wheel")
    assert causes(unselected(wheel)) == set()


def test_a_toolkit_that_path_or_a_variable_selects_is_well() -> None:
    at = "/usr/local/cuda-12.4"
    assert causes(cuda.with_cuda(healthy.rtx3050_laptop(), cuda.toolkit("12.4"))) == set()
    machine = unselected(cuda.toolkit("12.4"))
    chosen = Known((cuda.selects("CUDA_HOME", at), cuda.selects("torch", at)), "environment")
    assert causes(machine.replace(cuda=machine.cuda.replace(selections=chosen))) == set()
