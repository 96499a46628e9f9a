"""`gpudoctor runtime ... docker` against real daemons of several generations, with a runtime that hands on to runc."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gpudoctor.workflows.runtime.image import Image
from tests import schemas
from tests.engines import generations
from tests.engines.daemon import FAKE_HOOK, Dockerd, holds, script
from tests.engines.generations import apart, version

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="an engine needs root"),
]

BEFORE = '{\n  "labels": ["a=<&>"],\n  "debug": false\n}'


@pytest.fixture(params=apart("dockerd"))
def dockerd(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dockerd]:
    daemon = Dockerd(tmp_path_factory.mktemp("d"), request.param, BEFORE)
    try:
        yield daemon
    finally:
        daemon.stop()


@pytest.fixture
def newest(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dockerd]:
    """Where the generations do not differ, one is enough."""
    daemon = Dockerd(tmp_path_factory.mktemp("d"), generations.newest("dockerd"), BEFORE)
    try:
        yield daemon
    finally:
        daemon.stop()


#: Waits for a line that never comes, using no time.
WAIT = ["/bin/sh", "-c", "read never"]


def loaded(daemon: Dockerd) -> tuple[Any, str]:
    """A client, and a small image under a name that the proof does not remove."""
    image = Image()
    client = daemon.client()
    client.images.load(image.archive)
    client.images.get(image.tag).tag("test/small", "1")
    return client, "test/small:1"


def long_running(daemon: Dockerd, name: str) -> Any:
    client, image = loaded(daemon)
    # The shell is process 1 and ignores SIGTERM: a daemon that ends would wait ten seconds for it.
    return client.containers.run(
        image, WAIT, name=name, detach=True, network_mode="none", stdin_open=True, stop_signal="SIGKILL"
    )


def test_configured_proven_and_taken_back(dockerd: Dockerd) -> None:
    kept = long_running(dockerd, "web")
    shown = dockerd.change("configure", "docker", code=1)
    assert shown["state"] == "pending" and dockerd.config.read_text() == BEFORE
    done = dockerd.change("configure", "docker", "--apply")
    assert done["state"] == "applied" and done["journal"]
    program = str(dockerd.tools / "nvidia-container-runtime")
    assert json.loads(dockerd.config.read_text()) == {
        **json.loads(BEFORE), "runtimes": {"nvidia": {"path": program}}
    }  # fmt: skip
    assert dockerd.info()["Runtimes"]["nvidia"]["path"] == program
    assert " create " in dockerd.runtime_log.read_text(), "the throwaway container went through the runtime"
    kept.reload()
    assert kept.status == "running", "a reload stops nothing"
    validated = bool(done["validations"])
    assert validated is (version(dockerd.program)[0] >= 23)
    assert dockerd.change("configure", "docker")["state"] == "unchanged"
    assert [c.name for c in dockerd.client().containers.list(all=True)] == ["web"], "nothing is left behind"

    back = dockerd.change("unconfigure", "docker", "--apply")
    assert dockerd.config.read_text() == BEFORE
    # Measured: on a signal the daemon keeps what its file does not name any more, and we say so.
    assert "nvidia" in dockerd.info()["Runtimes"] and any("forgets" in note for note in back["notes"])


def test_a_default_runtime_is_proven_first_and_given_up_by_a_restart_with_consent(dockerd: Dockerd) -> None:
    dockerd.change("configure", "docker", "--apply", "--default")
    assert dockerd.info()["DefaultRuntime"] == "nvidia"
    long_running(dockerd, "db")
    refused = dockerd.change("unconfigure", "docker", "--apply", code=1)
    assert refused["state"] == "declined" and refused["applicability"] == "unsafe"
    assert [p["stops"] for p in refused["actions"] if p["stops"]] == [["container db"]]
    assert dockerd.info()["DefaultRuntime"] == "nvidia"

    before = dockerd.running_pid()
    command, environment, folder = started_with(before)
    assert dockerd.change("unconfigure", "docker", "--apply", "--yes")["state"] == "applied"
    after = dockerd.running_pid()
    assert after != before and started_with(after) == (command, environment, folder)
    assert dockerd.config.read_text() == BEFORE
    info = dockerd.info()
    assert info["DefaultRuntime"] == "runc" and "nvidia" not in info["Runtimes"]


def started_with(pid: int) -> tuple[bytes, list[bytes], str]:
    environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    return Path(f"/proc/{pid}/cmdline").read_bytes(), sorted(environment), os.readlink(f"/proc/{pid}/cwd")


def test_a_runtime_that_starts_no_container_is_taken_back(newest: Dockerd) -> None:
    words = "nvidia-container-cli: initialization error: nvml error: driver not loaded"
    bad = script(newest.tools / "bad", f"#!/bin/sh\necho '{words}' >&2\nexit 1\n")
    done = newest.change("configure", "docker", "--apply", "--path", str(bad), code=1)
    assert done["state"] == "rolled-back" and "bad" in done["why"]
    assert newest.config.read_text() == BEFORE
    # Never made the default before it was proven.
    done = newest.change("configure", "docker", "--apply", "--default", "--path", str(bad), code=1)
    assert done["state"] == "rolled-back" and newest.info()["DefaultRuntime"] == "runc"


def test_gpus_need_a_daemon_that_was_started_after_the_hook_came(dockerd: Dockerd) -> None:
    import docker

    gpus = [docker.types.DeviceRequest(count=-1, capabilities=[["gpu"]])]
    client, image = loaded(dockerd)
    script(dockerd.tools / "nvidia-container-runtime-hook", FAKE_HOOK)
    with pytest.raises(docker.errors.APIError, match="could not select device driver"):
        client.containers.run(image, WAIT, remove=True, network_mode="none", device_requests=gpus)
    shown = dockerd.change("configure", "docker", code=1)
    assert any("before" in p["reason"] and "restart" in p["argv"] for p in shown["actions"])
    assert dockerd.change("configure", "docker", "--apply")["state"] == "applied", (
        "it stops nothing: no consent needed"
    )
    said = client.containers.run(
        image, ["/bin/sh", "-c", "echo here"], network_mode="none", device_requests=gpus
    )
    assert said == b"here\n"
    assert dockerd.change("configure", "docker")["state"] == "unchanged"


def test_with_live_restore_a_restart_stops_nothing(tmp_path_factory: pytest.TempPathFactory) -> None:
    daemon = Dockerd(tmp_path_factory.mktemp("d"), generations.newest("dockerd"), '{"live-restore": true}')
    try:
        kept = long_running(daemon, "web")
        script(daemon.tools / "nvidia-container-runtime-hook", FAKE_HOOK)
        done = daemon.change("configure", "docker", "--apply")
        assert done["state"] == "applied" and not any(p["stops"] for p in done["actions"])
        kept.reload()
        assert kept.status == "running"
        kept.remove(force=True)
    finally:
        daemon.stop()


# ---------------------------------------------------------------- one generation is enough


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ('{"debug": true} x', ":1:17"),
        ('{\n  "debug": true, // why\n  "a": 1\n}', ":2:18"),
        ('{"runtimes": []}', ":1:14"),
    ],
)
def test_a_file_that_the_daemon_would_not_start_with_is_refused_and_left(
    newest: Dockerd, text: str, place: str
) -> None:
    newest.config.write_text(text)
    said = newest.gpudoctor("runtime", "configure", "docker", "--apply")
    assert said.returncode == 2 and place in said.stderr and "^" in said.stderr
    assert newest.config.read_text() == text
    if "//" in text:
        shown = newest.change("configure", "docker", "--clean", code=1)
        assert any(line.startswith("-") and "// why" in line for line in shown["files"][0]["diff"])


def test_a_program_that_is_not_there_is_never_written(newest: Dockerd) -> None:
    said = newest.gpudoctor("runtime", "configure", "docker", "--apply", "--path", "/nope/x")
    assert (
        said.returncode == 2 and "/nope/x is not there" in said.stderr and newest.config.read_text() == BEFORE
    )


def test_a_key_that_dockerd_does_not_know_is_found_by_its_own_validation(newest: Dockerd) -> None:
    newest.config.write_text('{"no-such-key": 1}')
    done = newest.change("configure", "docker", "--apply", code=1)
    assert done["state"] == "rolled-back" and "no-such-key" in done["why"]
    assert newest.config.read_text() == '{"no-such-key": 1}'


def test_undo_gives_an_empty_file_back(newest: Dockerd) -> None:
    newest.config.write_text("")
    done = newest.change("configure", "docker", "--apply")
    from gpudoctor.changes.restore import undo
    from gpudoctor.system.writer import Writer

    outcome = undo(Writer(state=newest.env["GPUDOCTOR_STATE"]), done["journal"])
    assert outcome.state == "undone" and newest.config.read_bytes() == b""


def test_cdi_brings_the_switch_the_specification_and_a_container_with_the_device(newest: Dockerd) -> None:
    folder = newest.folder / "cdi"
    folder.mkdir()
    newest.config.write_text(json.dumps({"cdi-spec-dirs": [str(folder)], "features": {"cdi": True}}))
    assert newest.gpudoctor("runtime", "restart", "docker").returncode == 0
    spec = {
        "cdiVersion": "0.5.0", "kind": "nvidia.com/gpu",
        "devices": [{"name": "all", "containerEdits": {"env": ["SEEN=yes"], "deviceNodes": [
            {"path": "/dev/nvidia0", "hostPath": "/dev/null"}]}}],
    }  # fmt: skip
    script(newest.tools / "nvidia-ctk", f"#!/bin/sh\ncat <<'END'\n{json.dumps(spec)}\nEND\n")
    done = newest.change("configure", "docker", "--cdi", "--apply")
    assert {f["path"] for f in done["files"]} == {str(newest.config), str(folder / "nvidia.yaml")}
    assert any("CDI device" in a["reason"] for a in done["actions"])
    said = newest.gpudoctor("runtime", "prove", "docker", "--cdi", "--depth", "container")
    assert said.returncode == 0, said.stdout + said.stderr
    (folder / "nvidia.yaml").unlink()
    said = newest.gpudoctor("runtime", "prove", "docker", "--cdi", "--depth", "container")
    assert said.returncode == 1 and "nvidia.com/gpu=all" in said.stdout


def test_prove_without_a_gpu_is_not_known_and_never_passed(newest: Dockerd) -> None:
    newest.change("configure", "docker", "--apply")
    said = newest.gpudoctor("runtime", "prove", "docker", "--format", "json")
    steps = schemas.report(said.stdout)["proof"]
    if Path("/dev/nvidia0").exists():
        pytest.skip("this machine has a GPU")
    assert said.returncode == 2 and [s["ok"] for s in steps] == [True, True, True, None]


def test_status_tells_which_daemon_and_which_file(newest: Dockerd) -> None:
    said = newest.gpudoctor("runtime", "status", "docker", "--format", "json")
    line = next(e for e in schemas.report(said.stdout)["engines"] if e["selected_by"] == "DOCKER_HOST")
    assert line["endpoint"] == newest.env["DOCKER_HOST"] and line["config_file"] == str(newest.config)
    assert line["ready"] is False and said.returncode == 1
    newest.change("configure", "docker", "--apply")
    said = newest.gpudoctor("runtime", "status", "docker", "--format", "json")
    line = next(e for e in schemas.report(said.stdout)["engines"] if e["selected_by"] == "DOCKER_HOST")
    assert line["ready"] is True


def test_a_daemon_that_does_not_come_up_again_is_told_with_its_own_words(newest: Dockerd) -> None:
    """Measured: dockerd's validation passes a default runtime that is not defined, and then it does not start."""
    script(newest.tools / "nvidia-container-runtime-hook", FAKE_HOOK)  # so that a restart is needed
    newest.config.write_text('{"default-runtime": "ghost"}')
    shown = newest.change("configure", "docker", code=1)
    assert any('"ghost" is not defined' in note for note in shown["notes"])
    done = newest.change("configure", "docker", "--apply", code=2)
    assert done["state"] == "open" and "ghost" in done["why"]
    assert newest.config.read_text() == '{"default-runtime": "ghost"}'
    newest.config.write_text(BEFORE)
    assert newest.gpudoctor("runtime", "restart", "docker").returncode == 0
    assert holds(newest.answers, 10)
