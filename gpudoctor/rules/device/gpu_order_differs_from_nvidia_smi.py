"""CUDA numbers the GPUs in another order than nvidia-smi

What it is: In a machine with different GPUs CUDA puts the fastest first, nvidia-smi goes by the PCI bus. Device 0 of one is not device 0
of the other.

Why it hurts: CUDA_VISIBLE_DEVICES=0 and cuda:0 choose another card than the one that nvidia-smi shows as 0: work lands on the small
GPU, or on the one that is taken.

How to tell: The UUIDs in libcuda's order against those in NVML's. With equal GPUs both orders agree.

How to fix: Set CUDA_DEVICE_ORDER=PCI_BUS_ID wherever GPUs are chosen by number, or choose them by UUID.

Sources: https://docs.nvidia.com/cuda/cuda-programming-guide/05-appendices/environment-variables.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import MACHINE, CannotLook, DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.judging import need
from gpudoctor.rules.witnesses import answering


def check(gpu: Gpu) -> Iterator[Problem]:
    nvml = answering(gpu)
    if len(nvml.devices) < 2:
        raise DoesNotApply("only one GPU")
    cuda = need(gpu.cuda, "libcuda")
    if cuda.code != 0:
        raise CannotLook(f"libcuda does not answer ({cuda.code} {cuda.name})")
    index = {value_of(one.uuid, ""): one for one in nvml.devices if value_of(one.uuid, "")}
    # CUDA_VISIBLE_DEVICES may leave some out and reorder the rest on purpose; without all of them nothing is told.
    order = [value_of(one.uuid, "") for one in cuda.devices]
    if len(order) != len(nvml.devices) or any(name not in index for name in order):
        raise DoesNotApply("CUDA shows only some of the GPUs, in the order that was asked for")
    theirs = [index[name] for name in order]
    if [one.index for one in theirs] == sorted(one.index for one in theirs):
        return
    first, smi = theirs[0], nvml.devices[0]
    lines = (f"cuda:{n} is GPU {one.index} {value_of(one.name, '')}" for n, one in enumerate(theirs))
    yield Problem(
        f"cuda:0 is GPU {first.index} of nvidia-smi ({value_of(first.name, '?')}), not GPU 0 ({value_of(smi.name, '?')})",
        MACHINE,
        "note",
        tuple(Evidence("order", line, "libcuda and NVML") for line in lines),
        fix=Fix("Number the GPUs as nvidia-smi does", ("export CUDA_DEVICE_ORDER=PCI_BUS_ID",)),
    )
