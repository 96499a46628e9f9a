"""The driver's kernel module is not loaded

What it is: The user-space half of the driver is installed, but nvidia.ko is not in memory: it was never built for the
running kernel, or it is on disk and was not loaded.

Why it hurts: nvidia-smi "couldn't communicate with the NVIDIA driver", NVML answers "Driver Not Loaded" (9), CUDA finds
no device.

How to tell: No /sys/module/nvidia, while libraries or packages of the driver are there. Then /lib/modules/<running
kernel> decides: no nvidia*.ko there (after a kernel update, typically), or a file that modprobe would load.

How to fix: No module for this kernel: install the kernel's headers and let DKMS build it, install the distribution's
prebuilt module package, or boot the older kernel. A module on disk: `modprobe nvidia`, and read what the kernel says.

Sources: https://github.com/crhy/spaced/issues/20
https://github.com/M-Bab/linux-kernel-amdgpu-binaries/issues/101
https://docs.nvidia.com/datacenter/tesla/driver-installation-guide/
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.driver import Driver
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem, seen
from gpudoctor.rules.driver._installation import (
    family,
    files_for_running,
    gpus,
    headers_command,
    in_memory,
    installation,
    native_linux,
    not_for_guests,
    user_space,
)
from gpudoctor.signature import Signature

explains = (
    "smoke-ran-on-cpu",
    "driver-not-answering",
    "device-node-missing-or-permission",
    "uvm-not-working",
)

signatures: tuple[Signature | str, ...] = (
    # NVML 9 as nvidia-smi prints it, all branches.
    Signature(r"NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver", 0.75),
    Signature(r"modprobe: FATAL: Module nvidia(?:[-_]\w+)? not found", 0.85),
    Signature(r"modprobe: ERROR: could not insert '?nvidia(?![\w-]{0,8}uvm)", 0.6),
    Signature(r"nvml error: driver not loaded", 0.85),
    Signature(r"NVML: Driver Not Loaded|NVMLError_DriverNotLoaded|Driver Not Loaded", 0.8),
    # libnvidia-container, libcuda.
    Signature(
        r"nvidia-container-cli: initialization error: (?:cuda error: unknown error|driver error: driver not loaded)",
        0.6,
    ),
    # TensorFlow, cuda_diagnostics.cc.
    Signature(r"kernel driver does not appear to be running on this host", 0.45),
    Signature(r"/proc/driver/nvidia/version does not exist", 0.5),
    # systemd, X and dkms.
    Signature(r"Failed to load the NVIDIA kernel module", 0.6),
    Signature(
        r"NVIDIA kernel module.{0,40}(?:missing|not found)|kernel module is missing", 0.75, needs=(r"nvidia",)
    ),
    Signature(r"nvidia-persistenced.{0,80}Failed to query NVIDIA devices", 0.6),
    Signature(
        r"Exec format error.{0,60}nvidia|could not insert 'nvidia\w*': Exec format error",
        0.7,
        needs=(r"nvidia",),
    ),
    # libkmod before 2014 and Ubuntu's versioned module names: the whole driver is another's.
    Signature(
        r"could not insert '?nvidia\w*uvm'?: Unknown symbol in module",
        0.84,
        needs=(r"/proc/driver/nvidia/version does not exist|driver not loaded",),
    ),
    # X.org's log; the .run installer's check after the build.
    Signature(r"Failed to (?:load|initialize) (?:module \"?nvidia\"?|the NVIDIA kernel module)", 0.65),
    Signature(r"Unable to load the kernel module 'nvidia\.ko'", 0.65),
    # Shortened quotations of nvidia-smi; other languages' reports.
    Signature(
        r"(?:couldn't|could not|cannot|can't|can not|unable to|failed to) communicate with (?:the )?NVIDIA driver",
        0.74,
    ),
    Signature(r"NVIDIA-SMI has failed|latest NVIDIA driver is installed and running", 0.7),
    Signature(r"无法与 ?NVIDIA ?驱动(?:程序)?(?:进行)?通信", 0.74, needs=(r"无法与",)),
    # Every spelling of modprobe, insmod and libkmod, without the helper modules of other causes.
    Signature(
        r"FATAL: (?:Could not (?:load|open)|Module) .{0,60}nvidia|Module nvidia(?:[-_](?:current|\d+))? not found|could not find module by name='nvidia(?:[-_](?:current|\d+))?'",
        0.8,
    ),
    Signature(
        r"(?:NVIDIA|nvidia) (?:kernel )?(?:module|driver) (?:is |was |were |are )?(?:still )?(?:not|n't|isn't|never) (?:being )?loaded|driver 'nvidia' is not (?:currently )?loaded|NVIDIA: Failed to load (?:the )?kernel module",
        0.72,
        needs=(r"loaded|load kernel|load the kernel",),
    ),
    Signature(
        r"no nvidia\.ko|nvidia\.ko(?:\.\w+)?['\"]? (?:not found|is missing|does not exist|cannot be found)|(?:missing|find) .{0,20}nvidia\.ko",
        0.78,
    ),
    Signature(r"Failed to load module \"nvidia\" \(module does not exist", 0.75),
    Signature(
        r"lsmod ?\| ?grep (?:-i )?nvidia.{0,30}(?:nothing|empty|no output|returns? no)",
        0.7,
        needs=(r"lsmod",),
    ),
    Signature(
        r"(?:after|since) .{0,30}(?:kernel|linux) .{0,20}(?:updat|upgrad)\w+.{0,120}(?:nvidia-smi|driver|module|GPU) .{0,40}(?:fail|not|no longer|stop|broke|n't)",
        0.6,
        needs=(r"nvidia",),
    ),
)


def check(host: Host, driver: Driver, gpu: Gpu, containers: Containers) -> Iterator[Problem]:
    native_linux(host)
    if not not_for_guests(gpus(gpu)):
        raise DoesNotApply("all GPUs are set aside for virtual machines")
    if in_memory(driver):
        return
    if isinstance(containers.inside, Known):
        if not user_space(driver):
            raise DoesNotApply("in a container without driver libraries the host's driver is not judged")
        yield _problem(
            host, driver, "The host's kernel has no NVIDIA module loaded", ("sudo modprobe nvidia",), "host"
        )
        return
    signs = installation(host, driver)
    if not signs:
        raise DoesNotApply("no NVIDIA driver is installed")
    kernel = value_of(host.kernel, "the running kernel")
    if isinstance(driver.module_files, Known) and files_for_running(host, driver):
        title = f"nvidia.ko for kernel {kernel} is on disk, but not loaded"
        yield _problem(
            host,
            driver,
            title,
            ("sudo modprobe nvidia", "sudo dmesg | grep -iE 'nvrm|nvidia' | tail"),
            "load",
        )
        return
    others = sorted({f.kernel for f in value_of(driver.module_files, ())})
    title = f"No NVIDIA kernel module for the running kernel {kernel}"
    title += f" (there is one for {', '.join(others[-2:])})" if others else ""
    yield _problem(host, driver, title, _build_commands(host), "build")


def _problem(host: Host, driver: Driver, title: str, commands: tuple[str, ...], kind: str) -> Problem:
    summary = {
        "host": "Load the module on the host; a container can't",
        "load": "Load the module, and read what the kernel says if it refuses",
        "build": "Install the headers of this kernel and build the module for it, or boot the kernel that has one",
    }[kind]
    evidence = (
        seen("module in memory", driver.module),
        seen("running kernel", host.kernel),
        Evidence(
            "modules on disk",
            ", ".join(f.path for f in value_of(driver.module_files, ())[:3]) or "none",
            getattr(driver.module_files, "via", "/lib/modules"),
        ),
        *(Evidence("driver library", c.real_path, c.path) for c in user_space(driver)[:1]),
    )
    return Problem(
        title, evidence=evidence, fix=Fix(summary, commands, "unsafe" if kind == "load" else "manual")
    )


def _build_commands(host: Host) -> tuple[str, ...]:
    kernel = value_of(host.kernel, "$(uname -r)")
    headers = headers_command(host)
    if not headers:
        return ()
    if family(host) == "fedora":
        return (
            headers,
            f"sudo akmods --force --kernels {kernel} || sudo dkms autoinstall -k {kernel}",
            "sudo modprobe nvidia",
        )
    return (headers, f"sudo dkms autoinstall -k {kernel}", "sudo modprobe nvidia")
