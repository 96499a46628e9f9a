"""`gpudoctor fix` of what is Docker's: a real dockerd and fake driver libraries (no GPU is here), ill, mended, well, taken back."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import fakes
from tests.engines import generations
from tests.engines.daemon import FAKE_HOOK, Dockerd, script
from tests.engines.test_runtime_docker import long_running

pytestmark = [
    pytest.mark.engine,
    pytest.mark.cc,
    pytest.mark.skipif(os.geteuid() != 0, reason="an engine needs root"),
    pytest.mark.skipif(fakes.CC is None, reason="no C compiler"),
]

PLAIN = '{\n  "debug": false\n}'


class Doctored:
    """A daemon beside a GPU that only the driver's libraries know, and `gpudoctor fix` against it."""

    def __init__(self, daemon: Dockerd) -> None:
        self.daemon = daemon
        answers = daemon.folder / "answers.txt"
        answers.write_text(fakes.answers("rtx3050-laptop").read_text())
        daemon.env |= {
            "LD_LIBRARY_PATH": str(fakes.libraries("nvml", "cuda")),
            "FAKE_NVML": str(answers),
            "FAKE_CUDA": str(answers),
            "PATH": f"{daemon.tools}:{daemon.env['PATH']}",
        }

    def fix(self, cause: str, *words: str) -> dict[str, Any]:
        """The item of this daemon."""
        said = self.daemon.gpudoctor("fix", cause, "--format", "json", *words)
        assert said.stdout, said.stderr
        items = json.loads(said.stdout)["changes"]["items"]
        mine = [i for i in items if str(self.daemon.folder) in i["subject"]["name"]]
        assert len(mine) <= 1
        return mine[0] if mine else {"state": "", "all": items}

    def undo(self) -> None:
        back = self.daemon.gpudoctor("undo")
        assert back.returncode == 0, back.stdout + back.stderr

    def proven(self, cause: str) -> None:
        before = self.daemon.config.read_bytes()
        assert self.fix(cause)["state"] == "pending"
        assert self.daemon.config.read_bytes() == before
        done = self.fix(cause, "--apply", "--yes")
        assert (done["state"], done["recheck"]) == ("applied", "mended"), done
        assert self.fix(cause)["state"] == ""
        self.undo()
        assert self.daemon.config.read_bytes() == before


@pytest.fixture
def doctored(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Doctored]]:
    made: list[Dockerd] = []

    def make(config: str = PLAIN, **more: bool) -> Doctored:
        made.append(Dockerd(tmp_path_factory.mktemp("d"), generations.newest("dockerd"), config, **more))
        return Doctored(made[0])

    yield make
    for daemon in made:
        daemon.stop()


def test_a_runtime_that_is_not_registered(doctored: Callable[..., Doctored]) -> None:
    one = doctored(hook=True)
    one.proven("container-runtime-not-registered")
    # undone: the file is as before; the daemon, told again, keeps the runtime until its next start
    assert one.fix("docker-default-runtime-undefined")["state"] == ""


def test_a_daemon_that_is_older_than_the_toolkit(doctored: Callable[..., Doctored]) -> None:
    """--gpus needs a restart, which stops a container: without consent nothing is done."""
    one = doctored()
    script(one.daemon.tools / "nvidia-container-runtime-hook", FAKE_HOOK)
    long_running(one.daemon, "web")
    pid = one.daemon.running_pid()
    refused = one.fix("docker-needs-restart-for-gpus", "--apply")
    assert refused["state"] == "declined" and one.daemon.running_pid() == pid
    assert [a["stops"] for a in refused["actions"] if a["stops"]] == [["container web"]]
    one.proven("docker-needs-restart-for-gpus")
    assert one.daemon.running_pid() != pid


def test_a_default_runtime_that_nothing_defines(doctored: Callable[..., Doctored], tmp_path: Path) -> None:
    """The file was written under the running daemon, which would not start again."""
    one = doctored(hook=True)
    one.daemon.config.write_text('{\n  "default-runtime": "nvidia"\n}')
    one.proven("docker-default-runtime-undefined")


def test_a_runtime_whose_program_is_gone(doctored: Callable[..., Doctored]) -> None:
    gone = '{\n  "runtimes": {"nvidia": {"path": "/opt/gone/nvidia-container-runtime", "runtimeArgs": []}}\n}'
    doctored(gone, hook=True).proven("docker-runtime-path-missing")
