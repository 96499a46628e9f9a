"""Parsers of the host's and the driver's files, on samples as these systems print them."""

from __future__ import annotations

import gzip
import io
import lzma
import struct
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpudoctor.facts.host import Limits
from gpudoctor.facts.observed import Known, Unknown
from gpudoctor.parsers import dkms, modprobe, nvrm, os_release, packages, proc
from gpudoctor.parsers.module_file import SIGNATURE, ModuleInfo, parse_modinfo, read_module, read_stream


def kernel_module(version: str = "550.163.01", license_: str = "NVIDIA", signed: bool = False) -> bytes:
    """A kernel module that has a .modinfo section and nothing else."""
    info = f"\0license={license_}\0description=x\0version={version}\0vermagic=6.8.0 SMP \0".encode()
    names = b"\0.modinfo\0.shstrtab\0"
    table = 64 + len(info) + len(names)
    sections = [
        struct.pack("<IIQQQQIIQQ", 0, 0, 0, 0, 0, 0, 0, 0, 0, 0),
        struct.pack("<IIQQQQIIQQ", 1, 1, 2, 0, 64, len(info), 0, 0, 1, 0),
        struct.pack("<IIQQQQIIQQ", 10, 3, 0, 0, 64 + len(info), len(names), 0, 0, 1, 0),
    ]
    head = b"\x7fELF\x02\x01\x01" + b"\0" * 9
    head += struct.pack("<HHIQQQIHHHHHH", 1, 62, 1, 0, 0, table, 0, 64, 0, 0, 64, 3, 2)
    return head + info + names + b"".join(sections) + (b"sig" * 40 + SIGNATURE if signed else b"")


@pytest.mark.parametrize("signed", [False, True])
def test_a_module_tells_version_licence_and_signature(signed: bool) -> None:
    assert read_module(io.BytesIO(kernel_module(signed=signed))) == ModuleInfo("550.163.01", "NVIDIA", signed)


def test_a_compressed_module_tells_the_same() -> None:
    plain = kernel_module("575.57.08", "Dual MIT/GPL", True)
    wanted = ModuleInfo("575.57.08", "Dual MIT/GPL", True)
    with lzma.open(io.BytesIO(lzma.compress(plain))) as stream:
        assert read_stream(stream) == wanted
    with gzip.open(io.BytesIO(gzip.compress(plain))) as packed:
        assert read_stream(packed) == wanted  # type: ignore[arg-type]


@given(st.binary(max_size=300), st.integers(0, 400))
def test_a_broken_module_is_refused_or_read_but_never_a_crash(noise: bytes, cut: int) -> None:
    for data in (noise, b"\x7fELF\x02\x01" + noise, kernel_module()[:cut] + noise):
        try:
            read_module(io.BytesIO(data))
        except ValueError:
            continue


def test_a_section_that_claims_to_be_huge_is_not_read() -> None:
    data = bytearray(kernel_module())
    table = struct.unpack_from("<Q", data, 40)[0]
    struct.pack_into("<Q", data, table + 64 + 32, 1 << 40)
    with pytest.raises(ValueError, match="outside the file"):
        read_module(io.BytesIO(bytes(data)))


def test_both_flavours_are_told_by_the_drivers_own_words() -> None:
    # The driver README, "Open Linux Kernel Modules", and public bug reports.
    closed = nvrm.version(
        "NVRM version: NVIDIA UNIX x86_64 Kernel Module  550.163.01  Tue Apr  8 12:41:17 UTC 2025\n"
    )
    assert closed.version == "550.163.01" and isinstance(closed.flavour, Known)
    assert closed.flavour.value == "proprietary"
    opened = nvrm.version(
        "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  515.57  Release Build  (root@a)\n"
    )
    assert opened.version == "515.57" and opened.flavour == Known("open", "/proc/driver/nvidia/version")
    other = nvrm.version("NVRM version: NVIDIA UNIX something  510.47.03  x\n")
    assert isinstance(other.flavour, Unknown)
    with pytest.raises(ValueError):
        nvrm.version("GCC version:  gcc version 12.3.0\n")


def test_parameters_are_read_and_garbage_is_not() -> None:
    assert (
        nvrm.parameters('DeviceFileUID: 0\nDeviceFileMode: 438\nRegistryDwords: ""\n')["DeviceFileMode"]
        == "438"
    )
    with pytest.raises(ValueError):
        nvrm.parameters("\0\0\0")


def test_os_release_of_three_families() -> None:
    ubuntu = os_release.parse(
        'PRETTY_NAME="Ubuntu 22.04.5 LTS"\nID=ubuntu\nID_LIKE=debian\nVERSION_ID="22.04"\n'
    )
    assert (ubuntu.id, ubuntu.version, ubuntu.like) == ("ubuntu", "22.04", ("debian",))
    rocky = os_release.parse(
        'NAME=\'Rocky Linux\'\nID="rocky"\nID_LIKE="rhel centos fedora"\nVERSION_ID="9.4"\n'
    )
    assert (rocky.name, rocky.like) == ("Rocky Linux", ("rhel", "centos", "fedora"))
    assert os_release.parse("ID=arch\n").version == ""
    with pytest.raises(ValueError):
        os_release.parse("# nothing\n")


def test_dkms_logs_of_both_majors() -> None:
    # open-gpu-kernel-modules#558 and #526
    head = "DKMS make.log for nvidia-390.157 for kernel 6.5.2-arch1-1 (x86_64)\n"
    tail = (
        "nv-acpi.c:90:19: error: initialization of 'void (*)'\nmake[2]: *** [Makefile:2024: build] Error 2\n"
    )
    log = dkms.parse_make_log(head, tail)
    assert log.kernel == "6.5.2-arch1-1" and log.error.startswith("nv-acpi.c:90:19: error:")
    newer = "DKMS (dkms-3.0.11) make.log for nvidia/550.163.01 for kernel 6.14.0-24-generic (x86_64)\n"
    assert dkms.parse_make_log(newer, "  LD [M]  nvidia.ko\n") == dkms.MakeLog("6.14.0-24-generic", "")


def test_a_good_build_that_quotes_an_error_is_good() -> None:
    log = dkms.parse_make_log("x", "CONFTEST: error: implicit\n  LD [M]  nvidia.ko\n")
    assert log.error == ""


def test_proc_files() -> None:
    assert proc.boot_time("cpu 1 2\nbtime 1760000000\n") == 1_760_000_000.0
    limits = (
        "Limit                     Soft Limit           Hard Limit           Units\n"
        "Max open files            1024                 1048576              files\n"
        "Max locked memory         unlimited            unlimited            bytes\n"
    )
    assert proc.limits(limits) == Limits(memlock=-1, nofile=1024)
    status = "Name:\tpython\nUid:\t1000\t1001\t1000\t1000\nGroups:\t4 24 44\n"
    assert proc.status_numbers(status, "Uid")[1] == 1001 and proc.status_numbers(status, "Groups") == (
        4,
        24,
        44,
    )
    assert proc.module_names("nvidia_uvm 4931584 0 - Live 0x0 (POE)\n") == ("nvidia_uvm",)
    majors = proc.char_majors(
        "Character devices:\n  1 mem\n195 nvidia-frontend\n511 nvidia-uvm\n\nBlock devices:\n259 blkext\n"
    )
    assert majors == {1: "mem", 195: "nvidia-frontend", 511: "nvidia-uvm"}


@pytest.mark.parametrize("parse", [proc.boot_time, proc.limits, proc.module_names])
def test_garbage_in_proc_is_an_error_and_no_value(parse: object) -> None:
    with pytest.raises((ValueError, KeyError)):
        parse("\x7f garbage\n")  # type: ignore[operator]


def test_dpkg_status_keeps_the_drivers_packages_and_their_state() -> None:
    status = b"""Package: nvidia-driver-550
Status: install ok installed
Version: 550.163.01-0ubuntu0.22.04.1
Description: NVIDIA driver metapackage
 Version: not a field

Package: nvidia-dkms-550
Status: install ok half-configured
Version: 550.163.01-0ubuntu0.22.04.1

Package: nvidia-driver-535
Status: deinstall ok config-files
Version: 535.183.01-0ubuntu0.22.04.1

Package: ocl-icd
Status: install ok installed
Version: 1
Description: works with nvidia
"""
    found = packages.dpkg_status(status)
    assert [(p.name, p.state) for p in found] == [
        ("nvidia-driver-550", "installed"),
        ("nvidia-dkms-550", "half-configured"),
        ("nvidia-driver-535", "config-files"),
    ]


def test_logs_give_what_changed_after_the_boot() -> None:
    log = (
        "2026-11-19 06:00:00 upgrade nvidia-driver-550:amd64 550.54.14-0 550.90.07-0\n"
        "2026-11-20 06:12:33 upgrade nvidia-driver-550:amd64 550.90.07-0 550.163.01-0\n"
        "2026-11-20 06:12:34 status installed nvidia-driver-550:amd64 550.163.01-0\n"
        "2026-11-20 06:12:35 install libnvidia-compute-550:amd64 <none> 550.163.01-0\n"
    )
    boot = time.mktime((2026, 11, 20, 0, 0, 0, 0, 0, -1))
    changes = packages.dpkg_log(log, boot)
    assert [(c.action, c.name, c.old) for c in changes] == [
        ("upgrade", "nvidia-driver-550", "550.90.07-0"),
        ("install", "libnvidia-compute-550", ""),
    ]
    pacman = "[2026-11-20T06:12:33+0100] [ALPM] upgraded nvidia-utils (580.95.05-1 -> 580.105.08-1)\n"
    (change,) = packages.pacman_log(pacman, 0)
    assert (change.old, change.new, change.when) == ("580.95.05-1", "580.105.08-1", 1_795_151_553)


def test_pacman_folders() -> None:
    (found,) = packages.pacman_local(["nvidia-utils-580.105.08-1", "zlib-1:1.3.1-2", "ALPM_DB_VERSION"])
    assert (found.name, found.version, found.manager) == ("nvidia-utils", "580.105.08-1", "pacman")


def test_modprobe_files_and_the_command_line() -> None:
    text = "# blacklist nvidia\nblacklist nouveau\ninstall nvidia-drm /bin/false\ninstall snd /sbin/modprobe x\noptions nvidia a=1\n"
    assert modprobe.configured(text) == ("nouveau", "nvidia_drm")
    line = "BOOT_IMAGE=/vmlinuz ro modprobe.blacklist=nouveau,nova-core rd.driver.blacklist=nouveau quiet"
    assert modprobe.command_line(line) == ("nouveau", "nova_core", "nouveau")


def test_modinfo_of_kmod_says_the_same() -> None:
    text = "filename:       /lib/modules/x/nvidia.ko.zst\nversion:        550.163.01\nlicense:        NVIDIA\nsig_id:         PKCS#7\n"
    assert parse_modinfo(text) == ModuleInfo("550.163.01", "NVIDIA", True)
    with pytest.raises(ValueError):
        parse_modinfo("modinfo: ERROR: could not get modinfo\n")


def test_rpm_lists() -> None:
    found = packages.rpm_list(
        "akmod-nvidia\t3:580.95.05-1.fc42\nnvidia-container-toolkit\t1.17.8-1\nzlib\t1\n"
    )
    assert [p.name for p in found] == ["akmod-nvidia", "nvidia-container-toolkit"]
    assert found[0].manager == "rpm"
