"""dockerfiles/cuda-base and dockerfiles/smoke, built on a real engine, verified, and run with check and smoke inside.

The base is this Debian's release with Python, by debootstrap, and pip's index a folder: what scripts/fetch-base made.
"""

from __future__ import annotations

import http.server
import json
import os
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engines.daemon import Dockerd
from tests.engines.generations import newest
from tests.engines.test_image_build import buildx_of
from tests.real.driver import BUILD

BASE = BUILD / "base"
ROOT = Path(__file__).resolve().parents[2]

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="an engine needs root"),
    pytest.mark.skipif(not (BASE / ".complete").exists(), reason="no base: run scripts/fetch-base"),
]


class Index(http.server.SimpleHTTPRequestHandler):
    """A folder of wheels as pip's index (PEP 503): /NAME/ lists what pip may take for NAME."""

    def do_GET(self) -> None:
        if not self.path.endswith("/"):
            super().do_GET()
            return
        wanted = self.path.strip("/").replace("-", "_")
        names = [n for n in os.listdir(BASE / "wheels") if n.lower().startswith(f"{wanted}-")]
        body = "".join(f'<a href="/{n.replace("+", "%2B")}">{n}</a>\n' for n in names).encode()
        self.send_response(200 if names else 404)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        return None


def served() -> http.server.ThreadingHTTPServer:
    return http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), lambda *args: Index(*args, directory=str(BASE / "wheels"))
    )


@pytest.fixture(scope="module")
def index() -> Iterator[str]:
    server = served()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/"
    finally:
        server.shutdown()


@pytest.fixture(scope="module")
def docker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dockerd]:
    """The newest daemon with buildx, and the base in it."""
    daemon = Dockerd(tmp_path_factory.mktemp("f"), newest("dockerd"))
    try:
        plugin = buildx_of(daemon.program)
        if plugin is None:
            pytest.skip("no buildx plugin was unpacked")
        settings = daemon.folder / "docker"
        (settings / "cli-plugins").mkdir(parents=True)
        (settings / "cli-plugins/docker-buildx").symlink_to(plugin)
        daemon.env |= {"DOCKER_CONFIG": str(settings), "HOME": str(daemon.folder)}
        subprocess.run(
            ["docker", "import", str(BASE / "base.tar"), "gd/debian-python:1"],
            env=daemon.env, check=True, capture_output=True, timeout=120,
        )  # fmt: skip
        yield daemon
    finally:
        daemon.stop()


def built(docker: Dockerd, index: str, name: str, context: Path, **arguments: str) -> None:
    given = {"BASE_IMAGE": "gd/debian-python:1", "PIP_INDEX_URL": index, **arguments}
    words = [word for key, value in given.items() for word in ("--build-arg", f"{key}={value}")]
    recipe = ROOT / "dockerfiles" / name / "Dockerfile"
    said = docker.gpudoctor(
        "image", "build", str(context), "-f", str(recipe), "-t", f"gd/{name}:1", "--network", "host", *words
    )
    assert said.returncode == 0, said.stdout + said.stderr


def report(docker: Dockerd, *words: str) -> tuple[int, dict[str, Any]]:
    said = docker.gpudoctor("image", *words, "--format", "json")
    assert said.stdout, said.stderr
    return said.returncode, json.loads(said.stdout)


def inside(docker: Dockerd, image: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["docker", "run", "--rm", "--network", "none", image, *words],
        env=docker.env, capture_output=True, text=True, timeout=120,
    )  # fmt: skip


def test_cuda_base_of_wheels(docker: Dockerd, index: str) -> None:
    wheels = " ".join(f"nvidia-{name}-cu12==12.4.127" for name in ("cuda-runtime", "cuda-nvrtc", "nvjitlink"))
    built(docker, index, "cuda-base", ROOT / "dockerfiles/cuda-base", CUDA_SOURCE="pip", WHEELS=wheels)
    asked = "import ctypes as c; n = c.c_int(); c.CDLL('libcudart.so.12').cudaRuntimeGetVersion(c.byref(n)); print(n.value)"
    ran = inside(docker, "gd/cuda-base:1", "python3", "-c", asked)
    assert ran.stdout == "12040\n", ran.stderr
    code, verified = report(docker, "verify", "gd/cuda-base:1", "--gpu", "H100", "--driver", "550.163.01")
    assert (code, verified["findings"]) == (0, [])
    code, run = report(docker, "run", "gd/cuda-base:1")
    assert run["image"]["container"]["how"] == "zipapp" and run["image"]["container"]["error"] == ""
    assert not [
        s for s in run["image"]["sides"] if s["side"] == "container" and s["id"] != "container-no-gpu-flag"
    ]


def test_torch_and_smoke_train_in_their_own_containers(docker: Dockerd, index: str) -> None:
    wanted = {"REQUIREMENTS": "torch==2.13.0+cpu", "PIP_EXTRA_INDEX_URL": ""}
    built(docker, index, "torch", ROOT / "dockerfiles/torch", **wanted)
    ran = inside(docker, "gd/torch:1", "python", "-c", "import torch; print(torch.ones(2).sum().item())")
    assert ran.stdout == "2.0\n", ran.stderr
    built(docker, index, "smoke", ROOT, **wanted)  # whose first steps are those of torch
    ran = inside(docker, "gd/smoke:1", "smoke", "--allow-cpu", "--format", "json")
    trial = json.loads(ran.stdout)["smoke"]["trials"][0]
    assert (ran.returncode, trial["framework"]) == (0, "torch"), ran.stdout + ran.stderr
    code, verified = report(docker, "verify", "gd/smoke:1")
    assert [f["id"] for f in verified["findings"]] in ([], ["cpu-only-wheel"]) and code in (0, 1)
    code, run = report(docker, "run", "gd/smoke:1", "--smoke")
    assert run["image"]["container"]["how"] == "own" and run["image"]["container"]["error"] == ""
    assert run["image"]["smoke"]["trials"][0]["verdict"].lower() == "skipped"
