"""The driver's versions: of the kernel, of the libraries, of the CUDA that is wanted."""

from __future__ import annotations

import re

from gpudoctor.logs.conditions._versions import release
from gpudoctor.logs.lazy import Lazy
from gpudoctor.logs.told import Told

_KERNEL_REPORTS = Lazy(r"kernel reported version is: (\d[\d.]+)")


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


_VERSION = r"(\d{3}\.\d{2,3}(?:\.\d{2})?)(?!\.?\d)"
#: What may stand between a half of the driver and its version: the rest of a command, its answer's first words.
_BETWEEN = r"[^\n\d]{0,60}?\n?[^\n\d]{0,20}?"
_IN_KERNEL = Lazy(
    r"(?:NVRM version: NVIDIA UNIX [^\n]{0,40}?Kernel Module(?: for \S+)?|/(?:proc/driver|sys/module)/nvidia/version|\bmodinfo\b|\blsmod\b|"
    rf"kernel(?:'s)?[- ](?:module|driver|side|half)s?|nvidia\.ko|\ba?kmods?\b|\b(?:loaded|running) (?:kernel )?(?:module|driver)){_BETWEEN}\b{_VERSION}",
    re.I,
)
_OF_LIBRARIES = Lazy(
    r"(?:nvidia-(?:driver|utils|smi|compute-utils|libs)[\w-]*(?::\w+)?|nvidia-open\S*|lib(?:nvidia|cuda)[\w-]*(?:\.so)?(?:\.\d)?|xorg-x11-drv-nvidia[\w-]*|"
    r"\blib(?:s|rary|raries)\b|user[- ]?(?:space|land|mode)|\bX driver\b|NVML library version|\bpackages?\b|(?:upgraded|updated|pulled in|installed)(?: the)? (?:nvidia|driver)\S*)"
    rf"(?:[^\n\d]{{0,24}}|\.){_VERSION}",
    re.I,
)


#: The version first: "the 440.31 driver".
_DRIVER_OF = Lazy(rf"(?<![\d.]){_VERSION} (?:nvidia )?(?:drivers?|libs|libraries|user[- ]?space)\b", re.I)
#: What was replaced is no half any more: "upgraded from 535.171.04 to 535.183.01".
_REPLACED = Lazy(rf"{_VERSION}\S{{0,24}} ?(?:to|->|→|=>|,) ?\(?{_VERSION}")


def driver_versions_differ(told: Told) -> bool:
    """The module in the kernel is of another version than every package or library of the driver that the text names.

    `modinfo` reads the file on disk: where a library of another version is named beside it, they differ all the same."""
    loaded = set(_IN_KERNEL.findall(told.text))
    others = {*_OF_LIBRARIES.findall(told.text), *_DRIVER_OF.findall(told.text)}
    others -= {one[1] for one in _REPLACED.finditer(told.text) if one[1] != one[2]}
    if len(loaded) != 1 or not others or loaded & others or _hosts_and_guests(told):
        return False
    return all(300 <= int(found[:3]) <= 699 for found in loaded | others)


def _hosts_and_guests(told: Told) -> bool:
    """vGPU: the host's manager and the guest's driver have versions of their own."""
    return told.has("vgpu", "grid driver", "guest driver", "virtual gpu")


def _newest_cuda(told: Told) -> str:
    """Up to which CUDA the told driver goes ("12.4"), by its own word or by its branch; "" where neither is known."""
    if told.driver_cuda:
        return told.driver_cuda
    from gpudoctor import knowledge

    branch = told.driver_branch or int(told.driver.partition(".")[0] or 0)
    row = knowledge.branch_cuda(branch) if branch else None
    return row.cuda if row else ""


_WANTED = Lazy(r"(?:needs?|requires?|built \w+|uses?|wants?|expects?) (?:\w+ )?cuda ?(1\d)(?:\.\d)?", re.I)


def driver_behind_wanted_cuda(told: Told) -> bool:
    """A framework is said to want a CUDA of a newer major than the told driver's."""
    wanted = _WANTED.search(told.text)
    if wanted is None:
        return False
    newest = _newest_cuda(told)
    return bool(newest) and int(newest.partition(".")[0]) < int(wanted[1])


def driver_below_runtime(match: re.Match[str], told: Told) -> bool:
    """What the driver runs (group `driver`) is of an older major than the runtime (group `runtime`), or, before CUDA 11 or where
    the text complains, older at all. Both as "11.2" or 11020."""
    driver, runtime = (_of_number(match[group]) for group in ("driver", "runtime"))
    if driver >= runtime or not driver[0] or runtime[0] > 30:
        return False
    return (
        driver[0] < runtime[0] or runtime[0] < 11 or told.complains or _NO_GPU.search(told.text) is not None
    )


def driver_below_wanted(match: re.Match[str], told: Told) -> bool:
    """The driver that is there (group `has` or `mine`) is older than the one that is asked for (group `wants` or `wanted`)."""
    has, wants = match["has"] or match["mine"], match["wants"] or match["wanted"]
    return int(has[:3]) >= 300 and release(has) < release(wants) and int(wants[:3]) <= 699


_ANY_DRIVER = Lazy(r"(?<![\d.])([3-6]\d\d(?:\.\d{1,3})?)(?:\.\d{1,3})?(?![\d.]*\d| ?(?:MB|MiB|GB|W|ms)\b)")


def wanted_driver_not_met(match: re.Match[str], told: Told) -> bool:
    """The driver that is asked for in the match is newer than one that the text names, or it names no other."""
    end = min(len(told.text), match.end() + 20)
    asked = _ANY_DRIVER.search(told.text, match.start(), end)
    if asked is None:
        return True
    others = [f[1] for f in _ANY_DRIVER.finditer(told.text) if f.start() != asked.start() and "." in f[1]]
    return not others or any(release(other) < release(asked[1]) for other in others)


def _of_number(said: str) -> tuple[int, int]:
    if "." in said:
        major, minor = release(said)
        return major, minor
    return int(said) // 1000, int(said) % 1000 // 10


#: A build by the CUDA that it is for. What nvidia-smi shows is the driver's, and reads "CUDA Version: 12.4".
_WANTED_BUILD = Lazy(
    r"\bcu(?P<digits>1[0-3]\d)\b|(?:\b(?:for|with|needs?|requires?|wants?|uses?|built (?:with|for|against)|using|wheels?|builds?) |[(+] ?)CUDA[ -]?(?:toolkit |version |runtime )?(?P<dotted>(?:9|1[0-3])\.\d)|\b(?:needs?|requires?|wants?|expects?) (?:at least )?(?:CUDA )?(?P<bare>1[0-3])\.(?:x|\d)\b(?! ?(?:GB|GiB|%))",
    re.I,
)


def driver_behind_told_build(told: Told) -> bool:
    """A build is named for a CUDA that the named driver does not run, by NVIDIA's tables, and the text complains that no GPU is used."""
    if (
        not (told.driver or told.driver_branch or told.driver_cuda or "driver" in told.low)
        or not told.complains
    ):
        return False
    if not _NO_GPU.search(told.text) or told.wsl:
        return False
    offered = _OFFERED_ANY.search(told.text)
    newest = release((offered[1] or offered[2]) if offered else _newest_cuda(told))
    if not newest:
        return False
    wanted = [
        (int(f["digits"][:-1]), int(f["digits"][-1]))
        if f["digits"]
        else release(f["dotted"] or f"{f['bare']}.0")
        for f in _WANTED_BUILD.finditer(told.text)
    ]
    wanted += _by_tensorflow(told)
    # A newer one of the same major works since CUDA 11; of several builds that are named the oldest may be the one in use.
    behind = [w for w in wanted if w[0] > newest[0] or (w > newest and w[0] < 11)]
    return bool(wanted) and len(behind) == len(wanted)


_NO_GPU = Lazy(
    r"False\b|not? (?:\w+ ){0,2}(?:used?|available|detect\w*|found|seen?|recogni[sz]ed|work\w*)|n't (?:\w+ ){0,2}(?:used?|available|detect|find|see|recogni[sz]e|work)|\[\]|no (?:cuda|gpu|device)|empty|only (?:the )?cpu|on (?:the )?cpu|could not|cuInit|fail\w*|无法|不能|没有",
    re.I,
)
_OFFERED_ANY = Lazy(
    r"driver(?:[^\n.]|\.\d){0,24}(?:supports?|has|is for|gives|offers|goes|runs|only) (?:up to |only |at most )*CUDA (?:version |up to )?(\d{1,2}\.\d)|nvidia-smi[^\n]{0,30} CUDA(?: Version)?(?: is)?[ :]{1,3}(\d{1,2}\.\d)",
    re.I,
)


def _by_tensorflow(told: Told) -> list[tuple[int, ...]]:
    """The CUDA that TensorFlow's wheel of the told release is built with, where nothing else is said of it."""
    version = told.packages.get("tensorflow", "") or told.packages.get("tensorflow-gpu", "")
    if not version or told.toolkits:
        return []
    from gpudoctor import knowledge

    row = knowledge.tensorflow_build(version if version.count(".") > 1 else f"{version}.0")
    return [release(row.cuda)] if row and row.cuda else []


_BUILT_FOR = Lazy(r"(?:\bcu|jax-cuda|CUDA )(1\d)(?:\d\b|(?=-plugin|-pjrt|\.\d|[\s,.;:]|$))", re.I)


_OFFERED = Lazy(
    r"driver (?:only )?(?:supports?|has|is for|gives|offers) (?:up to )?(?:only )?CUDA (?:version )?(1\d|[89])\.\d",
    re.I,
)


def driver_behind_named_build(told: Told) -> bool:
    """The text names a build for a CUDA of a newer major than the driver's: "cu124", "jax-cuda12-plugin", "CUDA 12"."""
    offered = _OFFERED.search(told.text)
    newest = offered[1] if offered else _newest_cuda(told)
    built = [int(major) for major in _BUILT_FOR.findall(told.text)]
    return bool(newest and built) and int(newest.partition(".")[0]) < max(built)
