"""`gpudoctor runtime ... podman` with a real Podman, whose /etc/cdi is a folder of the test's own mount namespace."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpudoctor.runtimes import cdi
from gpudoctor.workflows.runtime.image import Image
from tests import schemas
from tests.engines.daemon import script, search_path
from tests.engines.generations import each, root_of

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="an engine needs root"),
]

#: Without systemd, and where limits may not be raised.
SETTINGS = """\
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
"""
#: A mount namespace in which /etc/cdi is empty and ours.
PRIVATE = 'mount -t tmpfs none /etc/cdi && exec "$@"'


class Podman:
    def __init__(self, folder: Path, program: str) -> None:
        self.folder = folder
        self.tools = folder / "tools"
        self.tools.mkdir()
        path = search_path(program, self.tools)
        libraries = f"{root_of(program)}/usr/lib/x86_64-linux-gnu"
        # conmon starts `podman container cleanup` with this environment; without it every run would wait 20 s for that.
        conmon = json.dumps([f"PATH={path}", f"LD_LIBRARY_PATH={libraries}"])
        (folder / "containers.conf").write_text(f"{SETTINGS}conmon_env_vars = {conmon}\n")
        (folder / "storage.conf").write_text(
            f'[storage]\ndriver = "vfs"\ngraphroot = "{folder}/g"\nrunroot = "{folder}/r"\n'
        )
        policy = folder / ".config/containers/policy.json"
        policy.parent.mkdir(parents=True)
        policy.write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        self.env = {
            **os.environ,
            "PATH": path,
            "LD_LIBRARY_PATH": libraries,
            "HOME": str(folder),
            "CONTAINERS_CONF": f"{folder}/containers.conf",
            "CONTAINERS_STORAGE_CONF": f"{folder}/storage.conf",
            "GPUDOCTOR_STATE": f"{folder}/state",
        }

        image = Image()
        (folder / "image.tar").write_bytes(image.archive)
        self.image = image.tag
        subprocess.run(
            ["podman", "load", "-q", "-i", f"{folder}/image.tar"], env=self.env, check=True, capture_output=True, timeout=60
        )  # fmt: skip

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Several commands, one after the other, in one namespace: each a line of a shell."""
        lines = " && ".join(words)
        return subprocess.run(
            ["unshare", "-m", "sh", "-c", PRIVATE, "sh", "sh", "-c", lines],
            env=self.env, capture_output=True, text=True, timeout=170,
        )  # fmt: skip


@pytest.fixture(params=each("podman"))
def podman(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Podman]:
    made = not Path("/etc/cdi").exists()
    if made:
        Path("/etc/cdi").mkdir()
    try:
        yield Podman(tmp_path, request.param)
    finally:
        if made:
            Path("/etc/cdi").rmdir()


TOOL = f"{sys.executable} -m gpudoctor runtime"


def ctk(podman: Podman, hosts: str = "/dev/null") -> None:
    """An nvidia-ctk that writes what the real one would, with a device that is there."""
    edits = {"deviceNodes": [{"path": "/dev/nvidia0", "hostPath": hosts}]}
    spec = {
        "cdiVersion": "0.5.0", "kind": "nvidia.com/gpu", "devices": [{"name": "all", "containerEdits": edits}],
    }  # fmt: skip
    script(podman.tools / "nvidia-ctk", f"#!/bin/sh\ncat <<'END'\n{json.dumps(spec)}\nEND\n")


def test_configured_proven_and_told_apart_from_not_configured(podman: Podman) -> None:
    ctk(podman)
    said = podman.run(
        f"! {TOOL} prove podman --depth container",
        f"{TOOL} configure podman --apply",
        f"{TOOL} prove podman --depth config --format json",
    )
    assert said.returncode == 0, said.stdout + said.stderr
    assert "no specification has nvidia.com/gpu=all" in said.stdout
    steps = schemas.report(said.stdout[said.stdout.index('{\n  "schema"') :])["proof"]
    assert [step["ok"] for step in steps] == [True]


def test_a_stale_specification_is_disproved_and_mended(podman: Podman) -> None:
    ctk(podman, "/dev/nvidia-that-is-gone")
    said = podman.run(f"{TOOL} configure podman --apply")
    assert said.returncode == 1 and "all is as before" in said.stdout and "nvidia-that-is-gone" in said.stdout


def test_our_own_specification_is_one_that_podman_takes(podman: Podman) -> None:
    library = podman.folder / "libcuda.so.550.163.01"
    library.write_text("a driver library\n")
    inventory = cdi.Inventory(
        "550.163.01", (cdi.Device("0", {"/dev/nvidia0": "/dev/null"}, "GPU-1"),), (), (cdi.Library(str(library), "libcuda.so.1"),)
    )  # fmt: skip
    (podman.folder / "spec.yaml").write_text(cdi.generate(inventory))
    inside = f"read line < {podman.folder}/libcuda.so.1; echo $line; [ -c /dev/nvidia0 ] && echo device"
    said = podman.run(
        f"cp {podman.folder}/spec.yaml /etc/cdi/nvidia.yaml",
        f"podman run --rm --network=none --device nvidia.com/gpu=GPU-1 {podman.image} /bin/sh -c '{inside}'",
    )
    assert said.returncode == 0, said.stderr
    assert said.stdout.splitlines()[-2:] == ["a driver library", "device"]
