"""The machine under the GPU: what /proc, /sys, /etc and the kernel log say of it."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from gpudoctor.facts.host import Distribution, DkmsBuild, Filesystem, KernelEvent, Limits, RdmaDevice, Wsl
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown, first_known
from gpudoctor.parsers import proc
from gpudoctor.system.port import NotHere, Port, exists, is_dir, look, names, observe, text

T = TypeVar("T")

#: From the end of a log file this much is read (bytes): the newest start of the kernel is nearly always within it.
LOG_TAIL = 4 << 20
_EFI = "/sys/firmware/efi"
_SECURE_BOOT = f"{_EFI}/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"


def system(port: Port) -> Observed[str]:
    if port.live:
        return Known(os.uname().sysname, "uname")
    recorded = look(port, "/proc/sys/kernel/ostype")
    if not isinstance(recorded, Known) and isinstance(distribution(port), Known):
        return Known("Linux", "/etc/os-release")
    return recorded


def distribution(port: Port) -> Observed[Distribution]:
    from gpudoctor.parsers.os_release import parse

    return first_known(*(_parsed(port, path, parse) for path in ("/etc/os-release", "/usr/lib/os-release")))


def _parsed(port: Port, path: str, parse: Callable[[str], T]) -> Observed[T]:
    return observe(lambda: parse(text(port, path)), path)


def kernel(port: Port) -> Observed[str]:
    """The running kernel's release; of another root without its /proc, the only kernel that has modules there."""
    return port.memo("host.kernel", lambda: _kernel(port))


def _kernel(port: Port) -> Observed[str]:
    if port.live:
        return Known(os.uname().release, "uname")
    recorded = look(port, "/proc/sys/kernel/osrelease")
    if isinstance(recorded, Known):
        return recorded
    version = observe(lambda: text(port, "/proc/version").split()[2], "/proc/version")
    if isinstance(version, Known):
        return version
    kernels = names(port, "/lib/modules")
    if len(kernels) == 1:
        return Known(kernels[0], "/lib/modules (the only kernel there)")
    return Unknown("which kernel runs is the running machine's to say")


def architecture(port: Port) -> Observed[str]:
    if port.live:
        return Known(os.uname().machine, "uname")
    programs = ("/bin/sh", "/usr/bin/env", "/usr/bin/true", "/bin/busybox")
    return first_known(*(_elf_architecture(port, program) for program in programs))


def _elf_architecture(port: Port, path: str) -> Observed[str]:
    return observe(lambda: _elf_machine(port.read(path, 20)), path)


def _elf_machine(head: bytes) -> str:
    if head[:4] != b"\x7fELF" or len(head) < 20:
        raise ValueError("not an ELF file")
    order = "little" if head[5] == 1 else "big"
    number = int.from_bytes(head[18:20], order)  # type: ignore[arg-type]
    return {62: "x86_64", 183: "aarch64", 3: "i686", 40: "armv7l", 21: "ppc64le", 243: "riscv64"}[number]


def libc(port: Port) -> Observed[str]:
    """ "glibc 2.36" or "musl": asked of this process, or read from the file of another root."""
    if port.live:
        try:
            said = os.confstr("CS_GNU_LIBC_VERSION")
        except (ValueError, OSError):
            said = None
        if said:
            return Known(said, "confstr")
    folders = ("/lib/x86_64-linux-gnu", "/lib/aarch64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib")
    for folder in folders:
        found = _glibc(port, f"{folder}/libc.so.6")
        if not isinstance(found, Absent):
            return found
    musl = [f"/lib/{name}" for name in names(port, "/lib") if name.startswith("ld-musl-")]
    return Known("musl", musl[0]) if musl else Absent("libc.so.6 in " + ", ".join(folders))


def _glibc(port: Port, path: str) -> Observed[str]:
    return observe(lambda: _glibc_version(port, path), path)


def _glibc_version(port: Port, path: str) -> str:
    name = port.realpath(path).rpartition("/")[2]
    if name.startswith("libc-") and name.endswith(".so"):
        return f"glibc {name[5:-3]}"
    # The banner that running the file would print.
    data = port.read(path)
    at = data.index(b"GNU C Library")
    words = data[at : at + 200].split(b"release version ", 1)[1]
    return "glibc " + words.split(b".\n")[0].split(b",")[0].rstrip(b".").decode("ascii")


def boot_time(port: Port) -> Observed[float]:
    return observe(lambda: proc.boot_time(text(port, "/proc/stat")), "/proc/stat")


def wsl(port: Port) -> Observed[Wsl]:
    return port.memo("host.wsl", lambda: _wsl(port))


def _wsl(port: Port) -> Observed[Wsl]:
    version = look(port, "/proc/version")
    if not isinstance(version, Known):
        return version
    said = version.value.lower()
    if "microsoft" not in said:
        return Absent("/proc/version")
    second = "wsl2" in said or "microsoft-standard" in said or exists(port, "/dev/dxg")
    # WSL1 prints Windows' build as a kernel release: "Linux version 4.4.0-19041-Microsoft".
    release = version.value.split()[2] if len(version.value.split()) > 2 else ""
    parts = release.split("-")
    build: Observed[str] = Unknown("only a Windows program could tell Windows' build")
    if not second and len(parts) == 3 and parts[1].isdigit():
        build = Known(parts[1], "/proc/version")
    libraries = any(name.startswith("libcuda.so") for name in names(port, "/usr/lib/wsl/lib"))
    return Known(
        Wsl(
            2 if second else 1,
            observe(lambda: exists(port, "/dev/dxg"), "/dev/dxg"),
            Known(libraries, "/usr/lib/wsl/lib"),
            build,
        ),
        "/proc/version",
    )


def tegra(port: Port) -> Observed[str]:
    model = observe(
        lambda: port.read("/proc/device-tree/model", 4096).decode("utf-8", "replace").strip("\0 \n"),
        "/proc/device-tree/model",
    )
    if isinstance(model, Known) and any(w in model.value.lower() for w in ("jetson", "tegra", "nvidia")):
        return model
    release = look(port, "/etc/nv_tegra_release")
    if isinstance(release, Known):
        return Known(release.value.splitlines()[0].strip("# ") if release.value else "Tegra", release.via)
    if isinstance(release, Absent):
        return Absent("/proc/device-tree/model, /etc/nv_tegra_release")
    return release


def secure_boot(port: Port) -> Observed[bool]:
    """The efivar's last byte; the four before it are attributes."""
    flag = observe(lambda: port.read(_SECURE_BOOT, 64)[4] == 1, _SECURE_BOOT)
    if not isinstance(flag, Absent):
        return flag
    try:
        port.stat("/sys/bus")  # without a sysfs the missing folder says nothing
        firmware = is_dir(port, _EFI)
    except OSError as error:
        return Unknown(f"/sys: {error.strerror or error}")
    if not firmware:
        return Absent(_EFI)
    if not names(port, f"{_EFI}/efivars"):
        return Unknown(f"{_EFI}/efivars is not mounted", "host")
    return Absent(_SECURE_BOOT)


def limits(port: Port) -> Observed[Limits]:
    return observe(lambda: proc.limits(text(port, "/proc/self/limits")), "/proc/self/limits")


def shm(port: Port) -> Observed[Filesystem]:
    def ask() -> Filesystem:
        size, free = port.space("/dev/shm")
        return Filesystem("/dev/shm", size, free)

    return observe(ask, "/dev/shm")


def uid(port: Port) -> Observed[int]:
    """The effective user: whom the kernel judges when a device is opened."""
    return observe(
        lambda: proc.status_numbers(text(port, "/proc/self/status"), "Uid")[1], "/proc/self/status"
    )


def groups(port: Port) -> Observed[tuple[int, ...]]:
    def ask() -> tuple[int, ...]:
        status = text(port, "/proc/self/status")
        own = proc.status_numbers(status, "Gid")[1]
        return tuple(dict.fromkeys((own, *proc.status_numbers(status, "Groups"))))

    return observe(ask, "/proc/self/status")


def kernel_log(port: Port) -> Observed[tuple[KernelEvent, ...]]:
    from gpudoctor.probes.host.log import events

    return events(port)


def dkms(port: Port) -> Observed[tuple[DkmsBuild, ...]]:
    from gpudoctor.probes.host.builds import builds

    return builds(port)


def infiniband(port: Port) -> Observed[tuple[RdmaDevice, ...]]:
    from gpudoctor.probes.host.rdma import cards

    return cards(port)


def tail(port: Port, path: str) -> str:
    """The end of a log, which may be of any size."""
    with port.open(path) as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - LOG_TAIL))
        return file.read(LOG_TAIL).decode("utf-8", "replace")


def kernel_headers(port: Port) -> Observed[str]:
    running = kernel(port)
    if not isinstance(running, Known):
        return running if isinstance(running, Unknown) else Unknown("the kernel is not known")
    path = f"/lib/modules/{running.value}/build"

    def ask() -> str:
        if not exists(port, f"{path}/Makefile"):
            raise FileNotFoundError
        return path

    return observe(ask, path)


def selinux(port: Port) -> Observed[str]:
    return observe(
        lambda: {"1": "enforcing", "0": "permissive"}[text(port, "/sys/fs/selinux/enforce").strip()],
        "/sys/fs/selinux/enforce",
    )


def systemd(port: Port) -> Observed[bool]:
    """systemd runs as the first process (sd_booted(3))."""

    def ask() -> bool:
        try:
            return port.stat("/run/systemd/system").kind == "dir"
        except NotHere:
            raise
        except FileNotFoundError:
            return False

    return observe(ask, "/run/systemd/system")


FIELDS: Mapping[str, Callable[[Port], Any]] = {
    "system": system,
    "distribution": distribution,
    "kernel": kernel,
    "architecture": architecture,
    "libc": libc,
    "boot_time": boot_time,
    "wsl": wsl,
    "tegra": tegra,
    "secure_boot": secure_boot,
    "limits": limits,
    "shm": shm,
    "uid": uid,
    "groups": groups,
    "kernel_log": kernel_log,
    "dkms": dkms,
    "kernel_headers": kernel_headers,
    "selinux": selinux,
    "systemd": systemd,
    "infiniband": infiniband,
}
