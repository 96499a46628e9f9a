"""The host's probe, on small root file systems (composed) and on this machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from gpudoctor.facts.observed import Absent, Known, Unknown, value_of
from gpudoctor.probes import host
from gpudoctor.system.live import Live
from gpudoctor.system.port import Ran
from gpudoctor.system.root import Root
from tests.sysroot import build, shared_object

PROC = {
    "/proc/version": "Linux version 6.8.0-45-generic (buildd@lcy02) #45-Ubuntu SMP",
    "/sys/bus/pci/x": "",
    "/dev/null": "",
}


def root(tmp_path: Path, files: dict[str, bytes | str]) -> Root:
    return Root(build(tmp_path, files))


def test_ubuntu(tmp_path: Path) -> None:
    port = root(
        tmp_path,
        {
            **PROC,
            "/usr/lib/os-release": 'ID=ubuntu\nVERSION_ID="22.04"\nID_LIKE=debian\n',
            "/etc/os-release": "-> ../usr/lib/os-release",
            "/proc/sys/kernel/osrelease": "6.8.0-45-generic\n",
            "/proc/stat": "btime 1760000000\n",
            "/usr/bin/env": shared_object(),
            "/usr/lib/x86_64-linux-gnu/libc.so.6": b"\0GNU C Library (Ubuntu GLIBC 2.35-0ubuntu3) stable release version 2.35.\n",
            "/lib": "-> usr/lib",
            "/usr/lib/modules/6.8.0-45-generic/build/Makefile": "",
            "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c": b"\6\0\0\0\1",
            "/run/systemd/system/x": "",
            "/dev/kmsg": "3,1,2000000,-;NVRM: Xid (PCI:0000:01:00): 79, GPU has fallen off the bus.\n",
        },
    )
    assert value_of(host.distribution(port), None).id == "ubuntu"  # type: ignore[union-attr]
    assert value_of(host.system(port), "") == "Linux"
    assert value_of(host.kernel(port), "") == "6.8.0-45-generic"
    assert value_of(host.architecture(port), "") == "x86_64"
    assert value_of(host.libc(port), "") == "glibc 2.35"
    assert value_of(host.boot_time(port), 0.0) == 1_760_000_000.0
    assert host.wsl(port) == Absent("/proc/version")
    assert value_of(host.secure_boot(port), None) is True
    assert isinstance(host.kernel_headers(port), Known)
    assert value_of(host.systemd(port), None) is True
    assert [e.code for e in value_of(host.kernel_log(port), ())] == [79]


def test_the_only_kernel_of_an_image_without_proc(tmp_path: Path) -> None:
    files = {
        "/lib/modules/5.14.0-427.el9.x86_64/modules.dep": "",
        "/etc/os-release": 'ID="rhel"\nVERSION_ID="9.4"\n',
    }
    port = root(tmp_path, files)
    assert value_of(host.kernel(port), "") == "5.14.0-427.el9.x86_64"
    assert isinstance(host.wsl(port), Unknown)
    assert isinstance(host.secure_boot(port), Unknown)
    assert isinstance(host.uid(port), Unknown)
    build(tmp_path, {"/lib/modules/5.14.0-503.el9.x86_64/modules.dep": ""})
    assert isinstance(host.kernel(Root(str(tmp_path))), Unknown)


@pytest.mark.parametrize(
    ("version", "generation", "build_number"),
    [
        ("Linux version 5.15.153.1-microsoft-standard-WSL2 (root@941d701f84f1) #1 SMP", 2, None),
        ("Linux version 4.4.0-19041-Microsoft (Microsoft@Microsoft.com) #1237-Microsoft", 1, "19041"),
    ],
)
def test_wsl(tmp_path: Path, version: str, generation: int, build_number: str | None) -> None:
    files = {**PROC, "/proc/version": version, "/usr/lib/wsl/lib/libcuda.so.1": "x"}
    if generation == 2:
        files["/dev/dxg"] = ""
    found = host.wsl(root(tmp_path, files))
    assert isinstance(found, Known)
    assert found.value.generation == generation and value_of(found.value.libraries, None) is True
    assert value_of(found.value.dxg, None) is (generation == 2)
    assert value_of(found.value.windows_build, None) == build_number


def test_jetson(tmp_path: Path) -> None:
    port = root(tmp_path, {**PROC, "/proc/device-tree/model": "NVIDIA Jetson AGX Orin Developer Kit\0"})
    assert value_of(host.tegra(port), "") == "NVIDIA Jetson AGX Orin Developer Kit"


def test_a_raspberry_is_no_jetson(tmp_path: Path) -> None:
    port = root(tmp_path, {**PROC, "/proc/device-tree/model": "Raspberry Pi 5 Model B\0"})
    assert isinstance(host.tegra(port), Absent)


def test_nixos_and_musl(tmp_path: Path) -> None:
    port = root(
        tmp_path, {"/etc/os-release": "ID=nixos\nVERSION_ID=26.05\n", "/lib/ld-musl-x86_64.so.1": "x"}
    )
    assert value_of(host.distribution(port), None).id == "nixos"  # type: ignore[union-attr]
    assert value_of(host.libc(port), "") == "musl"


def test_efi_variables_that_are_not_mounted_say_nothing(tmp_path: Path) -> None:
    found = host.secure_boot(root(tmp_path, {**PROC, "/sys/firmware/efi/runtime": ""}))
    assert isinstance(found, Unknown)


def test_without_efi_there_is_no_secure_boot(tmp_path: Path) -> None:
    assert isinstance(host.secure_boot(root(tmp_path, dict(PROC))), Absent)


def test_dkms_states(tmp_path: Path) -> None:
    top = "/var/lib/dkms/nvidia"
    port = root(
        tmp_path,
        {
            f"{top}/550.163.01/source": "-> /usr/src/nvidia-550.163.01",
            f"{top}/550.163.01/6.8.0-40-generic/x86_64/module/nvidia.ko": "x",
            f"{top}/kernel-6.8.0-40-generic-x86_64": "-> 550.163.01/6.8.0-40-generic/x86_64",
            f"{top}/550.163.01/6.8.0-41-generic/x86_64/module/nvidia.ko.zst": "x",
            f"{top}/550.163.01/build/make.log": "DKMS make.log for nvidia-550.163.01 for kernel 6.14.0-24-generic (x86_64)\n"
            "nv-drm.c:212:6: error: no member named 'x'\nmake: *** [Makefile:82: modules] Error 2\n",
            "/var/lib/dkms/nvidia-open/580.95.05/source": "-> /usr/src/x",
            "/var/lib/dkms/zfs/2.2/source": "-> /usr/src/zfs",
        },
    )
    found = value_of(host.dkms(port), ())
    assert [(b.version, b.kernel, b.state) for b in found] == [
        ("550.163.01", "6.8.0-40-generic", "installed"),
        ("550.163.01", "6.8.0-41-generic", "built"),
        ("550.163.01", "6.14.0-24-generic", "failed"),
        ("580.95.05", "", "added"),
    ]
    assert "no member named" in found[2].detail


def test_a_log_file_is_read_from_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(host, "LOG_TAIL", 4096)
    old = "Nov 20 06:12:33 box kernel: [    1.0] NVRM: Xid (PCI:0000:01:00): 13, pid=1\n" * 1000
    new = (
        "Nov 20 07:12:33 box kernel: [    9.0] NVRM: Xid (PCI:0000:02:00): 79, GPU has fallen off the bus.\n"
    )
    port = root(tmp_path, {"/var/log/kern.log": old + new})
    events = value_of(host.kernel_log(port), ())
    assert events[-1].code == 79 and len(events) < 20


START = "Nov 12 06:00:00 box kernel: [    0.0] Linux version 6.8.0-45-generic (buildd@lcy02) #45\n"
XID = "Nov {day} 07:12:33 box kernel: [{at}] NVRM: Xid (PCI:0000:01:00): {code}, pid=1\n"


def codes(port: Root) -> list[int | None]:
    return [event.code for event in value_of(host.kernel_log(port), ())]


def test_what_was_rotated_away_since_the_start_is_read_too(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        "/var/log/kern.log.1": XID.format(day=11, at="99.0", code=48)
        + START
        + XID.format(day=13, at="99.0", code=79),
        "/var/log/kern.log": XID.format(day=20, at="700000.0", code=31),
    }
    assert codes(root(tmp_path / "a", files)) == [79, 31]
    files["/var/log/kern.log"] = START + XID.format(day=20, at="9.0", code=31)
    assert codes(root(tmp_path / "b", files)) == [31]


def test_what_a_running_machine_said_at_its_start_is_not_all_that_it_said(tmp_path: Path) -> None:
    """/var/log/dmesg ends with the start: a live machine whose other logs may not be read has not been looked at."""

    class Running(Root):
        live = True

        def run(self, *_: object, **__: object) -> Ran:
            raise FileNotFoundError

    files: dict[str, bytes | str] = {
        "/var/log/dmesg": "[    7.2] NVRM: loading NVIDIA UNIX x86_64 Kernel Module\n"
    }
    made = build(tmp_path, files)
    assert isinstance(host.kernel_log(Root(made)), Known)
    assert not isinstance(host.kernel_log(Running(made)), Known)


def test_a_log_that_nobody_has_written_to_since_the_start_is_another_kernels(tmp_path: Path) -> None:
    class Running(Root):
        live = True

    files: dict[str, bytes | str] = {
        "/var/log/kern.log": START + XID.format(day=13, at="99.0", code=79),
        "/proc/version": "Linux version 6.8",
        "/proc/stat": "btime 1700000000\n",
    }
    made = build(tmp_path, files)
    os.utime(f"{made}/var/log/kern.log", (1_700_000_001, 1_700_000_001))
    assert codes(Running(made)) == [79]
    os.utime(f"{made}/var/log/kern.log", (1_600_000_000, 1_600_000_000))
    assert not isinstance(host.kernel_log(Running(made)), Known)


GARBAGE = b"\x00\xff\xfe garbage \n" * 50


def test_garbage_is_unknown_and_never_a_value(tmp_path: Path) -> None:
    paths = (
        "/etc/os-release",
        "/proc/version",
        "/proc/stat",
        "/proc/self/limits",
        "/proc/self/status",
        "/sys/fs/selinux/enforce",
        "/bin/sh",
        "/usr/lib64/libc.so.6",
        "/var/lib/dkms/nvidia/1/build/make.log",
        "/dev/kmsg",
    )
    port = root(tmp_path, {**dict.fromkeys(paths, GARBAGE), "/sys/bus/x": "", "/dev/null": ""})
    for name, probe in host.FIELDS.items():
        found = probe(port)
        assert isinstance(found, (Known, Absent, Unknown)), name
        if name in (
            "distribution",
            "boot_time",
            "limits",
            "uid",
            "groups",
            "selinux",
            "architecture",
            "libc",
        ):
            assert isinstance(found, Unknown), (name, found)


def test_every_field_of_this_machine_answers() -> None:
    port = Live()
    found = {name: probe(port) for name, probe in host.FIELDS.items()}
    assert all(isinstance(f, (Known, Absent, Unknown)) for f in found.values())
    assert value_of(found["uid"], None) == os.geteuid()
    assert value_of(found["kernel"], "") == os.uname().release
    assert isinstance(found["shm"], (Known, Absent))


def test_infiniband_cards_and_whether_a_port_is_up(tmp_path: Path) -> None:
    top = "/sys/class/infiniband"
    port = root(
        tmp_path,
        {
            "/sys/bus/pci/x": "",
            f"{top}/mlx5_0/ports/1/state": "4: ACTIVE\n",
            f"{top}/mlx5_0/ports/1/link_layer": "InfiniBand\n",
            f"{top}/mlx5_1/ports/1/state": "1: DOWN\n",
            f"{top}/mlx5_1/ports/2/state": "4: ACTIVE\n",
            f"{top}/mlx5_1/ports/1/link_layer": "Ethernet\n",
            f"{top}/mlx5_2/ports/1/state": "1: DOWN\n",
            f"{top}/mlx5_3/fw_ver": "",
        },
    )
    cards = value_of(host.infiniband(port), ())
    assert [value_of(c.active, None) for c in cards] == [True, True, False, None]
    assert [value_of(c.link_layer, "") for c in cards[:2]] == ["InfiniBand", "Ethernet"]
    assert isinstance(cards[3].active, Unknown)


def test_no_infiniband_is_known_only_with_a_sysfs(tmp_path: Path) -> None:
    assert isinstance(
        host.infiniband(root(tmp_path / "a", {"/sys/class/x": "", "/sys/bus/pci/x": ""})), Absent
    )
    assert isinstance(host.infiniband(root(tmp_path / "b", {"/etc/x": ""})), Unknown)
