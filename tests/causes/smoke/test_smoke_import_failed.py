"""smoke-import-failed: the framework can't be imported."""

from __future__ import annotations

from tests.judged import causes, finding
from tests.machines.parts import smoke


def test_its_exception_is_the_title() -> None:
    message = "ImportError: libcudnn.so.9: cannot open shared object file: No such file or directory"
    machine = smoke.machine(smoke.failing("import", "import", message))
    assert causes(machine) == {"smoke-import-failed"}
    assert "libcudnn.so.9" in finding(machine, "smoke-import-failed").title


def test_a_crash_in_the_import_is_the_imports() -> None:
    assert causes(smoke.machine(smoke.crashed("import"))) == {"smoke-import-failed"}


def test_a_crash_later_is_not() -> None:
    assert causes(smoke.machine(smoke.crashed("conv"))) == {"smoke-phase-crashed"}


def test_too_little_memory_for_the_import_is_memorys() -> None:
    assert causes(smoke.machine(smoke.failing("import", "memory", "MemoryError"))) == {"smoke-out-of-memory"}
