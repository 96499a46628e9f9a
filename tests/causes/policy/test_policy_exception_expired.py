"""policy-exception-expired: an exception with a day, and that day has passed."""

from __future__ import annotations

from gpudoctor.facts.machine import Exemption, Expectation, Machine
from tests.judged import causes, finding
from tests.machines import healthy


def allowing(until: str, expired: bool) -> Machine:
    row = Exemption("memlock-too-low", "one GPU a job", until, expired)
    return healthy.h100_node().replace(expectation=Expectation(policy="gpudoctor.toml", exemptions=(row,)))


def test_a_day_that_has_passed_is_said() -> None:
    machine = allowing("2026-01-31", True)
    assert causes(machine) == {"policy-exception-expired"}
    assert "2026-01-31" in finding(machine, "policy-exception-expired").title


def test_a_day_to_come_is_not() -> None:
    assert causes(allowing("2027-01-31", False)) == set()
