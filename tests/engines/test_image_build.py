"""`gpudoctor image build` with every generation of Docker that was unpacked, and with podman and buildah."""

from __future__ import annotations

import io
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engines.daemon import Dockerd, holds
from tests.engines.generations import ROOTS, each, newest, programs, root_of

BUSYBOX = [str(p) for p in (*(root / "bin/busybox" for root in ROOTS), Path("/bin/busybox")) if p.is_file()]

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="an engine needs root"),
    pytest.mark.skipif(not BUSYBOX, reason="no static busybox: run scripts/fetch-engine"),
]

START = 'FROM scratch\nCOPY busybox /bin/busybox\nRUN ["/bin/busybox", "--install", "-s", "/bin"]\n'
RECIPES = {
    "Dockerfile": START + "ARG PIP_INDEX_URL\nRUN echo index is $PIP_INDEX_URL\n",
    "Ill": START
    + "RUN echo before; echo \"nvcc fatal   : Unsupported gpu architecture 'compute_120'\" >&2; exit 3\n",
    "Slow": START + "RUN echo begun; sleep 60\n",
    "Wrong": START + "RUM echo\n",
    "Absent": "FROM no.such.registry.invalid/base:1\nRUN true\n",
}


@pytest.fixture
def context(tmp_path: Path) -> Path:
    folder = tmp_path / "context"
    folder.mkdir()
    shutil.copy(BUSYBOX[0], folder / "busybox")
    for name, text in RECIPES.items():
        (folder / name).write_text(text)
    return folder


class Engine:
    """Something that builds. `options`: what its builds need on a machine such as these tests run on."""

    def __init__(self, builder: str, env: dict[str, str], options: tuple[str, ...]) -> None:
        self.builder, self.env, self.options = builder, env, options

    def command(self, context: Path, recipe: str, *more: str) -> list[str]:
        file = ("-f", str(context / recipe), "--builder", self.builder, "--format", "json")
        return [
            sys.executable,
            "-m",
            "gpudoctor",
            "image",
            "build",
            str(context),
            *file,
            *self.options,
            *more,
        ]

    def build(self, context: Path, recipe: str, *more: str) -> tuple[int, dict[str, Any], str]:
        ran = subprocess.run(
            self.command(context, recipe, *more), env=self.env, capture_output=True, text=True, timeout=150
        )
        return ran.returncode, json.loads(ran.stdout) if ran.stdout else {}, ran.stderr

    def containers(self) -> list[str]:
        """Those of builds that are under way or were left."""
        listing = {
            "podman": ["podman", "ps", "--all", "--external", "--quiet"],
            "buildah": ["buildah", "containers", "--quiet"],
        }.get(self.builder, ["docker", "ps", "--all", "--quiet"])
        ran = subprocess.run(listing, env=self.env, capture_output=True, text=True, timeout=60, check=True)
        return ran.stdout.split()


def buildx_of(dockerd: str) -> Path | None:
    for root in (root_of(dockerd), *(root_of(p) for p in programs("dockerd"))):
        for place in ("usr/libexec/docker/cli-plugins", "usr/lib/docker/cli-plugins"):
            if (root / place / "docker-buildx").is_file():
                return root / place / "docker-buildx"
    return None


@pytest.fixture(params=each("dockerd"), scope="module")
def dockerd(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dockerd]:
    daemon = Dockerd(tmp_path_factory.mktemp("b"), request.param)
    try:
        yield daemon
    finally:
        daemon.stop()


@pytest.fixture(scope="module")
def newest_dockerd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dockerd]:
    daemon = Dockerd(tmp_path_factory.mktemp("b"), newest("dockerd"))
    try:
        yield daemon
    finally:
        daemon.stop()


@pytest.fixture(params=["buildx", "docker"])
def docker(request: pytest.FixtureRequest, dockerd: Dockerd, tmp_path: Path) -> Engine:
    return engine(request.param, dockerd, tmp_path)


@pytest.fixture(params=["buildx", "docker"])
def latest(request: pytest.FixtureRequest, newest_dockerd: Dockerd, tmp_path: Path) -> Engine:
    """Where the generations do not differ, one is enough."""
    return engine(request.param, newest_dockerd, tmp_path)


def engine(builder: str, dockerd: Dockerd, tmp_path: Path) -> Engine:
    settings = tmp_path / "docker"
    (settings / "cli-plugins").mkdir(parents=True)
    if builder == "buildx":
        plugin = buildx_of(dockerd.program)
        if plugin is None:
            pytest.skip("no buildx plugin was unpacked")
        (settings / "cli-plugins" / "docker-buildx").symlink_to(plugin)
    env = {**dockerd.env, "DOCKER_CONFIG": str(settings), "HOME": str(tmp_path)}
    return Engine(builder, env, ("--network", "none"))


def podman_environment(root: Path, tmp_path: Path) -> dict[str, str]:
    """podman with storage and settings of its own, as root in a container."""
    home = tmp_path / "home"
    (home / ".config/containers").mkdir(parents=True)
    (home / ".config/containers/policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    (tmp_path / "containers.conf").write_text(
        '[containers]\ndefault_ulimits=["nofile=20000:20000","nproc=32768:32768"]\n'
        '[engine]\ncgroup_manager="cgroupfs"\nevents_logger="file"\nruntime="runc"\n'
    )
    (tmp_path / "storage.conf").write_text(
        f'[storage]\ndriver="vfs"\nrunroot="{tmp_path}/run"\ngraphroot="{tmp_path}/graph"\n'
    )
    library = f"{root}/usr/lib/x86_64-linux-gnu"
    return {
        **{k: v for k, v in os.environ.items() if not k.startswith(("DOCKER_", "XDG_"))},
        "HOME": str(home),
        "CONTAINERS_CONF": str(tmp_path / "containers.conf"),
        "CONTAINERS_STORAGE_CONF": str(tmp_path / "storage.conf"),
        "PATH": f"{root}/usr/bin:{root}/usr/sbin:{os.environ['PATH']}",
        "LD_LIBRARY_PATH": library,
    }


@pytest.fixture(params=["podman", "buildah"])
def podman(request: pytest.FixtureRequest, tmp_path: Path) -> Engine:
    found = programs(request.param)
    if not found:
        pytest.skip(f"no {request.param}: run scripts/fetch-engine")
    env = podman_environment(root_of(found[0]), tmp_path)
    return Engine(request.param, env, ("--network", "none"))


class TestDocker:
    def test_a_build_ends_with_an_image_and_its_steps(self, docker: Engine, context: Path) -> None:
        code, report, said = docker.build(context, "Dockerfile", "-t", "gd/build:1", "-t", "gd/other:2")
        assert code == 0, said
        image = report["image"]
        assert image["id"].startswith("sha256:") and image["builder"] == docker.builder
        assert {step["state"] for step in image["steps"]} <= {"done", "cached"}
        names = ("gd/build:1", "gd/other:2")
        ran = subprocess.run(
            ["docker", "image", "inspect", "-f", "{{.Id}}", *names],
            env=docker.env,
            capture_output=True,
            text=True,
        )
        assert set(ran.stdout.split()) == {image["id"]}, ran.stderr
        again = docker.build(context, "Dockerfile")[1]["image"]
        assert [s["state"] for s in again["steps"] if "RUN" in s["name"]] == ["cached", "cached"]

    def test_a_step_that_fails_is_named_with_its_lines_and_its_cause(
        self, docker: Engine, context: Path
    ) -> None:
        code, report, said = docker.build(context, "Ill")
        assert code == 1, said
        assert "RUN echo before" in report["image"]["failed_step"]
        assert "before" in report["image"]["log"]  # the classic builder mixes the two streams
        assert [d["id"] for d in report["diagnoses"]] == ["nvcc-arch-unsupported"]
        assert docker.containers() == []


class TestTheNewest:
    def test_when_time_is_over_nothing_is_left(self, latest: Engine, context: Path) -> None:
        code, report, _ = latest.build(context, "Slow", "--timeout", "6")
        assert code == 1 and report["image"]["timed_out"] and report["diagnoses"] == []
        assert "sleep 60" in report["image"]["failed_step"]
        assert holds(lambda: latest.containers() == [], 30)

    def test_an_interrupt_cancels_and_leaves_nothing(self, latest: Engine, context: Path) -> None:
        command = latest.command(context, "Slow")
        command[command.index("json")] = "text"
        with subprocess.Popen(
            [*command, "-v"], env=latest.env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        ) as child:
            assert child.stderr is not None
            for line in child.stderr:
                if line.strip().endswith("begun"):
                    break
            child.send_signal(signal.SIGINT)
            rest = child.communicate(timeout=60)
        assert child.returncode == 130 and rest[1].strip().endswith("interrupted"), rest
        assert holds(lambda: latest.containers() == [], 30)

    def test_what_could_not_be_built_is_no_traceback(self, latest: Engine, context: Path) -> None:
        for recipe in ("Wrong", "Absent"):
            code, report, said = latest.build(context, recipe)
            assert code == 1 and report["image"]["error"] and "Traceback" not in said, recipe
            assert report["image"]["id"] == ""

    def test_a_mirror_goes_where_the_recipe_takes_it(
        self, latest: Engine, context: Path, tmp_path: Path
    ) -> None:
        profile = tmp_path / "office.toml"
        profile.write_text('pip = "https://pip.office.example/simple"\n')
        more = ("--mirror", str(profile), "--no-cache")
        assert "index is https://pip.office.example/simple" in self.printed(
            latest, context, "Dockerfile", *more
        )
        code, report, _ = latest.build(context, "Ill", *more)
        assert code == 1 and "ARG PIP_INDEX_URL" in report["image"]["notes"][0]

    def printed(self, latest: Engine, context: Path, recipe: str, *more: str) -> str:
        _, report, _ = latest.build(context, recipe, *more)
        return "\n".join(line for step in report["image"]["steps"] for line in step["lines"])


class TestTwice:
    def test_an_oci_archive_with_one_time_for_all_is_the_same_twice(
        self, context: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
    ) -> None:
        config = '{"features": {"containerd-snapshotter": true}}'
        daemon = Dockerd(tmp_path_factory.mktemp("b"), newest("dockerd"), config)
        try:
            builder = engine("buildx", daemon, tmp_path)
            builder.env["SOURCE_DATE_EPOCH"] = "1700000000"
            digests = []
            for number in (1, 2):
                archive = tmp_path / f"{number}.tar"
                code, _, said = builder.build(context, "Dockerfile", "--no-cache", "--oci", str(archive))
                assert code == 0, said
                with tarfile.open(archive) as file:
                    index = json.load(file.extractfile("index.json") or io.BytesIO())
                digests.append(index["manifests"][0]["digest"])
            assert digests[0] == digests[1]
        finally:
            daemon.stop()


class TestPodmanAndBuildah:
    def test_a_build_ends_with_an_image_and_one_that_fails_with_its_cause(
        self, podman: Engine, context: Path
    ) -> None:
        code, report, said = podman.build(context, "Dockerfile", "-t", "gd/build:1")
        assert code == 0 and report["image"]["id"], said
        code, report, said = podman.build(context, "Ill")
        assert code == 1, said
        assert "RUN echo before" in report["image"]["failed_step"]
        assert [d["id"] for d in report["diagnoses"]] == ["nvcc-arch-unsupported"]
        assert podman.containers() == []

    def test_when_time_is_over_nothing_is_left(self, podman: Engine, context: Path) -> None:
        code, report, _ = podman.build(context, "Slow", "--timeout", "8")
        assert code == 1 and report["image"]["timed_out"]
        # While another test builds, what is left could be that one's: then it is named and not removed.
        told = "left behind, unless another build's" in report["image"]["error"]
        assert told or podman.containers() == []


class TestWithoutAnEngine:
    def test_a_daemon_that_is_down_is_an_error_in_words(self, context: Path, tmp_path: Path) -> None:
        env = {**os.environ, "DOCKER_HOST": f"unix://{tmp_path}/none", "PATH": f"{tmp_path}:/nowhere"}
        ran = subprocess.run(
            [sys.executable, "-m", "gpudoctor", "image", "build", str(context)],
            env=env, capture_output=True, text=True, timeout=60,
        )  # fmt: skip
        assert ran.returncode == 2 and ran.stderr.startswith("error: no builder answers")
        assert "no podman on PATH" in ran.stderr and "(DOCKER_HOST) does not answer" in ran.stderr
