"""Toolkits and libraries: compile targets, host compilers, cuDNN's parts, what a soname belongs to."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from gpudoctor.knowledge.records import (
    CudnnKernels,
    CudnnPublished,
    HostCompilers,
    ToolkitTargets,
    WheelLayout,
)
from gpudoctor.knowledge.tables import source, table
from gpudoctor.versions import at_least, is_version, older
from gpudoctor.versions import release as release_of


@lru_cache(maxsize=2048)
def toolkit_targets(release: str) -> ToolkitTargets | None:
    """What toolkit `release` ("12.4", or a longer version) compiles for."""
    if not is_version(release):
        return None
    found, wanted = table("toolkits"), release_of(release)
    for row in found["rows"]:
        if wanted in row["releases"]:
            targets = tuple(row["targets"])
            return ToolkitTargets(
                wanted, targets, targets, row.get("verified", True), source(found, row["source"])
            )
    return None


@lru_cache(maxsize=2048)
def host_compilers(release: str) -> HostCompilers | None:
    """The compilers that toolkit `release` accepts: "12.4", or nvcc's exact version "12.2.91"."""
    if not is_version(release):
        return None
    found = table("compilers")
    for wanted in (release, release_of(release)):
        for row in found["rows"]:
            if wanted in row["releases"]:
                return HostCompilers(
                    wanted,
                    row["gcc_max"],
                    row["clang_max"],
                    row["clang_min"],
                    row.get("verified", True),
                    source(found, row["source"]),
                    row.get("verified", True) or row.get("gcc_verified", False),
                )
    return None


def cudnn_sublibraries(version: str) -> tuple[str, ...] | None:
    """The sonames that belong to cuDNN `version` ("9.10.2"); of a major alone ("9") those that every
    measured version of it has."""
    if not is_version(version):
        return None
    for row in table("cudnn")["sublibraries"]:
        if _within(version, row):
            return tuple(row["sonames"])
    return None


def cudnn_published(cuda_major: int) -> CudnnPublished | None:
    """The first and the last cuDNN that was built for CUDA `cuda_major`."""
    found = table("cudnn")
    row = next((r for r in found["published"] if r["cuda"] == cuda_major), None)
    return CudnnPublished(cuda_major, row["from"], row["to"], source(found, row["source"])) if row else None


@lru_cache(maxsize=2048)
def cudnn_kernels(cuda_major: int, version: str) -> CudnnKernels | None:
    """The GPUs that cuDNN `version` ("9.10.2" or longer) for CUDA `cuda_major` has kernels for."""
    if not is_version(version) or version.count(".") < 2:
        return None
    found = table("cudnn")
    for row in found["kernels"]:
        if row["cuda"] == cuda_major and _within(version, row):
            return CudnnKernels(
                cuda_major, version, tuple(row["sm"]), tuple(row["ptx"]), source(found, row["source"])
            )
    return None


@lru_cache(maxsize=2048)
def first_cuda(capability: str) -> str | None:
    """The first CUDA release that compiles for this capability: a driver of that CUDA or a newer one knows the GPU. The
    oldest release in the table for those that are older than it."""
    for row in table("toolkits")["rows"]:
        if capability in row["targets"]:
            first: str = row["releases"][0]
            return first
    return None


def cudnn_neighbours(cuda_major: int, version: str) -> tuple[CudnnKernels, CudnnKernels] | None:
    """Of a version that was not looked at: what the last before it and the first after it have kernels for. None at both
    ends of the table."""
    if not is_version(version):
        return None
    rows = [row for row in table("cudnn")["kernels"] if row["cuda"] == cuda_major]
    before = [row["to"] for row in rows if older(row["to"], version)]
    after = [row["from"] for row in rows if older(version, row["from"])]
    if not before or not after:
        return None
    ends = cudnn_kernels(cuda_major, before[-1]), cudnn_kernels(cuda_major, after[0])
    return (ends[0], ends[1]) if ends[0] is not None and ends[1] is not None else None


def last_cudnn(cuda_major: int, capability: str) -> str | None:
    """The newest cuDNN for CUDA `cuda_major` whose own machine code names this capability."""
    rows = [r for r in table("cudnn")["kernels"] if r["cuda"] == cuda_major and capability in r["sm"]]
    return rows[-1]["to"] if rows else None


def soname_family(soname: str) -> str | None:
    """The library family of a file name or soname: "libcudnn_ops.so.9" -> "cudnn"; None for others."""
    match = re.match(r"lib(?P<stem>[A-Za-z0-9_]+?)(?:-[A-Za-z0-9.]+)?\.so(?:\.|$)", soname)
    if match is None:
        return None
    stem: str = match["stem"]
    families: dict[str, str] = table("libraries")["families"]
    if stem in families:
        return families[stem]
    return families.get(stem.split("_")[0] + "_")


def wheel_layout(cuda_major: int) -> WheelLayout | None:
    """Where NVIDIA's wheels for CUDA `cuda_major` put their libraries."""
    found = table("libraries")
    row = found["wheels"].get(str(cuda_major))
    if row is None:
        return None
    sonames = {name: tuple(files) for name, files in row["sonames"].items()}
    tools = {name: tuple(files) for name, files in row["tools"].items()}
    return WheelLayout(cuda_major, dict(row["folders"]), sonames, source(found, row["source"]), tools)


def _within(version: str, row: dict[str, Any]) -> bool:
    """Whether a version lies in a row's range. A person may know less of it than the row says: "9.10.2" of "9.10.2.21"."""
    width = version.count(".") + 1
    lower, upper = (".".join(row[end].split(".")[:width]) for end in ("from", "to"))
    return at_least(version, lower) and at_least(upper, version)
