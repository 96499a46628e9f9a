"""A program made the GPU touch what it may not

What it is: A kernel of a program read or wrote memory that is not its own (Xid 31), or executed something illegal (Xid
13). The driver ended that program and logged it.

Why it hurts: The program failed ("an illegal memory access was encountered"). The GPU itself goes on working for others.

How to tell: Xid 13 or 31 in the kernel log, usually with the program's process id. If it is always the same GPU, whatever
program runs, the hardware or its memory is to blame instead.

How to fix: Look for the fault in the program first: run it with `compute-sanitizer`, or with CUDA_LAUNCH_BLOCKING=1 to see the
call that fails. If every program fails on one GPU and on no other, have that GPU tested.

Sources: https://docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html
https://docs.nvidia.com/compute-sanitizer/ComputeSanitizer/index.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.findings import Fix, Problem
from gpudoctor.rules.witnesses import by_device, codes_of, log, log_lines, via_log, xids
from gpudoctor.signature import Signature, error_code, exported_xid

explains = ("xid-43-gpu-stopped-processing",)

signatures: tuple[Signature | str, ...] = (
    # NVRM; the number's meaning from NVIDIA's Xid catalogue.
    Signature(
        r"Xid .{0,30}\): (?:13|31)\b", 0.9, unless=(r"Xid .{0,30}\): (?:79|48|63|64|74|94|95|119|120)\b",)
    ),
    Signature(r"Xid:? ?(?:13|31)\b(?!\d)", 0.85),
    Signature(r"Graphics (?:SM |Engine )?(?:Warp |Global )?Exception", 0.8),
    Signature(r"MMU Fault: ENGINE \w+", 0.85),
    # The program's side of it.
    Signature(r"an illegal memory access was encountered", 0.6),
    Signature(r"an illegal instruction was encountered", 0.55),
    Signature(r"CUDA_ERROR_ILLEGAL_ADDRESS|cudaErrorIllegalAddress", 0.6, needs=(r"ILLEGAL|Illegal",)),
    Signature(r"misaligned address|CUDA_ERROR_MISALIGNED_ADDRESS", 0.55, needs=(r"cuda",)),
    Signature(r"unspecified launch failure", 0.5, unless=(r"Xid .{0,30}\): (?:79|48)",)),
    Signature(error_code(700, 715, 716, 719), 0.55),
    Signature(
        r"Xid(?: errors?| events?| code)?[ :=#]{0,3}(?:13|31)\b",
        0.84,
        unless=(r"Xid .{0,30}\): (?:79|48|63|64|74|94|95|119|120)\b",),
    ),
    # Names in Rust, Julia, cuda-gdb and compute-sanitizer; Chinese reports keep the English sentence.
    Signature(
        r"ERROR_ILLEGAL_ADDRESS|\bIllegalAddress\b|ERROR_LAUNCH_FAILED|cudaErrorLaunchFailure|CUDA_EXCEPTION_\d+|Warp (?:Illegal|Misaligned|Out-of-range) ",
        0.55,
    ),
    Signature(
        r"ERROR_ILLEGAL_INSTRUCTION|cudaErrorIllegalInstruction|invalid program counter|operation not supported on global/shared address space|cudaErrorMisalignedAddress",
        0.55,
    ),
    Signature(
        r"Fault is of type FAULT_\w+|Illegal Instruction (?:Encoding|Parameter)|Out Of Range Address|ESR 0x5\w+=0x",
        0.78,
        needs=(r"NVRM|Xid|ENGINE|ESR",),
    ),
    Signature(
        r"(?<!Fix\s)(?<!Fixed\s)(?<!Fixed\san\s)(?<!Fixes\s)(?<!Fix\san\s)illegal memory access",
        0.5,
        needs=(r"cuda|CUDA|GPU|Xid",),
    ),
    Signature(r"Invalid __(?:global|shared|local)__ (?:read|write|atomic) of size \d+", 0.85),
    Signature(exported_xid(13, 31), 0.85),
)


CODES = (13, 31)


def check(host: Host, gpu: Gpu) -> Iterator[Problem]:
    for subject, lines in by_device(gpu, xids(log(host, gpu), CODES)):
        yield Problem(
            f"A program made an illegal access on {subject.label}: {codes_of(lines)}",
            subject,
            "note",
            log_lines(lines, via_log(host)),
            fix=Fix("Run the program under compute-sanitizer, or with CUDA_LAUNCH_BLOCKING=1"),
        )
