"""From files to a verdict: small root file systems (composed), asked by the probes and judged by all rules."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gpudoctor.engine import Asking
from gpudoctor.facts.machine import Machine
from gpudoctor.system.root import Root
from tests.judged import causes
from tests.machines import healthy
from tests.sysroot import build, loader_cache, shared_object
from tests.unit.test_driver_parsers import kernel_module

KERNEL = "6.8.0-45-generic"
LIB = "/usr/lib/x86_64-linux-gnu"
RECORDED = {
    "/dev/null": "",
    "/run/systemd/system/x": "",
    "/proc/modules": "ext4 1 1 - Live 0x0\n",
    "/dev/kmsg": "",
}


def gpu_on_the_bus(device: str, driver: str = "") -> dict[str, bytes | str]:
    folder = "/sys/bus/pci/devices/0000:01:00.0"
    files: dict[str, bytes | str] = {
        f"{folder}/vendor": "0x10de\n",
        f"{folder}/device": f"0x{device}\n",
        f"{folder}/class": "0x030000\n",
    }
    if driver:
        files[f"/sys/bus/pci/drivers/{driver}/bind"] = ""
        files[f"{folder}/driver"] = f"-> ../../../../bus/pci/drivers/{driver}"
    return files


def libraries(version: str) -> dict[str, bytes | str]:
    sonames = ("libcuda.so.1", "libnvidia-ml.so.1")
    files: dict[str, bytes | str] = {"/etc/ld.so.cache": loader_cache([(s, f"{LIB}/{s}") for s in sonames])}
    for soname in sonames:
        real = f"{soname.removesuffix('.1')}.{version}"
        files[f"{LIB}/{real}"] = shared_object(soname)
        files[f"{LIB}/{soname}"] = f"-> {real}"
    return files


def ubuntu(kernel: str = KERNEL) -> dict[str, bytes | str]:
    return {
        **RECORDED,
        "/etc/os-release": 'ID=ubuntu\nVERSION_ID="24.04"\nID_LIKE=debian\nPRETTY_NAME="Ubuntu 24.04"\n',
        "/proc/version": f"Linux version {kernel} (buildd@lcy02)",
        "/proc/sys/kernel/osrelease": kernel,
        "/var/lib/dpkg/status": "Package: base-files\nStatus: install ok installed\nVersion: 1\n",
    }


def asked(tmp_path: Path, files: Mapping[str, bytes | str]) -> Machine:
    port = Root(build(tmp_path, files))
    found = Asking(port, ("host", "driver", "gpu")).machine()
    return healthy.no_gpu_server().replace(host=found.host, driver=found.driver, gpu=found.gpu)


def test_ubuntu_after_a_kernel_update(tmp_path: Path) -> None:
    module = "/lib/modules/6.8.0-40-generic/updates/dkms/nvidia.ko"
    files = {**ubuntu(), **gpu_on_the_bus("25a2"), **libraries("550.163.01"), module: kernel_module()}
    assert causes(asked(tmp_path, files)) == {"kernel-module-not-loaded"}


def test_the_same_with_a_build_that_failed(tmp_path: Path) -> None:
    files = {**ubuntu(), **gpu_on_the_bus("25a2"), **libraries("550.163.01")}
    files["/var/lib/dkms/nvidia/550.163.01/build/make.log"] = (
        f"DKMS make.log for nvidia-550.163.01 for kernel {KERNEL} (x86_64)\n"
        "nv.c:1:1: error: implicit declaration\nmake: *** [Makefile:82: modules] Error 2\n"
    )
    files[f"/lib/modules/{KERNEL}/build/Makefile"] = ""
    assert causes(asked(tmp_path, files)) == {"dkms-build-failed"}


def test_ubuntu_whose_gpu_nouveau_has(tmp_path: Path) -> None:
    module = f"/lib/modules/{KERNEL}/updates/dkms/nvidia.ko"
    files = {
        **ubuntu(),
        **gpu_on_the_bus("25a2", "nouveau"),
        **libraries("550.163.01"),
        module: kernel_module(),
    }
    assert causes(asked(tmp_path, files)) == {"nouveau-active"}


def test_a_fresh_ubuntu(tmp_path: Path) -> None:
    files = {**ubuntu(), **gpu_on_the_bus("25a2", "nouveau")}
    assert causes(asked(tmp_path, files)) == {"driver-not-installed"}


def test_ubuntu_with_secure_boot(tmp_path: Path) -> None:
    module = f"/lib/modules/{KERNEL}/updates/dkms/nvidia.ko"
    files = {**ubuntu(), **gpu_on_the_bus("25a2"), **libraries("550.163.01"), module: kernel_module()}
    files["/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"] = b"\6\0\0\0\1"
    assert causes(asked(tmp_path, files)) == {"secure-boot-unsigned-module"}


def test_rhel_whose_driver_dropped_the_gpu(tmp_path: Path) -> None:
    kernel = "6.12.0-55.el10.x86_64"
    files: dict[str, bytes | str] = {
        **ubuntu(kernel),
        **gpu_on_the_bus("1c81"),
        "/etc/os-release": 'ID="rhel"\nVERSION_ID="10.0"\nID_LIKE="fedora"\n',
        f"/lib/modules/{kernel}/extra/drivers/video/nvidia/nvidia.ko": kernel_module("595.71.05"),
        "/usr/lib64/libcuda.so.595.71.05": shared_object("libcuda.so.1"),
        "/usr/lib64/libcuda.so.1": "-> libcuda.so.595.71.05",
        "/var/lib/rpm/rpmdb.sqlite": "x",
    }
    del files["/var/lib/dpkg/status"]
    assert causes(asked(tmp_path, files)) == {"driver-branch-dropped-gpu"}


def test_wsl_with_a_linux_driver_inside(tmp_path: Path) -> None:
    files = {
        **ubuntu("5.15.153.1-microsoft-standard-WSL2"),
        **libraries("535.183.01"),
        "/dev/dxg": "",
        "/sys/bus/pci/x": "",
    }
    files["/usr/lib/wsl/lib/libcuda.so.1"] = shared_object("libcuda.so.1")
    assert causes(asked(tmp_path, files)) == {"wsl-linux-driver-installed"}


def test_a_jetson_is_not_told_to_install_a_driver(tmp_path: Path) -> None:
    files = {
        **ubuntu("5.15.148-tegra"),
        "/sys/bus/pci/x": "",
        "/proc/device-tree/model": "NVIDIA Jetson Orin Nano\0",
    }
    assert causes(asked(tmp_path, files)) == set()


def test_nixos_without_a_gpu_is_well(tmp_path: Path) -> None:
    files = {**ubuntu(), "/etc/os-release": "ID=nixos\nVERSION_ID=26.05\n", "/sys/bus/pci/x": ""}
    assert causes(asked(tmp_path, files)) == set()
