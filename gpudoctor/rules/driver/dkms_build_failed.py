"""DKMS could not build the NVIDIA module

What it is: DKMS compiles the driver's kernel module anew for each kernel. For one kernel the compiler stopped: the kernel
is newer than the driver knows, the compiler is another than the kernel's, or DKMS' tree is stale.

Why it hurts: That kernel boots without the NVIDIA module: no nvidia-smi, no CUDA, perhaps no desktop.

How to tell: /var/lib/dkms/nvidia/<version>/build/make.log ends in an error and names the kernel, and there is no built
module for that kernel. ("Bad return status for module build", "Could not locate dkms.conf".)

How to fix: Install a driver that supports this kernel, or boot the kernel before. For a stale tree remove it (`sudo dkms
remove nvidia/<version> --all`) and install the driver's DKMS package again.

Sources: https://github.com/NVIDIA/open-gpu-kernel-modules/issues/526
https://github.com/pop-os/beta/issues/310
https://github.com/dell/dkms/blob/main/dkms.8.in
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.driver import Driver
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import DkmsBuild, Host
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import Evidence, Fix, Problem, seen
from gpudoctor.rules.driver._installation import SYMPTOMS, gpus, in_memory, native_linux
from gpudoctor.rules.judging import need
from gpudoctor.signature import Signature

explains = SYMPTOMS

signatures: tuple[Signature | str, ...] = (
    # dkms 2 and 3.
    Signature(
        r"Bad return status for module build on kernel",
        0.95,
        unless=(r"/var/lib/dkms/(?!nvidia)\w",),
    ),
    Signature(r"Could not locate dkms\.conf file", 0.9),
    Signature(r"Building module:?.{0,200}\(bad exit status: \d+\)", 0.9),
    Signature(r"\(bad exit status: \d+\)", 0.7, needs=(r"nvidia",)),
    Signature(
        r"DKMS: install (?:Failed|failed)|dkms (?:build|autoinstall|install) .{0,60}(?:failed|exited with)",
        0.85,
        needs=(r"nvidia|NVIDIA",),
    ),
    Signature(r"dkms autoinstall on \S+ failed for nvidia", 0.95),
    # NVIDIA's .run installer.
    Signature(r"An error occurred while performing the step: \"Building kernel modules\"", 0.9),
    Signature(r"Unable to build the NVIDIA kernel module", 0.9),
    Signature(
        r"The kernel module build.{0,30}failed|Failed to (?:run|install the kernel module through) .{0,30}(?:dkms|DKMS)",
        0.85,
        needs=(r"nvidia|NVIDIA",),
    ),
    # The compiler's words in make.log, where a kernel has changed its API.
    Signature(r"/(?:nvidia|nvidia-uvm|nvidia-drm|nvidia-modeset)/[\w.-]+\.[ch]:\d+:\d+: error:", 0.85),
    Signature(
        r"modprobe: .{0,40}Module nvidia.{0,40}not found", 0.4, needs=(r"dkms.{0,80}(?:failed|Error)",)
    ),
    # The same words from the .run installer's folder and from kbuild's relative paths; a refusal of the linker.
    Signature(
        r"\b(?:nv|nvidia|os|uvm)(?:[-_]\w[\w-]{0,40})?\.[ch]:\d+:\d+: error:", 0.85, needs=(r"nv|nvidia",)
    ),
    Signature(r"GPL-incompatible module nvidia\S* uses GPL-only symbol", 0.93),
    Signature(
        r"DKMS module '?nvidia\S*'? failed to build|Building DKMS module '?nvidia\S*'? .{0,60}FAILED", 0.95
    ),
    Signature(r"error processing package nvidia-(?:kernel-)?(?:open-)?dkms\S*", 0.75),
    Signature(r"unrecognized command[- ]line option ['‘`]?-ftrivial-auto-var-init", 0.9),
    Signature(r"\[Makefile:\d+: \S*/(?:nvidia|kernel-open|kernel)/?\S*\] Error \d", 0.5, needs=(r"nvidia",)),
    Signature(
        r"Error! The dkms\.conf|Error! Could not (?:find|locate) .{0,60}module source",
        0.7,
        needs=(r"nvidia",),
    ),
    # kbuild, where an object of the module does not compile.
    Signature(r"/var/lib/dkms/nvidia\S{0,80}/build/\S{1,80}\.k?o\] Error \d", 0.88),
    # dkms' own pointer; akmods (Fedora); NixOS, Gentoo; modpost; the installer's check of the compiler.
    Signature(r"/var/lib/dkms/nvidia\S*/build/make\.log", 0.88),
    Signature(
        r"/var/cache/akmods/nvidia\S*failed\.log|Building RPM using the command .{0,80}kmod-nvidia|kmod-nvidia.{0,60}(?:failed|FAILED)|akmods?-nvidia.{0,60}(?:fail|FAIL|error)|akmods .{0,60}Building and installing nvidia.{0,30}FAILED",
        0.88,
    ),
    Signature(
        r"builder for .{0,80}nvidia-(?:x11|open)\S* failed|ERROR: x11-drivers/nvidia-drivers|x11-drivers/nvidia-drivers\S* failed",
        0.88,
    ),
    Signature(r"modpost: .{0,120}nvidia\S*\.k?o\W{0,3} undefined", 0.88),
    Signature(
        r"CC version check failed|compiler used to compile the kernel .{0,80}does not (?:exactly )?match",
        0.85,
        needs=(r"nvidia",),
    ),
    Signature(
        r"Failed to (?:build|compile) (?:the )?(?:nvidia|kernel) (?:kernel )?modules?",
        0.85,
        needs=(r"nvidia",),
    ),
    Signature(
        r"nvidia\S* .{0,60}(?:fails? to|failed to|doesn't|does not|won't|unable to|cannot|can't|failing to) (?:build|compile)\b.{0,80}(?:kernel|linux|module|dkms)|(?:kernel|linux) [5-7]\.\d+ .{0,60}nvidia.{0,40}(?:fails? to|failed to|doesn't|does not|won't) (?:build|compile)",
        0.78,
        needs=(r"build|compile",),
    ),
    Signature(
        r"/(?:kernel-open|kernel)/nvidia(?:-uvm|-drm|-modeset|-peermem)?/[\w.-]{1,60}\.[cho]\b.{0,20}(?:error|Error)",
        0.85,
    ),
    Signature(
        r"DKMS (?:tree|module).{0,40}(?:nvidia|NVIDIA).{0,60}(?:broken|stale|missing|does not exist)",
        0.8,
        needs=(r"dkms",),
    ),
    Signature(r"dkms .{0,40}nvidia\S{0,30}.{0,60}\b(?:failed|error!)", 0.75, needs=(r"dkms",)),
    # kbuild's options that the compiler does not know; the kernel's changed functions; pacman's hook; the check of the compiler.
    Signature(
        r"unrecognized command[- ]line option ['‘`]?-f(?:min-function-alignment|strict-flex-arrays|zero-init-padding|conserve-stack|sanitize=\w+|cf-protection)",
        0.85,
        needs=(r"nvidia|NVIDIA",),
    ),
    Signature(
        r"(?:implicit declaration of function|has no member named|incompatible pointer type|too (?:few|many) arguments to function|redefinition of|conflicting types for)\b",
        0.78,
        needs=(
            r"nvidia",
            r"nv-\w+\.[ch]|nvidia-\w+\.[ch]|nvidia/|dkms|nvidia-installer|kernel-open",
            r"kernel|dkms|make",
        ),
        unless=(r"\.cu\b|nvcc|torch|setup\.py",),
    ),
    Signature(r"dkms install .{0,40}nvidia\S{0,40}.{0,40}exited \d+|`dkms install \S{0,40} ?nvidia", 0.85),
    Signature(
        r"Compiler version check failed|compiler used to compile the (?:running )?kernel",
        0.8,
        needs=(r"nvidia", r"match|mismatch|differ\w*|fail\w*"),
    ),
    Signature(
        r"(?:nvidia|dkms)\S* (?:(?!\bI\b|\bwe\b|\byou\b)[^\n.]){0,40}(?:does not|doesn't|don't|didn't|won't|fails? to|failed to|cannot|can't|could not|couldn't|will not) (?:build(?!s)|compile|be (?:built|compiled)) (?:(?!new kernel|a kernel)[^\n.]){0,40}(?:kernel|linux|gcc|anymore)",
        0.76,
        needs=(r"nvidia",),
        unless=(r"secure ?boot",),
    ),
    Signature(r"(?:^|[ /])nvidia(?:-\w+)?/[\w.-]+\.[ch]:\d+:\d+: fatal error", 0.88),
    Signature(
        r"kernel module failed to build|Build of nvidia\S* failed|scripts/Makefile\.mod\w+:\d+: .{0,60}nvidia",
        0.85,
    ),
    Signature(r"gcc-\d+: (?:command )?not found", 0.74, needs=(r"dkms|nvidia-installer|\.ko\b", r"nvidia")),
    # Fedora's akmods with its brackets; dkms 3's summary; the installer's other sentences; errors quoted without their line; prose.
    Signature(
        r"Building and installing nvidia\S* {0,2}\[ ?FAILED|Building and installing nvidia\S{0,20}.{0,20}\[ ?FAILED",
        0.93,
    ),
    Signature(
        r"autoinstall (?:for|on) kernel.{0,60}nvidia\S* (?:failed|exited)|nvidia/\d{3}\.\S{1,12} (?:autoinstall )?failed",
        0.85,
    ),
    Signature(
        r"kernel module was not created|Unable to find the development tool `?\w+`? in your path|unable to determine the (?:version of the )?(?:kernel|compiler)|You do not have (?:the )?`?(?:cc|gcc|make)`?",
        0.8,
        needs=(r"nvidia",),
    ),
    Signature(
        r"/(?:usr/src/nvidia-|var/lib/dkms/nvidia/|tmp/selfgz\d+/NVIDIA-)\S{1,120}\.[ch]:? (?:fatal )?error",
        0.88,
    ),
    Signature(
        r"编译失败|编译不过|编译报错|编译错误|编译出错|构建失败|编译不成功|无法编译",
        0.82,
        needs=(r"dkms|内核|kernel|驱动", r"nvidia|显卡"),
        unless=(r"torch|setup\.py|nvcc|\.cu\b",),
    ),
)


def check(host: Host, driver: Driver, gpu: Gpu) -> Iterator[Problem]:
    native_linux(host)
    gpus(gpu)
    builds = need(host.dkms, "DKMS tree")
    running = need(host.kernel, "running kernel")
    have = {f.kernel for f in value_of(driver.module_files, ())}
    failed = [b for b in builds if b.state == "failed" and b.kernel not in have]
    now = [b for b in failed if b.kernel in ("", running)]
    if now and not in_memory(driver) and running not in have:
        yield _problem(host, driver, now[0], running, here=True)
    elif later := [b for b in failed if b.kernel not in ("", running)]:
        yield _problem(host, driver, later[0], later[0].kernel, here=False)


def _problem(host: Host, driver: Driver, build: DkmsBuild, kernel: str, here: bool) -> Problem:
    return Problem(
        f"DKMS could not build {build.module} {build.version} for kernel {kernel}"
        + ("" if here else ": that kernel will boot without the driver"),
        severity="failure" if here else "warning",
        evidence=(
            Evidence("build log", build.detail, "/var/lib/dkms"),
            seen("running kernel", host.kernel),
            seen("module in memory", driver.module),
        ),
        fix=Fix(
            f"Install a driver that supports kernel {kernel} (or boot an older kernel), then build it",
            (
                f"sudo dkms build {build.module}/{build.version} -k {kernel}",
                f"sudo dkms autoinstall -k {kernel}",
            ),
        ),
    )
