"""Remedies for GPU memory and for what hides GPUs."""

from __future__ import annotations

import re

from gpudoctor.findings import Fix
from gpudoctor.logs.told import Told


def out_of_memory(told: Told) -> Fix | None:
    at = told.low.rfind("tried to allocate")
    text = told.text[at : at + 900] if at >= 0 else told.text
    request = re.search(r"Tried to allocate (\d[\d.]* \w?i?B)", text)
    free = re.search(r"(\d[\d.]* \w?i?B) (?:is )?free", text)
    total = re.search(r"total capacity of (\d[\d.]* \w?i?B)|(\d[\d.]* \w?i?B) total capacity", text)
    others = sorted(
        (
            (float(m[2]), m[3], m[1])
            for m in re.finditer(r"Process (\d+) has (\d[\d.]*) (GiB|MiB) memory in use", text)
        ),
        key=lambda p: -p[0] * (1024 if p[1] == "GiB" else 1),
    )
    if request is None:
        return None
    whole = next((g for g in total.groups() if g), "") if total else ""
    parts = [f"{request[1]} were asked for"]
    if free:
        parts.append(f"{free[1]} are free" + (f" of {whole}" if whole else ""))
    said = ", ".join(parts)
    own = re.search(r"this process has (\d[\d.]*) (GiB|MiB)", text)
    mine = float(own[1]) * (1024 if own[2] == "GiB" else 1) if own else 0.0
    if others and others[0][0] * (1024 if others[0][1] == "GiB" else 1) > max(mine * 0.3, 1024):
        size, unit, pid = others[0]
        return Fix(
            f"{said}; process {pid} holds {size} {unit}: stop it if it was forgotten, or take another GPU. Settings against fragmentation will not help",
            (f"ps -fp {pid}", "nvidia-smi"),
        )
    return Fix(
        f"{said}: make the work smaller (batch, sequence or resolution, half precision, gradient checkpointing, offloading), or take a GPU "
        "with more memory. Where other processes hold it, nvidia-smi names them",
        ("nvidia-smi",),
    )


def oom_fragmentation(told: Told) -> Fix | None:
    unused = re.search(r"(\d[\d.]* \w?iB) is reserved by PyTorch but unallocated", told.text)
    amount = (
        f"{unused[1]} are reserved and unused, in pieces: "
        if unused
        else "Much is reserved and unused, in pieces: "
    )
    return Fix(
        f"{amount}let the allocator grow its segments (PyTorch 2.1 and later; before, max_split_size_mb:128), and keep the shapes of batches alike",
        ("export PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True",),
    )


def visible_devices_hidden(told: Told) -> Fix | None:
    value = told.variables.get("CUDA_VISIBLE_DEVICES")
    if value is None:
        return None
    shown = value if value else '""'
    return Fix(
        f"CUDA_VISIBLE_DEVICES={shown} hides the GPUs: unset it or name one that is there (they are counted from 0), and change the file, "
        "job script or IDE that sets it",
        ("export CUDA_VISIBLE_DEVICES=0",),
    )
