"""import-differs-from-files: the imported framework is another one. Composed."""

from __future__ import annotations

from gpudoctor.facts.frameworks import Imported
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import frameworks


def machine(**changes: object) -> Machine:
    found = Imported(
        "ok", version="2.5.1+cu124", cuda="12.4", path=f"{frameworks.SITE}/torch/__init__.py",
        available=Known(True, "torch"), devices=Known(1, "torch"),
    ).replace(**changes)  # fmt: skip
    build = frameworks.torch().replace(imported=Known(found, "import torch"))
    return healthy.rtx3050_laptop().replace(frameworks=frameworks.with_pythons(frameworks.python(build)))


def test_another_version_another_place_another_cuda() -> None:
    assert causes(machine(version="2.4.0")) == {"import-differs-from-files"}
    assert causes(machine(path="/opt/torch/__init__.py")) == {"import-differs-from-files"}
    assert causes(machine(cuda="12.1")) == {"import-differs-from-files"}


def test_blind_though_libcuda_counts_a_gpu() -> None:
    ill = machine(available=Known(False, "torch"), devices=Known(0, "torch"))
    assert causes(ill) == {"import-differs-from-files"}
    assert "libcuda counts 1" in finding(ill, "import-differs-from-files").title


def test_blind_without_a_gpu_is_right() -> None:
    blind = machine(available=Known(False, "torch"), devices=Known(0, "torch"))
    assert causes(healthy.no_gpu_server().replace(frameworks=blind.frameworks)) == set()


def test_what_agrees_is_well() -> None:
    assert causes(machine()) == set()
