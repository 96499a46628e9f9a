"""cudnn-missing: nothing of that name anywhere, or in a folder that the asking library does not look into."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding, folded
from tests.machines import healthy
from tests.machines.parts import libraries as parts


def without(framework: str, keep_copy: bool) -> Machine:
    machine = parts.with_framework(healthy.h100_node(), framework)
    libraries = machine.libraries
    loads = tuple(one for one in libraries.loads.value if not one.soname.startswith("libcudnn_"))
    copies = tuple(c for c in libraries.copies.value if keep_copy or c.family != "cudnn")
    return machine.replace(
        libraries=libraries.replace(
            loads=Known(parts.replaced(loads, parts.nowhere("libcudnn.so.9", framework)), "ELF files"),
            copies=Known(copies, "wheels"),
        )
    )


def test_it_is_not_installed() -> None:
    machine = without("tensorflow", keep_copy=False)
    assert causes(machine) == {"cudnn-missing"}
    fix = finding(machine, "cudnn-missing").fix
    assert fix is not None and fix.commands == (f'{parts.PYTHON} -m pip install "nvidia-cudnn-cu12>=9,<10"',)


def test_it_is_in_the_environment_but_onnxruntime_does_not_look_there() -> None:
    """https://github.com/microsoft/onnxruntime/issues/25609"""
    machine = without("onnxruntime", keep_copy=True)
    assert causes(machine) == {"cudnn-missing"}
    found = finding(machine, "cudnn-missing")
    assert "nvidia-cudnn-cu12 brings it" in found.title
    assert found.fix is not None and "preload_dlls" in found.fix.summary and found.fix.commands == ()


def test_no_fix_sets_ld_library_path() -> None:
    for keep in (True, False):
        fix = finding(without("tensorflow", keep), "cudnn-missing").fix
        assert fix is not None and "LD_LIBRARY_PATH" not in fix.summary + " ".join(fix.commands)


def test_a_framework_that_does_not_open_cudnn_misses_none() -> None:
    machine = without("tensorflow", keep_copy=False)
    loads = tuple(one for one in machine.libraries.loads.value if one.family != "cudnn")
    machine = machine.replace(libraries=machine.libraries.replace(loads=Known(loads, "ELF files")))
    assert causes(machine) == set() and folded(machine) == {}
