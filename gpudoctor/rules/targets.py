"""Which GPU code runs where: cubins and PTX against a GPU's compute capability. Pure rules, no tables.

- A plain cubin X.y runs on X.z with z >= y. NVIDIA documents that for desktop and data-centre GPUs only.
- Tegra parts (5.3, 6.2, 7.2, 8.7, 10.1 and its later name 11.0) stand apart: a cubin of theirs is for that part alone;
  whether a desktop cubin of the same major runs on them is not documented, so the answer is "unknown".
- An `a` cubin or PTX serves exactly its capability; an `f` one its family: 10.0 and 10.3, 12.0 and 12.1.
- Plain PTX N serves every capability >= N, if the driver's compiler knows the PTX ISA version it is written in.

Sources: https://docs.nvidia.com/cuda/cuda-c-programming-guide/ ("Binary Compatibility", "PTX Compatibility"),
https://docs.nvidia.com/cuda/cuda-compiler-driver-nvcc/ and `ptxas --help` of CUDA 13 (--gpu-name).
"""

from __future__ import annotations

from typing import Literal

from gpudoctor.facts.frameworks import Cubin, Ptx, Targets
from gpudoctor.facts.record import Record
from gpudoctor.versions import capability as parse
from gpudoctor.versions import compare

How = Literal["cubin", "ptx", "none", "unknown"]
Verdict = Literal["yes", "no", "unknown"]
Number = tuple[int, int]


class Served(Record):
    """How a GPU is served: by a cubin, by PTX that the driver compiles at start, not at all, or not known.
    `detail` says by what, or why not, for people."""

    how: How
    detail: str


#: Parts whose cubins and whose GPUs stand outside the rule for minors.
TEGRA: frozenset[Number] = frozenset({(5, 3), (6, 2), (7, 2), (8, 7), (10, 1), (11, 0)})

#: In no list of products yet: what a cubin of theirs runs on besides themselves is not known.
UNPUBLISHED: frozenset[Number] = frozenset({(8, 8), (10, 7)})

#: One chip, two names: CUDA 12.8 and 12.9 call Thor 10.1, CUDA 13 calls it 11.0.
RENAMED: frozenset[Number] = frozenset({(10, 1), (11, 0)})

#: The members of each family with `f` targets.
FAMILIES: tuple[frozenset[Number], ...] = (
    frozenset({(10, 0), (10, 3)}),
    frozenset({(12, 0), (12, 1)}),
    RENAMED,
)


def serves(targets: Targets, capability: str, newest_isa: str | None) -> Served:
    """How a GPU of `capability` ("8.6") is served by a build's GPU code.

    `newest_isa`: the newest PTX ISA version that the driver compiles ("8.4"); None when that is not known, and then
    PTX alone gives "unknown".
    """
    try:
        gpu = parse(capability)
    except ValueError:
        return Served("unknown", f"{capability!r} is no compute capability")
    verdicts = [(cubin_runs(cubin, gpu), cubin) for cubin in targets.cubins]
    best = max((c for v, c in verdicts if v == "yes"), key=_order, default=None)
    if best is not None:
        return Served("cubin", f"machine code for {spelled(best)}")
    jit = [(ptx_runs(ptx, gpu, newest_isa), ptx) for ptx in targets.ptx]
    best_ptx = max((p for v, p in jit if v == "yes"), key=_order, default=None)
    if best_ptx is not None:
        return Served("ptx", f"{spelled(best_ptx)}, which the driver compiles")
    for verdict, cubin in verdicts:
        if verdict == "unknown":
            return Served("unknown", f"whether machine code for {spelled(cubin)} runs on {capability}")
    for verdict, ptx in jit:
        if verdict == "unknown":
            return Served("unknown", f"whether this driver compiles {spelled(ptx)} for {capability}")
    return Served("none", _why_not(targets, gpu, newest_isa))


def cubin_runs(cubin: Cubin, gpu: Number) -> Verdict:
    """Whether a cubin runs on a GPU of this capability."""
    try:
        built = parse(cubin.capability)
    except ValueError:
        return "unknown"
    if built == gpu:
        return "yes"
    if built in RENAMED and gpu in RENAMED:
        return "unknown"
    if cubin.variant == "a":
        return "no"
    if cubin.variant == "f" and not _family(built, gpu):
        return "unknown" if gpu in UNPUBLISHED and built[0] == gpu[0] else "no"
    if built[0] != gpu[0] or built > gpu or built in TEGRA:
        return "no"
    return "unknown" if gpu in TEGRA or built in UNPUBLISHED else "yes"


def ptx_runs(ptx: Ptx, gpu: Number, newest_isa: str | None) -> Verdict:
    """Whether the driver can compile PTX for a GPU of this capability."""
    try:
        virtual = parse(ptx.capability)
    except ValueError:
        return "unknown"
    if not _ptx_meant_for(ptx, virtual, gpu):
        return "no"
    if not ptx.isa or newest_isa is None:
        return "unknown"
    return "yes" if compare(ptx.isa, newest_isa) <= 0 else "no"


def spelled(code: Cubin | Ptx) -> str:
    """ "sm_90a", "PTX for compute_90 (ISA 8.4)"."""
    number = code.capability.replace(".", "") + code.variant
    if isinstance(code, Cubin):
        return f"sm_{number}"
    return f"PTX for compute_{number}" + (f" (ISA {code.isa})" if code.isa else "")


def _ptx_meant_for(ptx: Ptx, virtual: Number, gpu: Number) -> bool:
    if ptx.variant == "a":
        return virtual == gpu
    if ptx.variant == "f":
        return virtual == gpu or (_family(virtual, gpu) and virtual <= gpu)
    return virtual <= gpu


def _family(one: Number, other: Number) -> bool:
    return any(one in family and other in family for family in FAMILIES)


def _why_not(targets: Targets, gpu: Number, newest_isa: str | None) -> str:
    if not targets.cubins and not targets.ptx:
        return "it holds no GPU code"
    too_new = [p for p in targets.ptx if p.isa and _ptx_meant_for(p, parse(p.capability), gpu)]
    if too_new:
        oldest = min(too_new, key=_order)
        return f"it holds {spelled(oldest)}, and this driver compiles PTX up to ISA {newest_isa}"
    held = ", ".join([*(spelled(c) for c in targets.cubins), *(spelled(p) for p in targets.ptx)])
    return f"it holds {held}, and nothing for sm_{gpu[0]}{gpu[1]}"


def _order(code: Cubin | Ptx) -> Number:
    try:
        return parse(code.capability)
    except ValueError:
        return (0, 0)
