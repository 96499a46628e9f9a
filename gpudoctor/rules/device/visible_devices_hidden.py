"""CUDA_VISIBLE_DEVICES hides every GPU

What it is: The variable lists the GPUs that CUDA may show to a program. Here it is empty, or begins with an entry that no
GPU has (-1, an index beyond the last, an unknown UUID): then none is shown.

Why it hurts: Frameworks say "No CUDA GPUs are available" or run on the CPU without a word, while nvidia-smi shows all GPUs.

How to tell: libcuda shows no device with the variable and some without it; where libcuda cannot be asked, the variable's value against
the GPUs that NVML or the bus show. An unset variable hides nothing; an empty one hides all.

How to fix: Unset the variable or name a GPU that is there, and change the file that sets it. Programs and IDEs set it for
themselves too: then it is their configuration.

Sources: https://docs.nvidia.com/cuda/cuda-programming-guide/05-appendices/environment-variables.html
https://github.com/pytorch/pytorch/issues/63226
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.environment import Environment
from gpudoctor.facts.gpu import Gpu
from gpudoctor.findings import MACHINE, CannotLook, Fix, Problem
from gpudoctor.rules.masks import NAME, commands, evidence_of, mask, total, visible
from gpudoctor.signature import MIG, Signature, error_code

explains = ("driver-not-answering", "gpu-lost-in-cuda", "smoke-ran-on-cpu")

signatures: tuple[Signature | str, ...] = (
    Signature(
        r"No CUDA GPUs are available",
        0.62,
        unless=(
            r"too old",
            r"insufficient",
            r"Found no NVIDIA driver",
            r"NVIDIA-SMI has failed",
            r"unknown error",
            r"\bMIG(?:\b|_)",
        ),
        explanation="PyTorch reached the driver, and the driver offers this process no GPU.",
    ),
    Signature(r"No CUDA GPUs are available", 0.9, when="hidden-by-variable", unless=(MIG,)),
    Signature(
        r"CUDA_VISIBLE_DEVICES[\"'\]]{0,2} ?= ?[\"']{0,2}(?:-1|\"\"|''|$|NoDevFiles)",
        0.85,
        unless=(r"UserWarning: CUDA initialization: CUDA unknown error",),
    ),
    # TensorFlow, cuda_diagnostics.cc of 2.18 and later: "CUDA_VISIBLE_DEVICES is set to -1 - this hides all GPUs from CUDA".
    Signature(r"CUDA_VISIBLE_DEVICES is set to .{0,20}this hides all GPUs", 0.95),
    Signature(r"env: CUDA_VISIBLE_DEVICES=\"", 0.6),
    Signature(
        r"no CUDA-capable device is detected",
        0.6,
        unless=(
            r"NVIDIA-SMI has failed",
            r"too old",
            r"\bMIG(?:\b|_)",
            r"forward compat",
            r"No devices were found",
            r"kernel driver does not appear",
            r"/usr/lib/wsl|\bWSL\b",
        ),
    ),
    Signature(r"no CUDA-capable device is detected", 0.88, when="hidden-by-variable", unless=(MIG,)),
    Signature(
        r"CUDA_ERROR_NO_DEVICE",
        0.55,
        unless=(
            r"NVIDIA-SMI has failed",
            r"too old",
            r"No devices were found",
            r"kernel driver does not appear",
            r"WSL",
        ),
    ),
    Signature(r"CUDA_ERROR_NO_DEVICE", 0.88, when="hidden-by-variable", unless=(MIG,)),
    Signature(r"invalid device ordinal", 0.55, unless=(rf"\bMIG(?:\b|_)|{MIG}",)),
    Signature(r"invalid device ordinal", 0.8, when="hidden-by-variable", unless=(rf"\bMIG(?:\b|_)|{MIG}",)),
    # TensorFlow's cuda_diagnostics.cc, which speaks only when cuInit failed: driver and library are of one version.
    Signature(
        r"kernel version seems to match DSO",
        0.8,
        needs=(r"CUDA_VISIBLE_DEVICES['\"\]]{0,3} ?= ?['\"]?(?:-1|[1-9]\d*)\b",),
    ),
    # JAX, xla_bridge.py.
    Signature(r"No visible GPU devices", 0.6),
    Signature(
        r"Invalid device id|CUDA_VISIBLE_DEVICES.{0,80}(?:invalid|does not exist|not available)",
        0.6,
        needs=(r"device",),
    ),
    Signature(error_code(38, 100), 0.5),
    # TensorFlow's gpu_device.cc; ollama; Julia; Rust.
    Signature(
        r"visible_device_list' listed an invalid GPU id|Invalid device ordinal value|Device ordinal .{0,20}(?:not (?:found|available|valid)|out of range)",
        0.75,
        unless=(rf"\bMIG(?:\b|_)|{MIG}",),
    ),
    Signature(
        r"\b(?:CUDA_)?ERROR_NO_DEVICE\b|\bCudaError::NoDevice\b|cudaErrorNoDevice",
        0.55,
        unless=(
            r"NVIDIA-SMI has failed",
            r"No devices were found",
            r"too old",
            r"kernel driver does not appear",
            r"WSL",
            r"\bMIG(?:\b|_)",
        ),
    ),
    Signature(r"(?:ERROR_INVALID_DEVICE|cudaErrorInvalidDevice)\b", 0.55, unless=(rf"\bMIG(?:\b|_)|{MIG}",)),
    # The reporter's repair.
    Signature(
        r"(?:unset\w*|remov\w+|delet\w+|comment\w*(?: it| this)?(?: out)?|clear\w*|wrong|incorrect\w*|because of|due to) .{0,60}CUDA_VISIBLE_DEVICES",
        0.72,
        needs=(
            r"No CUDA|no CUDA-capable|NO_DEVICE|not detect\w*|invalid device|is_available|device_count|GPU .{0,30}not (?:found|available)",
        ),
        unless=(r"\bMIG(?:\b|_)", r"too old"),
    ),
    Signature(r"\bNoDevFiles\b", 0.85),
    Signature(
        r"CUDA_VISIBLE_DEVICES ?=? ?['\"]?(?:GPU-\w{4,40}).{0,60}(?:doesn't|does not|not) (?:exist|match|belong)",
        0.8,
    ),
    Signature(
        r"CUDA_VISIBLE_DEVICES\W{1,8}\d.{0,300}machines? without GPU (?:index|id)|(?:machines?|systems?|hosts?) (?:without|that (?:lack|don't have)) (?:a )?GPU (?:index|id) \d",
        0.85,
    ),
    Signature(
        r"CUDA_VISIBLE_DEVICES ?= ?['\"]?(?:GPU-\w+|[1-9]\d*)\b",
        0.66,
        needs=(
            r"No CUDA GPUs|is_available\(\)\W{1,4}(?:is |returns )?False|no compatible GPUs|device_count\(\)\W{1,4}0|no CUDA-capable|NO_DEVICE",
        ),
        unless=(r"\bMIG\b", r"driver.{0,20}too old|insufficient", r"libcuda|Found no NVIDIA"),
    ),
    # Set in the program, and beside it no GPU; the variable found to be wrong; an index past the last GPU, by program.
    Signature(
        r"CUDA_VISIBLE_DEVICES['\"]?\]? ?= ?['\"]?(?:GPU-\w+|[1-9]\d*)\b",
        0.72,
        needs=(
            r"No CUDA GPUs|is_available(?:\(\))?\W{0,4}(?:is |returns |gives |= ?)?False|no compatible GPUs|device_count(?:\(\))?\W{1,4}0|no CUDA-capable|NO_DEVICE|invalid device ordinal|(?:not|n't) (?:see|find|detect|recogni[sz]e) (?:the |my |any )?GPU|\bNo GPUs? (?:was |were |is |are )?(?:found|available|detected|visible)",
        ),
        unless=(r"\bMIG\b", r"driver.{0,20}too old|insufficient", r"libcuda|Found no NVIDIA"),
    ),
    Signature(
        r"CUDA_VISIBLE_DEVICES (?:variable |environment variable |env var )?(?:was|is|had been|has been|were|being) (?:\w+ ){0,3}(?:empty|unset to|wrong|incorrect\w*|invalid|set to (?:an? )?(?:empty|blank|wrong|nonexist\w*|non-exist\w*|invalid|-1|''|\"\"|1|2|3|7))",
        0.82,
        needs=(r"not |n't|no |fail\w*|error|False|cpu",),
        unless=(r"\bMIG\b",),
    ),
    Signature(r"You requested gpu:? \[.{0,40}\] But your machine only has:? ?\[ ?\d", 0.86),
    Signature(
        r"The device id must be inside \[0, \d+\)|Invalid CUDA '(?:--)?device[= ][1-9]\d*' requested", 0.8
    ),
    Signature(
        r"(?:set|setting|change\w*|hard-?coded?|default\w*)\b.{0,60}CUDA_VISIBLE_DEVICES.{0,80}(?:single[- ]GPU|one GPU|only (?:have|has) (?:one|1|a single)|doesn't exist|does not exist|not exist)|CUDA_VISIBLE_DEVICES.{0,80}(?:单卡|只有一张|只有一块|改成0|改为0|改成 0|设置为0)",
        0.78,
        needs=(r"No CUDA|not |n't|error|fail\w*|invalid|报错|False",),
    ),
    # A list that names nothing, as a map, a compose file or a table shows it.
    Signature(
        r"CUDA_VISIBLE_DEVICES['\"`]? ?[:|] ?['\"]?(?:-1\b|NoDevFiles)",
        0.85,
        needs=(r"not |n't|no |fail\w*|error|False|cpu",),
    ),
    # An index that none of the told GPUs has: four cards, and the list begins with 4.
    Signature(
        r"CUDA_VISIBLE_DEVICES",
        0.93,
        when="mask-beyond-the-gpus",
        needs=(
            r"not |n't|no |fail\w*|error|False|cpu|empty|unknown|(?:is|are|returns?|->|=|gives?) 0\b|不|没|无法",
        ),
        unless=(MIG,),
        explanation="The list begins with a number that none of the GPUs has: they are counted from 0.",
    ),
    # A program's name for a device where CUDA wants a number or a UUID.
    Signature(
        r"CUDA_VISIBLE_DEVICES['\"\]]{0,2} ?= ?['\"]{0,2}(?:cuda(?::\d)?|gpus?:?\d?|devices?:?\d?|all|true|yes|none|null|auto|\[\d[^\n]{0,12}\])(?=['\"`]|\s|[.,;)]|$)",
        0.84,
        needs=(
            r"not |n't|no |fail\w*|error|False|cpu|(?:is|are|returns?|->|=|gives?|prints?) 0\b|since|empty|不|没|无法",
            r"GPU|torch|tensorflow|jax|paddle|device|cuda",
        ),
        explanation="The list takes numbers and UUIDs. At anything else it ends, and nothing stands before it.",
    ),
    # Set, and empty; what helped was to unset it.
    Signature(
        r"printenv CUDA_VISIBLE_DEVICES .{0,20}(?:empty|blank) line|CUDA_VISIBLE_DEVICES\b.{0,80}\bunset\w*\b.{0,12}(?:fix\w*|help\w*|solv\w*|works?|cured|did it)",
        0.82,
        needs=(r"not |n't|no |fail\w*|error|False|cpu|(?:is|are|returns?|->|=|gives?) 0\b|empty",),
        unless=(MIG,),
    ),
)


def check(environment: Environment, gpu: Gpu) -> Iterator[Problem]:
    found = mask(environment, gpu)
    shown, there = visible(gpu), total(gpu)
    if there == 0:
        return
    if (shown is not None and shown > 0) or (shown is None and found.visible > 0):
        return
    if found.visible > 0 and (found.known or "MIG" in found.variable.value.upper()):
        # Its entries are there: what hides the devices is something else.
        return
    if found.visible > 0:
        raise CannotLook("which GPUs there are is not known, so the list cannot be compared")
    why = f"no GPU is {found.bad!r}" if found.bad else "it is empty"
    several = f" all {there} GPUs" if there and there > 1 else " the GPU"
    yield Problem(
        f"{NAME}={found.variable.value or chr(34) * 2} hides{several}: {why}",
        MACHINE,
        "failure",
        evidence_of(found, gpu),
        fix=Fix("Unset the variable, or name a GPU that is there", commands(found)),
    )
