"""Daemons of our own, of every generation that was unpacked: private data, private socket, stopped by their process id."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests import schemas
from tests.engines.generations import programs, root_of

FAKE_RUNTIME = """#!/bin/sh
echo "$*" >> {log}
exec runc "$@"
"""
#: dockerd looks for this program once, when it starts; it is the toolkit's hook, and this one does nothing.
FAKE_HOOK = "#!/bin/sh\ncat >/dev/null\n"


def script(path: Path, text: str) -> Path:
    path.write_text(text)
    path.chmod(0o755)
    return path


def search_path(program: str, *before: Path) -> str:
    """PATH for this generation: its own programs, then this release's (runc), then the machine's."""
    folders = [str(p) for p in before]
    for root in (root_of(program), *(root_of(p) for p in programs("runc")[:1])):
        folders += [f"{root}/usr/sbin", f"{root}/usr/bin"]
    return ":".join([*folders, os.environ["PATH"]])


class Daemon:
    """A process that is told to end, and killed only if it does not. `folder` must be short: sun_path holds 107 bytes."""

    def __init__(self, folder: Path, program: str) -> None:
        self.folder = folder
        self.program = program
        self.socket = f"{folder}/s"
        self.tools = folder / "tools"
        self.tools.mkdir(exist_ok=True)
        self.runtime_log = folder / "runtime.log"
        script(self.tools / "nvidia-container-runtime", FAKE_RUNTIME.format(log=self.runtime_log))
        self.env = {
            **{k: v for k, v in os.environ.items() if not k.startswith(("DOCKER_", "XDG_"))},
            "PATH": search_path(program, self.tools),
            "GPUDOCTOR_STATE": str(folder / "state"),
        }
        self.pid = 0
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, words: list[str]) -> None:
        with open(self.folder / "log", "ab") as log:
            self.process = subprocess.Popen(
                [self.program, *words], env=self.env, stdout=log, stderr=log, start_new_session=True
            )
        self.pid = self.process.pid

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-3000:]

    def gpudoctor(self, *words: str, timeout: float = 170) -> subprocess.CompletedProcess[str]:
        """The tool, as a user runs it against this daemon."""
        return subprocess.run(
            [sys.executable, "-m", "gpudoctor", *words],
            env=self.env,
            capture_output=True,
            text=True,
            timeout=timeout,
        )

    def change(self, *words: str, code: int = 0) -> dict[str, Any]:
        """The last change of `gpudoctor runtime ... --format json`."""
        said = self.gpudoctor("runtime", *words, "--format", "json")
        assert said.returncode == code, said.stdout + said.stderr
        found: dict[str, Any] = schemas.report(said.stdout)["changes"]["items"][-1]
        return found

    def running_pid(self) -> int:
        """Of the daemon as it runs now: a restart gives it another number."""
        return int((self.folder / "pid").read_text())

    def stop(self) -> None:
        pids = {self.pid}
        try:
            pids.add(self.running_pid())
        except (OSError, ValueError):
            pass
        for pid in pids - {0}:
            end(pid, self.socket)
        if self.process is not None:
            self.process.wait(10)
        # Left behind by a daemon that was killed or that keeps its containers alive; pytest could not remove the folder.
        for path in sorted(mounted_under(str(self.folder)), reverse=True):
            subprocess.run(["umount", "-l", path], capture_output=True, timeout=20)


def mounted_under(folder: str) -> list[str]:
    with open("/proc/self/mounts") as file:
        return [place for line in file if (place := line.split()[1]).startswith(f"{folder}/")]


def end(pid: int, mark: str) -> None:
    """Only a process whose command line names our socket is ours to end."""
    try:
        with open(f"/proc/{pid}/cmdline", "rb") as file:
            if mark.encode() not in file.read():
                return
        os.kill(pid, signal.SIGTERM)
        if not holds(lambda: not alive(pid), 20):
            os.kill(pid, signal.SIGKILL)
    except (FileNotFoundError, ProcessLookupError):
        return


def alive(pid: int) -> bool:
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


def holds(question: Callable[[], bool], seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while not question():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


class Dockerd(Daemon):
    def __init__(self, folder: Path, program: str, config: str = "{}", hook: bool = False) -> None:
        super().__init__(folder, program)
        self.config = folder / "daemon.json"
        self.config.write_text(config)
        self.env["DOCKER_HOST"] = f"unix://{self.socket}"
        if hook:
            script(self.tools / "nvidia-container-runtime-hook", FAKE_HOOK)
        self.start(
            [
                "--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec", "-H", f"unix://{self.socket}",
                "--pidfile", f"{folder}/pid", "--config-file", str(self.config), "--bridge=none", "--iptables=false",
                "--ip6tables=false", "--userland-proxy=false",
            ]
        )  # fmt: skip
        assert holds(self.answers, 40), self.log()

    def answers(self) -> bool:
        from gpudoctor.facts.observed import Known
        from gpudoctor.probes import docker_socket

        return isinstance(docker_socket.info(self.socket), Known)

    def client(self) -> Any:
        import docker

        return docker.DockerClient(base_url=f"unix://{self.socket}", version="auto", timeout=60)

    def info(self) -> dict[str, Any]:
        client = self.client()
        try:
            return dict(client.info())
        finally:
            client.close()


class Containerd(Daemon):
    def __init__(self, folder: Path, program: str, config: str) -> None:
        super().__init__(folder, program)
        self.config = folder / "config.toml"
        self.config.write_text(config)
        self.env["CONTAINERD_ADDRESS"] = self.socket
        self.start(
            [
                "-c",
                str(self.config),
                "--root",
                f"{folder}/root",
                "--state",
                f"{folder}/run",
                "-a",
                self.socket,
            ]
        )
        assert holds(self.answers, 40), self.log()

    def answers(self) -> bool:
        return self.ctr("version").returncode == 0

    def ctr(self, *words: str) -> subprocess.CompletedProcess[str]:
        program = f"{os.path.dirname(self.program)}/ctr"
        return subprocess.run(
            [program, "-a", self.socket, *words], env=self.env, capture_output=True, text=True, timeout=60
        )

    def running_pid(self) -> int:
        """containerd writes no pid file: the process whose command line names our socket."""
        for name in os.listdir("/proc"):
            if name.isdigit():
                try:
                    with open(f"/proc/{name}/cmdline", "rb") as file:
                        words = file.read().split(b"\0")
                except OSError:
                    continue
                if words[0].endswith(b"containerd") and self.socket.encode() in words:
                    return int(name)
        raise ValueError("containerd does not run")
