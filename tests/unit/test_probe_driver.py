"""The driver's probe, on small root file systems (composed)."""

from __future__ import annotations

import lzma
from collections.abc import Mapping
from pathlib import Path

import pytest

from gpudoctor.facts.driver import DriverLibrary
from gpudoctor.facts.observed import Absent, Known, Unknown, value_of
from gpudoctor.probes import driver
from gpudoctor.system.live import Live
from gpudoctor.system.port import FileInfo
from gpudoctor.system.root import Root
from tests.sysroot import build, loader_cache, shared_object
from tests.unit.test_driver_parsers import kernel_module

KERNEL = "6.8.0-45-generic"
BASE: dict[str, bytes | str] = {
    "/proc/version": f"Linux version {KERNEL} (buildd@lcy02)",
    "/proc/sys/kernel/osrelease": KERNEL,
    "/sys/bus/pci/x": "",
    "/dev/null": "",
}
LIB = "/usr/lib/x86_64-linux-gnu"


def root(tmp_path: Path, files: Mapping[str, bytes | str]) -> Root:
    return Root(build(tmp_path, files))


def test_the_module_in_memory_and_its_flavour(tmp_path: Path) -> None:
    words = "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  575.57.08  Release Build  (dvs-builder@U22)\n"
    files = {**BASE, "/sys/module/nvidia/version": "575.57.08\n", "/proc/driver/nvidia/version": words}
    found = driver.module(root(tmp_path, files))
    assert isinstance(found, Known) and found.via == "/sys/module/nvidia/version"
    assert found.value.version == "575.57.08" and value_of(found.value.flavour, "") == "open"


def test_in_a_container_without_the_drivers_proc_the_flavour_is_not_known(tmp_path: Path) -> None:
    found = driver.module(root(tmp_path, {**BASE, "/sys/module/nvidia/version": "550.163.01\n"}))
    assert isinstance(found, Known) and isinstance(found.value.flavour, Unknown)


def test_no_module_is_absent_only_where_one_could_be_seen(tmp_path: Path) -> None:
    assert isinstance(driver.module(root(tmp_path / "recorded", BASE)), Absent)
    assert isinstance(driver.module(root(tmp_path / "image", {"/etc/x": ""})), Unknown)


def test_modules_on_disk_where_distributions_put_them(tmp_path: Path) -> None:
    top = f"/lib/modules/{KERNEL}"
    port = root(
        tmp_path,
        {
            **BASE,
            f"{top}/updates/dkms/nvidia.ko": kernel_module(signed=True),
            f"{top}/updates/dkms/nvidia-drm.ko": kernel_module(),
            f"{top}/updates/dkms/nvidia-uvm.ko": kernel_module(),
            "/lib/modules/6.8.0-40-generic/kernel/nvidia-550/nvidia.ko": kernel_module("550.54.14"),
            "/lib/modules/6.1.0-18-amd64/updates/dkms/nvidia-current.ko.xz": lzma.compress(kernel_module()),
            "/lib/modules/5.14.0/odd/place/nvidia.ko": kernel_module("535.183.01", "Dual MIT/GPL"),
            "/lib/modules/5.14.0/modules.dep": "kernel/fs/ext4.ko:\nodd/place/nvidia-drm.ko: x\nodd/place/nvidia.ko: kernel/x.ko\n",
            "/lib/modules/5.15.0/modules.dep": "kernel/fs/ext4.ko:\n",
        },
    )
    found = {f.kernel: f for f in value_of(driver.module_files(port), ())}
    assert set(found) == {KERNEL, "6.8.0-40-generic", "6.1.0-18-amd64", "5.14.0"}
    mine = found[KERNEL]
    assert (value_of(mine.version, ""), value_of(mine.flavour, ""), value_of(mine.signed, None)) == (
        "550.163.01",
        "proprietary",
        True,
    )
    assert value_of(found["6.8.0-40-generic"].version, "") == "550.54.14"
    assert isinstance(found["6.1.0-18-amd64"].version, Unknown)
    assert value_of(found["5.14.0"].flavour, "") == "open"


def test_the_running_kernels_compressed_module_is_unpacked(tmp_path: Path) -> None:
    data = lzma.compress(kernel_module("560.35.05", "Dual MIT/GPL"))
    port = root(tmp_path, {**BASE, f"/lib/modules/{KERNEL}/extra/nvidia/nvidia.ko.xz": data})
    (file,) = value_of(driver.module_files(port), ())
    assert value_of(file.version, "") == "560.35.05"


@pytest.mark.parametrize("name", ["nvidia.ko", "nvidia.ko.xz", "nvidia.ko.gz", "nvidia.ko.zst"])
def test_a_broken_module_is_there_and_not_known(tmp_path: Path, name: str) -> None:
    port = root(tmp_path, {**BASE, f"/lib/modules/{KERNEL}/extra/{name}": b"\x00garbage" * 10})
    (file,) = value_of(driver.module_files(port), ())
    assert isinstance(file.version, Unknown) and isinstance(file.signed, Unknown)


def test_nixos_keeps_its_modules_elsewhere(tmp_path: Path) -> None:
    place = f"/run/booted-system/kernel-modules/lib/modules/{KERNEL}/misc/nvidia.ko"
    port = root(tmp_path, {**BASE, "/run/systemd/x": "", place: kernel_module()})
    (file,) = value_of(driver.module_files(port), ())
    assert file.kernel == KERNEL


def test_no_folder_of_modules_is_absence(tmp_path: Path) -> None:
    assert isinstance(driver.module_files(root(tmp_path, BASE)), Absent)


def libraries(port: Root) -> dict[str, list[DriverLibrary]]:
    found: dict[str, list[DriverLibrary]] = {}
    for library in value_of(driver.libraries(port), ()):
        found.setdefault(library.name, []).append(library)
    return found


def test_libraries_tell_their_version_by_their_file(tmp_path: Path) -> None:
    port = root(
        tmp_path,
        {
            f"{LIB}/libcuda.so.550.163.01": shared_object("libcuda.so.1"),
            f"{LIB}/libcuda.so.1": "-> libcuda.so.550.163.01",
            f"{LIB}/libnvidia-ml.so.1": b"",
            "/etc/ld.so.cache": loader_cache(
                [("libcuda.so.1", f"{LIB}/libcuda.so.1"), ("libnvidia-ml.so.1", f"{LIB}/libnvidia-ml.so.1")]
            ),
        },
    )
    found = libraries(port)
    (cuda,) = found["libcuda.so.1"]
    assert value_of(cuda.version, "") == "550.163.01" and cuda.origin == "loader" and cuda.size > 0
    (ml,) = found["libnvidia-ml.so.1"]
    assert ml.size == 0 and isinstance(ml.version, Unknown)


def test_wsl_with_a_linux_driver_inside(tmp_path: Path) -> None:
    port = root(
        tmp_path,
        {
            **BASE,
            "/proc/version": "Linux version 5.15.153.1-microsoft-standard-WSL2",
            "/usr/lib/wsl/lib/libcuda.so.1": shared_object("libcuda.so.1"),
            f"{LIB}/libcuda.so.535.183.01": shared_object("libcuda.so.1"),
            f"{LIB}/libcuda.so.1": "-> libcuda.so.535.183.01",
            "/etc/ld.so.cache": loader_cache(
                [("libcuda.so.1", f"{LIB}/libcuda.so.1"), ("libcuda.so.1", "/usr/lib/wsl/lib/libcuda.so.1")]
            ),
            "/var/lib/dpkg/status": "Package: libnvidia-compute-535\nStatus: install ok installed\nVersion: 535.183.01-0ubuntu1\n",
        },
    )
    first, second = libraries(port)["libcuda.so.1"]
    assert (first.origin, value_of(first.version, "")) == ("loader", "535.183.01")
    assert (second.origin, isinstance(second.version, Unknown)) == ("wsl", True)
    assert [p.name for p in value_of(driver.packages(port), ())] == ["libnvidia-compute-535"]


def test_stub_and_compat_are_told_from_the_driver(tmp_path: Path) -> None:
    folders = ("/usr/local/cuda/lib64/stubs", "/usr/local/cuda/compat")
    files = {f"{folder}/libcuda.so.1": shared_object("libcuda.so.1") for folder in folders}
    port = Root(build(tmp_path, files), env={"LD_LIBRARY_PATH": ":".join(folders)})
    assert [c.origin for c in libraries(port)["libcuda.so.1"]] == ["stub", "compat"]


def test_an_rpm_database_is_not_read_as_no_packages(tmp_path: Path) -> None:
    assert isinstance(driver.packages(root(tmp_path, {"/var/lib/rpm/rpmdb.sqlite": "x"})), Unknown)


def test_blacklists_with_their_precedence(tmp_path: Path) -> None:
    port = root(
        tmp_path,
        {
            **BASE,
            "/etc/modprobe.d/a.conf": "blacklist nouveau\n",
            "/usr/lib/modprobe.d/a.conf": "blacklist nvidia\n",
            "/usr/lib/modprobe.d/b.conf": "install nvidia_drm /bin/true\nblacklist pcspkr\n",
            "/proc/cmdline": "quiet modprobe.blacklist=nova_core",
        },
    )
    assert value_of(driver.blacklisted(port), ()) == ("nouveau", "nvidia_drm", "nova_core")


def test_daemons(tmp_path: Path) -> None:
    port = root(
        tmp_path,
        {
            **BASE,
            "/usr/bin/nv-fabricmanager": "x",
            "/usr/bin/nvidia-persistenced": "x",
            "/proc/1/comm": "systemd\n",
            "/proc/77/comm": "nv-fabricmanage\n",
            "/var/lib/dpkg/status": "Package: nvidia-fabricmanager-550\nStatus: install ok installed\nVersion: 550.163.01-1\n",
        },
    )
    manager = driver.fabric_manager(port)
    assert isinstance(manager, Known)
    assert (
        value_of(manager.value.version, "") == "550.163.01" and value_of(manager.value.running, None) is True
    )
    daemon = driver.persistence_daemon(port)
    assert isinstance(daemon, Known) and value_of(daemon.value.running, None) is False


class _Machine(Live):
    """This machine with a /dev and /proc of its own: real nodes of NVIDIA can't be had here."""

    def __init__(self, registered: str, nodes: dict[str, tuple[int, int]]) -> None:
        super().__init__()
        self.registered, self.nodes = registered, nodes
        self.opened: list[str] = []

    def read(self, path: str, limit: int = 1 << 20) -> bytes:
        if path == "/proc/devices":
            return f"Character devices:\n  1 mem\n{self.registered}\nBlock devices:\n".encode()
        return super().read(path, limit)

    def listdir(self, path: str) -> list[str]:
        return sorted(n[5:] for n in self.nodes) if path == "/dev" else super().listdir(path)

    def stat(self, path: str, follow: bool = True) -> FileInfo:
        if path in self.nodes:
            major, minor = self.nodes[path]
            return FileInfo("char", 0o660, 0, 44, 0, 0.0, 0.0, major, minor)
        return super().stat(path, follow)

    def try_open(self, path: str) -> str:
        self.opened.append(path)
        return "EACCES"


NODES = {
    "/dev/nvidiactl": (195, 255),
    "/dev/nvidia0": (195, 0),
    "/dev/nvidia-uvm": (511, 0),
    "/dev/nvidia-modeset": (195, 254),
}


def test_nodes_are_tried_where_their_driver_is_there() -> None:
    port = _Machine("195 nvidia-frontend", NODES)
    found = {n.path: n for n in value_of(driver.nodes(port), ())}
    assert sorted(port.opened) == ["/dev/nvidia0", "/dev/nvidiactl"]
    assert value_of(found["/dev/nvidia0"].open_error, "") == "EACCES" and found["/dev/nvidia0"].gid == 44
    assert isinstance(found["/dev/nvidia-uvm"].open_error, Unknown)


def test_no_node_is_opened_when_that_would_load_a_module() -> None:
    port = _Machine("", NODES)
    assert len(value_of(driver.nodes(port), ())) == 4 and port.opened == []


def test_an_image_with_a_file_in_the_place_of_a_node(tmp_path: Path) -> None:
    (node,) = value_of(driver.nodes(root(tmp_path, {**BASE, "/dev/nvidia0": ""})), ())
    assert node.is_device is False


def test_garbage_is_unknown_and_never_a_value(tmp_path: Path) -> None:
    paths = (
        "/sys/module/nvidia/version",
        "/proc/driver/nvidia/version",
        "/proc/driver/nvidia/params",
        "/proc/modules",
    )
    port = root(
        tmp_path,
        {**BASE, **dict.fromkeys(paths, b"\xff\x00 garbage\n" * 9), "/etc/ld.so.cache": b"\0garbage"},
    )
    found = {name: probe(port) for name, probe in driver.FIELDS.items()}
    assert all(isinstance(f, (Known, Absent, Unknown)) for f in found.values())
    for name in ("module", "parameters", "loaded_modules"):
        assert isinstance(found[name], Unknown), (name, found[name])
