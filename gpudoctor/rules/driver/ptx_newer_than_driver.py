"""PTX from a newer toolkit than the driver can compile

What it is: A program carries PTX, code that the driver compiles for the GPU when it is loaded. The PTX was written by a
newer CUDA toolkit than this driver knows. Minor-version compatibility covers finished machine code, not PTX.

Why it hurts: The first kernel ends in error 222, "the provided PTX was compiled with an unsupported toolchain", or the
driver's compiler says "Unsupported .version 8.4; current version is '8.2'".

How to tell: Only the program's own message tells, when it loads the code. The number in it is the PTX version; each
belongs to one CUDA release, and each driver branch compiles up to one.

How to fix: Update the driver to the branch of the toolkit, or build with an older toolkit, or build machine code for this
GPU (-gencode arch=compute_86,code=sm_86), so that no PTX has to be compiled.

Sources: https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html
https://docs.nvidia.com/cuda/parallel-thread-execution/#release-notes
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.driver import Driver
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.machine import Expectation
from gpudoctor.findings import CannotLook, DoesNotApply, Evidence, Fix, Problem, seen
from gpudoctor.rules.judging import driver_cuda, driver_version, need
from gpudoctor.signature import Signature, error_code
from gpudoctor.versions import older, release

signatures: tuple[Signature | str, ...] = (
    # CUDA error 222, cudaErrorUnsupportedPtxVersion, since 11.1.
    Signature(r"PTX was compiled with an unsupported toolchain", 0.95),
    Signature(r"PTX.{0,20}不(?:被)?支持的工具链", 0.9),
    r"CUDA_ERROR_UNSUPPORTED_PTX_VERSION",
    r"cudaErrorUnsupportedPtxVersion",
    # The driver's JIT and Numba's linker: "ptxas application ptx input, line 9; fatal : Unsupported .version 7.8; current version is '7.4'".
    Signature(
        r"Unsupported \.version (?P<ptx>[\d.]+); current version is '?(?P<knows>[\d.]+)",
        0.93,
        unless=(r"ptxas-blackwell", r"triton", r"ptxas (?!application)\S{1,160}, line \d+; fatal"),
        explanation="The PTX is of ISA version {ptx}; the driver's compiler knows up to {knows}.",
    ),
    Signature(error_code(222), 0.88),
    # The name in Julia (ERROR_...), Rust and JAX; drivers before 11.1 had no number of their own for it.
    Signature(
        r"ERROR_UNSUPPORTED_PTX_VERSION|\bUnsupportedPtxVersion\b|\bPTX version .{0,40}(?:is )?(?:not supported|unsupported) by the driver",
        0.92,
    ),
    Signature(r"compiled with an unsupported (?:CUDA )?toolchain", 0.9),
    Signature(r"CUDA_ERROR_INVALID_PTX|a PTX JIT compilation failed", 0.55),
    # Triton, Warp, hashcat and others: the number, or their own words.
    Signature(
        r"PTX (?:ISA )?version (?:of .{0,40})?(?:is |was )?(?:newer|higher|too new|not supported|unsupported)|unsupported PTX version|PTX .{0,40}(?:too new|newer) .{0,20}(?:for|than) (?:the |my |this )?(?:installed )?driver",
        0.85,
    ),
    Signature(
        r"(?:cuModuleLoadData(?:Ex)?|cuLinkAddData|cuLinkCreate|cuLibraryLoadData|cuModuleLoad|cudaModuleLoad)\W{0,3}.{0,40}(?:error|returned|code|failed)\W{0,4}222\b",
        0.9,
    ),
    # The number in brackets before Numba's sentence; reporters' short forms.
    Signature(r"\[222\] Call to cuLink\w+", 0.93),
    Signature(
        r"Unsupported \.version \d", 0.75, unless=(r"ptxas-blackwell", r"triton", r"current version is")
    ),
    Signature(
        r"PTX (?:ISA )?version (?:mismatch|error|conflict|problem|issue)|PTX .{0,60}driver (?:only )?(?:understands|supports|knows|accepts)|unsupported toolchain",
        0.84,
        needs=(r"driver|cuda|numba|cupy|ptx",),
        unless=(r"ptxas-blackwell", r"\bgcc|\bmsvc|visual studio"),
    ),
)


def check(driver: Driver, gpu: Gpu, expectation: Expectation) -> Iterator[Problem]:
    from gpudoctor import knowledge

    if not expectation.ptx_of:
        raise DoesNotApply("only the program's own message tells, when it loads the code")
    has = need(driver_cuda(gpu), "CUDA version of the driver")
    written, taken = knowledge.newest_ptx(release(expectation.ptx_of)), knowledge.newest_ptx(release(has))
    if written is None or taken is None:
        raise CannotLook(
            f"the PTX of CUDA {expectation.ptx_of} or of the driver's CUDA {has} is not in the table"
        )
    if not older(taken.isa, written.isa):
        return
    yield Problem(
        f"PTX of CUDA {expectation.ptx_of} is version {written.isa}; this driver has CUDA {has} and compiles PTX up to "
        f"{taken.isa}",
        evidence=(
            seen("driver", driver_version(driver, gpu)),
            Evidence(f"PTX of CUDA {expectation.ptx_of}", written.isa, written.source),
            Evidence(f"PTX that CUDA {has} compiles", taken.isa, taken.source),
        ),
        fix=Fix(
            f"Update the driver to branch {written.branch or 'of that CUDA'} or newer, or build machine code for the GPU"
        ),
    )
