"""What `image build`, `verify` and `run` print as JSON fits the published schemas, well or ill."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema

from gpudoctor.codec import encode
from gpudoctor.engine import judge
from gpudoctor.images.building.steps import Built, Step
from gpudoctor.images.running.gpus import none
from gpudoctor.images.running.result import Given, Inside, Result, SmokeInside, SmokeTrial
from gpudoctor.report.image.build import build_report
from gpudoctor.report.image.run import render, run_report
from gpudoctor.report.image.verify import AimedAt, LeftOut, verify_report
from gpudoctor.report.style import Style
from gpudoctor.workflows.diagnose import diagnose_text
from gpudoctor.workflows.image.pair import pairs, together
from tests.machines import healthy

SCHEMAS = Path(__file__).resolve().parents[2] / "docs/schema"
SAID = "nvcc fatal   : Unsupported gpu architecture 'compute_120'"


def fits(name: str, report: object) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(json.dumps(encode(report)))
    jsonschema.validate(data, json.loads((SCHEMAS / f"image-{name}-1.json").read_text()))
    return data


def test_a_build_well_and_ill() -> None:
    steps = (
        Step(1, "[1/2] FROM x", "cached"),
        Step(2, "[2/2] RUN nvcc", "failed", 1.5, (SAID,), "exit code: 1"),
    )
    ill = Built("buildx", False, "", ("docker", "buildx", "build"), steps, "exit code: 1", 2.0)
    data = fits(
        "build", build_report(ill, diagnose_text(ill.text, "RUN nvcc").diagnoses, ("a note",), ("x:1",), 1)
    )
    assert data["image"]["failed_step"] == "[2/2] RUN nvcc" and data["image"]["log"] == [SAID]
    assert [d["id"] for d in data["diagnoses"]] == ["nvcc-arch-unsupported"] and data["image"]["tags"] == []
    well = Built("podman", True, "sha256:1", ("podman",), steps[:1], "", 1.0)
    data = fits("build", build_report(well, (), (), ("x:1",), 0))
    assert data["image"]["tags"] == ["x:1"] and data["image"]["failed_step"] == ""


def test_a_verified_image_and_one_that_nobody_aimed(tmp_path: Path) -> None:
    from gpudoctor.workflows.image.verify import Request, verify
    from tests.images import docker_archive
    from tests.images import healthy as files

    found = verify(Request(str(docker_archive(tmp_path / "i.tar", files(), user="")), strict=True))
    aimed = AimedAt(("H100",), "550", "--gpu")
    left = tuple(LeftOut(one.causes, one.reason) for one in found.not_judged)
    for target in (None, aimed):
        data = fits("verify", verify_report(found.machine, found.judgement, found.exit_code, target, left))
        assert (data["image"]["target"] is None) is (target is None)
        assert data["image"]["kind"] == "docker-archive" and len(data["image"]["layers"]) == 2


def result(inside: Inside, smoke: SmokeInside) -> Result:
    host = healthy.no_gpu_server()
    own = judge(host)
    judgement, sides = together(own, inside.judgement)
    facts = pairs(host, inside.machine) if inside.machine else ()
    given = Given(none("this machine has no NVIDIA GPU"), "none-here")
    return Result(
        "x:1", "docker", "28.5.2", given, host, own, 0, inside, facts, (), smoke, judgement, sides, inside.exit_code
    )  # fmt: skip


def test_a_run_in_which_all_spoke_and_one_in_which_nothing_started() -> None:
    machine = healthy.rtx5090_desktop()
    spoke = Inside("own", ("gpudoctor",), "", "0.1.0", "the image has one", 0, judge(machine), machine)
    smoke = SmokeInside(1, "", (SmokeTrial("torch", "2.13.0", "FAIL", "ran on the CPU"),))
    silent = Inside("none", (), "", "", "no container starts", 2, error="no container starts")
    for inside, tried in ((spoke, smoke), (silent, SmokeInside(None, "no container started"))):
        report = run_report(result(inside, tried))
        data = fits("run", report)
        assert data["image"]["container"]["how"] == inside.how
        assert (data["image"]["container"]["machine"] is None) is (inside.machine is None)
        assert "Traceback" not in render(report, Style())


def test_a_step_that_buildkit_completes_twice_is_told_once() -> None:
    """As Docker 28.5 does with an image that it has already: started and completed again, a little later."""
    from gpudoctor.images.building.buildx import _Raw

    told: list[tuple[str, str]] = []
    raw = _Raw(lambda step, line: told.append((step.state, line)))
    for second in (1, 1, 2, 2):
        vertex = {
            "digest": "sha256:1",
            "name": "[base 1/2] FROM x",
            "started": f"2026-11-21T06:05:0{second}.1Z",
        }
        raw.hear("stdout", json.dumps({"vertexes": [vertex]}))
        raw.hear(
            "stdout",
            json.dumps({"vertexes": [{**vertex, "completed": f"2026-11-21T06:05:0{second}.{second}5Z"}]}),
        )
    assert told == [("running", ""), ("done", "")]
