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
    Signature(r"modprobe: FATAL: Module nvidia(?![-_]uvm)(?:[-_]\w+)? not found", 0.85),
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
        r"NVIDIA kernel module.{0,40}(?:missing|not found)|kernel module is missing", 0.8, needs=(r"nvidia",)
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
        r"FATAL: (?:Could not (?:load|open)|Module) .{0,60}nvidia(?![-_]uvm)|Module nvidia(?:[-_](?:current|\d+))? not found|could not find module by name='nvidia(?:[-_](?:current|\d+))?'",
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
    # After the kernel changed, in the reporter's words.
    Signature(
        r"kernel (?:was |got |has been |is )?(?:just |automatically )?(?:updat|upgrad|chang)\w+.{0,120}(?:nvidia-smi|driver|module|GPU)\b.{0,60}(?:fail\w*|stop\w*|no longer|not work\w*|not found|broke\w*|n't work|not built|missing)|(?:updat|upgrad)\w+ (?:\w+ ){0,3}(?:to )?(?:the )?(?:new |linux )?kernel\b.{0,120}(?:nvidia-smi|driver|nvidia module|GPU)\b.{0,60}(?:fail\w*|stop\w*|no longer|not work\w*|not found|broke\w*|n't work|not built|missing)",
        0.68,
        needs=(r"nvidia",),
        unless=(
            r"fails? to (?:build|compile)|failed to (?:build|compile)|bad exit|Bad return",
            r"nouveau",
            r"Key was rejected|secure ?boot",
            r"version mismatch",
        ),
    ),
    Signature(
        r"lsmod ?\| ?grep (?:-i )?nvidia.{0,30}(?:shows?|prints?|gives?|is|has) (?:nothing|empty|no output)|no nvidia (?:kernel )?modules? (?:is |are |was )?(?:loaded|in lsmod|listed)",
        0.72,
        needs=(r"nvidia",),
    ),
    Signature(
        r"insert (?:module )?\S{0,60}nvidia(?![-_](?:\d+[-_])?uvm)(?:\.ko)?\S{0,6}:? (?:Invalid module format|Unknown symbol in module|No such device)|nvidia: (?:version magic|disagrees about version of symbol)",
        0.72,
    ),
    Signature(
        r"emerge @module-rebuild|module-rebuild|nvidia(?:\.ko)? (?:kernel )?(?:module |driver )?(?:is |was )?(?:missing|not built|not (?:yet )?compiled|not available|not present) (?:for|in|under) (?:the |this |my )?(?:new|running|current|booted|kernel)",
        0.74,
        needs=(r"nvidia",),
        unless=(r"fails? to (?:build|compile)",),
    ),
    Signature(r"nvmlInit(?:_v2|WithFlags)?(?:\(\))? (?:failed|returned|error)\W{1,4}9\b", 0.85),
    Signature(
        r"(?:linux-modules-nvidia-\S+|nvidia-gfx\S+-kmp\S*|kmod-nvidia-\S+|nvidia-kmod\S*) .{0,40}(?:missing|not (?:built|installed|found|available))|no nvidia (?:kernel )?module for (?:this|the)",
        0.8,
    ),
    Signature(r"Failed to find module '?nvidia'?(?![-_]uvm)", 0.8),
    Signature(
        r"/proc/driver/nvidia/version does not exist",
        0.6,
        needs=(r"kernel driver does not appear to be running",),
        when="not-in-container",
        unless=(r"libcuda\.so",),
    ),
    # One kernel works and another does not.
    Signature(
        r"(?:works?|working|boots?|runs?|fine|ok) .{0,30}(?:with|under|on|using|in|while (?:I am |I'm )?running) (?:the )?(?:stock|old|older|previous|default|lts|mainline|original|other|[`'\"]?linux[`'\"]?) kernel\b",
        0.8,
        needs=(
            r"communicate with (?:the )?(?:nvidia )?driver|modprobe|nvidia-smi .{0,30}(?:fail\w*|not |n't)",
        ),
        unless=(r"Bad return|bad exit|fails? to (?:build|compile)", r"Key was rejected"),
    ),
    # Chinese: the kernel was updated, and the driver is gone.
    Signature(
        r"内核更新|内核升级|内核自动更新|内核自动升级|更新内核|升级内核|自动更新了内核|升级了内核|更新了内核|更换了内核|更换内核|换了内核|内核版本变|更新系统内核|升级系统内核",
        0.72,
        needs=(r"nvidia|驱动|显卡", r"失效|报错|不能用|用不了|无法|失败|不可用|启动不了|couldn't|failed"),
        unless=(r"编译失败|编译错误|Bad return|dkms .{0,20}(?:失败|报错)", r"mismatch"),
    ),
    # libcuda answers that there is no device, and the kernel's half is not there: the module is not loaded.
    Signature(
        r"kernel driver does not appear to be running on this host",
        0.72,
        needs=(r"failed call to cuInit", r"/proc/driver/nvidia/version does not exist"),
        when="not-in-container",
        unless=(r"libcuda\.so", r"CUDA_VISIBLE_DEVICES", r"\bWSL\b|microsoft-standard"),
    ),
    Signature(
        r"lsmod ?\| ?e?grep (?:-i )?['\"]?nvidia['\"]?(?: is| was|:| ->| =>| 输出| 结果)? ?(?:nothing|empty|no output|none|shows? nothing|returns? nothing|为空|没有输出|无输出)",
        0.74,
        unless=(r"nouveau", r"secure ?boot"),
    ),
    Signature(
        r"lsmod (?:output )?(?:has|shows?|lists?|prints?|contains?|knows?) (?:no|nothing (?:of|about|with)|not an?y?) (?:\w+ )?nvidia|nvidia (?:module )?(?:is |are )?(?:not|n't|absent|missing) (?:listed |shown |there |loaded )?(?:in|from|by) lsmod|(?:no|without) nvidia (?:line|entry|module|row)?s? ?in lsmod|lsmod (?:does not|doesn't|didn't) (?:list|show|have|contain) (?:\w+ ){0,2}nvidia|lsmod ?(?:里|中)?(?:没有|看不到|无) ?nvidia",
        0.82,
        unless=(
            r"nouveau",
            r"secure ?boot|Key was rejected",
            r"Bad return|bad exit",
            r"nvidia[-_]uvm (?:is |are )?(?:not|missing|absent)",
        ),
    ),
    Signature(
        r"nvidia-smi\b.{0,40}(?:couldn't|could not|can't|cannot|failed to) communicate\b(?! with the (?:GPU|server|daemon))",
        0.72,
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
