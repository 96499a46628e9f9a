"""`gpudoctor runtime ... containerd` against real daemons: files, restart without systemd, a container through the runtime."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from gpudoctor.codec import toml_loads
from tests import schemas
from tests.engines.daemon import Containerd, script
from tests.engines.generations import each
from tests.runtimes.toml_files import DEBIAN, DOCKERS

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="an engine needs root"),
]


@pytest.fixture(params=each("containerd"))
def containerd(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Containerd]:
    daemon = Containerd(tmp_path_factory.mktemp("c"), request.param, "# of the ops team\n" + DEBIAN)
    try:
        yield daemon
    finally:
        daemon.stop()


def test_configured_restarted_proven_and_taken_back(containerd: Containerd) -> None:
    before, pid = containerd.config.read_text(), containerd.running_pid()
    done = containerd.change("configure", "containerd", "--apply")
    assert done["state"] == "applied", done
    assert containerd.running_pid() != pid, "it read its file anew"
    assert " create " in containerd.runtime_log.read_text(), (
        "the throwaway container went through the runtime"
    )
    said = containerd.gpudoctor("runtime", "prove", "containerd", "--format", "json")
    steps = {s["what"]: s["ok"] for s in schemas.report(said.stdout)["proof"]}
    assert steps["the CRI plugin is up"] is True, said.stdout
    assert containerd.change("configure", "containerd")["state"] == "unchanged"
    assert containerd.change("unconfigure", "containerd", "--apply")["state"] == "applied"
    assert containerd.config.read_text() == before


def test_a_runtime_that_starts_no_container_is_taken_back(containerd: Containerd) -> None:
    before = containerd.config.read_text()
    bad = script(containerd.tools / "bad", "#!/bin/sh\necho no >&2\nexit 1\n")
    done = containerd.change("configure", "containerd", "--apply", "--path", str(bad), code=1)
    assert done["state"] == "rolled-back" and containerd.config.read_text() == before
    assert containerd.answers()


def test_with_cri_off_it_is_refused_with_the_way_out(containerd: Containerd) -> None:
    containerd.config.write_text(DOCKERS)
    said = containerd.gpudoctor("runtime", "configure", "containerd", "--apply")
    assert (
        said.returncode == 2 and "the CRI plugin is off" in said.stderr and "configure docker" in said.stderr
    )
    assert containerd.config.read_text() == DOCKERS
    done = containerd.change("configure", "containerd", "--enable-cri", "--apply")
    assert done["state"] == "applied"
    assert toml_loads(containerd.config.read_text())["disabled_plugins"] == []
