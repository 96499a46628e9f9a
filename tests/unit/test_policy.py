"""Policies: every key is checked when the file is read, and what they make of a judgement."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpudoctor.engine import judge
from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.machine import Machine
from gpudoctor.findings import Judgement, Skip
from gpudoctor.policy import Policy, apply, read
from gpudoctor.versions import satisfies
from tests.causes.driver.test_driver_library_mismatch import upgraded_under_a_running_module
from tests.machines import healthy

TODAY = "2026-11-21"


def policy(folder: Path, text: str) -> Policy:
    path = folder / "gpudoctor.toml"
    path.write_text(text)
    return read(str(path), TODAY)


def test_a_whole_policy(tmp_path: Path) -> None:
    found = policy(
        tmp_path,
        """
        [require]
        driver = ">=550, <580"
        memory = ">=16 GiB"
        frameworks = ["torch>=2.5", "jax"]
        [deny]
        causes = ["memlock-too-low", "hardware"]
        [[allow]]
        cause = "pcie-link-degraded"
        reason = "x8 slots"
        until = 2026-11-20
        [[allow]]
        cause = "nccl-shared-memory"
        reason = "one GPU a job"
        until = "2026-11-21"
        [run]
        timeout = 5
        smoke = "quick"
        import = true
        """,
    )
    assert [(r.name, r.wanted) for r in found.requirements] == [
        ("driver", ">=550, <580"),
        ("memory", ">=16 GiB"),
        ("framework", "torch>=2.5"),
        ("framework", "jax"),
    ]
    assert found.deny == ("memlock-too-low", "hardware")
    assert [(row.until, row.expired) for row in found.allow] == [("2026-11-20", True), ("2026-11-21", False)]
    assert (found.timeout, found.smoke, found.imports) == (5.0, "quick", True)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[requires]\ndriver = '>=550'", "did you mean require?"),
        ("[require]\ndrivers = '>=550'", "did you mean driver?"),
        ("[require]\ndriver = '550'", "no requirement"),
        ("[require]\ndriver = '~=550'", "no requirement"),
        ("[require]\ngpus = 1", "'>=1'"),
        ("[require]\nmemory = '>=16'", "no amount of memory"),
        ("[require]\nmemory = '>=16 GiBi'", "no amount of memory"),
        ("[require]\nframeworks = 'torch'", "a list"),
        ("[require]\nframeworks = ['torch>>2']", "no requirement"),
        ("[deny]\ncauses = ['driver-library-mismach']", "driver-library-mismatch"),
        ("[deny]\ncause = ['driver']", "did you mean causes?"),
        ("[[allow]]\ncause = 'nouveau-active'", "needs a reason"),
        ("[[allow]]\ncause = 'driver'\nreason = 'x'", "no cause named 'driver'"),
        ("[[allow]]\ncause = 'nouveau-active'\nreason = 'x'\nuntil = 'soon'", "'soon'"),
        ("[allow]\ncause = 'nouveau-active'", "two brackets"),
        ("[run]\nsmoke = 'full'", "off, quick"),
        ("[run]\nsmoke = ['quick']", "off, quick"),
        ("[run]\ntimeout = true", "seconds"),
        ("[run]\ntimeout = 0.5", "seconds"),
        ("[run]\nimport = 'yes'", "true or false"),
        ("run = 3", "must be a table"),
        ("[require", "is not TOML"),
        ("\x00", "is not TOML"),
    ],
)
def test_a_policy_that_is_not_understood_is_an_error(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(GpudoctorError) as caught:
        policy(tmp_path, text)
    assert words in caught.value.render() and caught.value.exit_code == 2


def test_a_policy_that_is_not_there_or_no_file(tmp_path: Path) -> None:
    for path in (tmp_path / "none.toml", tmp_path):
        with pytest.raises(GpudoctorError, match="can't be read"):
            read(str(path), TODAY)


@pytest.mark.parametrize(
    ("version", "wanted", "met"),
    [
        ("550.163.01", ">=550", True),
        ("550.163.01", ">=550.163.1", True),
        ("550.163.01", ">550", True),
        ("550", "<=550", True),
        ("12.4", ">=12.10", False),
        ("12.4", "!=12.4", False),
        ("12.4", "!=12", False),
        ("580.65.06", ">=550,<580", False),
        ("8", "==8", True),
        ("12", "==12.0", True),
    ],
)
def test_requirements_compare_numbers(version: str, wanted: str, met: bool) -> None:
    assert satisfies(version, wanted) is met


# ---------------------------------------------------------------- denied and allowed


def applied(machine: Machine, folder: Path, text: str) -> Judgement:
    return apply(policy(folder, text), machine, judge(machine))


def test_an_allowed_cause_is_a_note_with_all_that_follows_from_it(tmp_path: Path) -> None:
    machine = upgraded_under_a_running_module()
    assert any(f.severity == "failure" for f in judge(machine).findings)
    judged = applied(
        machine, tmp_path, "[[allow]]\ncause = 'driver-library-mismatch'\nreason = 'reboot at night'"
    )
    assert {f.severity for f in judged.findings} == {"note"}
    assert any(e.value == "reboot at night" for e in judged.findings[0].evidence)


def test_an_expired_exception_allows_nothing(tmp_path: Path) -> None:
    text = "[[allow]]\ncause = 'driver-library-mismatch'\nreason = 'later'\nuntil = 2026-01-01"
    judged = applied(upgraded_under_a_running_module(), tmp_path, text)
    assert any(f.id == "driver-library-mismatch" and f.severity == "failure" for f in judged.findings)


@pytest.mark.parametrize("name", ["no-nvidia-gpu", "driver"])
def test_a_denied_note_is_a_failure(tmp_path: Path, name: str) -> None:
    machine = healthy.no_gpu_server()
    assert [f.severity for f in judge(machine).findings] == ["note"]
    judged = applied(machine, tmp_path, f"[deny]\ncauses = ['{name}']")
    assert [(f.id, f.severity) for f in judged.findings] == [("no-nvidia-gpu", "failure")]


def test_an_allowed_cause_may_be_one_that_could_not_be_looked_at(tmp_path: Path) -> None:
    blind = Judgement(skipped=(Skip("memlock-too-low", "no answer"), Skip("nouveau-active", "no answer")))
    found = policy(tmp_path, "[[allow]]\ncause = 'memlock-too-low'\nreason = 'x'")
    assert [s.id for s in apply(found, healthy.h100_node(), blind).skipped] == ["nouveau-active"]
