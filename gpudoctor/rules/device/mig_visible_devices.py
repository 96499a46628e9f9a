"""CUDA_VISIBLE_DEVICES does not choose a MIG instance as CUDA wants it

What it is: On a GPU in MIG mode a process gets one instance, chosen by its UUID ("MIG-..."). The list names an instance that is
not there, more instances than a process can have, or more indices than CUDA shows in this mode.

Why it hurts: Frameworks find no GPU, or fail with "invalid device ordinal" and assertions such as "device < num_gpus", because fewer
devices exist than the list promises.

How to tell: NVML's MIG mode and instances against the list, and how many devices libcuda shows. Without MIG the same list is a plain
wrong entry.

How to fix: Set CUDA_VISIBLE_DEVICES to the UUID of one instance (`nvidia-smi -L` lists them), and start one process per instance. UUIDs change
when instances are created anew.

Sources: https://docs.nvidia.com/datacenter/tesla/mig-user-guide/mig-device-names.html
https://docs.nvidia.com/cuda/cuda-programming-guide/05-appendices/environment-variables.html
https://github.com/pytorch/pytorch/issues/130181
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.environment import Environment
from gpudoctor.facts.gpu import Gpu, MigInstance
from gpudoctor.facts.observed import known, value_of
from gpudoctor.findings import MACHINE, DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.masks import NAME, Mask, commands, evidence_of, mask, visible
from gpudoctor.rules.witnesses import each
from gpudoctor.signature import MIG, Signature

explains = ("visible-devices-hidden", "visible-devices-unknown-entry", "gpu-lost-in-cuda")

signatures: tuple[Signature | str, ...] = (
    # PyTorch c10/cuda/CUDAFunctions, THC; NVIDIA's tools.
    Signature(r"device >= 0 && device < num_gpus", 0.85, needs=(r"\bMIG\b|num_gpus",)),
    Signature(r"invalid device ordinal", 0.85, needs=(rf"\bMIG(?:\b|_)|{MIG}",)),
    Signature(
        r"(?:MIG[- ](?:mode|enabled|GPU|instance|device|M\.)|MIG-[0-9a-f]{8}|MIG \d+g\.\d+gb).{0,400}(?:No CUDA GPUs are available|is_available\W{1,4}False|no CUDA-capable device|NO_DEVICE|invalid device)",
        0.85,
    ),
    Signature(r"No CUDA GPUs are available|no CUDA-capable device|CUDA_ERROR_NO_DEVICE", 0.75, needs=(MIG,)),
    Signature(r"unknown device.{0,80}MIG-GPU", 0.9),
    Signature(r"MIG-GPU-[0-9a-f-]{36}/\d+/\d+", 0.7),
    Signature(r"Invalid MIG (?:device|UUID)|MIG UUID.{0,60}(?:invalid|not found)", 0.85, needs=(r"MIG",)),
    Signature(r"num_gpus INTERNAL ASSERT FAILED", 0.6, needs=(r"\bMIG\b",)),
    Signature(r"invalid literal for int\(\) with base 10: 'MIG-|\bint\(f?['\"]MIG-", 0.9),
    Signature(
        r"(?:device_count|is_available)\(\)[\s\S]{0,60}(?:\b0$|False)",
        0.85,
        needs=(r"MIG-[0-9a-fG]{3}",),
    ),
    # A process sees one instance whatever is listed: reporters count.
    Signature(
        r"device_count\W{0,4}.{0,40}(?:only|just|returns?|shows?|gives?|says?|prints?|is|==|:) .{0,20}(?:one|1|0|zero|single)\b|"
        r"only (?:sees?|shows?|detects?|finds?|uses?|using|used|recogni[sz]es?|access\w*|return\w*|get|one|1|the first|first|a single|single) .{0,40}(?:GPUs?|devices?|instances?|MIG|slices?)|"
        r"(?:can't|cannot|can not|unable to|how (?:to|can|do|could)|couldn't|failed to|not able to) .{0,40}(?:use|see|access|select|specify|run on|train on|detect|choose|utili[sz]e) .{0,40}\bMIG\b",
        0.78,
        needs=(r"\bMIG\b",),
        # The help of nvidia-smi: "only one context is allowed per device".
        unless=(r"List of valid properties to query",),
    ),
    Signature(
        r"\bMIG\b[- _](?:UUID|id|device(?!s? *(?:: None)?(?:\n|$))|instance|GPU|slice|partition|mode(?!\n| ?:| (?:is )?(?:disabled|off|not))|enabled|configuration)s?|\bMIG-[0-9a-f]{8}",
        0.62,
        needs=(
            r"No CUDA|invalid device|not available|not found|not detect\w*|CUDA_VISIBLE_DEVICES|num_gpus|error|fail\w*|unknown|only",
        ),
        unless=(r"Xid", r"out of memory", r"List of valid properties to query"),
    ),
    # nvidia-smi's table of a GPU with MIG on, beside a refusal; NCCL; the device plugin; vLLM, Ray and DeepSpeed on UUIDs.
    Signature(
        r"\| Enabled\*? \|",
        0.8,
        needs=(r"MIG M\.", r"invalid device|No CUDA GPUs|num_gpus|no CUDA-capable|NO_DEVICE|is_available"),
    ),
    Signature(r"Duplicate GPU detected", 0.75, needs=(r"\bMIG\b",)),
    Signature(
        r"migEnabled=true|more than one MIG device type|invalid MIG (?:config\w*|strategy|profile|device)|No MIG[- ]devices? found",
        0.72,
    ),
    Signature(
        r"(?:invalid literal|ValueError|could not convert|cannot parse|Invalid) .{0,80}['\"]?MIG-", 0.85
    ),
    # Dorado, libtorch, JAX: how many devices are seen; the scheduler's resource; Ray and vLLM parse numbers.
    Signature(
        r"Invalid CUDA device index|there (?:is|are) (?:only )?[01] visible CUDA devices?",
        0.86,
        needs=(r"\bMIG\b|multi-instance",),
    ),
    Signature(
        r"jax\.(?:local_)?devices\(\).{0,40}(?:only|just) (?:one|1)\b|returns? (?:only|just) (?:one|1|a single)\b",
        0.78,
        needs=(r"\bMIG\b",),
    ),
    Signature(
        r"MIG-\w{2,40}\W{0,3}.{0,30}(?:cannot be parsed|not an? (?:valid )?int\w*|can't be parsed|ValueError|could not be parsed)",
        0.85,
    ),
    Signature(r"Insufficient nvidia\.com/mig-\d+g", 0.7),
    Signature(
        r"nvidia\.com/mig-\d+g\.\d+gb\b.{0,160}(?:only|just|a single|one) (?:one |1 )?(?:device|GPU)", 0.8
    ),
)


def check(environment: Environment, gpu: Gpu) -> Iterator[Problem]:
    told, _ = each(gpu, lambda one: one.mig_enabled, "MIG mode")
    divided = [one.nvml for one, on in told if on and one.nvml is not None and known(one.nvml.mig_instances)]
    instances = [i for one in divided for i in value_of(one.mig_instances, ())]
    if not instances:
        raise DoesNotApply("no GPU here is divided into MIG instances")
    found = mask(environment, gpu)
    what = _wrong(found, instances, visible(gpu))
    if not what:
        return
    there = tuple(Evidence("MIG instance", f"{i.uuid} {i.profile}".rstrip(), "NVML") for i in instances[:4])
    yield Problem(
        f"{NAME} {what}",
        MACHINE,
        "failure",
        (*evidence_of(found, gpu), *there),
        fix=Fix(
            "Name one MIG instance, and start one process per instance (see nvidia-smi -L)",
            commands(found, instances[0].uuid),
        ),
    )


def _wrong(found: Mask, instances: list[MigInstance], shown: int | None) -> str:
    """What is wrong with the list, as the end of a sentence; "" when nothing is."""
    wanted = len(found.entries)
    if found.bad.upper().startswith("MIG-"):
        return f"names the MIG instance {found.bad}, which is not one of the {len(instances)} there are"
    named = [entry for entry in found.entries if entry.upper().startswith("MIG-")]
    if len(named) > 1 and (shown is None or shown < wanted):
        return f"names {len(named)} MIG instances; a process gets one"
    numbers = [entry for entry in found.entries if entry.isdigit()]
    if len(numbers) > 1 and shown is not None and 0 < shown < wanted:
        return f"names {wanted} devices; in MIG mode CUDA shows {shown}"
    return ""
