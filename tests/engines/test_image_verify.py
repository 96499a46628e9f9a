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
from gpudoctor.facts.observed import value_of
from gpudoctor.system.image.port import LayeredImage
from gpudoctor.workflows.image.verify import Request, verify
from tests.engines.generations import ROOTS, each, programs, root_of
from tests.images import NVIDIA_ENV, healthy, layer

BUSYBOX = [str(p) for p in (*(root / "bin/busybox" for root in ROOTS), Path("/bin/busybox")) if p.is_file()]

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


def daemons() -> list[object]:
    """Every generation as it comes, and the newest with containerd's store."""
    found = each("dockerd")
    last = next((p.values[0] for p in found if p.id == "sid"), "")  # type: ignore[attr-defined]
    stores = [pytest.param((p.values[0], "{}"), id=p.id, marks=p.marks) for p in found]  # type: ignore[attr-defined]
    snapshotter = '{"features": {"containerd-snapshotter": true}}'
    return [*stores, *([pytest.param((last, snapshotter), id="containerd-store")] if last else [])]


@pytest.fixture(params=daemons(), scope="module")
def daemon(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, str]]:
    """A daemon of this generation; its environment. The socket's path must be short."""
    folder = tmp_path_factory.mktemp("v")
    program, config = request.param
    (folder / "daemon.json").write_text(config)
    env = {**os.environ, "PATH": search_path(root_of(program)), "DOCKER_HOST": f"unix://{folder}/s"}
    command = f"{program} --data-root {folder}/data --exec-root {folder}/exec -H unix://{folder}/s"
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
        yield env
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
        subprocess.run(["umount", f"{folder}/data"], capture_output=True)
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def docker(daemon: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    monkeypatch.setenv("DOCKER_HOST", daemon["DOCKER_HOST"])
    return daemon


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


#: Layers that remove, replace, and put a new folder in the place of an old one.
RECIPE = """\
FROM well:1
COPY busybox /bin/busybox
RUN ["/bin/busybox", "mkdir", "-p", "/old/deep", "/gone"]
RUN ["/bin/busybox", "sh", "-c", "echo 1 >/old/1; echo 2 >/old/deep/2; ln /old/1 /old/twin; ln -s twin /old/link"]
RUN ["/bin/busybox", "sh", "-c", "rm -rf /old /gone; mkdir /old; echo 3 >/old/3; chmod 4750 /old/3; chown 7:8 /old/3"]
"""


@pytest.mark.skipif(not BUSYBOX, reason="no static busybox: run scripts/fetch-engine")
def test_read_in_place_it_is_the_image_that_the_engine_saves(
    docker: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import gpudoctor.images.stored as stored

    program = shutil.which("docker", path=docker["PATH"]) or "docker"
    env = {**docker, "DOCKER_BUILDKIT": "0", "DOCKER_CONFIG": str(tmp_path / "none")}
    import_ = [program, "import", *changes(NVIDIA_ENV, ""), flat(tmp_path), "well:1"]
    subprocess.run(import_, env=env, check=True, capture_output=True, timeout=120)
    (tmp_path / "c").mkdir()
    shutil.copy(BUSYBOX[0], tmp_path / "c/busybox")
    (tmp_path / "c/Dockerfile").write_text(RECIPE)
    build = [program, "build", "-q", "-t", "layers:1", "--network", "none", str(tmp_path / "c")]
    done = subprocess.run(build, env=env, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    place = stored.open_stored("layers:1", "docker", "", 60.0)
    assert place.image.kind == "engine"
    monkeypatch.setattr(stored, "may_read", lambda: False)
    saved = stored.open_stored("layers:1", "docker", "", 60.0)
    assert saved.image.kind != "engine"
    assert contents(place) == contents(saved)
    assert place.listdir("/old") == ["3"] and "gone" not in place.listdir("/")
    assert (place.env, place.image.reference) == (saved.env, "layers:1")
    sizes = [
        [(one.files, one.size, one.hidden, one.created_by) for one in value_of(port.image.layers, ())]
        for port in (place, saved)
    ]
    assert sizes[0] == sizes[1] and len(sizes[0]) > 3


def contents(image: LayeredImage) -> dict[str, tuple[object, ...]]:
    """All that a probe could see of each path; folders' times are when their layer was unpacked."""
    found: dict[str, tuple[object, ...]] = {}
    for path, info in image.walk():
        target = image.readlink(path) if info.kind == "link" else ""
        data = image.read(path, 1 << 20) if info.kind == "file" else b""
        mode = 0 if info.kind == "link" else info.mode
        found[path] = (info.kind, mode, info.uid, info.gid, info.size, target, data)
    return found


@pytest.mark.skipif(not programs("podman"), reason="no podman: run scripts/fetch-engine")
@pytest.mark.parametrize(("driver", "kind"), [("vfs", "docker-archive"), ("overlay", "engine")])
def test_an_image_of_podman(driver: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    podman = programs("podman")[0]
    root = root_of(podman)
    storage = tmp_path / "storage.conf"
    storage.write_text(
        f'[storage]\ndriver = "{driver}"\ngraphroot = "{tmp_path}/g"\nrunroot = "{tmp_path}/r"\n'
    )
    policy = tmp_path / "policy.json"
    policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
    tools = tmp_path / "tools"
    tools.mkdir()
    # This machine has no /etc/containers/policy.json, which podman's own package brings.
    wrapper = f"""#!/bin/sh
export LD_LIBRARY_PATH={root}/usr/lib/x86_64-linux-gnu
case "$1" in import|save) verb=$1; shift; set -- "$verb" --signature-policy {policy} "$@" ;; esac
exec {podman} "$@"
"""
    (tools / "podman").write_text(wrapper)
    (tools / "podman").chmod(0o755)
    monkeypatch.setenv("CONTAINERS_STORAGE_CONF", str(storage))
    monkeypatch.setenv("PATH", f"{tools}:{search_path(root)}")
    load = [
        "podman",
        "import",
        *changes(NVIDIA_ENV, "app"),
        flat(tmp_path),
        "well:1",
    ]
    done = subprocess.run(load, capture_output=True, text=True, timeout=120)
    if done.returncode:
        pytest.skip(f"this podman does not import here: {done.stderr.strip()[-200:]}")
    found = verify(Request("localhost/well:1", engine="podman"))
    assert (found.exit_code, found.judgement.findings) == (0, ())
    assert found.machine.image.kind == kind
    with pytest.raises(GpudoctorError, match="podman has no image gone:1"):
        verify(Request("gone:1", engine="podman"))
