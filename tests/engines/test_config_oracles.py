"""The engines' own parsers judge our edits: what they accepted before they accept after, and they see what was asked and no more."""

from __future__ import annotations

import copy
import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from gpudoctor.codec import toml_loads
from gpudoctor.runtimes import containerd, docker
from tests.engines.generations import each, version
from tests.runtimes.test_docker_text import files
from tests.runtimes.toml_files import DEBIAN, DOCKERS, KUBEADM, REAL, version_2

pytestmark = pytest.mark.engine

#: The same files on every run: an engine is started for each.
CORPUS = settings(
    max_examples=20,
    derandomize=True,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
BINARY = "/usr/bin/nvidia-container-runtime"


def dump(program: str, folder: Path, text: str) -> dict[str, Any]:
    """What containerd makes of a configuration. It reads, prints and ends; no daemon is needed."""
    config = folder / "config.toml"
    config.write_bytes(text.encode())
    said = subprocess.run(
        [program, "-c", str(config), "config", "dump"], capture_output=True, text=True, timeout=30
    )
    assert said.returncode == 0, said.stderr
    return dict(said_only(toml_loads(said.stdout)))


def said_only(value: Any) -> Any:
    """Without what is left at its zero: a table that was written out and the built-in one differ in that alone."""
    if not isinstance(value, dict):
        return value
    return {k: kept for k, v in value.items() if (kept := said_only(v)) not in ("", False, 0, [], {})}


def cri(dumped: dict[str, Any]) -> dict[str, Any]:
    plugins = dumped["plugins"]
    found: dict[str, Any] = (
        plugins.get("io.containerd.cri.v1.runtime") or plugins["io.containerd.grpc.v1.cri"]
    )
    return found["containerd"]


def compare(program: str, folder: Path, text: str) -> None:
    wanted = containerd.Wanted(BINARY)
    before = dump(program, folder, text)
    # A 1.x file that names runtimes, but not runc, has none.
    told = cri(before)["runtimes"].get("runc", {})
    after = dump(program, folder, containerd.configure(text, wanted, told).text)
    runtimes = cri(after)["runtimes"]
    assert runtimes["nvidia"]["options"]["BinaryName"] == BINARY
    runc = {"options": {}, **told}
    assert runtimes["nvidia"]["options"].get("SystemdCgroup", False) is runc["options"].get(
        "SystemdCgroup", False
    )
    rest = copy.deepcopy(after)
    del cri(rest)["runtimes"]["nvidia"]
    assert {**runc["options"], "BinaryName": BINARY} == runtimes["nvidia"]["options"]
    assert rest == before


@pytest.mark.parametrize("program", each("containerd"))
@pytest.mark.parametrize("name", REAL)
def test_containerd_sees_the_runtime_and_nothing_else_changed(
    name: str, program: str, tmp_path: Path
) -> None:
    if name == "version-3" and version(program)[0] < 2:
        pytest.skip(f"containerd {version(program)} does not take version 3")
    if name == "version-1" and version(program)[0] >= 2:
        pytest.skip(f"containerd {version(program)} does not take version 1")
    compare(program, tmp_path, REAL[name])


@pytest.mark.parametrize("program", each("containerd"))
def test_a_corpus_of_containerd_files(program: str, tmp_path: Path) -> None:
    @CORPUS
    @given(version_2())
    def judge(text: str) -> None:
        compare(program, tmp_path, text)

    judge()


@pytest.mark.parametrize("program", each("containerd"))
def test_with_cri_off_the_runtime_would_not_be_seen_and_with_enable_cri_it_is(
    program: str, tmp_path: Path
) -> None:
    assert "nvidia" not in json.dumps(dump(program, tmp_path, DOCKERS))
    wanted = containerd.Wanted(BINARY, enable_cri=True)
    after = dump(program, tmp_path, containerd.configure(DOCKERS, wanted).text)
    assert cri(after)["runtimes"]["nvidia"]["options"]["BinaryName"] == BINARY
    assert "disabled_plugins" not in after


@pytest.mark.parametrize("program", each("containerd"))
@pytest.mark.parametrize("drop_in", ["of the CRI plugin", "of something else"])
def test_drop_ins_the_file_that_counts_is_the_one_edited(drop_in: str, program: str, tmp_path: Path) -> None:
    """On 1.6 and 1.7 a drop-in replaces the plugin's whole section: in the main file the runtime would be dead."""
    place = tmp_path / "conf.d" / "50.toml"
    place.parent.mkdir()
    other = (
        DEBIAN if drop_in == "of the CRI plugin" else "version = 2\n[grpc]\nmax_recv_message_size = 1234\n"
    )
    place.write_text(other)
    main = KUBEADM.replace('root = "/var/lib/containerd"', f'imports = ["{place}"]')
    path = str(tmp_path / "config.toml")
    imported = containerd.imported(main, str(tmp_path), {str(place.parent): (place.name,)})
    chosen = containerd.target(path, main, dict.fromkeys(imported, other))
    assert chosen == (str(place) if drop_in == "of the CRI plugin" else path)
    before = cri(dump(program, tmp_path, main))["runtimes"]
    runc = before["runc"]
    if chosen == path:
        main = containerd.configure(main, containerd.Wanted(BINARY)).text
    else:
        place.write_text(containerd.configure(other, containerd.Wanted(BINARY), runc).text)
    after = cri(dump(program, tmp_path, main))["runtimes"]
    assert after["nvidia"]["options"]["BinaryName"] == BINARY
    assert after["nvidia"]["options"] == {**before["runc"].get("options", {}), "BinaryName": BINARY}
    assert after["runc"] == before["runc"]


# ---------------------------------------------------------------- dockerd


def validate(program: str, folder: Path, text: str) -> tuple[bool, str]:
    config = folder / "daemon.json"
    config.write_bytes(text.encode())
    # It wants to find docker-proxy and its like, as the daemon itself would.
    env = {**os.environ, "PATH": f"{os.path.dirname(program)}:{os.environ['PATH']}"}
    said = subprocess.run(
        [program, "--validate", "--config-file", str(config)],
        capture_output=True,
        text=True,
        timeout=30,
        env=env,
    )
    return said.returncode == 0, said.stderr


def has_validate(program: str) -> None:
    if version(program)[0] < 23:
        pytest.skip(f"dockerd {version(program)} has no --validate")


@pytest.mark.parametrize("program", each("dockerd"))
def test_a_corpus_of_daemon_json(program: str, tmp_path: Path) -> None:
    has_validate(program)
    accepted = 0

    @CORPUS
    @given(files())
    def judge(text: str) -> None:
        nonlocal accepted
        if not validate(program, tmp_path, text)[0]:
            return  # dockerd knows no key "other", among others
        accepted += 1
        after = docker.configure(text, docker.Wanted(BINARY, default=True, cdi=True)).text
        ok, said = validate(program, tmp_path, after)
        assert ok, said

    judge()
    assert accepted > 3


@pytest.mark.parametrize("program", each("dockerd"))
@pytest.mark.parametrize(
    "text",
    [
        '{"debug": true} x',
        '{"debug": true,}',
        '{// c\n"debug": true}',
        '{"runtimes": []}',
        "[]",
        '{"runtimes": {"n": 1}}',
    ],
)
def test_what_we_refuse_dockerd_refuses_too(text: str, program: str, tmp_path: Path) -> None:
    has_validate(program)
    with pytest.raises(docker.Refused):
        docker.configure(text, docker.Wanted(BINARY))
    assert not validate(program, tmp_path, text)[0]


@pytest.mark.parametrize("program", each("dockerd"))
@pytest.mark.parametrize("text", ["", "\ufeff{}", '{"debug": true, "debug": false}', '{"runtimes": null}'])
def test_what_dockerd_takes_we_take_too(text: str, program: str, tmp_path: Path) -> None:
    has_validate(program)
    if not text and not validate(program, tmp_path, text)[0]:
        pytest.skip(f"dockerd {version(program)} does not take an empty file; we make it one that it takes")
    assert validate(program, tmp_path, text)[0]
    assert validate(program, tmp_path, docker.configure(text, docker.Wanted(BINARY)).text)[0]
