"""Drivers: what each toolkit needs of them, which GPUs they have dropped, and what their error numbers mean."""

from __future__ import annotations

from functools import lru_cache
from typing import Any, Literal

from gpudoctor.knowledge.records import (
    BranchCuda,
    DriverMinimum,
    FirstBranch,
    LastBranch,
    ModuleFlavour,
    PtxIsa,
    Xid,
)
from gpudoctor.knowledge.tables import source, table
from gpudoctor.versions import compare, is_version, major, release


@lru_cache(maxsize=2048)
def driver_minimum(cuda: str, system: Literal["linux", "windows"] = "linux") -> DriverMinimum | None:
    """The drivers that CUDA toolkit `cuda` needs. An update without a row of its own ("12.8.2", a component's version
    "12.4.131") is answered by its release's first row, a release newer than
    the table by its major's floor alone."""
    if not is_version(cuda):
        return None
    found = table("driver")
    floor = next((m for m in found["majors"] if m["major"] == major(cuda)), None)
    rows: list[dict[str, Any]] = [r for r in found["toolkits"] if release(r["cuda"]) == release(cuda)]
    if not rows:
        if floor is None or compare(cuda, found["toolkits"][-1]["cuda"]) < 0:
            return None
        return DriverMinimum(release(cuda), None, floor[system], None, source(found, floor["source"]))
    row = next((r for r in rows if compare(r["cuda"], cuda) == 0), rows[0])
    full: str | None = row[system]
    compatible: str | None = floor[system] if floor else None
    if full and compatible and compare(compatible, full) > 0:  # 11.0 came before the family's floor
        compatible = full
    ids = [row["source"]]
    if compatible and floor is not None:
        ids += [floor["source"]] if isinstance(floor["source"], str) else floor["source"]
    return DriverMinimum(
        row["cuda"], full, compatible, row["branch"], source(found, list(dict.fromkeys(ids)))
    )


@lru_cache(maxsize=2048)
def branch_cuda(branch: int) -> BranchCuda | None:
    """The newest CUDA that driver branch `branch` (550) implements."""
    found = table("driver")
    for row in found["branches"]:
        if row["branch"] == branch:
            return BranchCuda(branch, row["cuda"], source(found, row["source"]))
    return None


@lru_cache(maxsize=2048)
def last_branch(capability: str) -> LastBranch | None:
    """The last driver branch for a GPU of this capability; None: no end is known."""
    found, row = _architecture(capability)
    last = row.get("last_branch") if row else None
    if row is None or last is None:
        return None
    return LastBranch(
        tuple(row["capabilities"]),
        row["architecture"],
        last["branch"],
        source(found, last["source"]),
    )


@lru_cache(maxsize=2048)
def first_branch(capability: str) -> FirstBranch | None:
    """The first driver branch for a GPU of this capability, where it is known."""
    found, row = _architecture(capability)
    first = row.get("first_branch") if row else None
    if first is None or capability not in first["capabilities"]:
        return None
    return FirstBranch(capability, first["branch"], source(found, first["source"]))


@lru_cache(maxsize=2048)
def not_before(capability: str) -> FirstBranch | None:
    """The driver branch before which no driver knows this GPU's architecture. A GPU may have come with a later one."""
    found, row = _architecture(capability)
    bound = row.get("not_before") if row else None
    return FirstBranch(capability, bound["branch"], source(found, bound["source"])) if bound else None


@lru_cache(maxsize=2048)
def module_flavour(capability: str) -> ModuleFlavour | None:
    """Which kernel modules can drive a GPU of this capability; None for Jetson parts, which have their own."""
    found, row = _architecture(capability)
    if row is None or capability in row.get("tegra", ()):
        return None
    flavours = row["flavours"]
    return ModuleFlavour(row["architecture"], tuple(flavours["names"]), source(found, flavours["source"]))


def ptx_isa(isa: str) -> PtxIsa | None:
    """PTX ISA version `isa` ("8.4")."""
    found = table("ptx")
    for row in found["rows"]:
        if row["isa"] == isa:
            return PtxIsa(isa, row["cuda"], row["branch"], source(found, row["source"]))
    return None


@lru_cache(maxsize=2048)
def newest_ptx(cuda: str) -> PtxIsa | None:
    """The newest PTX ISA that a driver compiles whose newest CUDA is `cuda` ("12.4"); None for a CUDA that is newer or
    older than the table."""
    found = table("ptx")
    rows = found["rows"]
    if not is_version(cuda) or compare(release(cuda), rows[-1]["cuda"]) > 0:
        return None
    known = [row for row in rows if compare(row["cuda"], release(cuda)) <= 0]
    return ptx_isa(known[-1]["isa"]) if known else None


def xid(code: int) -> Xid | None:
    """An Xid of the GPU driver's kernel log."""
    return _error("xid", code)


def sxid(code: int) -> Xid | None:
    """An SXid of the NVSwitch driver's kernel log."""
    return _error("sxid", code)


def _error(name: str, code: int) -> Xid | None:
    found = table(name)
    row = next((r for r in found["rows"] if code in r["codes"]), None)
    if row is None:
        return None
    return Xid(
        code,
        row["name"],
        row["meaning"],
        row["cause"],
        row["severity"],
        row["action"],
        source(found, row["source"]),
    )


def _architecture(capability: str) -> tuple[dict[str, Any], dict[str, Any] | None]:
    found = table("architectures")
    return found, next((r for r in found["rows"] if capability in r["capabilities"]), None)
