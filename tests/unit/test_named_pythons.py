"""`--python` takes an environment's folder as people type it, and every command complains of one that is none."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpudoctor.errors import GpudoctorError
from gpudoctor.findings import Judgement, NotApplicable, Skip
from gpudoctor.probes.python.select import requested
from gpudoctor.system.live import Live
from gpudoctor.system.port import Options
from gpudoctor.workflows import fix


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    python = tmp_path / "env" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\n")
    python.chmod(0o755)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("name", ["env", "./env", "env/bin/python"])
def test_a_folder_beside_us_needs_no_slash(here: Path, name: str) -> None:
    assert requested(Live(), name).path == str(here / "env" / "bin" / "python")


def test_fix_refuses_an_interpreter_that_is_not_there(here: Path) -> None:
    ask = fix.Ask(("cpu-only-wheel",), options=Options(pythons=("other",)))
    with pytest.raises(GpudoctorError, match="no interpreter at other"):
        fix.run(ask, lambda item: False)


def test_of_a_named_cause_that_is_not_found_fix_says_why() -> None:
    judged = Judgement(
        (), (Skip("a", "no /proc"),), (), ("b",), not_applicable=(NotApplicable("c", "no NVIDIA GPU"),)
    )
    assert [fix._not_here(name, judged) for name in ("a", "b", "c", "frameworks")] == [
        "a could not be judged: no /proc",
        "b was looked for, and is not here",
        "c does not apply here: no NVIDIA GPU",
        "",
    ]
