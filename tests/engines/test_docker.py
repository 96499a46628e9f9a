"""A real Docker daemon of our own: private data, private socket, stopped by its process id.

Needs root and dockerd, containerd, runc and docker on PATH (Debian's docker.io, containerd and runc, unpacked anywhere).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpudoctor.facts.containers import Engine
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.probes import containers
from gpudoctor.system.live import Live

MISSING = [name for name in ("dockerd", "containerd", "runc", "docker") if shutil.which(name) is None]

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(bool(MISSING) or os.geteuid() != 0, reason=f"needs root and {', '.join(MISSING)}"),
]

HERE = Path(__file__).resolve().parents[2]
PROBE = """
import json, sys
sys.path.insert(0, sys.argv[1])
from gpudoctor.system.live import Live
from gpudoctor.probes import containers
found = containers.inside(Live()).value
print(json.dumps([found.kind, getattr(found.visible_devices, "value", None), found.requirements.value]))
"""


class Docker:
    """A daemon under `folder`. The socket's path must be short: sun_path holds 107 bytes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.socket = f"{folder}/s"
        self.config = folder / "daemon.json"
        self.tools = folder / "tools"
        self.tools.mkdir()
        for name in ("nvidia-container-runtime", "nvidia-container-runtime-hook"):
            (self.tools / name).write_text('#!/bin/sh\nexec runc "$@"\n')
            (self.tools / name).chmod(0o755)
        self.config.write_text(
            json.dumps(
                {
                    "runtimes": {
                        "nvidia": {"path": "nvidia-container-runtime"},
                        "gone": {"path": "/no/nvidia-gone"},
                    }
                }
            )
        )
        self.env = {
            **os.environ,
            "PATH": f"{self.tools}:{os.environ['PATH']}",
            "DOCKER_HOST": f"unix://{self.socket}",
        }
        command = f"dockerd --data-root {folder}/data --exec-root {folder}/exec -H unix://{self.socket}"
        command += f" --pidfile {folder}/pid --config-file {self.config} --bridge=none"
        command += " --iptables=false --ip6tables=false"
        with open(folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                command.split(), env=self.env, stdout=log, stderr=log, start_new_session=True
            )

    def engines(self) -> tuple[Engine, ...]:
        found = containers.engines(Live(env=self.env))
        assert isinstance(found, Known)
        return found.value

    def engine(self) -> Engine:
        return next(e for e in self.engines() if e.selected_by == "DOCKER_HOST")

    def wait(self, seconds: float = 30.0) -> None:
        deadline = time.monotonic() + seconds
        while value_of(self.engine().answers, False) is not True:
            assert self.process.poll() is None, (self.folder / "log").read_text()[-2000:]
            assert time.monotonic() < deadline, "dockerd does not come up"
            time.sleep(0.05)

    def run(self, *words: str, stdin: bytes = b"") -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(["docker", *words], env=self.env, input=stdin, capture_output=True, timeout=60)

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(self.process.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def docker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Docker]:
    daemon = Docker(tmp_path_factory.mktemp("d"))
    try:
        daemon.wait()
        yield daemon
    finally:
        daemon.stop()


def test_the_running_daemon_is_understood(docker: Docker) -> None:
    engine = docker.engine()
    assert engine.flavour == "rootful"
    assert engine.config_file == Known(str(docker.config), "command line")
    assert "nvidia" in value_of(engine.runtimes, ()) and value_of(engine.default_runtime, "") == "runc"
    assert value_of(engine.paths_missing, {}) == {"gone": "/no/nvidia-gone"}
    assert value_of(engine.hook, "") == f"{docker.tools}/nvidia-container-runtime-hook"
    assert value_of(engine.cgroup_driver, "") in ("cgroupfs", "systemd")
    assert abs(value_of(engine.started, 0.0) - time.time()) < 300


def test_its_own_containerd_is_no_engine_of_the_users(docker: Docker) -> None:
    for engine in (e for e in docker.engines() if e.name == "containerd"):
        assert str(docker.folder) not in value_of(engine.config_file, "")


def test_a_file_broken_under_a_running_daemon(docker: Docker) -> None:
    """Measured: dockerd logs the error on SIGHUP, keeps its settings, and would not start again."""
    before = docker.config.read_text()
    docker.config.write_text('{"debug": true,}')
    try:
        engine = docker.engine()
        assert "line 1" in value_of(engine.config_error, "") and value_of(engine.answers, False)
        assert "nvidia" in value_of(engine.runtimes, ())
    finally:
        docker.config.write_text(before)


def test_a_directive_in_flag_and_file_keeps_dockerd_from_starting(docker: Docker) -> None:
    both = docker.folder / "both.json"
    both.write_text('{"hosts": ["unix:///x"], "runtimes": {"a": {"path": "/x"}}}')
    said = subprocess.run(
        ["dockerd", "--config-file", str(both), "-H", "unix:///y", "--add-runtime", "b=/y"],
        env=docker.env,
        capture_output=True,
        timeout=30,
    )
    assert b"specified both as a flag and in the configuration file: hosts" in said.stderr
    assert b"runtimes" not in said.stderr


@pytest.fixture(scope="module")
def image(docker: Docker) -> str:
    """An empty image: what runs in it is mounted."""
    made = docker.run("import", "-", "gpudoctor/empty", stdin=bytes(10240))
    assert made.returncode == 0, made.stderr
    return "gpudoctor/empty"


def test_inside_a_real_container(docker: Docker, image: str) -> None:
    python = os.path.realpath(sys.executable)
    folders = ["/usr", "/lib", "/lib64", "/bin", os.path.dirname(os.path.dirname(python)), str(HERE)]
    mounts = [w for f in dict.fromkeys(folders) if os.path.isdir(f) for w in ("-v", f"{f}:{f}:ro")]
    said = docker.run(
        "run", "--rm", "--network=none", *mounts,
        "-e", "NVIDIA_VISIBLE_DEVICES=all", "-e", "NVIDIA_REQUIRE_CUDA=cuda>=12.4",
        image, python, "-c", PROBE, str(HERE),
    )  # fmt: skip
    assert said.returncode == 0, said.stderr
    assert json.loads(said.stdout) == ["docker", "all", {"NVIDIA_REQUIRE_CUDA": "cuda>=12.4"}]


def test_this_machine_outside_is_no_container(docker: Docker) -> None:
    if isinstance(containers.inside(Live()), Known):
        pytest.skip("the tests themselves run in a container")
    assert not isinstance(containers.inside(Live()), Known)
