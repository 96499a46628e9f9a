"""The host compiler is newer than nvcc accepts

What it is: nvcc compiles the host's half of a program with gcc or clang, and its header crt/host_config.h refuses
versions that came after it. The compiler that would be taken here is such a one.

Why it hurts: Every compilation stops with "#error -- unsupported GNU version! gcc versions later than 13 are not
supported!". Passing -allow-unsupported-compiler gets past the check and often into errors in the standard library.

How to tell: The bound in this toolkit's own crt/host_config.h against the version of the compiler that nvcc takes: -ccbin
in NVCC_PREPEND_FLAGS, else NVCC_CCBIN, else a gcc beside nvcc (Debian's package has one), else PATH's.

How to fix: Install an older compiler beside the new one and name it with NVCC_PREPEND_FLAGS='-ccbin ...' (CMake:
CUDAHOSTCXX), or take a newer toolkit.

Sources: https://github.com/NVIDIA/cuda-samples/issues/250
https://docs.nvidia.com/cuda/cuda-installation-guide-linux/#host-compiler-support-policy
https://docs.nvidia.com/cuda/cuda-compiler-driver-nvcc/#compiler-bindir-directory-ccbin
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.cuda import CompilerLimits, Cuda, HostCompiler
from gpudoctor.facts.frameworks import Frameworks
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Absent, Known, value_of
from gpudoctor.findings import CannotLook, CouldNotTell, DoesNotApply, Evidence, Fix, Problem, seen
from gpudoctor.rules.judging import need
from gpudoctor.rules.toolkit._view import chose, running, severity, toolkit_subject
from gpudoctor.signature import Signature
from gpudoctor.versions import major

explains = ("kernel-does-not-compile",)

signatures: tuple[Signature | str, ...] = (
    Signature(
        r"unsupported GNU version! gcc versions later than (?P<most>[\d.]+) are not supported",
        0.97,
        explanation="This nvcc accepts gcc up to {most}.",
        fix="Give nvcc an older compiler: apt install gcc-{most} g++-{most}, then NVCC_CCBIN=g++-{most} (CMake: CUDAHOSTCXX), or install a newer toolkit.",
    ),
    Signature(r"unsupported GNU version", 0.95),
    Signature(r"unsupported clang version! clang version must be", 0.95),
    Signature(r"unsupported Microsoft Visual Studio version", 0.95),
    Signature(
        r"The current installed version of \S+ \((?P<has>[\d.]+)\) is greater than the maximum required version",
        0.93,
    ),
    Signature(
        r"error: parameter packs not expanded with|std_function\.h:\d+:\d+: error: parameter packs",
        0.85,
        needs=(r"parameter packs",),
    ),
    Signature(
        r"identifier \"__(?:builtin_\w+|Float\d\w*|is_\w+|remove_\w+)\" is undefined|identifier \"_Float32\" is undefined",
        0.8,
        needs=(r"is undefined",),
    ),
    Signature(r"type_traits\S* error|/usr/include/c\+\+/1[1-9]/\S+ error: ", 0.6, needs=(r"nvcc|\.cu\b",)),
    Signature(r"linkage specification is incompatible with previous \"realpath\"", 0.85),
    Signature(r"call to clang builtin|__noinline__.{0,60}(?:error|expected)", 0.5, needs=(r"nvcc|cuda",)),
    # MSVC's library looks for the CUDA that it knows; glibc 2.41 and later declare cospi and its kin; gcc's intrinsics.
    Signature(r"STL100\d: Unexpected compiler version, expected CUDA", 0.97),
    Signature(
        r"exception specification is incompatible with that of previous function \"(?:cospi|sinpi|rsqrt|tanpi)f?\"",
        0.93,
    ),
    Signature(r"/usr/(?:lib|include)\S{0,60}/include/(?:amx|avx|x?mm)\w*intrin\.h\S{0,12}:? error", 0.85),
    Signature(r"crt/host_config\.h\S{0,10}:? (?:fatal )?error|host_config\.h:\d+:\d+: error", 0.85),
    Signature(r"Host compiler targets unsupported OS", 0.7),
    # MSVC after 17.10; g++ 10.3's chrono; glibc 2.34's malloc attribute.
    Signature(r"'cudafe\+\+' died with status 0xC0000005", 0.75),
    Signature(
        r"/usr/include/c\+\+/\d+/\w+:\d+.{0,20}internal compiler error", 0.8, needs=(r"nvcc|\.cu\b|cuda",)
    ),
    Signature(r"attribute \"__malloc__\" does not take arguments", 0.93),
    # LLVM's and conda's searches; prose with both versions, by the table of nvcc's own limits.
    Signature(r"No supported gcc/g\+\+ host compiler found", 0.93),
    Signature(
        r"\b(?:gcc|g\+\+)(?:[ -]?\(.{1,60}?\))?(?: version| is| are|:|-| v)* ?[`'\"]?(?P<gcc>\d\d?)(?:\.\d+)*\b",
        0.72,
        when="gcc-too-new-for-cuda",
        needs=(
            r"nvcc|\.cu\b|cuda",
            r"unsupported|not supported|doesn't support|not support|complain|incompatib|won't compile|not compatible|fails? to compile|can't compile|cannot compile|compil\w+ .{0,30}(?:error|fail)|type name (?:is )?not allowed|too new|errors? (?:detected|when|while) .{0,20}compil|/usr/include/c\+\+|g(?:cc|\+\+) version",
        ),
        unless=(r"undefined symbol|cannot open shared object|mismatches the version",),
        explanation="gcc {gcc} is newer than what the CUDA that the text shows accepts.",
    ),
    # glibc's headers, newer than what cudafe reads.
    Signature(r"/usr/include/\S{0,60}bits/floatn\S{0,20}\.h\S{0,12} error", 0.85),
)


#: Who nvcc listens to, in this order. CUDAHOSTCXX is CMake's own and is judged beside them.
ORDER = ("-ccbin", "NVCC_CCBIN", "beside nvcc", "PATH g++", "PATH gcc")
OVERRIDE = "-allow-unsupported-compiler"


def check(host: Host, cuda: Cuda, frameworks: Frameworks) -> Iterator[Problem | CouldNotTell]:
    selection, toolkit = running(cuda)
    if OVERRIDE in value_of(cuda.nvcc_flags, ""):
        raise DoesNotApply(f"{OVERRIDE} is set: somebody has decided")
    limits = need(toolkit.limits, "crt/host_config.h in the toolkit")
    compilers = need(cuda.compilers, "host compiler")
    taken = next((c for by in ORDER for c in compilers if c.selected_by == by), None)
    judged = [c for c in (taken, next((c for c in compilers if c.selected_by == "CUDAHOSTCXX"), None)) if c]
    if not judged:
        raise DoesNotApply("no host compiler")
    if not isinstance(toolkit.limits, Known):
        raise CannotLook("crt/host_config.h")
    for compiler in judged:
        if isinstance(compiler.version, Absent):
            continue  # host-compiler-missing
        if not isinstance(compiler.version, Known):
            yield CouldNotTell(f"the version of {compiler.path}: {compiler.version.reason}")
            continue
        limit = limits.gcc_max if compiler.family == "gcc" else limits.clang_max
        if limit < 0 or major(compiler.version.value) <= limit:
            continue
        release = value_of(toolkit.release, "")
        yield Problem(
            f"nvcc {release} accepts {compiler.family} up to {limit}, {compiler.path} is "
            f"{compiler.family} {compiler.version.value}",
            toolkit_subject(toolkit),
            severity(cuda, frameworks, "failure", "warning"),
            (
                chose(selection),
                Evidence("host compiler", f"{compiler.path} ({compiler.selected_by})", compiler.version.via),
                seen("version", compiler.version),
                Evidence("newest that nvcc accepts", f"{compiler.family} {limit}", toolkit.limits.via),
            ),
            fix=_fix(host, compiler, limits),
        )


def _fix(host: Host, compiler: HostCompiler, limits: CompilerLimits) -> Fix:
    gcc = limits.gcc_max
    if gcc < 0:
        return Fix(
            "Name an older host compiler with NVCC_PREPEND_FLAGS='-ccbin ...', or take a newer toolkit"
        )
    names = value_of(host.distribution, None)
    commands = [f"export NVCC_PREPEND_FLAGS='-ccbin /usr/bin/g++-{gcc}' CUDAHOSTCXX=/usr/bin/g++-{gcc}"]
    if names is not None and "debian" in (names.id, *names.like):
        commands.insert(0, f"sudo apt install g++-{gcc}")
    if compiler.selected_by in ("NVCC_CCBIN", "CUDAHOSTCXX"):
        commands.append(f"unset {compiler.selected_by}   # it names the newer one")
        commands.reverse()
    return Fix(f"Install g++ {gcc} beside the newer one and name it to nvcc", tuple(commands))
