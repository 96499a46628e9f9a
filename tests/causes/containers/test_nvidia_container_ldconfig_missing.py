"""nvidia-container-ldconfig-missing: an ldconfig that this distribution does not have."""

from __future__ import annotations

from gpudoctor.facts.observed import Absent, Known
from tests.judged import causes, finding
from tests.machines.parts import containers


def test_an_ldconfig_that_is_nowhere() -> None:
    machine = containers.with_toolkit(
        ldconfig=Known("/usr/bin/ldconfig.real", containers.CONFIG),
        ldconfig_exists=Known(False, "/usr/bin/ldconfig"),
    )
    assert causes(machine) == {"nvidia-container-ldconfig-missing"}
    assert "/usr/bin/ldconfig.real" in finding(machine, "nvidia-container-ldconfig-missing").title


def test_a_file_that_names_none_is_well() -> None:
    machine = containers.with_toolkit(
        ldconfig=Absent(containers.CONFIG), ldconfig_exists=Absent(containers.CONFIG)
    )
    assert causes(machine) == set()
