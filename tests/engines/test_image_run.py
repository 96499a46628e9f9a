"""`gpudoctor image run` with real daemons, the newest and the oldest, and images made of this machine's own files."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.machine import Machine
from gpudoctor.images.running.docker import Docker
from gpudoctor.images.running.order import Gpus, Order
from gpudoctor.images.running.podman import Podman
from gpudoctor.workflows.image.inside import look_inside
from gpudoctor.workflows.image.run import Request
from tests.engines.bases import busybox_root, python_root
from tests.engines.daemon import Dockerd, holds
from tests.engines.generations import ROOTS, newest, programs, root_of, version
from tests.engines.test_image_build import podman_environment

BUSYBOX = [str(p) for p in (*(root / "bin/busybox" for root in ROOTS), Path("/bin/busybox")) if p.is_file()]
SCHEMA = json.loads((Path(__file__).parents[2] / "docs/schema/image-run-1.json").read_text())

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="an engine needs root"),
    pytest.mark.skipif(not BUSYBOX, reason="no static busybox: run scripts/fetch-engine"),
]

FINDING = {
    "id": "of-the-future", "severity": "failure", "title": "a cause that this version does not know",
    "subject": {"kind": "machine", "name": "", "label": "", "parent": None}, "evidence": [], "explanation": "",
    "fix": None, "caused_by": None, "sources": [], "colour": "new in 9.9",
}  # fmt: skip
#: Another version's answers: one finding more than we know, one of a form that we don't.
CHECK = {
    "schema": "gpudoctor-check/7",
    "tool": {"name": "gpudoctor", "version": "9.9.9"},
    "exit_code": 1,
    "findings": [FINDING, {"id": 3}],
}
SNAPSHOT = {
    "schema": "gpudoctor-snapshot/7",
    "tool_version": "9.9.9",
    "machine": {
        "quantum": {},
        "environment": {
            "variables": {"value": [{"name": "CUDA_VISIBLE_DEVICES", "value": "7"}], "via": "environment"}
        },
    },
}
OWN = f"""#!/bin/sh
case "$1" in
  --version) echo "gpudoctor, version 9.9.9";;
  check) echo '{json.dumps(CHECK)}'; exit 1;;
  snapshot) echo '{json.dumps(SNAPSHOT)}';;
  *) exit 2;;
esac
"""
HANGS = """#!/bin/sh
[ "$1" = --version ] && { echo "gpudoctor, version 0.1.0"; exit; }
trap "" TERM
while :; do sleep 1; done
"""
OLD = "#!/bin/sh\necho 3.8.10\n"


def images() -> dict[str, bytes]:
    return {
        "gd/python:1": python_root(BUSYBOX[0]),
        "gd/own:1": busybox_root(BUSYBOX[0], {"/bin/gpudoctor": OWN}),
        "gd/hangs:1": busybox_root(BUSYBOX[0], {"/bin/gpudoctor": HANGS}),
        "gd/old:1": busybox_root(BUSYBOX[0], {"/bin/python3": OLD}),
        "gd/plain:1": busybox_root(BUSYBOX[0]),
    }


def daemons() -> list[Any]:
    found = sorted(programs("dockerd"), key=version) if programs("dockerd") else []
    if not found:
        reason = "no dockerd: run scripts/fetch-engine"
        return [pytest.param("", marks=pytest.mark.skip(reason=reason), id="no-dockerd")]
    return [
        pytest.param(found[-1], id="newest"),
        *([pytest.param(found[0], id="oldest")] if found[1:] else []),
    ]


#: Where the generations do not differ, one is enough.
NEWEST = pytest.mark.parametrize("daemon", daemons()[:1], indirect=True)


@pytest.fixture(scope="module", params=daemons())
def daemon(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dockerd]:
    made = Dockerd(tmp_path_factory.mktemp("r"), request.param)
    try:
        client = made.client()
        for name, root in images().items():
            client.api.import_image_from_data(root, repository=name.partition(":")[0], tag="1")
        client.close()
        yield made
    finally:
        made.stop()


def run(daemon: Dockerd, image: str, *more: str) -> tuple[int, dict[str, Any]]:
    said = daemon.gpudoctor("image", "run", image, "--engine", "docker", "--format", "json", *more)
    assert "Traceback" not in said.stderr
    assert said.stdout, said.stderr
    report = json.loads(said.stdout)
    jsonschema.validate(report, SCHEMA)
    assert containers(daemon) == []
    return said.returncode, report


def containers(daemon: Dockerd) -> list[str]:
    client = daemon.client()
    try:
        return [c["Id"] for c in client.api.containers(all=True)]
    finally:
        client.close()


class TestWhatRuns:
    def test_this_gpudoctor_under_the_images_python(self, daemon: Dockerd) -> None:
        code, report = run(daemon, "gd/python:1")
        image = report["image"]
        assert image["container"]["how"] == "zipapp", image["container"]
        assert image["container"]["words"] == ["python3", "/gpudoctor.pyz"]
        assert image["container"]["tool"] == image["host"]["tool"]
        assert image["container"]["machine"]["container"] == "docker" and image["container"]["error"] == ""
        facts = {p["what"]: p for p in image["facts"]}
        assert facts["kernel"]["same"] is True and facts["distribution"]["container"] == "not there"
        assert code == report["exit_code"]
        assert image["gpus"]["state"] == "none-here" and "no NVIDIA GPU" in image["gpus"]["gpus"]["why"]

    def test_the_images_own_of_another_version(self, daemon: Dockerd) -> None:
        code, report = run(daemon, "gd/own:1")
        inside = report["image"]["container"]
        assert code == 1 and inside["how"] == "own" and inside["tool"] == "9.9.9"
        assert "1 of its findings are of a form that is not known here" in inside["error"]
        assert {s["id"]: s["side"] for s in report["image"]["sides"]}["of-the-future"] == "container"
        found = next(f for f in report["findings"] if f["id"] == "of-the-future")
        assert found["evidence"][-1]["value"] == "container"
        facts = {p["what"]: p for p in report["image"]["facts"]}
        assert facts["CUDA_VISIBLE_DEVICES"]["container"] == "7" and facts["driver"]["same"] is None

    @NEWEST
    @pytest.mark.parametrize(
        ("name", "why"),
        [("gd/plain:1", "neither gpudoctor nor Python"), ("gd/old:1", "its python3 is 3.8.10")],
    )
    def test_files_where_nothing_of_ours_runs(self, daemon: Dockerd, name: str, why: str) -> None:
        code, report = run(daemon, name, "--smoke")
        image = report["image"]
        assert code in (1, 2) and image["container"]["how"] == "files"
        assert why in image["container"]["why"]
        assert image["smoke"]["exit_code"] is None and why in image["smoke"]["why"]

    @NEWEST
    def test_smoke_without_a_framework_is_no_pass(self, daemon: Dockerd) -> None:
        code, report = run(daemon, "gd/python:1", "--smoke", "--gpus", "none")
        assert code in (1, 2) and report["image"]["smoke"]["exit_code"] == 2
        assert report["image"]["gpus"]["state"] == "not-wanted"


class TestItsEnd:
    @NEWEST
    def test_a_check_that_hangs_is_ended_and_told(self, daemon: Dockerd) -> None:
        began = time.monotonic()
        code, report = run(daemon, "gd/hangs:1", "--timeout", "10")
        assert code == 2 and "check did not end in time" in report["image"]["container"]["error"]
        assert any("in the container" in s["reason"] for s in report["skipped"])
        assert time.monotonic() - began < 60

    @NEWEST
    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=["ctrl-c", "term"])
    def test_an_interrupt_removes_the_container(self, daemon: Dockerd, number: int) -> None:
        command = [sys.executable, "-m", "gpudoctor", "image", "run", "gd/hangs:1", "--engine", "docker"]
        with subprocess.Popen(
            command, env=daemon.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as child:
            client = daemon.client()
            assert holds(
                lambda: any("check" in c["Command"] for c in client.api.containers()), 60
            )  # it hangs now
            child.send_signal(number)
            said = child.communicate(timeout=60)
            client.close()
        assert child.returncode == 130 and said[1].strip().endswith("interrupted"), said
        assert containers(daemon) == []

    @NEWEST
    def test_an_image_that_is_not_there(self, daemon: Dockerd) -> None:
        said = daemon.gpudoctor("image", "run", "gd/none:1", "--engine", "docker")
        assert said.returncode == 2 and said.stderr.startswith("error: Docker has no image gd/none:1")
        assert "docker pull gd/none:1" in said.stderr

    def test_a_daemon_that_is_down(self, tmp_path: Path) -> None:
        ran = subprocess.run(
            [sys.executable, "-m", "gpudoctor", "image", "run", "x", "--engine", "docker"],
            env={**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/none"},
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert ran.returncode == 2 and ran.stderr.startswith("error: Docker's daemon does not answer")


class TestAMachineWithoutGpus:
    @NEWEST
    def test_an_image_that_wants_them_is_not_blamed(self, daemon: Dockerd) -> None:
        client = daemon.client()
        changes = ["ENV NVIDIA_VISIBLE_DEVICES=all", "ENV NVIDIA_DRIVER_CAPABILITIES=compute,utility"]
        root = python_root(BUSYBOX[0])
        client.api.import_image_from_data(root, repository="gd/wants", tag="1", changes=changes)
        client.close()
        _, report = run(daemon, "gd/wants:1")
        found = {f["id"]: f for f in report["findings"]}["container-no-gpu-flag"]
        assert found["severity"] == "note"
        assert "this machine has no NVIDIA GPU" in [e["value"] for e in found["evidence"]]
        assert report["image"]["container"]["exit_code"] != 1


class TestGpus:
    """This machine has none: the flags are given to a real engine all the same, with a runtime, a hook and a device of our own."""

    WORDS = ("cat", "/proc/self/environ")

    def order(self, gpus: Gpus) -> Order:
        return Order("gd/plain:1", self.WORDS, gpus)

    def test_the_runtime_is_used_and_asked(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        daemon = self.daemon(tmp_path_factory, "runtimes")
        try:
            ended = docker_of(daemon).run(self.order(Gpus("runtime", ("0", "1"), "nvidia")))
            assert ended.code == 0, ended.error
            assert "NVIDIA_VISIBLE_DEVICES=0,1" in ended.stdout.split("\0")
            assert "create" in daemon.runtime_log.read_text()
        finally:
            daemon.stop()

    def test_cdi_devices_reach_the_container(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        daemon = self.daemon(tmp_path_factory, "cdi")
        try:
            ended = docker_of(daemon).run(self.order(Gpus("cdi", ("all",))))
            assert ended.code == 0 and "GPU_BY=cdi" in ended.stdout.split("\0"), ended
        finally:
            daemon.stop()

    @NEWEST
    def test_what_the_engine_refuses_is_told_and_it_runs_without(self, daemon: Dockerd) -> None:
        runner = docker_of(daemon)
        wanted = Gpus("gpus", ("all",), "", ("--gpus", "all"))
        request = Request("gd/own:1", "docker")
        inside, _, refused = look_inside(request, runner, wanted, Machine(), time.monotonic() + 60, True)
        assert "could not select device driver" in refused and inside.how == "own"
        assert inside.judgement is not None
        assert containers(daemon) == []

    def daemon(self, tmp_path_factory: pytest.TempPathFactory, which: str) -> Dockerd:
        folder = tmp_path_factory.mktemp("g")
        config: dict[str, Any] = {
            "runtimes": {"nvidia": {"path": f"{folder}/tools/nvidia-container-runtime"}}
        }
        if which == "cdi":
            (folder / "cdi").mkdir()
            device = {"name": "all", "containerEdits": {"env": ["GPU_BY=cdi"]}}
            spec = {"cdiVersion": "0.5.0", "kind": "nvidia.com/gpu", "devices": [device]}
            (folder / "cdi/nvidia.json").write_text(json.dumps(spec))
            config = {"features": {"cdi": True}, "cdi-spec-dirs": [f"{folder}/cdi"]}
        made = Dockerd(folder, newest("dockerd"), json.dumps(config))
        client = made.client()
        client.api.import_image_from_data(busybox_root(BUSYBOX[0]), repository="gd/plain", tag="1")
        client.close()
        return made


def docker_of(daemon: Dockerd) -> Docker:
    return Docker(f"unix://{daemon.socket}", "gd/plain:1")


class TestPodman:
    def test_it_runs_and_leaves_nothing(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        found = programs("podman")
        if not found:
            pytest.skip("no podman: run scripts/fetch-engine")
        for name, value in podman_environment(root_of(found[0]), tmp_path).items():
            monkeypatch.setenv(name, value)
        (tmp_path / "own.tar").write_bytes(busybox_root(BUSYBOX[0], {"/bin/gpudoctor": OWN}))
        words = ["podman", "import", str(tmp_path / "own.tar"), "gd/own:1"]
        subprocess.run(words, check=True, capture_output=True, timeout=120)
        podman, nothing = Podman("gd/own:1"), Gpus("none")
        ended = podman.run(Order("gd/own:1", ("gpudoctor", "--version"), nothing))
        assert ended.code == 0 and "9.9.9" in ended.stdout, ended.error
        assert podman.run(Order("gd/own:1", ("python3", "-V"), nothing)).lacks("python3")
        left = subprocess.run(["podman", "ps", "-aq"], capture_output=True, text=True, timeout=60)
        assert left.stdout == ""
        with pytest.raises(GpudoctorError, match="podman has no image gd/none:1"):
            Podman("gd/none:1")
