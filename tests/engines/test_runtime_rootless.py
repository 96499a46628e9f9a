"""`gpudoctor runtime ... docker` against a real rootless daemon, whose user exists in a mount namespace of the test alone."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests import schemas
from tests.engines import generations
from tests.engines.daemon import FAKE_HOOK, end, holds, mounted_under, script, search_path

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="making a user in a namespace needs root"),
]

UID = 20077
BEFORE = '{\n\t"debug": false\n}\n'
ACCOUNTS = ("passwd", "group", "subuid", "subgid")


class Rootless:
    """dockerd below rootlesskit, with the host's network: there may be no /dev/net/tun for a user here."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.config = self.home / ".config/docker/daemon.json"
        self.socket = f"{folder}/x/docker.sock"
        program = generations.newest("dockerd")
        kit = generations.newest("podman")  # rootlesskit, newuidmap and Podman were unpacked together
        self.tools = folder / "tools"
        self.made: list[Path] = []
        for made in (self.tools, folder / "etc", folder / "x", self.config.parent):
            made.mkdir(parents=True)
        script(self.tools / "nvidia-container-runtime", '#!/bin/sh\nexec runc "$@"\n')
        self.config.write_text(BEFORE)
        self._accounts()
        subprocess.run(["chown", "-R", f"{UID}:{UID}", str(self.home), f"{folder}/x"], check=True)
        path = f"{search_path(program, self.tools)}:{os.path.dirname(kit)}"
        self.env = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("DOCKER_", "XDG_"))},
            "PATH": path, "DOCKER_HOST": f"unix://{self.socket}", "GPUDOCTOR_STATE": f"{folder}/state",
        }  # fmt: skip
        dockerd = f"dockerd --rootless --iptables=false --ip6tables=false --bridge=none --userland-proxy=false -H unix://{self.socket}"
        script(
            folder / "start",
            "\n".join(
                [
                    "#!/bin/sh",
                    *(f"mount --bind {folder}/etc/{name} /etc/{name} || exit 1" for name in ACCOUNTS),
                    f"exec setpriv --reuid {UID} --regid {UID} --init-groups env -i HOME={self.home} "
                    f"XDG_RUNTIME_DIR={folder}/x PATH={path} rootlesskit --net=host --copy-up=/etc --copy-up=/run "
                    f"--propagation=rslave sh -c 'rm -f /run/docker /run/containerd /run/xtables.lock; exec {dockerd}'",
                ]
            ),
        )
        with open(folder / "log", "wb") as log:
            self.process = subprocess.Popen(
                ["unshare", "-m", str(folder / "start")],
                env=self.env,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        assert holds(self.answers, 40), (folder / "log").read_text()[-2000:]
        self.namespace = os.open(f"/proc/{self.process.pid}/ns/mnt", os.O_RDONLY)

    def _accounts(self) -> None:
        for name in ACCOUNTS:
            place = Path("/etc", name)
            if not place.exists():
                place.touch()  # something to mount over; an empty file says that nobody has any
                self.made.append(place)
        text = {name: Path("/etc", name).read_text() for name in ("passwd", "group")}
        text["passwd"] += f"gpud:x:{UID}:{UID}::{self.home}:/bin/sh\n"
        text["group"] += f"gpud:x:{UID}:\n"
        text["subuid"] = text["subgid"] = "gpud:300000:65536\n"
        for name, content in text.items():
            (self.folder / "etc" / name).write_text(content)

    def answers(self) -> bool:
        from gpudoctor.facts.observed import Known
        from gpudoctor.probes import docker_socket

        return isinstance(docker_socket.info(self.socket), Known)

    def gpudoctor(self, *words: str) -> subprocess.CompletedProcess[str]:
        """The tool where that user exists."""
        enter = ["nsenter", f"--mount=/proc/self/fd/{self.namespace}"]
        return subprocess.run(
            [*enter, sys.executable, "-m", "gpudoctor", "runtime", *words],
            env=self.env, capture_output=True, text=True, timeout=170, pass_fds=(self.namespace,), cwd=os.getcwd(),
        )  # fmt: skip

    def stop(self) -> None:
        for name in os.listdir("/proc"):
            try:
                if name.isdigit() and os.path.basename(os.readlink(f"/proc/{name}/exe")) == "rootlesskit":
                    end(int(name), self.socket)
            except OSError:
                continue
        self.process.wait(20)
        os.close(self.namespace)
        for path in sorted(mounted_under(str(self.folder)), reverse=True):
            subprocess.run(["umount", "-l", path], capture_output=True, timeout=20)
        shutil.rmtree(self.folder, ignore_errors=True)
        for place in self.made:
            place.unlink()


@pytest.fixture
def rootless() -> Iterator[Rootless]:
    if shutil.which("setpriv") is None or shutil.which("nsenter") is None:
        pytest.skip("no setpriv or nsenter (util-linux) here")
    # pytest's own folders are private to root.
    folder = Path(tempfile.mkdtemp(prefix="gpud", dir="/tmp"))
    folder.chmod(0o755)
    daemon = Rootless(folder)
    try:
        yield daemon
    finally:
        daemon.stop()


def test_a_rootless_daemon_reads_its_users_file(rootless: Rootless) -> None:
    said = rootless.gpudoctor("configure", "docker", "--apply", "--format", "json")
    change = schemas.report(said.stdout)["changes"]["items"][0]
    assert said.returncode == 0 and change["files"][0]["path"] == str(rootless.config), (
        said.stdout + said.stderr
    )
    assert rootless.config.stat().st_uid == UID, "the file stays its user's"
    assert '\t"runtimes": {\n\t\t"nvidia"' in rootless.config.read_text()
    # The hook comes later: started again below rootlesskit, as that user.
    script(rootless.tools / "nvidia-container-runtime-hook", FAKE_HOOK)
    said = rootless.gpudoctor("configure", "docker", "--apply")
    assert said.returncode == 0 and "restart docker" in said.stdout, said.stdout + said.stderr
    assert rootless.gpudoctor("configure", "docker").returncode == 0, "nothing is left to do"
    rootless.gpudoctor("unconfigure", "docker", "--apply")
    assert rootless.config.read_text() == BEFORE


def test_a_rootless_daemon_gets_a_folder_of_specifications_that_it_can_see(rootless: Rootless) -> None:
    """/etc/cdi is a link in its own root, which its CDI library does not follow."""
    spec = {
        "cdiVersion": "0.5.0", "kind": "nvidia.com/gpu",
        "devices": [{"name": "all", "containerEdits": {"env": ["SEEN=yes"]}}],
    }  # fmt: skip
    script(rootless.tools / "nvidia-ctk", f"#!/bin/sh\ncat <<'END'\n{json.dumps(spec)}\nEND\n")
    said = rootless.gpudoctor("configure", "docker", "--cdi", "--apply")
    assert said.returncode == 0, said.stdout + said.stderr
    assert json.loads(rootless.config.read_text())["cdi-spec-dirs"] == [f"{rootless.home}/.config/cdi"]
    said = rootless.gpudoctor("prove", "docker", "--cdi", "--depth", "container")
    assert said.returncode == 0, said.stdout + said.stderr
