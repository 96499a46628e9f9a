"""The driver's versions: of the kernel, of the libraries, of the CUDA that is wanted."""

from __future__ import annotations

import re

from gpudoctor.logs.conditions._versions import release
from gpudoctor.logs.told import Told

_KERNEL_REPORTS = re.compile(r"kernel reported version is: (\d[\d.]+)")


def kernel_reports_another_version(match: re.Match[str], told: Told) -> bool:
    """TensorFlow's two lines, "libcuda reported version is" (group `library`) and "kernel reported version is", differ."""
    found = _KERNEL_REPORTS.search(told.text)
    numbers = (
        [tuple(int(n) for n in v.strip(".").split(".")) for v in (match["library"], found[1])]
        if found
        else []
    )
    return len(numbers) == 2 and numbers[0] != numbers[1]


def cuda_above_branch(told: Told) -> bool:
    """nvidia-smi names a newer CUDA than the branch of its driver implements, and something is amiss: libcuda is cuda-compat's."""
    from gpudoctor import knowledge

    driver, newest = told.driver, told.driver_cuda
    if not driver or not newest or told.wsl or told.windows or not told.complains:
        return False
    row = knowledge.branch_cuda(int(driver.partition(".")[0]))
    return row is not None and release(newest) > release(row.cuda)


_IN_KERNEL = re.compile(
    r"(?:NVRM version: NVIDIA UNIX [^\n]{0,40}?Kernel Module(?: for \S+)?|/proc/driver/nvidia/version[^\n\d]{0,60}|modinfo[^\n\d]{0,40}|"
    r"kernel module(?: is| version| of)*)[ :=`'\"]{1,4}(\d{3}\.\d{2,3}(?:\.\d{2})?)\b",
    re.I,
)


_OF_LIBRARIES = re.compile(
    r"(?:nvidia-(?:driver|utils|dkms|compute-utils)[\w-]*(?::\w+)?|nvidia-open\S*|lib(?:nvidia|cuda)[\w-]*(?:\.so)?(?:\.\d)?|user[- ]?space)(?: (?:is|version|=|of|at))*[ =.]{1,3}(\d{3}\.\d{2,3}(?:\.\d{2})?)(?![\d.])",
    re.I,
)


def driver_versions_differ(told: Told) -> bool:
    """The module in the kernel is of another version than every package or library of the driver that the text names."""
    loaded = set(_IN_KERNEL.findall(told.text))
    others = set(_OF_LIBRARIES.findall(told.text))
    return len(loaded) == 1 and bool(others) and not loaded & others


def _newest_cuda(told: Told) -> str:
    """Up to which CUDA the told driver goes ("12.4"), by its own word or by its branch; "" where neither is known."""
    if told.driver_cuda:
        return told.driver_cuda
    from gpudoctor import knowledge

    branch = told.driver_branch or int(told.driver.partition(".")[0] or 0)
    row = knowledge.branch_cuda(branch) if branch else None
    return row.cuda if row else ""


_WANTED = re.compile(
    r"(?:needs?|requires?|built \w+|uses?|wants?|expects?) (?:\w+ )?cuda ?(1\d)(?:\.\d)?", re.I
)


def driver_behind_wanted_cuda(told: Told) -> bool:
    """A framework is said to want a CUDA of a newer major than the told driver's."""
    wanted = _WANTED.search(told.text)
    if wanted is None:
        return False
    newest = _newest_cuda(told)
    return bool(newest) and int(newest.partition(".")[0]) < int(wanted[1])


_BUILT_FOR = re.compile(r"(?:\bcu|jax-cuda|CUDA )(1\d)(?:\d\b|(?=-plugin|-pjrt|\.\d|[\s,.;:]|$))", re.I)


_OFFERED = re.compile(
    r"driver (?:only )?(?:supports?|has|is for|gives|offers) (?:up to )?(?:only )?CUDA (?:version )?(1\d|[89])\.\d",
    re.I,
)


def driver_behind_named_build(told: Told) -> bool:
    """The text names a build for a CUDA of a newer major than the driver's: "cu124", "jax-cuda12-plugin", "CUDA 12"."""
    offered = _OFFERED.search(told.text)
    newest = offered[1] if offered else _newest_cuda(told)
    built = [int(major) for major in _BUILT_FOR.findall(told.text)]
    return bool(newest and built) and int(newest.partition(".")[0]) < max(built)
