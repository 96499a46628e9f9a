"""The loaded kernel module and the user-space driver are of different versions

What it is: NVIDIA's driver has two halves that must be of exactly the same version: the kernel module (nvidia.ko)
and the user-space libraries (libnvidia-ml, libcuda). The libraries on disk were replaced while the old module stayed
in memory, or two installations of the driver lie on one machine.

Why it hurts: The kernel module refuses to talk to libraries of another version, so nothing works: nvidia-smi says
"Driver/library version mismatch", CUDA fails with error 803 or finds no device, new containers do not start.

How to tell: /sys/module/nvidia/version against the version in the name of libnvidia-ml.so.1's file, and against the
module on disk. If the module on disk agrees with the libraries, a reboot ends it; if it does not, two installations
fight, and a reboot changes nothing.

How to fix: Reboot (or stop everything that uses the GPU, unload the modules and load them again). Then keep it from
coming back: hold the driver's packages, or leave them out of unattended upgrades. If it survives the reboot, remove
one of the two installations (a .run installation with `nvidia-uninstall`).

Sources: https://github.com/canonical/ubuntu-server-documentation/issues/369
https://github.com/NVIDIA/nvidia-container-toolkit/issues/171
https://github.com/tinygrad/open-gpu-kernel-modules/issues/47
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.driver import Driver, DriverLibrary
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Absent, Known, Observed, mapped, value_of
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem, seen
from gpudoctor.rules.judging import need
from gpudoctor.signature import Signature, error_code

#: nvmlInit: NVML_ERROR_LIB_RM_VERSION_MISMATCH. cuInit: CUDA_ERROR_SYSTEM_DRIVER_MISMATCH.
NVML_MISMATCH, CUDA_MISMATCH = 18, 803

explains = (
    "smoke-ran-on-cpu",
    "kernel-module-not-loaded",
    "device-node-missing-or-permission",
    "uvm-not-working",
    "driver-not-answering",
)

signatures: tuple[Signature | str, ...] = (
    # NVML 18 as nvidia-smi prints it; "RM has detected ..." is nvidia-ml-py's wording of the same code.
    r"Failed to initialize NVML: Driver/library version mismatch",
    Signature(r"Driver/library version mismatch", 0.95),
    r"RM has detected an NVML/RM version mismatch",
    r"NVML_ERROR_LIB_RM_VERSION_MISMATCH",
    # CUDA error 803.
    Signature(r"system has unsupported display driver / cuda driver combination", 0.9),
    r"CUDA_ERROR_SYSTEM_DRIVER_MISMATCH",
    r"cudaErrorSystemDriverMismatch",
    # nvidia-container-cli, libnvidia-container.
    r"nvml error: driver/library version mismatch",
    # The module in the kernel log, every branch.
    r"NVRM: API mismatch: the client has the version",
    # TensorFlow, cuda_diagnostics.cc.
    r"kernel version \S+ does not match DSO version",
    # ld.so: a part of the driver is wanted in the version that was installed before.
    Signature(
        r"libnvidia-[\w-]+\.so\.(?P<wants>\d{3}\.\d+\S*): cannot open shared object file",
        0.8,
        explanation="A library of driver {wants} is wanted, and it is not there: another version was installed since.",
    ),
    Signature(error_code(803), 0.85),
    # nvidia-ml-py's exception; Julia, Rust; X.org and libcuda before branch 400; the kernel log without its prefix.
    r"LibRmVersionMismatch|LIB_RM_VERSION_MISMATCH|NVML/RM version mismatch",
    r"ERROR_SYSTEM_DRIVER_MISMATCH|\bSystemDriverMismatch\b",
    Signature(r"API mismatch: (?:the client|the NVIDIA kernel module|this kernel module) has", 0.95),
    Signature(r"this NVIDIA driver component has version", 0.93),
    Signature(r"does not match DSO version", 0.9),
    Signature(
        r"(?:NVIDIA|driver|kernel) .{0,60}(?:kernel )?module version .{0,40}(?:does not|doesn't|don't) match|"
        r"(?:mismatch|different versions?) .{0,30}between .{0,60}kernel (?:module|driver)",
        0.85,
        needs=(r"nvidia",),
    ),
    # TensorFlow prints both versions; they differ.
    Signature(
        r"libcuda reported version is: (?P<library>\d[\d.]+)",
        0.75,
        when="kernel-reports-another-version",
        explanation="libcuda is of driver {library}, and the kernel's module of another version.",
    ),
    # Two versions of one driver in the same text: the kernel's, and the packages' or the library's.
    Signature(
        r"/proc/driver/nvidia/version|/sys/module/nvidia/version|NVRM version|modinfo (?:-F version )?nvidia|kernel module|\blsmod (?:\w+ ){0,2}\d{3}|\bakmods?\b|\bkmod-nvidia|"
        r"(?:loaded|running) (?:kernel )?(?:module|driver)|kernel(?:'s)?[- ](?:side|half|driver)|NVML library version",
        0.82,
        when="driver-versions-differ",
    ),
    # X.org's log; the package manager's line, and what follows it; flatpak's extension of the old version.
    Signature(
        r"version of the kernel module \(\S{1,20}\) does not match|kernel module version \S{0,20} ?(?:does not|doesn't) match|version mismatch between .{0,40}(?:kernel|driver|module|library)",
        0.95,
        needs=(r"nvidia|NVRM",),
    ),
    Signature(
        r"(?:upgrad\w+|updat\w+|installed) .{0,60}(?:nvidia-utils|nvidia-driver\S*|nvidia-open|libnvidia-\S+|nvidia (?:gpu |graphics |display )*drivers?|(?:the|my) (?:gpu |graphics |display )?drivers?|显卡驱动)\b.{0,160}(?:re-?boot\w*,? (?:and |then |it |everything |all )+(?:\w+ )?(?:went fine|is fine|was fine|works?|worked|ok|okay|solved|back)|until (?:I |a |the |you |we )?(?:\w+ )?re-?boot|before re-?boot|re-?boot(?:ing|ed)? (?:fix|solv|help|resolv)\w*|without (?:a )?re-?boot)",
        0.72,
        needs=(r"fail\w*|not work\w*|no longer|n't work|error|mismatch|stop\w*|broken|broke",),
        unless=(r"Key was rejected|nouveau|dkms",),
    ),
    Signature(
        r"org\.freedesktop\.Platform\.GL\.nvidia-\d{3}-\d\S* (?:is )?(?:not installed|missing|outdated)",
        0.75,
    ),
    Signature(
        r"nvidia\S* .{0,60}(?:from|went|upgraded|updated) .{0,20}\d{3}\S* (?:to|->|→) \d{3}.{0,80}(?:haven't|have not|not yet|without|didn't) re-?boot|API mismatch",
        0.8,
        needs=(r"nvidia", r"boot\w*|API mismatch"),
    ),
    # The sentence, shortened by reporters; NVML's number; nvidia-settings; prose in Chinese.
    Signature(
        r"(?:nvidia-smi|NVML|nvidia driver)[^\n.]{0,40} (?:version )?mismatch\w*\b(?! (?:between|of|with|error)? ?(?:torch|cuda|python|PTX))|(?:version )?mismatch\w* [^\n.]{0,40}(?:nvidia-smi|NVML)\b",
        0.78,
        unless=(r"CUDA version mismatch|PTX|detected CUDA version",),
    ),
    Signature(
        r"nvmlInit(?:_v2|WithFlags)?(?:\(\))?\W{0,3}(?:returned|returns|failed|error|=)\W{0,4}(?:with |error |code ){0,2}18\b",
        0.9,
    ),
    Signature(r"NVML_ERROR_LIB_RM|driver's kernel module \(version \S{3,12}\) and the X driver", 0.9),
    Signature(
        r"版本不一致|版本不匹配|版本不相符|版本对不上|版本不符合",
        0.82,
        needs=(r"nvidia|NVML|显卡", r"驱动.{0,12}库|内核.{0,16}(?:模块|驱动)|NVML|nvidia-smi"),
        unless=(r"(?:torch|cuda|python|cudnn)\S{0,8} ?版本不",),
    ),
    # Updated while it ran, and mended by a reboot.
    Signature(
        r"(?:unattended[- ]upgrades?|automatic(?:ally)? (?:upgrad\w+|updat\w+)|auto-?updat\w+).{0,80}(?:nvidia|driver)\b.{0,160}re-?boot|自动更新驱动|自动更新了驱动|自动升级驱动|自动升级了驱动|自动更新了显卡|自动更新了nvidia",
        0.7,
        needs=(
            r"nvidia",
            r"fail\w*|no longer|n't|error|stop\w*|broke\w*|since then|until|报错|mismatch|无法|不能",
        ),
        unless=(r"kernel (?:was |got )?(?:updat|upgrad)", r"couldn't communicate"),
    ),
)


def check(host: Host, driver: Driver, gpu: Gpu) -> Iterator[Problem]:
    if isinstance(host.wsl, Known):
        raise DoesNotApply("on WSL2 the kernel's half of the driver is Windows'")
    nvml, cuda = value_of(gpu.nvml, None), value_of(gpu.cuda, None)
    # libcuda's 803 while NVML answers is another illness: a libcuda from elsewhere (cuda-compat, an image's own).
    refused = (nvml is not None and nvml.code == NVML_MISMATCH) or (
        cuda is not None and cuda.code == CUDA_MISMATCH and (nvml is None or nvml.code != 0)
    )
    library = _library(driver)
    library_version = library.version if library else nvml.library_version if nvml else Known("", "")
    loaded = value_of(driver.module, None)
    if not refused:
        module = need(driver.module, "NVIDIA kernel module in memory")
        if library is None and nvml is None:
            raise DoesNotApply("no user-space driver library")
        if not isinstance(library_version, Known) or library_version.value in ("", module.version):
            return
    on_disk = _on_disk(driver, value_of(host.kernel, ""))
    survives = loaded is not None and isinstance(on_disk, Known) and on_disk.value == loaded.version
    evidence = [
        seen("module in memory", mapped(driver.module, lambda module: module.version)),
        seen("user-space driver", library_version, library.real_path if library else ""),
        seen("module on disk", on_disk),
    ]
    if nvml is not None and nvml.code == NVML_MISMATCH:
        evidence.append(Evidence("nvmlInit", f"{nvml.code} {nvml.message}", "NVML"))
    if cuda is not None and cuda.code == CUDA_MISMATCH:
        evidence.append(Evidence("cuInit", f"{cuda.code} {cuda.name}", "libcuda"))
    for change in value_of(driver.changes_since_boot, ())[-3:]:
        evidence.append(
            Evidence(
                "package changed since boot", f"{change.name} {change.old} -> {change.new}", change.action
            )
        )
    libraries = value_of(library_version, "")
    kernel = f"driver {loaded.version}" if loaded else "another driver"
    title = f"The kernel runs {kernel}, the libraries are {libraries or 'of another version'}"
    yield Problem(
        title if loaded or libraries else "The kernel runs another driver version than the libraries are of",
        evidence=tuple(evidence),
        fix=_fix(survives),
    )


def _library(driver: Driver) -> DriverLibrary | None:
    """The libnvidia-ml that the loader takes; cuda-compat's libcuda differs by design, so libcuda does not count."""
    reached = [
        c for c in value_of(driver.libraries, ()) if c.name == "libnvidia-ml.so.1" and c.origin != "unreached"
    ]
    return next((c for c in reached if c.size != 0), None)


def _on_disk(driver: Driver, kernel: str) -> Observed[str]:
    if not isinstance(driver.module_files, Known):
        return driver.module_files
    mine = [f for f in driver.module_files.value if f.kernel == kernel]
    return mine[0].version if mine else Absent(f"/lib/modules/{kernel}")


def _fix(survives_reboot: bool) -> Fix:
    if survives_reboot:
        return Fix(
            "Two driver installations are on this machine: remove one, so that module and libraries are of one version",
            (
                "dpkg -l '*nvidia*' | grep -v ^un",
                "sudo nvidia-uninstall   # if one of them came from a .run file",
            ),
        )
    return Fix(
        "Reboot, so that the module on disk is loaded; then hold the driver's packages", ("sudo reboot",)
    )
