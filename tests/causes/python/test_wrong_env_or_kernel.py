"""wrong-env-or-kernel: another Python than the one with the framework. Composed from vscode-jupyter#9081."""

from __future__ import annotations

from gpudoctor.facts.frameworks import Interpreter, Kernel
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import frameworks


def kernel(exists: bool, *found: str) -> Kernel:
    path = "/home/u/.local/share/jupyter/kernels/old/kernel.json"
    interpreter = "/home/u/old/bin/python"
    return Kernel("old", path, interpreter, Known(exists, interpreter), "Old", Known(found, interpreter))


def machine(*kernels: Kernel, pythons: tuple[Interpreter, ...] = ()) -> Machine:
    found = frameworks.with_pythons(frameworks.python(frameworks.torch()), *pythons)
    return healthy.rtx3050_laptop().replace(frameworks=found.replace(kernels=Known(kernels, "kernels")))


def test_a_kernel_whose_interpreter_is_gone() -> None:
    assert causes(machine(kernel(False))) == {"wrong-env-or-kernel"}
    found = finding(machine(kernel(False)), "wrong-env-or-kernel")
    assert found.severity == "warning" and "/home/u/old/bin/python" in found.title


def test_a_kernel_without_the_framework_is_a_note() -> None:
    found = finding(machine(kernel(True)), "wrong-env-or-kernel")
    assert found.severity == "note" and "no torch" in found.title
    assert found.fix is not None and "-m ipykernel install --user --name venv" in found.fix.commands[1]


def test_a_kernel_with_a_framework_is_well() -> None:
    assert causes(machine(kernel(True, "torch"))) == set()


def test_python_on_path_is_not_the_activated_environment() -> None:
    other = frameworks.python(prefix="/usr", selected_by="PATH", kind="system")
    assert causes(machine(pythons=(other,))) == {"wrong-env-or-kernel"}


def test_a_path_python_with_the_same_frameworks_is_well() -> None:
    other = frameworks.python(frameworks.torch(), prefix="/usr", selected_by="PATH", kind="system")
    assert causes(machine(pythons=(other,))) == set()


def test_a_file_named_torch_on_pythonpath() -> None:
    python = frameworks.python(frameworks.torch(), shadows=("/home/u/work/torch.py",))
    ill = healthy.rtx3050_laptop().replace(frameworks=frameworks.with_pythons(python))
    assert causes(ill) == {"wrong-env-or-kernel"}
    assert finding(ill, "wrong-env-or-kernel").severity == "failure"
