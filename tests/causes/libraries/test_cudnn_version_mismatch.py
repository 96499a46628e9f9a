"""cudnn-version-mismatch: what would be loaded is older than what the framework was built with."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding, folded
from tests.machines import healthy
from tests.machines.parts import libraries as parts


def pinned_by_another_framework() -> Machine:
    """TensorFlow 2.18 was built with 9.3; torch's pin brought 9.1 into the same venv (tensorflow issue 60913)."""
    return parts.with_framework(healthy.h100_node(), "tensorflow", cudnn="9.3.0")


def test_an_older_cudnn_in_the_environment() -> None:
    assert causes(pinned_by_another_framework()) == {"cudnn-version-mismatch"}
    found = finding(pinned_by_another_framework(), "cudnn-version-mismatch")
    assert "9.3.0" in found.title and "9.1.0.70" in found.title
    assert found.fix is not None and found.fix.commands == (
        f'{parts.PYTHON} -m pip install "nvidia-cudnn-cu12>=9.3.0"',
    )


def test_only_another_major_is_there() -> None:
    machine = parts.with_framework(healthy.h100_node(), "tensorflow", cudnn="9")
    others = tuple(c for c in machine.libraries.copies.value if c.family != "cudnn")
    loads = tuple(one for one in machine.libraries.loads.value if not one.soname.startswith("libcudnn_"))
    eight = parts.system_copy("libcudnn.so.8", "/usr/lib/x86_64-linux-gnu", "8.9.7", origin="loader-cache")
    libraries = machine.libraries.replace(
        copies=Known((*others, eight), "loader"),
        loads=Known(parts.replaced(loads, parts.nowhere("libcudnn.so.9", "tensorflow")), "ELF files"),
    )
    machine = machine.replace(libraries=libraries)
    assert causes(machine) == {"cudnn-version-mismatch"}
    assert folded(machine) == {"cudnn-missing": "cudnn-version-mismatch"}


def test_a_newer_minor_is_well() -> None:
    assert causes(parts.with_framework(healthy.h100_node(), "tensorflow", cudnn="9.0.0")) == set()


def test_tensorflow_that_records_the_major_only_is_looked_up() -> None:
    """build_info of 2.18.0 says "9"; it was built with 9.3 (tensorflow's tested-build table)."""
    machine = parts.with_framework(healthy.h100_node(), "tensorflow", cudnn="9")
    assert causes(machine) == {"cudnn-version-mismatch"}


def test_a_release_that_no_table_knows_is_not_guessed() -> None:
    machine = parts.with_framework(healthy.h100_node(), "tensorflow", cudnn="9", version="3.0.0")
    assert "cudnn-version-mismatch" not in causes(machine) | set(folded(machine))
