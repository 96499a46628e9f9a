"""path-entry-missing: a CUDA folder that is not there."""

from __future__ import annotations

from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import cuda


def test_a_toolkits_folder_that_was_removed() -> None:
    entries = (cuda.entry("PATH", "/usr/bin"), cuda.entry("PATH", "/usr/local/cuda-11.2/bin", exists=False))
    machine = healthy.rtx3050_laptop().replace(environment=cuda.shell(*entries))
    assert causes(machine) == {"path-entry-missing"}
    found = finding(machine, "path-entry-missing")
    assert found.severity == "note" and "/usr/local/cuda-11.2/bin" in found.title
    assert found.fix is not None and "/home/u/.bashrc:12" in found.fix.summary


def test_a_missing_folder_that_is_none_of_ours_is_left_alone() -> None:
    entries = (
        cuda.entry("PATH", "/home/u/.cargo/bin", exists=False),
        cuda.entry("PATH", "/usr/local/cuda/bin"),
    )
    assert causes(healthy.rtx3050_laptop().replace(environment=cuda.shell(*entries))) == set()
