"""Images of real engines, fetched by name: every generation of Docker saves its own form, and podman another."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpudoctor.errors import GpudoctorError
from gpudoctor.workflows.image.verify import Request, verify
from tests.engines.generations import ROOTS, each, programs, root_of
from tests.images import NVIDIA_ENV, healthy, layer

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="an engine needs root"),
]


def flat(folder: Path) -> str:
    """The healthy image's files in one archive, as `docker import` takes it."""
    path = folder / "flat.tar"
    path.write_bytes(layer({k: v for files in healthy() for k, v in files.items()}))
    return str(path)


def changes(env: dict[str, str], user: str) -> list[str]:
    lines = [f"ENV {name}={value}" for name, value in env.items()] + ([f"USER {user}"] if user else [])
    return [word for line in lines for word in ("--change", line)]


def search_path(root: Path) -> str:
    own = [str(root / "usr/bin"), str(root / "usr/sbin")]
    others = [f"{other}/usr/{sub}" for other in ROOTS for sub in ("sbin", "bin")]
    return ":".join([*own, *others[:2], os.environ["PATH"]])


@pytest.fixture(params=each("dockerd"))
def docker(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dict[str, str]]:
    """A daemon of this generation; its environment. The socket's path must be short."""
    folder = Path(f"{tmp_path.parents[1]}/v{os.getpid()}")
    folder.mkdir(exist_ok=True)
    (folder / "daemon.json").write_text("{}")
    env = {**os.environ, "PATH": search_path(root_of(request.param)), "DOCKER_HOST": f"unix://{folder}/s"}
    command = f"{request.param} --data-root {folder}/data --exec-root {folder}/exec -H unix://{folder}/s"
    command += f" --pidfile {folder}/pid --config-file {folder}/daemon.json --bridge=none --iptables=false --ip6tables=false"
    with open(folder / "log", "wb") as log:
        process = subprocess.Popen(command.split(), env=env, stdout=log, stderr=log, start_new_session=True)
    try:
        deadline = time.monotonic() + 40
        ping = ["docker", "version", "--format", "{{.Server.Version}}"]
        while subprocess.run(
            [shutil.which("docker", path=env["PATH"]) or "docker", *ping[1:]], env=env, capture_output=True
        ).returncode:
            assert process.poll() is None, (folder / "log").read_text()[-2000:]
            assert time.monotonic() < deadline, "the daemon does not answer"
        monkeypatch.setenv("DOCKER_HOST", env["DOCKER_HOST"])
        yield env
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        subprocess.run(["umount", f"{folder}/data"], capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


def test_an_image_by_its_name(docker: dict[str, str], tmp_path: Path) -> None:
    program = shutil.which("docker", path=docker["PATH"]) or "docker"
    for name, env, user in (("well:1", NVIDIA_ENV, "app"), ("ill:1", {"LD_LIBRARY_PATH": "/opt/x:"}, "")):
        argv = [program, "import", *changes(env, user), flat(tmp_path), name]
        subprocess.run(argv, env=docker, check=True, capture_output=True, timeout=120)
    well, ill = verify(Request("well:1", engine="docker")), verify(Request("ill:1", engine="docker"))
    assert (well.exit_code, well.judgement.findings) == (0, ())
    assert {f.id for f in ill.judgement.findings} == {
        "image-runs-as-root", "image-lacks-nvidia-variables", "image-library-path-drops-driver", "ld-library-path-empty-element",
    }  # fmt: skip
    with pytest.raises(GpudoctorError, match="Docker has no image gone:1"):
        verify(Request("gone:1", engine="docker"))


@pytest.mark.skipif(not programs("podman"), reason="no podman: run scripts/fetch-engine")
def test_an_image_of_podman(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    podman = programs("podman")[0]
    root = root_of(podman)
    storage = tmp_path / "storage.conf"
    storage.write_text(f'[storage]\ndriver = "vfs"\ngraphroot = "{tmp_path}/g"\nrunroot = "{tmp_path}/r"\n')
    policy = tmp_path / "policy.json"
    policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    tools = tmp_path / "tools"
    tools.mkdir()
    wrapper = f'#!/bin/sh\nexport LD_LIBRARY_PATH={root}/usr/lib/x86_64-linux-gnu\nexec {podman} "$@"\n'
    (tools / "podman").write_text(wrapper)
    (tools / "podman").chmod(0o755)
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(storage))
    monkeypatch.setenv("PATH", f"{tools}:{search_path(root)}")
    load = [
        "podman",
        "import",
        "--signature-policy",
        str(policy),
        *changes(NVIDIA_ENV, "app"),
        flat(tmp_path),
        "well:1",
    ]
    done = subprocess.run(load, capture_output=True, text=True, timeout=120)
    if done.returncode:
        pytest.skip(f"this podman does not import here: {done.stderr.strip()[-200:]}")
    found = verify(Request("localhost/well:1", engine="podman"))
    assert (found.exit_code, found.judgement.findings) == (0, ())
    with pytest.raises(GpudoctorError, match="podman has no image gone:1"):
        verify(Request("gone:1", engine="podman"))
