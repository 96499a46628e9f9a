"""`image run`: which flags an engine needs for GPUs, and what a container said. Real containers: tests/engines."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest

from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.containers import CdiSpec, Containers, ContainerToolkit, Engine
from gpudoctor.facts.observed import Absent, Known
from gpudoctor.images.running import gpus
from gpudoctor.images.running.order import Ended
from gpudoctor.images.zipapp import made_of_installed, oldest_python, pack

HOOK = Known("/usr/bin/nvidia-container-runtime-hook", "PATH of dockerd")
NO_HOOK = Absent("PATH of dockerd")
SPEC = CdiSpec(
    "/etc/cdi/nvidia.yaml", kind="nvidia.com/gpu", devices=("nvidia.com/gpu=0", "nvidia.com/gpu=all")
)
CDI = Known(("/etc/cdi",), "GET /info")


def docker(**more: object) -> Engine:
    runtimes = Known(("runc", *more.pop("runtimes", ())), "GET /info")  # type: ignore[misc]
    return Engine("docker", runtimes=runtimes, **more)  # type: ignore[arg-type]


def host(*specs: CdiSpec, mode: str = "auto") -> Containers:
    toolkit = ContainerToolkit({}, mode=Known(mode, "config.toml"))
    return Containers(cdi=Known(specs, "/etc/cdi"), toolkit=Known(toolkit, "PATH"))


class TestTheFlagsOfAnEngine:
    def test_the_hook_serves_gpus(self) -> None:
        chosen = gpus.choose(docker(hook=HOOK), host(SPEC), ("all",))
        assert chosen.how == "gpus" and chosen.flags == ("--gpus", "all")
        assert "nvidia-container-runtime-hook" in chosen.why

    def test_in_cdi_mode_the_hook_refuses_and_the_runtime_serves(self) -> None:
        chosen = gpus.choose(docker(hook=HOOK, runtimes=("nvidia",)), host(SPEC, mode="cdi"), ("0", "1"))
        assert chosen.how == "runtime" and chosen.flags[:2] == ("--runtime", "nvidia")
        assert chosen.environment["NVIDIA_VISIBLE_DEVICES"] == "0,1"

    def test_a_default_runtime_is_not_named_again(self) -> None:
        engine = docker(hook=NO_HOOK, runtimes=("nvidia",), default_runtime=Known("nvidia", "GET /info"))
        chosen = gpus.choose(engine, host(), ("all",))
        assert chosen.how == "runtime" and chosen.runtime == "" and "--runtime" not in chosen.flags

    def test_a_daemon_that_reads_cdi(self) -> None:
        chosen = gpus.choose(docker(hook=NO_HOOK, cdi_dirs=CDI), host(SPEC), ("0",))
        assert chosen.how == "cdi" and chosen.flags == ("--device", "nvidia.com/gpu=0")

    def test_podman_has_cdi_alone(self) -> None:
        chosen = gpus.choose(Engine("podman"), host(SPEC), ("all",))
        assert chosen.flags == ("--device", "nvidia.com/gpu=all")

    @pytest.mark.parametrize(
        ("engine", "there", "said"),
        [
            (docker(hook=NO_HOOK), host(SPEC), "names no folders of CDI"),
            (docker(hook=NO_HOOK, cdi_dirs=CDI), host(), "no CDI specification of nvidia.com/gpu"),
            (docker(hook=NO_HOOK, cdi_dirs=CDI), host(SPEC), "has no nvidia.com/gpu=7"),
            (Engine("podman"), host(), "no CDI specification"),
        ],
    )
    def test_no_way_says_what_was_looked_at(self, engine: Engine, there: Containers, said: str) -> None:
        with pytest.raises(gpus.NoWay, match=said):
            gpus.choose(engine, there, ("7",))

    @pytest.mark.parametrize("text", ["", "0,", "two", "0;1", "-1"])
    def test_gpus_that_are_none(self, text: str) -> None:
        with pytest.raises(GpudoctorError, match="names no GPUs"):
            gpus.asked(text)


@pytest.mark.parametrize(
    ("error", "lacks"),
    [
        ('exec: "python3": executable file not found in $PATH: unknown', True),
        ("crun: executable file `python3` not found in $PATH: No such file or directory", True),
        ('could not select device driver "" with capabilities: [[gpu]]', False),
        ('exec: "nvidia-container-runtime": executable file not found in $PATH', False),
        ('exec: "python3.9": executable file not found in $PATH', False),
        ("error mounting x to rootfs: permission denied", False),
    ],
)
def test_no_program_is_told_from_a_container_that_does_not_start(error: str, lacks: bool) -> None:
    assert Ended(None, error=error).lacks("python3") is lacks


class TestTheZipapp:
    def test_it_is_made_of_what_is_installed(self, tmp_path: Path) -> None:
        made_of_installed(str(tmp_path / "a.pyz"))
        with zipfile.ZipFile(tmp_path / "a.pyz") as archive:
            names = set(archive.namelist())
        assert {"__main__.py", "gpudoctor/__main__.py", "click/__init__.py", "pynvml.py"} <= names
        assert not [n for n in names if n.endswith((".so", ".pyc")) or n.startswith("..")]
        with_toml = "tomli/__init__.py" in names
        assert oldest_python(str(tmp_path / "a.pyz")) == ((3, 10) if with_toml else (3, 11))

    def test_the_same_sources_give_the_same_file(self, tmp_path: Path) -> None:
        (tmp_path / "app/gpudoctor").mkdir(parents=True)
        (tmp_path / "app/gpudoctor/__main__.py").write_text("def main(): pass\n")
        for name in ("a", "b"):
            pack(str(tmp_path / "app"), str(tmp_path / name))
        assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()

    def test_another_file_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "x").write_text("no zip")
        with pytest.raises(GpudoctorError, match="is no zipapp"):
            oldest_python(str(tmp_path / "x"))
