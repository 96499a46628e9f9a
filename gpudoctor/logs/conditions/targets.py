"""GPU architectures: of the build, of the toolkit, of the GPUs that the text names."""

from __future__ import annotations

import re

from gpudoctor.logs.conditions._versions import release
from gpudoctor.logs.lazy import Lazy
from gpudoctor.logs.told import Told


def _sm(number: str) -> tuple[int, int]:
    number = number.rstrip("af")
    if "." in number:
        whole, _, part = number.partition(".")
        return int(whole), int(part[:1] or 0)
    return int(number[:-1]), int(number[-1])


def _listed(match: re.Match[str], told: Told) -> list[tuple[int, int]]:
    """The capabilities of the build's own list, which stands after the complaint."""
    after = told.text[match.start() : match.start() + 800]
    found = re.search(
        r"(?:supports CUDA capabilities|arch(?:itecture)? list|get_arch_list\(\))[^\n]{0,20}\n?([^\n]{3,300})",
        after,
        re.I,
    )
    if not found:
        found = re.search(
            r"(?:supports CUDA capabilities|get_arch_list\(\))[^\n]{0,20}\n?([^\n]{3,300})", told.text, re.I
        )
    return [_sm(n) for n in re.findall(r"(?:sm_|compute_)(\d{2,3})", found[1])] if found else []


def gpu_newer_than_build(match: re.Match[str], told: Told) -> bool:
    """The GPU's capability (group `sm`, "86" or "8.6") is above all that the build lists; without a list: is Turing or
    later, which no build has dropped yet."""
    mine, listed = _sm(match["sm"]), _listed(match, told)
    if listed:
        return mine > min(listed)
    return mine >= (7, 5)


def capability_below_wanted(match: re.Match[str], told: Told) -> bool:
    """What the GPU has (group `has` or `mine`) is below what is asked for (group `wants` or `wanted`)."""
    has, wants = match["has"] or match["mine"], match["wants"] or match["wanted"]
    return _sm(has) < _sm(wants) <= (13, 0)


def toolkit_too_old_for_arch(match: re.Match[str], told: Told) -> bool:
    """Group `sm` is above what the shown toolkit knows; without one: is above what any toolkit has dropped."""
    mine = _sm(match["sm"])
    toolkit = release(told.nvcc or next(iter(told.toolkits), ""))
    if toolkit:
        lowest = next(low for release, low in _LOWEST if toolkit >= release)
        return mine >= lowest
    return mine >= (7, 5) or (mine >= (6, 0) and _LONG_AGO.search(told.text) is not None)


#: What was built with CUDA 7.5 and 8, which did not know Pascal or Volta yet; CUDA 13, which has forgotten them, came ten years later.
_LONG_AGO = Lazy(
    r"Building NVCC \(Device\) object|\bcaffe\b|\bTHC\w*|\btorch7?/|luarocks|theano|Ubuntu 1[46]\.04|\bpython ?2\.7|(?:TITAN X|GTX 10[678]0)\b.{0,40}Pascal|new .{0,20}(?:Volta|Pascal)|(?:20|/)1[5-8]-\d\d",
    re.I,
)
#: CUDA release -> the lowest architecture that its nvcc compiles for (NVIDIA's release notes of each).
_LOWEST: tuple[tuple[tuple[int, ...], tuple[int, int]], ...] = (
    ((13, 0), (7, 5)),
    ((12, 0), (5, 0)),
    ((11, 0), (3, 5)),
    ((9, 0), (3, 0)),
    ((7, 0), (2, 0)),
    ((0,), (1, 0)),
)


def old_gpu_shown(told: Told) -> bool:
    """Every GPU that the text names is older than Turing: builds leave them out one after the other."""
    from gpudoctor.logs.hearsay.gpu import capability_of

    capabilities = [_sm(known) for known in map(capability_of, told.gpus[:8]) if known]
    return bool(capabilities) and max(capabilities) < (7, 5)


_BLACKWELL = Lazy(
    r"RTX ?50[5-9]0|\b50xx\b|\b50[- ]series|\b50[5-9]0(?: ?Ti)?\b(?! ?(?:MiB|MB|W\b))|RTX PRO \d{4}|Blackwell|10de:(?:2[b-d]|29|31)[0-9a-f]{2}|\bG?B[23]00\b",
    re.I,
)


def blackwell_shown(told: Told) -> bool:
    """The text names a GPU of the generation that only the open kernel modules drive."""
    return _BLACKWELL.search(told.text) is not None
