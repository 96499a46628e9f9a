"""A framework's CUDA is newer than the driver supports

What it is: A framework was built with a CUDA version of a newer major than the driver implements (or with one that this
driver is too old for by NVIDIA's table). Within one major a newer runtime works on an older driver, if that one is at
least the major's first (minor-version compatibility); across majors it does not.

Why it hurts: The framework stops with "CUDA driver version is insufficient for CUDA runtime version" (35) or "The NVIDIA
driver on your system is too old", or quietly uses the CPU.

How to tell: The CUDA version that the framework's build names, against the one that libcuda implements
(cuDriverGetVersion), or the driver's version against NVIDIA's table of minimum drivers.

How to fix: Update the driver, or install the framework's build for a CUDA that this driver has. On data-centre GPUs the
cuda-compat package is a third way.

Sources: https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/index.html
https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html
https://github.com/pytorch/pytorch/issues/85332
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from gpudoctor.facts.driver import Driver
from gpudoctor.facts.frameworks import Build, Frameworks, Interpreter
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown, value_of
from gpudoctor.findings import CannotLook, CouldNotTell, DoesNotApply, Evidence, Fix, Problem, package, seen
from gpudoctor.rules.architectures import needed_ptx
from gpudoctor.rules.judging import builds, driver_cuda, driver_version, need
from gpudoctor.rules.pythons import by_capability
from gpudoctor.signature import Signature, error_code
from gpudoctor.versions import branch, compare, major, older, release

explains = (
    "smoke-ran-on-cpu",
    "ptx-newer-than-driver",
)

signatures: tuple[Signature | str, ...] = (
    # PyTorch, torch/cuda/__init__.py since 0.4: the number is cuDriverGetVersion's (10010: CUDA 10.1).
    Signature(
        r"The NVIDIA driver on your system is too old \(found version (?P<found>\d+)\)",
        0.97,
        explanation="The driver runs CUDA up to {found_cuda} (it says {found}), and this PyTorch was built for a newer one.",
        fix="Install a driver that runs the CUDA of this PyTorch (this one stops at {found_cuda}), or a PyTorch that is built for CUDA {found_cuda} or older.",
    ),
    # The CUDA runtime, error 35, as cudaGetErrorString has it; 10.1 and earlier say "is insufficient for CUDA runtime".
    Signature(
        r"CUDA driver version is insufficient for CUDA runtime version",
        0.9,
        unless=(r"unsatisfied condition: cuda", r"stub library"),
    ),
    Signature(r"cudaErrorInsufficientDriver", 0.9),
    Signature(r"(?:code=|error |CUDA_ERROR |status: )35\b.{0,60}driver", 0.8, needs=(r"driver",)),
    # JAX and XLA.
    Signature(
        r"requires a newer (?:NVIDIA )?driver|CUDA driver (?:is )?too old|driver version is too old", 0.9
    ),
    # TensorFlow, cuda_diagnostics.cc: kernel version below what the library wants; TF 2.x, XLA's ptxas hand-over.
    Signature(
        r"Please update your (?:NVIDIA |GPU |graphics )?driver", 0.6, unless=(r"unsatisfied condition: cuda",)
    ),
    # vLLM, TensorRT-LLM and NGC images' entry point.
    Signature(
        r"This container was built for NVIDIA Driver Release (?P<wants>[\d.]+) or later, but version (?P<has>[\d.]+) was detected",
        0.9,
        explanation="The image was built for driver {wants} or later; the host runs {has}.",
        fix="Update the host's driver to release {wants} or newer, or use an image of an earlier release.",
    ),
    # llama.cpp, ollama, ctranslate2.
    Signature(
        r"no compatible GPUs? .{0,40}driver .{0,20}(?:too old|outdated)|your nvidia driver is too old",
        0.85,
        needs=(r"driver",),
    ),
    Signature(r"Numba .{0,40}(?:driver|CUDA).{0,40}too old", 0.8),
    Signature(error_code(35), 0.85),
    r"CUDA_ERROR_INSUFFICIENT_DRIVER",
    # Numba: cuInit of a driver that is older than the toolkit.
    Signature(r"Call to cuInit results in CUDA_ERROR_NOT_INITIALIZED", 0.65),
    # ollama, gpu.go; nvenc of ffmpeg and OBS; OptiX and Blender.
    Signature(
        r"old CUDA driver detected|driver (?:is )?too old, (?:falling back|please)", 0.9, needs=(r"driver",)
    ),
    Signature(r"Driver does not support the required nvenc API version", 0.93),
    Signature(r"The minimum required Nvidia driver for nvenc is", 0.9),
    Signature(
        r"(?:installed|current|your) (?:NVIDIA |display |GPU |CUDA )?driver(?: version)? .{0,60}(?:is too old|outdated|is older than|does not support CUDA|is not supported)",
        0.85,
    ),
    Signature(
        r"(?:requires|needs) (?:an? )?(?:NVIDIA |GPU |CUDA )?driver (?:version )?(?:of )?(?:at least|>=|newer than|\d{3}\.\d)",
        0.7,
        when="wanted-driver-not-met",
    ),
    # Names of the error in CUTLASS's Python, Rust and Julia; miners; Paddle's hint; older PyTorch without a number.
    Signature(r"\bInsufficientDriver\b|ERROR_INSUFFICIENT_DRIVER|insufficient (?:CUDA|NVIDIA) driver", 0.88),
    Signature(
        r"CUDA driver (?:version )?is insufficient",
        0.88,
        unless=(r"unsatisfied condition: cuda", r"stub library"),
    ),
    Signature(r"installed NVIDIA CUDA driver is older than the CUDA runtime", 0.9),
    Signature(r"NVIDIA driver on your system is too old", 0.93),
    # Julia's CUDA.jl; OptiX (Blender, renderers); hashcat.
    Signature(r"only supports NVIDIA drivers for CUDA [\d.]+", 0.93),
    Signature(r"OPTIX_ERROR_UNSUPPORTED_ABI_VERSION|NV_ENC_ERR_INVALID_VERSION", 0.88),
    Signature(r"Outdated (?:or broken )?NVIDIA (?:CUDA )?driver", 0.85),
    Signature(
        r"driver version .{0,60}(?:lower|less|older|below|smaller) than .{0,30}(?:minimum|required|supported)|(?:minimum|required) (?:NVIDIA |CUDA |GPU )?driver version (?:is|required)",
        0.75,
        needs=(
            r"than|minimum|required",
            r"nvidia|cuda",
        ),
    ),
    # Reporters in Chinese: the driver is too old.
    Signature(
        r"驱动版本[太过较偏]?[低旧老]|驱动程序(?:的)?版本[太过][低旧老]|驱动程序[太过][低旧老]|显卡驱动[太过][低旧老]|驱动过旧|驱动太旧|驱动太老",
        0.8,
    ),
    # Programs that name the driver they want (Blender, hashcat, ArrayFire, installers); libcuda lacks a newer function (cudarc).
    Signature(
        r"(?:requires?|requiring|needs?) (?:an? |the )?(?:minimum |newer )?(?:nvidia )?(?:graphics |display |gpu |cuda )?drivers?(?: version| release)?(?: of| at least| >=?)* ?v?\d{3}(?:\.\d+)*(?: or (?:newer|later|higher|above|greater)|\+)",
        0.72,
        when="wanted-driver-not-met",
        needs=(
            r"nvidia|cuda",
            r"have|has|current\w*|installed|found|detected|got|on driver|but|error|fail\w*",
        ),
        unless=(r"requirement error", r"compatibility mode"),
    ),
    Signature(r"CUDA (?:runtime )?\d+\.\d+ requires? driver >= ?\d{3}", 0.85),
    Signature(
        r"(?:undefined symbol|Unable to find symbol|Could not find symbol|missing symbol|symbol not found|GetProcAddress failed|failed to (?:load|find) symbol)\W{1,4}(?:cuGetProcAddress|cuMem[A-Z]|cuCtx[A-Z]|cuGraph[A-Z]|cuLibrary|cuKernel|cuTensorMap|cuStream[A-Z]|cuLaunchKernelEx|cuDeviceGet)\w*",
        0.82,
    ),
    Signature(
        r"\b(?:tensorflow|jax|tf)\b.{0,80}(?:needs?|requires?|built (?:with|for|against)|uses?|wants?|expects?)\b.{0,30}cuda ?1\d",
        0.72,
        when="driver-behind-wanted-cuda",
    ),
    Signature(
        r"No visible GPU devices|GPUs require at least \d{3}",
        0.7,
        needs=(r"jax-cuda1[23]|require at least",),
        when="driver-behind-named-build",
    ),
    Signature(
        r"driver (?:only )?(?:supports?|has|is for|gives|offers) (?:up to )?(?:only )?CUDA (?:version )?\d{1,2}\.\d",
        0.74,
        when="driver-behind-named-build",
    ),
    Signature(r"Detected (?:NVIDIA )?driver \d{3}.{0,80}require\w* (?:at least|>=|minimum)", 0.85),
    # CuPy's show_config, the CUDA samples' deviceQuery: what the driver runs, beside what the program was built with.
    Signature(
        r"CUDA Driver Version(?: / Runtime Version)?[ :=]{1,16}(?P<driver>\d{4,5}\b|\d{1,2}\.\d)[ ,/;\n]{1,4}(?:CUDA )?(?:Runtime Version[ :=]{1,16})?(?P<runtime>\d{4,5}\b|\d{1,2}\.\d)",
        0.78,
        when="driver-below-runtime",
        explanation="The driver runs CUDA up to {driver}; the program was built with the runtime of {runtime}.",
    ),
    Signature(
        r"Outdated CUDA driver|CUDA driver version too old|driver version (?:is )?too (?:old|low)\b", 0.88
    ),
    Signature(
        r"CUDA driver version .{0,60}(?:older|lower|less) than .{0,30}CUDA (?:runtime )?(?:version|build)|driver .{0,30}older than (?:the |what )?.{0,30}(?:toolkit|runtime|build)",
        0.85,
        needs=(r"cuda|nvidia",),
    ),
    # What the driver runs, and what was installed for more: in numbers.
    Signature(r"\bcuda\b|tensorflow|torch|\bdriver\b", 0.7, when="driver-behind-told-build"),
    # The repair. A sure cause of another kind stands above it.
    Signature(
        r"(?:updat\w+|upgrad\w+) (?:it )?to \d{3}\.\d{2}\S{0,4} (?:fix\w*|solv\w*|did it|did the trick|resolv\w*|worked|helped)|(?:updat\w+|upgrad\w+|newer|newest|latest|reinstall\w*) (?:it|the |my |your |to |a |an |nvidia |nvidia's |graphics |gpu |display |video |cuda |geforce |game ready |host |host's |'s )*(?:drivers?|驱动)\b[^\n]{0,60}(?:fix\w*|solv\w*|did it|did the trick|resolv\w*|works? (?:now|fine|again)|it works|worked|helped|it runs|problem (?:is )?gone)|"
        r"(?:fix\w*|solv\w*|resolv\w*|work\w*|helped) (?:it |this |the (?:issue|problem) |again )?(?:by|after|with|when I|once I) (?:updat\w+|upgrad\w+|installing (?:a |the )(?:newer|newest|latest)) (?:to )?(?:the |my |a |nvidia |graphics |gpu |display |video |latest |newer |newest |host )*drivers?\b|"
        r"(?:更新驱动|升级驱动|更新了驱动|升级了驱动|更新显卡驱动|升级显卡驱动|驱动更新|驱动升级).{0,20}(?:好了|解决|可以|正常)",
        0.64,
        needs=(
            r"cuda|nvenc|tensorflow|torch|optix",
            r"error|fail\w*|not |n't|crash\w*|needs? |requires?|False|insufficient|报错|无法",
        ),
        unless=(
            r"mismatch",
            r"Xid|GSP|fallen off",
            r"RmInitAdapter",
            r"\bWSL\b",
            r"couldn't communicate",
            r"unsatisfied condition",
            r"out of memory",
            r"illegal (?:memory|instruction)",
            r"no devices were found",
            r"suspend|resume|sleep",
        ),
    ),
    Signature(
        r"nvidia (?:gpu |graphics |display |cuda )*(?:driver )?(?:version )?(?:is|was|being) (?:\w+ )?(?:too old|outdated|out of date|too low)\b",
        0.84,
        needs=(r"cuda|torch|tensorflow|jax|nvenc",),
        unless=(r"nvidia-container-toolkit .{0,20}too old",),
    ),
    Signature(
        r"installed (?:the )?(?:latest|newest|newer|most recent|a newer|a recent) (?:nvidia |gpu |graphics |display )*drivers?\b",
        0.62,
        needs=(
            r"is_available|cuda|tensorflow",
            r"same (?:issue|problem|error)|fix\w*|solv\w*|work(?:s|ed)|False",
        ),
        unless=(
            r"still (?:not|no|fail|the same|same|get|doesn't)|did(?:n't| not) (?:help|work|fix)|no luck|to no avail",
            r"couldn't communicate|mismatch|Xid|\bWSL\b|No devices were found|out of memory|suspend",
        ),
    ),
    # PyTorch's sentence, shortened; people's.
    Signature(r"drivers? (?:is |was )?too old \(found version (?P<found>\d+)\)", 0.96),
    Signature(
        r"\bdrivers? (?:is|are|was|were|seems?|being) (?:just |simply |way |far |much |probably )?too old\b",
        0.78,
        needs=(
            r"nvidia|cuda|torch|tensorflow|jax|geforce",
            r"not |n't|no |fail\w*|error|cannot|says|complain\w*|refus\w*|False",
        ),
        unless=(r"\bif (?:the |your )?(?:\w+ )?drivers? (?:is|are) too old",),
    ),
    # Two numbers: the driver that a program asks for, and the one that is there.
    Signature(
        r"(?:needs?|requires?|required|wants?|minimum|at least)\b[^\n]{0,30}?\b(?:nvidia |graphics |display |gpu |geforce )*drivers?(?: version| release| branch)?(?: is| of| at least| >=?|:)* ?v?(?P<wants>\d{3}(?:\.\d{1,3})?)\b[^\n]{0,60}?(?:have|has|found|got|installed|is|current\w*|but|detected|only|runs?|on|mine)\b[^\n\d]{0,30}(?P<has>[3-6]\d\d\.\d{1,3})\b|"
        r"drivers?(?: version)?(?: is| of|:)? ?v?(?P<mine>[3-6]\d\d\.\d{1,3})(?:\.\d{1,3})?\b[^\n]{0,60}?(?:needs?|requires?|required|wants?|minimum|at least|>=)[^\n\d]{0,40}(?P<wanted>[3-6]\d\d(?:\.\d{1,3})?)\b(?! ?(?:MB|MiB|GB|W\b))",
        0.84,
        when="driver-below-wanted",
        unless=(r"unsatisfied condition", r"RTX ?50[5-9]0|Blackwell"),
    ),
    Signature(
        r"drivers?(?: version)? (?:does not|doesn't|do not|don't|did not) (?:meet|satisfy|fulfil\w*) (?:the |our |its )?(?:minimum|required|requirement|version)",
        0.85,
        unless=(r"unsatisfied condition",),
    ),
)


System = Literal["linux", "windows"]


def check(host: Host, driver: Driver, gpu: Gpu, frameworks: Frameworks) -> Iterator[Problem | CouldNotTell]:
    if isinstance(gpu.cuda, Absent) and isinstance(gpu.nvml, Absent) and isinstance(driver.module, Absent):
        raise DoesNotApply("no NVIDIA driver")
    every = builds(need(frameworks.interpreters, "Python interpreters"))
    built = [(i, b) for i, b in every if isinstance(b.cuda, Known)]
    unread = [(i, b) for i, b in every if isinstance(b.cuda, Unknown)]
    if not built and not unread:
        raise DoesNotApply("no framework with CUDA")
    implemented = _implemented(host, driver, gpu)
    version = driver_version(driver, gpu)
    if not isinstance(implemented, Known) and not isinstance(version, Known):
        raise CannotLook(getattr(implemented, "reason", "the driver's version is not known"))
    # On WSL the driver's number is Windows'; libcuda's word is all that counts there.
    number = "" if isinstance(host.wsl, Known) else value_of(version, "")
    system: System = "windows" if value_of(host.system, "") == "Windows" else "linux"
    for whose, build in built:
        wanted = value_of(build.cuda, "")
        old = _too_old(wanted, implemented, number, system)
        if old is None:
            yield CouldNotTell(f"{build.framework} {build.version}: no driver is on record for CUDA {wanted}")
        elif old:
            compiling = [needed_ptx(build, capability) for capability in by_capability(gpu)]
            ptx = max((isa.branch for isa in compiling if isa is not None and isa.branch), default=0)
            yield _problem(whose, build, wanted, implemented, version, system, ptx)
    for whose, build in unread:
        yield CouldNotTell(f"{build.framework} in {whose.path}: {getattr(build.cuda, 'reason', '')}")


def _implemented(host: Host, driver: Driver, gpu: Gpu) -> Observed[str]:
    """The newest CUDA that the user-space driver implements; by the table where no library tells."""
    from gpudoctor import knowledge

    said = driver_cuda(gpu)
    version = driver_version(driver, gpu)
    if isinstance(said, Known) or not isinstance(version, Known) or isinstance(host.wsl, Known):
        return said
    row = knowledge.branch_cuda(branch(version.value))
    return (
        Known(row.cuda, row.source)
        if row
        else Unknown(f"CUDA of driver branch {branch(version.value)} is not on record")
    )


def _too_old(wanted: str, implemented: Observed[str], version: str, system: System) -> bool | None:
    """None: nothing on record decides it. A build that names a major alone ("12") is content with all of it."""
    from gpudoctor import knowledge

    minimum = knowledge.driver_minimum(wanted, system) if "." in wanted else None
    floor = (minimum.compatible or minimum.full) if minimum else None
    if isinstance(implemented, Known):
        has = implemented.value
        if major(has) != major(wanted):
            return major(has) < major(wanted)
        if "." in wanted and floor and _own(version, has) and older(version, floor):
            return True  # a driver from before the release, though of its branch
        if "." not in wanted or compare(release(has), release(wanted)) >= 0:
            return False
        if major(wanted) < 11:
            return True  # before CUDA 11 there was no minor-version compatibility
    if version and floor:
        return older(version, floor)
    return False if isinstance(implemented, Known) else None


def _own(version: str, implemented: str) -> bool:
    """The CUDA is the driver's own, not that of a cuda-compat package."""
    from gpudoctor import knowledge

    row = knowledge.branch_cuda(branch(version)) if version else None
    return row is not None and release(row.cuda) == release(implemented)


def _problem(
    whose: Interpreter,
    build: Build,
    wanted: str,
    implemented: Observed[str],
    version: Observed[str],
    system: System,
    ptx: int,
) -> Problem:
    """`ptx`: the first branch that compiles the PTX which is all that some GPU has of the build; 0 where it has machine code."""
    from gpudoctor import knowledge

    minimum = knowledge.driver_minimum(wanted, system) if "." in wanted else None
    least = (minimum.compatible or minimum.full or f"branch {minimum.branch}") if minimum else ""
    if ptx > (branch(least.removeprefix("branch ")) if least else 0):
        least = f"branch {ptx}"
    has = value_of(implemented, "")
    number = value_of(version, "")
    needs = f"; it needs driver {least} or newer" if least else ""
    evidence = [
        Evidence(
            f"CUDA of {build.framework} {build.version}", wanted, getattr(build.cuda, "via", build.location)
        ),
        seen("CUDA of the driver", implemented),
        seen("driver", version),
    ]
    if minimum:
        evidence.append(Evidence(f"oldest driver for CUDA {wanted}", least, minimum.source))
    return Problem(
        f"{build.framework} {build.version} is built with CUDA {wanted}, "
        f"and {f'driver {number}' if number else 'the driver'} has CUDA {has or 'of an unknown version'}{needs}",
        package(whose.path, build.framework),
        evidence=tuple(evidence),
        fix=Fix(
            f"Update the driver to {least or 'a branch with CUDA ' + wanted} or newer, or install a build of "
            f"{build.framework} for CUDA {has or 'of this driver'} or older"
        ),
    )
