"""What we write for compose, and what our rules say of compose files, held against compose itself."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from gpudoctor.images.planned import write
from gpudoctor.workflows.image.lint import lint
from tests.engines.generations import ROOTS
from tests.unit.test_image_plan import MACHINES, made

DOCS = Path(__file__).resolve().parents[2] / "docs"


def plugins() -> list[Any]:
    """docker-compose, of every release that was unpacked."""
    folders = ("usr/libexec/docker/cli-plugins", "usr/lib/docker/cli-plugins")
    found = [root / folder / "docker-compose" for root in ROOTS for folder in folders]
    there = [pytest.param(p, id=p.parents[4].name) for p in found if p.is_file()]
    reason = "no docker-compose: run scripts/fetch-engine"
    return there or [pytest.param(Path(), marks=pytest.mark.skip(reason=reason), id="no-compose")]


pytestmark = [pytest.mark.engine, pytest.mark.parametrize("compose", plugins())]

GPU = [{"driver": "nvidia", "count": -1, "capabilities": ["gpu"]}]
WELL = "deploy: {resources: {reservations: {devices: [{driver: nvidia, count: all, capabilities: [gpu]}]}}}"


def config(compose: Path, file: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [compose, "--file", file, "config", "--format", "json"], capture_output=True, text=True, timeout=60
    )


def devices(service: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = service["deploy"]["resources"]["reservations"]["devices"]
    return found


def test_what_image_plan_writes_asks_for_all_gpus(compose: Path, tmp_path: Path) -> None:
    for number, (target, version, given) in enumerate(MACHINES):
        write(made(target, version, given=given), str(tmp_path / str(number)))
        ran = config(compose, tmp_path / str(number) / "compose.yaml")
        assert ran.returncode == 0, ran.stderr
        service = json.loads(ran.stdout)["services"][target]
        assert devices(service) == GPU
        assert service["shm_size"] == str(8 << 30) and service["ulimits"]["memlock"] == -1


def test_the_recipe_is_taken(compose: Path) -> None:
    ran = config(compose, DOCS / "recipes/compose.yaml")
    assert ran.returncode == 0, ran.stderr
    service = json.loads(ran.stdout)["services"]["train"]
    assert devices(service) == GPU and service["entrypoint"][:2] == ["gpudoctor", "preflight"]


@pytest.mark.parametrize(
    ("request_", "taken"),
    [
        (WELL, True),
        (WELL.replace("count: all", "device_ids: ['0', '1']"), True),
        (WELL.replace(", capabilities: [gpu]", ""), False),
        (WELL.replace("count: all", "count: all, device_ids: ['0']"), False),
        (WELL.replace("count: all", "count: some"), False),
        (WELL.replace("reservations", "limits"), False),
        (WELL.replace("[{", "{").replace("}]", "}"), False),
    ],
    ids=["all", "by-number", "no-capabilities", "both", "count", "limits", "no-list"],
)
def test_our_rule_refuses_what_compose_refuses(
    compose: Path, tmp_path: Path, request_: str, taken: bool
) -> None:
    file = tmp_path / "compose.yaml"
    file.write_text(f"services:\n  train:\n    image: x:1\n    {request_}\n")
    ran = config(compose, file)
    assert (ran.returncode == 0) is taken, ran.stdout + ran.stderr
    ids = {f.id for f in lint([str(file)], own_only=True).judgement.findings}
    assert ("compose-device-request" in ids) is not taken, ids
