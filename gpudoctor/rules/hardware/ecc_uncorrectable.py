"""The GPU's memory had an uncorrectable error, or a row waits to be replaced

What it is: The GPU's memory returned a value that its error correction could not repair (a double-bit error), or the
driver has marked a bad row of memory that is replaced by a spare one only when the GPU is reset.

Why it hurts: An uncorrectable error ends the program that used the memory, and can end every program on that GPU. A row
that only waits does no harm: programs go on with right results, and the reset can be put off to a good moment.

How to tell: NVML's volatile count of uncorrected errors (since the driver was loaded) is above zero, a remapped row is
pending, or the kernel logged Xid 48, 63, 94, 95, 140, 171 or 172. The aggregate count alone is history: those rows were replaced.

How to fix: Stop what runs on that GPU and reset it (or reboot), so that the spare row takes its place. If it comes back, run
NVIDIA's field diagnostics and return the card; a failed replacement is a reason to return it at once.

Sources: https://docs.nvidia.com/deploy/a100-gpu-mem-error-mgmt/error-recovery-and-response-flags.html
https://docs.nvidia.com/deploy/dynamic-page-retirement/visibility.html
https://docs.nvidia.com/deploy/xid-errors/analyzing-xid-catalog.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.gpu import Gpu, NvmlDevice
from gpudoctor.facts.host import Host, KernelEvent
from gpudoctor.facts.observed import Known, Unknown, known, value_of
from gpudoctor.findings import CannotLook, CouldNotTell, DoesNotApply, Evidence, Fix, Problem, Subject
from gpudoctor.rules.judging import Device, devices, untold
from gpudoctor.rules.witnesses import (
    answering,
    by_device,
    codes_of,
    log,
    log_lines,
    reset_command,
    via_log,
    xids,
)
from gpudoctor.signature import Signature, error_code, exported_xid

explains = (
    "gpu-requires-reset",
    "retired-pages-pending",
    "xid-13-31-application-fault",
    "xid-43-gpu-stopped-processing",
    "xid-154-recovery-action",
    "out-of-memory",
)

#: What `nvidia-smi --help` and `--help-query-gpu` explain is no event.
HELP = (r"Reset ECC error counts: |List of valid properties to query",)

signatures: tuple[Signature | str, ...] = (
    # CUDA error 214; Xid 48, 63, 64, 94, 95; nvidia-smi -q -d ROW_REMAPPER, ECC.
    Signature(r"uncorrectable ECC error encountered", 0.95),
    r"cudaErrorECCUncorrectable",
    r"CUDA_ERROR_ECC_UNCORRECTABLE",
    Signature(r"Xid .{0,30}\): (?:48|63|64|94|95)\b", 0.92),
    Signature(r"Xid:? ?(?:48|63|64|94|95)\b", 0.85),
    Signature(r"Remapped Rows\n(?:.{1,60}\n){0,4}Pending : Yes", 0.93),
    Signature(r"Remapping Failure Occurred : Yes", 0.9),
    Signature(
        r"Double Bit ECC Error|DBE.{0,30}(?:occurred|detected)",
        0.85,
        needs=(r"ECC|DBE",),
        unless=HELP,
    ),
    Signature(r"Row Remapper: New row marked for remapping", 0.9),
    Signature(r"Uncorrectable ECC error|Contained: .{0,40}ECC|uncontained ECC error", 0.85, needs=(r"ECC",)),
    # `nvidia-smi -q`: the count since the driver was loaded. The aggregate is the board's whole life.
    Signature(
        r"Volatile\n(?:(?!Aggregate)[^\n]{1,60}\n){0,8}(?:DRAM|SRAM) Uncorrectable(?: Parity| SEC-DED)? : [1-9]\d*",
        0.85,
    ),
    Signature(r"Row remap(?:ping)? (?:is )?pending", 0.85),
    # nvidia-smi's table: the column Volatile Uncorr. ECC holds a count.
    Signature(
        r"\| [0-9A-F]{8}:[0-9A-F]{2}:[0-9A-F]{2}\.0 (?:Off \||On \|) *[1-9]\d* \|",
        0.8,
        needs=(r"Volatile Uncorr\. ECC",),
    ),
    Signature(error_code(214), 0.9),
    # Rust, Julia, the device plugin's and DCGM's spellings of the same.
    Signature(r"\bE(?:CC|cc)Uncorrectable\b|ERROR_ECC_UNCORRECTABLE", 0.93),
    Signature(r"Xid(?: errors?| events?| code)?[ :=#]{0,3}(?:48|63|64|94|95)\b", 0.85),
    Signature(
        r"uncorrectable (?:ECC|memory|DRAM|SRAM(?! Sources)|double[- ]bit)|double[- ]bit (?:ECC )?errors?|uncontained (?:memory )?error",
        0.82,
        needs=(r"GPU|nvidia|cuda|NVRM",),
        unless=HELP,
    ),
    Signature(
        r"row[- ]remap\w* .{0,40}(?:fail\w*|pending|exhaust\w*|occurred)|Remapped Rows .{0,60}(?:Pending|Uncorrectable)",
        0.72,
    ),
    Signature(r"DCGM_FI_DEV_(?:ECC_DBE_\w+|UNCORRECTABLE_REMAPPED_ROWS|ROW_REMAP_\w+)\S{0,200} [1-9]", 0.8),
    # Not the aggregate: errors long ago, whose pages are retired, are in the counts of many a healthy machine.
    Signature(
        r"Volatile .{0,20}(?:Uncorr\w*|DBE\w*|Double Bit)\W{0,4}(?:ECC|errors?)?\W{0,4}[1-9]\d*\b",
        0.72,
    ),
    # Counters in the reporter's words; DCGM's health watch; H100's SRAM.
    Signature(r"Volatile Uncorr\. ECC.{0,30}(?:shows?|is|=|:|of) ?[1-9]\d*", 0.8),
    Signature(
        r"uncorrectable volatile (?:DBE|SBE|memory) errors?|[1-9]\d* (?:volatile |aggregate )?uncorrectable (?:ECC |memory |DBE |SRAM |DRAM )+errors?",
        0.86,
    ),
    Signature(r"SRAM Threshold Exceeded ?: ?Yes", 0.88),
    # A row on its own. With the table's heads the one above reads it: what is in the aggregate alone was long ago.
    Signature(
        r"(?:SRAM|DRAM) Uncorrectable(?: Parity| SEC-DED)? ?: ?[1-9]",
        0.88,
        unless=(r"Aggregate",),
    ),
    Signature(
        r"Uncorrectable ?: ?[1-9]\d{0,6}\b",
        0.6,
        needs=(r"\bECC\b", r"crash\w*|fail\w*|error"),
        unless=(r"Aggregate", r"Pending ?: ?No.{0,40}Failure Occurred ?: ?No"),
    ),
    # A count in a sentence; the retired pages of older boards; the section on one line.
    Signature(
        r"\b[1-9]\d* (?:Volatile )?Uncorr(?:\.|ectable)? ECC\b|Volatile Uncorr\. ECC\W{0,4}(?:errors? )?(?:of |is |count )?[1-9]\d*\b",
        0.8,
        unless=HELP,
    ),
    Signature(r"Remapped Rows ?:? .{0,20}Pending ?: ?Yes", 0.93),
    Signature(
        r"Double Bit ECC\W{0,3} ?[1-9]\d*|Retired Pages .{0,120}Pending(?: Page Blacklist)? ?: ?Yes|retired pages?\b.{0,60}(?:Double Bit|pending)",
        0.82,
        needs=(r"ECC|Pending",),
        unless=HELP,
    ),
    Signature(
        r"(?:due to|because of|has|had|have|with|shows?|reports?|hit|got|an|of) (?:\w+ )?Uncorrectable ECC Errors?\b",
        0.86,
        needs=(r"GPU|cuda|nvidia",),
        unless=(*HELP, r"SRAM Correctable.{0,20}only|: 0\b.{0,30}Uncorrectable"),
    ),
    Signature(exported_xid(48, 63, 64, 94, 95), 0.88),
)


#: 48: double-bit error. 63: row remapped (pending) or page retired. 94: contained, 95: uncontained error. 140: not
#: recovered. 171, 172: in DRAM, in SRAM.
CODES = (48, 63, 94, 95, 140, 171, 172)
#: Of these the program, or the whole GPU, has suffered; 63 alone only waits for a reset.
SERIOUS = frozenset({48, 95, 140, 171, 172})


def check(host: Host, gpu: Gpu) -> Iterator[Problem | CouldNotTell]:
    lines, no_log = _lines(host, gpu)
    asked, no_nvml = _asked(gpu)
    if no_log is not None and no_nvml is not None:
        raise no_log if isinstance(no_nvml, DoesNotApply) else no_nvml
    logged = {subject.name: (subject, found) for subject, found in by_device(gpu, lines)}
    supported = False
    for one in asked:
        assert one.nvml is not None
        fields = (one.nvml.ecc_uncorrected_volatile, one.nvml.remapped_rows)
        supported = supported or any(map(known, fields))
        for field in fields:
            if isinstance(field, Unknown):
                yield untold(one, "memory errors", field)
                break
        _, found = logged.pop(one.subject.name, (one.subject, ()))
        yield from _judged(host, one.subject, one.nvml, found)
    for subject, found in logged.values():
        yield from _judged(host, subject, None, found)
    if asked and not supported and not lines and not any(_unknown(one) for one in asked):
        raise DoesNotApply("no GPU here counts memory errors (no ECC)")


def _judged(
    host: Host, subject: Subject, one: NvmlDevice | None, lines: tuple[KernelEvent, ...]
) -> Iterator[Problem]:
    count = value_of(one.ecc_uncorrected_volatile, 0) if one else 0
    rows = value_of(one.remapped_rows, None) if one else None
    pending = rows is not None and rows.pending
    if not count and not pending and not lines:
        return
    evidence: list[Evidence] = []
    said: list[str] = []
    if count:
        evidence.append(Evidence("uncorrected memory errors since the driver was loaded", str(count), "NVML"))
        said.append(f"{count} uncorrectable memory error{'s' if count != 1 else ''}")
    if pending:
        evidence.append(Evidence("remapped rows pending", "yes", "NVML"))
        said.append("a memory row that waits for a reset")
    if lines:
        said.append(codes_of(lines))
    serious = bool(count) or any(line.code in SERIOUS for line in lines)
    yield Problem(
        f"{subject.label} has {' and '.join(said)}",
        subject,
        "failure" if serious else "warning",
        (*evidence, *log_lines(lines, via_log(host))),
        fix=Fix(
            "Stop what runs on this GPU and reset it, so that the bad row is replaced; return the card if it comes back",
            (reset_command(subject),),
        ),
    )


def _lines(host: Host, gpu: Gpu) -> tuple[tuple[KernelEvent, ...], CannotLook | None]:
    try:
        return xids(log(host, gpu), CODES), None
    except CannotLook as error:
        return (), error


def _asked(gpu: Gpu) -> tuple[list[Device], CannotLook | DoesNotApply | None]:
    try:
        answering(gpu)
    except (CannotLook, DoesNotApply) as error:
        return [], error
    return [one for one in devices(gpu) if one.nvml is not None], None


def _unknown(one: Device) -> bool:
    assert one.nvml is not None
    return not isinstance(one.nvml.remapped_rows, Known) and isinstance(
        one.nvml.ecc_uncorrected_volatile, Unknown
    )
