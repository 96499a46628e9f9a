"""import-fails: an import that raises, dies or hangs. Composed from what CPython prints."""

from __future__ import annotations

from gpudoctor.facts.frameworks import Imported
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding, judgement
from tests.machines import healthy
from tests.machines.parts import frameworks


def machine(**imported: str) -> Machine:
    found = Imported(**imported)
    build = frameworks.torch().replace(imported=Known(found, "import torch"))
    return healthy.rtx3050_laptop().replace(frameworks=frameworks.with_pythons(frameworks.python(build)))


def test_an_exception_is_named() -> None:
    words = "/s/torch/lib/libtorch_cuda.so: undefined symbol: ncclCommRegister"
    ill = machine(state="failed", error="ImportError", message=words)
    assert causes(ill) == {"import-fails"}
    found = finding(ill, "import-fails")
    assert "ImportError" in found.title and "ncclCommRegister" in found.title


def test_a_missing_package_is_what_gets_installed() -> None:
    ill = machine(state="failed", error="ModuleNotFoundError", message="No module named 'typing_extensions'")
    fix = finding(ill, "import-fails").fix
    assert fix is not None and fix.commands[0].endswith("install typing-extensions")


def test_a_crash_and_a_hang_are_findings_too() -> None:
    assert "SIGSEGV" in finding(machine(state="crashed", error="SIGSEGV"), "import-fails").title
    assert "does not come back" in finding(machine(state="hung"), "import-fails").title


def test_an_import_that_works_is_well() -> None:
    ok = machine(state="ok", version="2.5.1+cu124", cuda="12.4", path=f"{frameworks.SITE}/torch/__init__.py")
    assert causes(ok) == set()


def test_without_import_nothing_is_claimed() -> None:
    result = judgement(healthy.rtx3050_laptop().replace(frameworks=frameworks.with_torch()))
    assert "import-fails" in {n.id for n in result.not_applicable} and "import-fails" not in result.passed
