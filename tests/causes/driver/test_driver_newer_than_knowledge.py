"""driver-newer-than-knowledge: say so, and judge the rest."""

from __future__ import annotations

from gpudoctor import knowledge
from gpudoctor.facts.machine import Machine
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import driver, gpu


def branch(number: int) -> Machine:
    version = f"{number}.10.01"
    desktop = healthy.rtx5090_desktop()
    return desktop.replace(driver=driver.installed(version, "open"), gpu=gpu.rtx5090(version, "13.4"))


def test_a_branch_after_the_newest_known_is_noted() -> None:
    newest = int(knowledge.newest("driver").value)
    machine = branch(newest + 15)
    assert "driver-newer-than-knowledge" in causes(machine)
    assert finding(machine, "driver-newer-than-knowledge").severity == "note"


def test_the_newest_known_branch_is_known() -> None:
    assert "driver-newer-than-knowledge" not in causes(branch(int(knowledge.newest("driver").value)))
