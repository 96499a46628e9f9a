"""Probes of containers on small root file systems and on this machine."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Mapping
from pathlib import Path

import pytest

from gpudoctor.facts.containers import Containers, ContainerToolkit, Engine, Inside
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown, value_of
from gpudoctor.probes import containers
from gpudoctor.system.live import Live
from gpudoctor.system.root import Root
from tests.sysroot import build

#: Composed after /proc/self/mountinfo of the named engines (the layers' ids are made up).
DOCKER = (
    "612 531 0:55 / / rw - overlay overlay rw,lowerdir=/var/lib/docker/overlay2/l/AB,upperdir=/var/lib/docker/x\n"
    "614 612 0:60 / /dev rw - tmpfs tmpfs rw,size=65536k,mode=755\n"
)
PODMAN = (
    "800 700 0:50 / / rw - overlay overlay rw,lowerdir=/home/u/.local/share/containers/storage/overlay/l/X\n"
    "801 800 0:51 / /dev rw - tmpfs tmpfs rw\n"
)
CONTAINERD = (
    "900 1 0:50 / / rw - overlay overlay rw,lowerdir=/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/s\n"
    "901 900 0:51 / /dev rw - tmpfs tmpfs rw\n"
)
POD = CONTAINERD + "902 900 259:1 /var/lib/kubelet/pods/ab/etc-hosts /etc/hosts rw - ext4 /dev/nvme0n1p1 rw\n"
LXC = (
    "500 1 0:60 / / rw - zfs rpool/data/subvol-101-disk-0 rw\n"
    "501 500 0:61 / /dev rw - tmpfs none rw\n"
    "502 500 0:62 /proc/cpuinfo /proc/cpuinfo rw - fuse.lxcfs lxcfs rw\n"
)
MACHINE = "27 1 254:0 / / rw - ext4 /dev/vda rw\n24 27 0:6 / /dev rw - devtmpfs devtmpfs rw\n"
BTRFS_MACHINE = "27 1 0:30 /@ / rw - btrfs /dev/sda2 rw\n24 27 0:6 / /dev rw - devtmpfs udev rw\n"
LIVE_SYSTEM = "27 1 0:30 / / rw - overlay /cow rw,upperdir=/cow/u\n24 27 0:6 / /dev rw - devtmpfs udev rw\n"
BTRFS_CONTAINER = (
    "27 1 0:30 /@/var/lib/docker/btrfs/subvolumes/ab / rw - btrfs /dev/sda2 rw\n"
    "24 27 0:6 / /dev rw - devtmpfs udev rw\n"
)

VERSION = "Linux version 6.8.0-45-generic\n"
PATH = "/usr/sbin:/usr/bin"


def root(tmp_path: Path, files: Mapping[str, str | bytes], env: Mapping[str, str] | None = None) -> Root:
    recorded = {"/proc/version": VERSION, "/sys/bus/x": "", "/dev/null": "", "/run/systemd/x": ""}
    return Root(build(tmp_path, {**recorded, **files}), env={"PATH": PATH, **(env or {})})


def executable(tmp_path: Path, *paths: str) -> None:
    for path in paths:
        place = tmp_path / path.lstrip("/")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(place.read_bytes() if place.exists() else b"\x7fELF")
        place.chmod(0o755)


def all_of(port: Root) -> Containers:
    return Containers(**{name: probe(port) for name, probe in containers.FIELDS.items()})


class TestInside:
    @pytest.mark.parametrize(
        ("mounts", "files", "kind"),
        [
            (DOCKER, {"/.dockerenv": ""}, "docker"),
            (DOCKER, {}, "docker"),
            (PODMAN, {"/run/.containerenv": ""}, "podman"),
            (PODMAN, {}, "podman"),
            (CONTAINERD, {}, "containerd"),
            (CONTAINERD, {"/.dockerenv": ""}, "docker"),
            (POD, {}, "containerd"),
            (LXC, {}, "lxc"),
            (LXC, {"/proc/1/environ": "container=systemd-nspawn\0"}, "systemd-nspawn"),
            (BTRFS_CONTAINER, {"/.dockerenv": ""}, "docker"),
            (DOCKER.replace("tmpfs tmpfs", "devtmpfs udev"), {"/.dockerenv": ""}, "docker"),
        ],
    )
    def test_kinds(self, tmp_path: Path, mounts: str, files: dict[str, str], kind: str) -> None:
        found = containers.inside(root(tmp_path, {"/proc/self/mountinfo": mounts, **files}))
        if mounts == POD:
            kind = "kubernetes"
        assert isinstance(found, Known) and found.value.kind == kind

    @pytest.mark.parametrize(
        ("mounts", "files"),
        [
            (MACHINE, {}),
            (MACHINE, {"/.dockerenv": "", "/proc/1/cgroup": "5:devices:/\n0::/\n"}),
            (BTRFS_MACHINE, {}),
            (LIVE_SYSTEM, {}),
            (MACHINE, {"/proc/1/environ": "container=wsl\0"}),
        ],
    )
    def test_a_machine_is_none_even_with_a_dockerenv_left_from_its_image(
        self, tmp_path: Path, mounts: str, files: dict[str, str]
    ) -> None:
        port = root(tmp_path, {"/proc/self/mountinfo": mounts, **files})
        assert isinstance(containers.inside(port), Absent)

    def test_a_kubernetes_variable_alone_is_no_container(self, tmp_path: Path) -> None:
        port = root(tmp_path, {"/proc/self/mountinfo": MACHINE}, {"KUBERNETES_SERVICE_HOST": "10.0.0.1"})
        assert isinstance(containers.inside(port), Absent)

    def test_apptainer_has_the_hosts_first_process(self, tmp_path: Path) -> None:
        port = root(
            tmp_path,
            {"/proc/self/mountinfo": MACHINE, "/proc/1/environ": "NVIDIA_VISIBLE_DEVICES=all\0"},
            {"APPTAINER_CONTAINER": "/x.sif", "NVIDIA_VISIBLE_DEVICES": "0"},
        )
        found = containers.inside(port)
        assert isinstance(found, Known) and found.value.kind == "apptainer"
        assert value_of(found.value.visible_devices, "") == "0"

    def test_an_unrecorded_proc_is_unknown(self, tmp_path: Path) -> None:
        build(tmp_path, {"/.dockerenv": ""})
        assert isinstance(containers.inside(Root(str(tmp_path))), Unknown)

    def test_what_the_container_was_given(self, tmp_path: Path) -> None:
        lib = "/usr/lib/x86_64-linux-gnu"
        given = f"{lib}/libcuda.so.550.163.01"
        found = self._inside(
            root(
                tmp_path,
                {
                    "/proc/self/mountinfo": DOCKER
                    + f"700 612 259:2 {given} {given} ro - ext4 /dev/nvme0n1p2 rw\n"
                    + "701 612 0:6 /nvidia0 /dev/nvidia0 ro - devtmpfs udev rw\n",
                    "/.dockerenv": "",
                    "/proc/1/environ": "NVIDIA_VISIBLE_DEVICES=all\0NVIDIA_REQUIRE_CUDA=cuda>=12.4\0"
                    "NVIDIA_REQUIRE_ARCH=arch>=8.0\0NVIDIA_DRIVER_CAPABILITIES=\0",
                    given: "",
                    f"{lib}/libnvidia-ml.so.535.54.03": "",
                    f"{lib}/libcuda.so.1": "-> libcuda.so.550.163.01",
                    f"{lib}/libnvidia-container.so.1": "x",
                    "/sys/fs/cgroup/devices/devices.list": "c 136:* rwm\nc 195:* m\n",
                },
            )
        )
        assert value_of(found.visible_devices, "") == "all"
        assert value_of(found.capabilities, "?") == ""
        assert isinstance(found.disable_require, Absent)
        assert set(value_of(found.requirements, {})) == {"NVIDIA_REQUIRE_CUDA", "NVIDIA_REQUIRE_ARCH"}
        assert value_of(found.driver_mounts, ()) == (given, "/dev/nvidia0")
        assert value_of(found.baked, ()) == (f"{lib}/libnvidia-ml.so.535.54.03",)
        assert value_of(found.cgroup_devices, ()) == ("c 136:* rwm", "c 195:* m")

    def test_without_the_first_process_the_own_variables_count_and_say_so(self, tmp_path: Path) -> None:
        found = self._inside(
            root(
                tmp_path,
                {"/proc/self/mountinfo": DOCKER, "/.dockerenv": ""},
                {"NVIDIA_VISIBLE_DEVICES": "void"},
            )
        )
        assert found.visible_devices == Known("void", "environment of this process")

    @staticmethod
    def _inside(port: Root) -> Inside:
        found = containers.inside(port)
        assert isinstance(found, Known)
        return found.value


DAEMON = {
    "/proc/stat": "cpu 1 2 3\nbtime 1760000000\n",
    "/proc/900/comm": "dockerd\n",
    "/proc/900/cmdline": "/usr/bin/dockerd\0-H\0fd://\0",
    "/proc/900/environ": f"PATH={PATH}\0",
    "/proc/900/stat": f"900 (dock erd) S {' '.join(['0'] * 18)} 4200 0 0\n",
}


class TestEngines:
    @staticmethod
    def _engines(port: Root) -> tuple[Engine, ...]:
        found: Observed[tuple[Engine, ...]] = containers.engines(port)
        assert isinstance(found, Known), found
        return found.value

    def test_no_client_and_no_daemon_is_no_engine(self, tmp_path: Path) -> None:
        assert self._engines(root(tmp_path, {})) == ()

    def test_a_client_alone_has_no_daemon(self, tmp_path: Path) -> None:
        executable(tmp_path, "/usr/bin/docker")
        (engine,) = self._engines(root(tmp_path, {"/proc/stat": "btime 1\n"}))
        assert engine.answers == Known(False, "/var/run/docker.sock")
        assert isinstance(engine.started, Absent) and engine.flavour == "unknown"

    @pytest.mark.skipif(os.geteuid() != 0, reason="a recorded daemon of another user is a rootless one")
    def test_a_running_daemon_with_its_file(self, tmp_path: Path) -> None:
        executable(tmp_path, "/usr/bin/docker", "/usr/bin/nvidia-container-runtime-hook")
        config = {
            "runtimes": {
                "nvidia": {"path": "nvidia-container-runtime"},
                "kata": {"runtimeType": "io.containerd.kata.v2"},
            },
            "default-runtime": "nvidia",
            "hosts": ["tcp://0.0.0.0:2375"],
            "exec-opts": ["native.cgroupdriver=cgroupfs"],
            "cdi-spec-dirs": ["/opt/cdi"],
        }
        files = {**DAEMON, "/etc/docker/daemon.json": json.dumps(config)}
        (engine,) = self._engines(root(tmp_path, files))
        assert (engine.flavour, engine.selected_by) == ("rootful", "default")
        assert value_of(engine.file_runtimes, {})["nvidia"] == "nvidia-container-runtime"
        assert value_of(engine.file_default_runtime, "") == "nvidia"
        assert value_of(engine.paths_missing, {}) == {"nvidia": "nvidia-container-runtime"}
        assert value_of(engine.hook, "") == "/usr/bin/nvidia-container-runtime-hook"
        assert value_of(engine.conflicts, ()) == ("hosts",)
        assert value_of(engine.cgroup_driver, "") == "cgroupfs"
        assert value_of(engine.cdi_dirs, ()) == ("/opt/cdi",)
        assert value_of(engine.started, 0.0) == 1760000000 + 4200 / os.sysconf("SC_CLK_TCK")
        assert value_of(engine.search_path, "") == PATH

    @pytest.mark.skipif(os.geteuid() != 0, reason="a recorded daemon of another user is a rootless one")
    def test_the_file_that_the_command_line_names_is_the_one(self, tmp_path: Path) -> None:
        files = {
            **DAEMON,
            "/proc/900/cmdline": "/usr/bin/dockerd\0--config-file=/opt/d.json\0--add-runtime\0nvidia=/x\0",
            "/etc/docker/daemon.json": "{",
            "/opt/d.json": "{}",
        }
        (engine,) = self._engines(root(tmp_path, files))
        assert value_of(engine.config_file, "") == "/opt/d.json"
        assert isinstance(engine.config_error, Absent)
        assert value_of(engine.file_runtimes, {}) == {"nvidia": "/x"}

    def test_a_broken_file_is_quoted_with_its_place(self, tmp_path: Path) -> None:
        (engine,) = self._engines(root(tmp_path, {"/etc/docker/daemon.json": '{\n  "debug": true\n  x\n}'}))
        assert "line 3, column 3" in value_of(engine.config_error, "")
        assert isinstance(engine.file_runtimes, Unknown) and isinstance(engine.paths_missing, Unknown)

    @pytest.mark.parametrize(
        ("env", "files", "endpoint", "by", "flavour"),
        [
            (
                {"DOCKER_HOST": "unix:///run/user/1000/docker.sock"},
                {},
                "unix:///run/user/1000/docker.sock",
                "DOCKER_HOST",
                "rootless",
            ),
            (
                {"HOME": "/home/u"},
                {
                    "/home/u/.docker/config.json": '{"currentContext": "desktop-linux"}',
                    "/home/u/.docker/contexts/meta/ab/meta.json": '{"Name": "desktop-linux", "Endpoints": '
                    '{"docker": {"Host": "unix:///home/u/.docker/desktop/docker.sock"}}}',
                },
                "unix:///home/u/.docker/desktop/docker.sock",
                "context desktop-linux",
                "desktop",
            ),
            (
                {"HOME": "/home/u", "DOCKER_CONTEXT": "gone"},
                {"/home/u/.docker/config.json": "garbage"},
                "",
                "context gone",
                "unknown",
            ),
            ({"DOCKER_HOST": "ssh://other"}, {}, "ssh://other", "DOCKER_HOST", "unknown"),
        ],
    )
    def test_which_daemon_the_client_talks_to(
        self, tmp_path: Path, env: dict[str, str], files: dict[str, str], endpoint: str, by: str, flavour: str
    ) -> None:
        executable(tmp_path, "/usr/bin/docker")
        (engine,) = self._engines(root(tmp_path, files, env))
        assert (engine.endpoint, engine.selected_by, engine.flavour) == (endpoint, by, flavour)

    def test_a_rootless_client_reads_its_users_file(self, tmp_path: Path) -> None:
        executable(tmp_path, "/usr/bin/docker")
        port = root(
            tmp_path,
            {"/home/u/.config/docker/daemon.json": '{"runtimes": {"nvidia": {"path": "/x"}}}'},
            {"HOME": "/home/u", "DOCKER_HOST": "unix:///run/user/1000/docker.sock"},
        )
        (engine,) = self._engines(port)
        assert value_of(engine.config_file, "") == "/home/u/.config/docker/daemon.json"

    def test_the_snap(self, tmp_path: Path) -> None:
        executable(tmp_path, "/snap/bin/docker")
        files = {
            **DAEMON,
            "/proc/900/cmdline": "dockerd\0--group\0docker\0--exec-root=/run/snap.docker\0"
            "--config-file=/var/snap/docker/3377/config/daemon.json\0",
            "/var/snap/docker/3377/config/daemon.json": "{}",
        }
        (engine,) = self._engines(root(tmp_path, files, {"PATH": "/snap/bin"}))
        assert engine.flavour == "snap"
        assert value_of(engine.config_file, "") == "/var/snap/docker/3377/config/daemon.json"

    def test_podman_in_dockers_clothes(self, tmp_path: Path) -> None:
        port = root(tmp_path, {"/usr/bin/docker": '#!/bin/sh\nexec podman "$@"\n', "/proc/stat": "btime 1\n"})
        executable(tmp_path, "/usr/bin/docker")
        (engine,) = self._engines(port)
        assert engine.flavour == "podman-docker"

    def test_a_drop_in_that_dockers_own_containerd_file_does_not_import(self, tmp_path: Path) -> None:
        runtime = (
            'version = 2\n[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.nvidia.options]\n'
            'BinaryName = "/usr/bin/nvidia-container-runtime"\n'
        )
        executable(tmp_path, "/usr/bin/containerd")
        files = {
            "/etc/containerd/config.toml": 'disabled_plugins = ["cri"]\n',
            "/etc/containerd/conf.d/99-nvidia.toml": runtime,
            "/etc/containerd/conf.d/broken.toml": "[",
        }
        (engine,) = self._engines(root(tmp_path, files))
        assert engine.cri_disabled == Known(True, "/etc/containerd/config.toml")
        assert value_of(engine.drop_ins_ignored, ()) == ("/etc/containerd/conf.d/99-nvidia.toml",)
        assert value_of(engine.file_runtimes, {}) == {}

    def test_garbage_for_containerd_is_an_error_with_its_place(self, tmp_path: Path) -> None:
        (engine,) = self._engines(root(tmp_path, {"/etc/containerd/config.toml": "version = 2\n]["}))
        assert "line 2" in value_of(engine.config_error, "")

    def test_crio(self, tmp_path: Path) -> None:
        executable(tmp_path, "/usr/bin/crio")
        files = {
            "/etc/crio/crio.conf.d/99-nvidia.toml": '[crio.runtime]\ndefault_runtime = "nvidia"\n'
            '[crio.runtime.runtimes.nvidia]\nruntime_path = "/usr/bin/nvidia-container-runtime"\n',
            "/etc/crio/crio.conf": "crio = 1",
        }
        (engine,) = self._engines(root(tmp_path, files))
        assert value_of(engine.file_runtimes, {}) == {"nvidia": "/usr/bin/nvidia-container-runtime"}

    @pytest.mark.parametrize("path", ["cmdline", "environ", "stat"])
    def test_garbage_in_proc_breaks_nothing(self, tmp_path: Path, path: str) -> None:
        files = {
            **DAEMON,
            f"/proc/900/{path}": b"\xff\0) \xfe(",
            "/proc/x/comm": "dockerd",
            "/run/docker.pid": "900",
        }
        assert len(self._engines(root(tmp_path, files))) == 1


class TestToolkit:
    def test_binaries_settings_and_version(self, tmp_path: Path) -> None:
        executable(tmp_path, "/usr/bin/nvidia-ctk", "/usr/bin/nvidia-container-runtime-hook")
        port = root(
            tmp_path,
            {
                containers.CONFIG: '[nvidia-container-cli]\nldconfig = "@/sbin/ldconfig.real"\n'
                'root = "/run/nvidia/driver"\nno-cgroups = true\n',
                "/sbin/ldconfig": "",
                "/var/lib/dpkg/info/nvidia-container-toolkit-base.list": "",
                "/var/lib/dpkg/status": "Package: a\nVersion: 1\n\nPackage: nvidia-container-toolkit-base\n"
                "Status: install ok installed\nVersion: 1.17.8-1\n\nPackage: b\nVersion: 2\n",
            },
        )
        kit = self._toolkit(port)
        assert set(kit.binaries) == {"nvidia-ctk", "nvidia-container-runtime-hook"}
        assert value_of(kit.version, "") == "1.17.8"
        assert value_of(kit.no_cgroups, False) is True
        assert value_of(kit.ldconfig, "") == "/sbin/ldconfig.real"
        assert value_of(kit.ldconfig_exists, False) is True, (
            "the toolkit takes ldconfig where .real is not there"
        )
        assert value_of(kit.driver_root_exists, True) is False
        newest = (tmp_path / "usr/bin/nvidia-container-runtime-hook").stat().st_ctime
        assert value_of(kit.installed_at, 0.0) == pytest.approx(newest, abs=1)

    def test_a_broken_file_leaves_the_programs(self, tmp_path: Path) -> None:
        executable(tmp_path, "/usr/bin/nvidia-ctk")
        kit = self._toolkit(root(tmp_path, {containers.CONFIG: "[nvidia-container-cli]\nroot = \n"}))
        assert "line 2" in value_of(kit.config_error, "")
        assert isinstance(kit.no_cgroups, Unknown) and kit.binaries

    def test_a_file_without_programs_is_no_toolkit(self, tmp_path: Path) -> None:
        assert isinstance(containers.toolkit(root(tmp_path, {containers.CONFIG: ""})), Absent)

    @staticmethod
    def _toolkit(port: Root) -> ContainerToolkit:
        found = containers.toolkit(port)
        assert isinstance(found, Known)
        return found.value


class TestCdi:
    SPEC = (
        "cdiVersion: 0.5.0\nkind: nvidia.com/gpu\ndevices:\n- name: all\n  containerEdits:\n    deviceNodes:\n"
        "    - path: /dev/nvidia0\ncontainerEdits:\n  mounts:\n"
        "  - hostPath: /usr/lib/libcuda.so.550.54.14\n  - hostPath: /usr/lib/libcuda.so.1\n"
    )

    def test_specifications_of_both_folders_and_what_they_miss(self, tmp_path: Path) -> None:
        port = root(
            tmp_path,
            {
                "/etc/cdi/nvidia.yaml": self.SPEC,
                "/etc/cdi/amd.yaml": self.SPEC.replace("nvidia.com", "amd.com"),
                "/etc/cdi/broken.json": '{"kind": ',
                "/etc/cdi/notes.txt": "x",
                "/var/run": "-> /run",
                "/run/cdi/nvidia.yaml": self.SPEC,
                "/usr/lib/libcuda.so.1": "",
            },
        )
        (tmp_path / "run/cdi/nvidia.yaml").chmod(0o600)
        found = containers.cdi(port)
        assert isinstance(found, Known)
        by_path = {spec.path: spec for spec in found.value}
        assert set(by_path) == {"/etc/cdi/nvidia.yaml", "/etc/cdi/broken.json", "/var/run/cdi/nvidia.yaml"}
        mine = by_path["/etc/cdi/nvidia.yaml"]
        assert set(mine.missing) == {"/dev/nvidia0", "/usr/lib/libcuda.so.550.54.14"}
        assert value_of(mine.driver_version, "") == "550.54.14" and mine.devices == ("nvidia.com/gpu=all",)
        assert "line 1, column 10" in value_of(by_path["/etc/cdi/broken.json"].error, "")
        assert by_path["/var/run/cdi/nvidia.yaml"].readable_by_all == Known(False, "/var/run/cdi/nvidia.yaml")

    def test_what_an_image_does_not_record_is_not_missing(self, tmp_path: Path) -> None:
        build(tmp_path, {"/etc/cdi/nvidia.yaml": self.SPEC})
        found = containers.cdi(Root(str(tmp_path)))
        assert isinstance(found, Known)
        assert "/dev/nvidia0" not in found.value[0].missing

    def test_no_folder_is_no_specification(self, tmp_path: Path) -> None:
        found = containers.cdi(root(tmp_path, {}))
        assert isinstance(found, Known) and found.value == ()


def test_dev_char_links(tmp_path: Path) -> None:
    assert isinstance(containers.dev_char_links(root(tmp_path, {})), Absent)
    (tmp_path / "dev/char").mkdir(parents=True)
    (tmp_path / "dev/char/1:3").symlink_to("../null")
    assert containers.dev_char_links(Root(str(tmp_path))) == Known(False, "/dev/char")
    (tmp_path / "dev/char/195:0").symlink_to("../nvidia0")
    assert containers.dev_char_links(Root(str(tmp_path))) == Known(True, "/dev/char")


def test_package_sources_name_file_and_line(tmp_path: Path) -> None:
    place = "/etc/apt/sources.list.d/nvidia-docker.list"
    port = root(
        tmp_path, {place: "# old\ndeb https://nvidia.github.io/nvidia-docker/ubuntu20.04/$(ARCH) /\n"}
    )
    found = containers.repositories(port)
    assert isinstance(found, Known) and [r.place for r in found.value] == [f"{place}:2"]


@pytest.mark.parametrize("garbage", [b"", b"\0\xff\xfe", b"{", b"[" * 20_000, b": - !!python/object:x {"])
def test_garbage_everywhere_breaks_no_probe(tmp_path: Path, garbage: bytes) -> None:
    places = (
        "/proc/self/mountinfo",
        "/proc/1/environ",
        "/proc/1/cgroup",
        "/proc/900/comm",
        "/proc/stat",
        "/etc/docker/daemon.json",
        "/etc/containerd/config.toml",
        "/etc/containerd/conf.d/99-nvidia.toml",
        "/etc/crio/crio.conf",
        "/etc/cdi/nvidia.yaml",
        "/etc/cdi/nvidia.json",
        "/etc/apt/sources.list",
        "/home/u/.docker/config.json",
        containers.CONFIG,
    )
    executable(tmp_path, *(f"/usr/bin/{n}" for n in ("docker", "podman", "containerd", "crio", "nvidia-ctk")))
    facts = all_of(root(tmp_path, dict.fromkeys(places, garbage), {"HOME": "/home/u"}))
    assert {engine.name for engine in value_of(facts.engines, ())} == {
        "docker",
        "podman",
        "containerd",
        "cri-o",
    }


def test_a_folder_or_a_fifo_in_a_files_place_breaks_no_probe(tmp_path: Path) -> None:
    for place in ("etc/docker/daemon.json", "etc/cdi/nvidia.yaml", "etc/containerd/config.toml"):
        (tmp_path / place).mkdir(parents=True)
    os.mkfifo(tmp_path / "etc/cdi/pipe.yaml")
    facts = all_of(root(tmp_path, {}))
    assert all(isinstance(spec.error, Known) for spec in value_of(facts.cdi, ()))
    assert stat.S_ISFIFO((tmp_path / "etc/cdi/pipe.yaml").stat().st_mode)


def test_this_machine_is_asked_without_a_word_of_complaint() -> None:
    port = Live()
    for name, probe in containers.FIELDS.items():
        assert isinstance(probe(port), (Known, Absent, Unknown)), name
