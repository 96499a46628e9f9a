"""The GPU serves one process only, or none

What it is: The compute mode of the GPU is "exclusive process" (one process at a time) or "prohibited" (none), set with nvidia-smi.

Why it hurts: The second process that wants the GPU fails with CUDA error 46, "all CUDA-capable devices are busy or
unavailable", although memory and cores are free. Data loaders, notebooks and a forgotten process count too.

How to tell: NVML's compute mode, and which process holds the GPU. Out of memory is another message, in any compute mode. With MPS the
mode is right: its server is the one process.

How to fix: Set the mode back to default, or stop the process that holds the GPU, or choose another GPU.

Sources: https://docs.nvidia.com/deploy/nvml-api/group__nvmlDeviceQueries.html
https://docs.nvidia.com/deploy/mps/index.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.gpu import Gpu, NvmlDevice
from gpudoctor.facts.observed import Unknown, value_of
from gpudoctor.findings import CouldNotTell, Evidence, Fix, Problem, Subject
from gpudoctor.rules.witnesses import each
from gpudoctor.signature import Signature, error_code

MPS = "nvidia-cuda-mps"


signatures: tuple[Signature | str, ...] = (
    # CUDA error 46; nvidia-smi's compute mode column.
    Signature(r"all CUDA-capable devices are busy or unavailable", 0.85),
    Signature(r"cudaErrorDevicesUnavailable", 0.85),
    Signature(r"CUDA-capable device\(s\) is/are busy or unavailable", 0.88),
    Signature(r"\bE\. (?:Process|Thread)\b", 0.75),
    Signature(r"Compute Mode : Exclusive_(?:Process|Thread)", 0.75),
    Signature(
        r"(?<!\d/)(?<!\d:\s)(?<!use\s)exclusive[-_ ](?:process|thread)",
        0.55,
        needs=(r"busy or unavailable|fail\w*|error|denied|can't|cannot",),
    ),
    Signature(r"Cannot create context.{0,40}exclusive|CUDA_ERROR_DEVICE_UNAVAILABLE", 0.8),
    Signature(r"All the GPUs? (?:are|is) (?:in use|busy)", 0.5),
    Signature(error_code(46), 0.8),
    Signature(r"THCudaCheck FAIL file=\S{1,160} line=\d+ error=46 :", 0.85),
    # Older tables cut it; GROMACS, TensorFlow, Caffe and Slurm sites speak of the mode.
    Signature(
        r"compute[- _]mode .{0,30}(?:exclusive|prohibited)|(?<!\d/)(?<!\d:\s)(?<!use\s)\bEXCLUSIVE_(?:PROCESS|THREAD)\b",
        0.75,
        needs=(r"busy|unavailable|fail\w*|error|denied|can't|cannot|only one|second|die",),
    ),
    Signature(
        r"\bDevicesUnavailable\b|ERROR_DEVICE_UNAVAILABLE|devices? (?:is|are|is/are) busy or unavailable",
        0.85,
    ),
    Signature(
        r"nvidia-smi .{0,20}(?:-c|--compute-mode)[= ]?[01]\b",
        0.6,
        needs=(r"busy|unavailable|exclusive|mode",),
    ),
    Signature(r"\| Prohibited \||E\. Proc\b", 0.7),
    Signature(
        r"(?<!\d/)(?<!\d:\s)(?<!use\s)exclusive[- _](?:process|thread|compute)(?:[- _]mode)?\b|\bE\. (?:Process|Thread)\b",
        0.7,
        needs=(r"can't|cannot|fail\w*|error|busy|unavailable|not |n't|die",),
        unless=(r"Compute Mode : Default",),
    ),
    # The mode in prose, the words in either order; Kaldi, which looks for a GPU that nobody uses.
    Signature(
        r"(?:(?:thread|process)(?: or | and |/|-| ){1,3})*(?:thread|process)[- ]exclusive\b",
        0.74,
        needs=(
            r"GPUs?|cuda|nvidia",
            r"not |n't|fail\w*|error|busy|unavailable|second|die\w*|only one|cannot",
        ),
    ),
    Signature(r"no more unused GPUs\?|Failed to create CUDA context, no more", 0.85),
    Signature(
        r"(?:n't|not|cannot|can't|unable to) (?:have|run|start|use|launch) (?:more than one|two|2|multiple|several|a second) (?:\w+ ){0,2}(?:process\w*|scripts?|programs?|jobs?)",
        0.72,
        needs=(r"busy or unavailable|error ?[=(]? ?46\b|exclusive",),
    ),
)


def check(gpu: Gpu) -> Iterator[Problem | CouldNotTell]:
    told, untold = each(gpu, lambda one: one.compute_mode, "compute mode")
    yield from untold
    for one, mode in told:
        assert one.nvml is not None
        if mode == "prohibited":
            title = f"{one.subject.label} is closed to all programs (compute mode prohibited)"
            yield _problem(one.subject, one.nvml, mode, title, "failure")
        elif mode.startswith("exclusive"):
            yield from _exclusive(one.subject, one.nvml, mode)


def _exclusive(subject: Subject, one: NvmlDevice, mode: str) -> Iterator[Problem | CouldNotTell]:
    holders = value_of(one.processes, ())
    if any(MPS in process.name for process in holders):
        return
    if isinstance(one.processes, Unknown):
        reason = f"{subject.label}: who holds this exclusive GPU: {one.processes.reason}"
        yield CouldNotTell(reason, one.processes.would_help, subject)
    if holders:
        who = ", ".join(f"{p.name or 'a process'} (pid {p.pid})" for p in holders)
        title = f"{subject.label} serves one process only, and {who} has it"
        yield _problem(subject, one, mode, title, "failure")
    else:
        title = f"{subject.label} serves one process at a time (compute mode {mode})"
        yield _problem(subject, one, mode, title, "note")


def _problem(subject: Subject, one: NvmlDevice, mode: str, title: str, severity: str) -> Problem:
    holders = tuple(
        Evidence("holds the GPU", f"pid {p.pid} {p.name}".rstrip(), "NVML")
        for p in value_of(one.processes, ())
    )
    return Problem(
        title,
        subject,
        "failure" if severity == "failure" else "note",
        (Evidence("compute mode", mode, "NVML"), *holders),
        fix=Fix(
            "Let several processes use this GPU again",
            (f"sudo nvidia-smi -i {subject.name} -c DEFAULT",),
            "unsafe",
        ),
    )
