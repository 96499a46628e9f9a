"""`gpudoctor runtime` on small root file systems (nothing is executed there), and what it refuses to touch."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from gpudoctor.cli.entry import run
from gpudoctor.codec import toml_loads
from gpudoctor.parsers import cdi_spec
from tests import schemas
from tests.runtimes.test_other_texts import TOOLKIT
from tests.runtimes.toml_files import DEBIAN, KUBEADM, VERSION_3
from tests.sysroot import build, loader_cache, shared_object

RUNTIME = "usr/bin/nvidia-container-runtime"
PROGRAMS = (
    RUNTIME,
    *(f"usr/bin/{n}" for n in ("dockerd", "podman", "containerd", "crio")),
    "snap/bin/docker",
)


class Machine:
    """A root file system, and the tool run on it."""

    def __init__(
        self, root: Path, files: Mapping[str, bytes | str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        self.root = root
        self.capsys = capsys
        build(root, {"etc/passwd": "", **files})
        for program in PROGRAMS:
            if (root / program).exists():
                (root / program).chmod(0o755)

    def __call__(self, *words: str, code: int = 0) -> dict[str, Any]:
        self.capsys.readouterr()
        ended = run(["runtime", *words, "--root", str(self.root), "--format", "json"])
        said = self.capsys.readouterr()
        assert ended == code, said.out + said.err
        if code == 2 and said.err:  # refused: in JSON too, and in words
            assert schemas.report(said.out)["error"]["what"] in said.err
            return {"error": said.err}
        return schemas.report(said.out)

    def change(self, *words: str, code: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = self(*words, code=code)["changes"]["items"][-1]
        return found

    def text(self, path: str) -> str:
        return (self.root / path).read_text()


Make = Callable[[Mapping[str, bytes | str]], Machine]


@pytest.fixture
def machine(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Make:
    monkeypatch.setenv("GPUDOCTOR_STATE", str(tmp_path / "state"))
    return lambda files: Machine(tmp_path / "root", files, capsys)


TOOLKIT_HERE: Mapping[str, str] = {RUNTIME: "#!/bin/sh\n"}
DOCKER: Mapping[str, str] = {**TOOLKIT_HERE, "usr/bin/dockerd": "x"}
DAEMON_JSON = "etc/docker/daemon.json"


# ---------------------------------------------------------------- docker


def test_docker_of_another_root_is_changed_and_nothing_is_run(machine: Make) -> None:
    m = machine({**DOCKER, DAEMON_JSON: '{"debug": true}'})
    assert m.change("configure", "docker", code=1)["state"] == "pending"
    assert m.text(DAEMON_JSON) == '{"debug": true}'
    done = m.change("configure", "docker", "--apply")
    assert done["state"] == "applied" and any("--validate" in words for words in done["not_run"])
    assert json.loads(m.text(DAEMON_JSON))["runtimes"]["nvidia"]["path"] == f"/{RUNTIME}"
    m.change("unconfigure", "docker", "--apply")
    assert m.text(DAEMON_JSON) == '{"debug": true}'


def test_without_a_file_one_is_made(machine: Make) -> None:
    m = machine(DOCKER)
    m.change("configure", "docker", "--apply")
    assert m.text(DAEMON_JSON).endswith("}\n")


def test_the_file_that_the_unit_names_is_the_one(machine: Make) -> None:
    unit = "[Service]\nExecStart=/usr/bin/dockerd --config-file /srv/docker.json\n"
    m = machine({**DOCKER, "lib/systemd/system/docker.service": unit})
    assert m.change("configure", "docker", code=1)["files"][0]["diff"][1] == "+++ /srv/docker.json"


def test_a_snap_reads_its_own_file(machine: Make) -> None:
    m = machine({**TOOLKIT_HERE, "snap/bin/docker": "x"})
    found = m.change("configure", "docker", code=1)
    assert found["files"][0]["path"] == "/var/snap/docker/current/config/daemon.json"


def test_without_the_toolkit_nothing_is_written(machine: Make) -> None:
    m = machine({"usr/bin/dockerd": "x"})
    said = m("configure", "docker", "--apply", code=2)["error"]
    assert "nvidia-container-runtime is not installed" in said and not (m.root / "etc/docker").exists()


def test_a_default_whose_program_is_gone_is_refused(machine: Make) -> None:
    m = machine({**DOCKER, DAEMON_JSON: '{"runtimes": {"nvidia": {"path": "/opt/gone"}}}'})
    said = m("configure", "docker", "--default", "--apply", code=2)["error"]
    assert "would break every container" in said and "--repoint" in said
    m.change("configure", "docker", "--default", "--repoint", "--apply")
    assert json.loads(m.text(DAEMON_JSON)) == {
        "runtimes": {"nvidia": {"path": f"/{RUNTIME}"}},
        "default-runtime": "nvidia",
    }


def test_an_engine_that_is_not_there(machine: Make) -> None:
    assert "there is no docker" in machine(TOOLKIT_HERE)("configure", "docker", code=2)["error"]


# ---------------------------------------------------------------- containerd

CONTAINERD: Mapping[str, str] = {**TOOLKIT_HERE, "usr/bin/containerd": "x"}


def test_containerd_with_a_drop_in_that_counts(machine: Make) -> None:
    main = KUBEADM.replace("version = 2\n", 'version = 2\nimports = ["/etc/containerd/conf.d/*.toml"]\n')
    place = "etc/containerd/conf.d/50.toml"
    m = machine({**CONTAINERD, "etc/containerd/config.toml": main, place: DEBIAN})
    done = m.change("configure", "containerd", "--apply")
    assert done["files"][0]["path"] == f"/{place}" and "counts" in done["notes"][0]
    found = toml_loads(m.text(place))["plugins"]["io.containerd.grpc.v1.cri"]
    options = {"SystemdCgroup": True, "BinaryName": f"/{RUNTIME}"}
    assert found["containerd"]["runtimes"]["nvidia"]["options"] == options
    assert m.text("etc/containerd/config.toml") == main
    m.change("unconfigure", "containerd", "--apply")
    assert m.text(place) == DEBIAN


RANCHER = "var/lib/rancher/k3s/agent/etc/containerd"


def test_k3s_gets_a_template_and_its_generated_file_is_left(machine: Make) -> None:
    m = machine({**TOOLKIT_HERE, f"{RANCHER}/config.toml": VERSION_3})
    done = m.change("configure", "containerd", "--apply", "--default")
    assert done["files"][0]["path"] == f"/{RANCHER}/config-v3.toml.tmpl"
    assert any("default-runtime: nvidia" in note for note in done["notes"])
    assert m.text(f"{RANCHER}/config.toml") == VERSION_3
    assert f"/{RUNTIME}" in m.text(f"{RANCHER}/config-v3.toml.tmpl")


def test_k3s_that_found_the_toolkit_itself_needs_nothing(machine: Make) -> None:
    from gpudoctor.runtimes import containerd

    own = containerd.configure(VERSION_3, containerd.Wanted(f"/{RUNTIME}")).text
    found = machine({**TOOLKIT_HERE, f"{RANCHER}/config.toml": own}).change("configure", "containerd")
    assert found["state"] == "unchanged" and "has found the toolkit itself" in found["notes"][0]


# ---------------------------------------------------------------- CRI-O, the toolkit, podman


def test_crio_gets_a_drop_in_and_loses_it(machine: Make) -> None:
    drop_in = "etc/crio/crio.conf.d/99-nvidia.toml"
    m = machine({**TOOLKIT_HERE, "usr/bin/crio": "x", "etc/crio/crio.conf": "# mine\n"})
    m.change("configure", "crio", "--apply", "--default")
    runtime = toml_loads(m.text(drop_in))["crio"]["runtime"]
    assert runtime["default_runtime"] == "nvidia"
    assert runtime["runtimes"]["nvidia"]["runtime_path"] == f"/{RUNTIME}"
    m.change("unconfigure", "crio", "--apply")
    assert not (m.root / drop_in).exists() and m.text("etc/crio/crio.conf") == "# mine\n"


CONFIG = "etc/nvidia-container-runtime/config.toml"


def test_the_toolkits_own_file(machine: Make) -> None:
    m = machine({**TOOLKIT_HERE, CONFIG: TOOLKIT, "sbin/ldconfig": "x"})
    key = "nvidia-container-cli.no-cgroups"
    m.change("configure", "toolkit", "--set", f"{key}=true", "--apply")
    assert "#no-cgroups = false\nno-cgroups = true\n" in m.text(CONFIG)
    m.change("unconfigure", "toolkit", "--set", key, "--apply")
    assert m.text(CONFIG) == TOOLKIT
    m.change("configure", "toolkit", "--set", "nvidia-container-cli.ldconfig=@/sbin/ldconfig", "--apply")
    said = m("configure", "toolkit", "--set", "nvidia-container-cli.ldconfig=@/nope", code=2)["error"]
    assert "/nope is not there" in said


LIB = "usr/lib/x86_64-linux-gnu"
DRIVER: Mapping[str, bytes | str] = {
    f"{LIB}/libcuda.so.550.163.01": shared_object("libcuda.so.1"),
    f"{LIB}/libcuda.so.1": "-> libcuda.so.550.163.01",
    f"{LIB}/libnvidia-ml.so.550.163.01": shared_object("libnvidia-ml.so.1"),
    f"{LIB}/libnvidia-ml.so.1": "-> libnvidia-ml.so.550.163.01",
    "etc/ld.so.cache": loader_cache([(f"{n}.so.1", f"/{LIB}/{n}.so.1") for n in ("libcuda", "libnvidia-ml")]),
    "usr/bin/nvidia-smi": "x",
    "usr/bin/podman": "x",
    **{f"dev/{name}": "" for name in ("null", "nvidia0", "nvidia10", "nvidia2", "nvidiactl")},
}


def test_podman_gets_a_specification_of_our_own_where_nvidia_ctk_is_not_there(machine: Make) -> None:
    m = machine(DRIVER)
    m.change("configure", "podman", "--apply")
    found = cdi_spec.parse(m.text("etc/cdi/nvidia.yaml"))
    assert found.devices == tuple(f"nvidia.com/gpu={n}" for n in ("0", "2", "10", "all"))
    assert f"/{LIB}/libnvidia-ml.so.550.163.01" in found.host_paths
    assert found.driver_version == "550.163.01"
    assert m.change("configure", "podman")["state"] == "unchanged"
    m.change("unconfigure", "podman", "--apply")
    assert not (m.root / "etc/cdi/nvidia.yaml").exists()


def test_a_specification_of_nvidias_stays(machine: Make) -> None:
    m = machine({**DRIVER, "etc/cdi/nvidia.yaml": "cdiVersion: 0.5.0\nkind: nvidia.com/gpu\n"})
    found = m.change("unconfigure", "podman")
    assert found["state"] == "unchanged" and "was not written by gpudoctor" in found["notes"][0]


def test_a_second_file_with_the_same_devices_is_told(machine: Make) -> None:
    old = "cdiVersion: 0.5.0\nkind: nvidia.com/gpu\ndevices:\n- name: all\n"
    m = machine({**DRIVER, "etc/cdi/nvidia.yaml": old, "etc/cdi/nvidia2.yaml": old})
    found = m.change("configure", "podman", code=1)
    assert any("nvidia2.yaml" in note and "engines refuse both" in note for note in found["notes"])


def test_without_a_gpu_there_is_nothing_to_give_to_containers(machine: Make) -> None:
    m = machine({k: v for k, v in DRIVER.items() if not k.startswith("dev/nvidia")})
    assert "no GPU device file" in m("configure", "podman", code=2)["error"]


def test_the_docs_name_tests_that_exist() -> None:
    """The table of the docs page says what shows what."""
    top = Path(__file__).resolve().parents[2]
    named = set(re.findall(r"`(test_[a-z0-9_]+)`", (top / "docs" / "runtime.md").read_text()))
    files = [*(top / "tests" / "runtimes").glob("test_*.py"), *(top / "tests" / "engines").glob("test_*.py")]
    there = {
        name for file in files for name in re.findall(r"^def (test_\w+)", file.read_text(), re.MULTILINE)
    }
    assert len(named) > 15 and named <= there, named - there


# ---------------------------------------------------------------- which daemon: this machine's environment decides


def context(home: Path, name: str, host: str) -> None:
    meta = home / "contexts/meta/x"
    meta.mkdir(parents=True)
    (meta / "meta.json").write_text(json.dumps({"Name": name, "Endpoints": {"docker": {"Host": host}}}))
    (home / "config.json").write_text(json.dumps({"currentContext": name}))


@pytest.mark.parametrize(
    ("name", "host", "words"),
    [
        ("desktop-linux", "unix:///home/u/.docker/desktop/docker.sock", "Docker Desktop"),
        ("far", "ssh://u@far", "ssh://u@far, which is not this machine"),
    ],
)
def test_the_context_decides_and_what_is_not_ours_is_refused_with_the_way_out(
    name: str,
    host: str,
    words: str,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    context(tmp_path, name, host)
    client = tmp_path / "bin" / "docker"
    client.parent.mkdir()
    client.write_bytes(b"\x7fELF")
    client.chmod(0o755)
    for variable in ("DOCKER_HOST", "DOCKER_CONTEXT"):
        monkeypatch.delenv(variable, raising=False)
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("PATH", str(client.parent))
    assert run(["runtime", "configure", "docker", "--apply"]) == 2
    said = capsys.readouterr().err
    assert words in said and "hint:" in said


def test_podman_behind_the_name_docker(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    client = tmp_path / "docker"
    client.write_text('#!/bin/sh\nexec /usr/bin/podman "$@"\n')
    client.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/podman.sock")
    assert run(["runtime", "configure", "docker"]) == 2
    assert "gpudoctor runtime configure podman" in capsys.readouterr().err
