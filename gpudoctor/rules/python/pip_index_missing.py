"""A CUDA build was asked for where it is not published

What it is: Versions with a local part such as 2.5.1+cu124 exist on PyTorch's own index only. The default index of Python
packages refuses local parts, so pip can't find them there.

Why it hurts: pip says "Could not find a version that satisfies the requirement torch==2.5.1+cu124" and lists versions
without a local part, though the command was copied from somewhere.

How to tell: The wanted version has a +cuNNN part, and those that pip lists have none.

How to fix: Name the index: `--index-url https://download.pytorch.org/whl/cu124` (`--extra-index-url` in a requirements
file that names other packages too).

Sources: https://pytorch.org/get-started/locally/
https://packaging.python.org/en/latest/specifications/version-specifiers/#local-version-identifiers
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.machine import Expectation
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem
from gpudoctor.signature import Signature

#: Options of pip and uv that name another place to look.
ELSEWHERE = (
    "--index",
    "-i ",
    "--extra-index",
    "--find-links",
    "-f ",
    "--torch-backend",
    "download.pytorch.org",
    ".whl",
)


signatures: tuple[Signature | str, ...] = (
    Signature(
        r"requirement (?P<name>torch|torchvision|torchaudio|torchtext|jaxlib|dgl|paddlepaddle-gpu|[\w.-]{2,40})==(?P<wanted>[^\s(;]+(?:\+|\.post)[\w.]+)(?:;[^\n(]{0,80})?(?: \(from (?!versions)[^()]{1,80}(?:\([^()]{1,20}\))?\))?\s{0,3}\(from versions:? (?P<versions>[^)]{1,3000})\)?",
        0.93,
        when="index-lacks-version",
        explanation="A version with a local part (+cu118) is asked for, and the index that pip asked lists none: it is not PyTorch's own.",
        fix="Add PyTorch's index of that CUDA: pip install TORCH==VERSION+cuNNN --index-url https://download.pytorch.org/whl/cuNNN",
    ),
    Signature(
        r"No matching distribution found for (?:torch|torchvision|torchaudio)==\S+\+cu\d+",
        0.7,
        unless=(r"from versions",),
    ),
    Signature(
        r"(?:Could not find|no version of|Because there is no version of) .{0,20}torch(?:vision|audio)?==\S+\+cu\d+",
        0.75,
        unless=(r"from versions:",),
    ),
    Signature(
        r"Could not find a version that satisfies the requirement (?:tensorrt|nvidia-(?:pyindex|tensorrt)|tensorrt-libs|tensorrt_libs|cuda-python)\b",
        0.7,
    ),
    Signature(r"This package is just a placeholder project", 0.9),
    # Poetry and pipenv; packages that carry their CUDA in the version.
    Signature(r"torch(?:vision|audio)? \(\S{0,40}\+cu\d+\S{0,6}\).{0,60}doesn't match any versions", 0.9),
    Signature(r"version that matches (?:torch|torchvision|torchaudio)==\S+\+cu\d+", 0.85),
    Signature(
        r"No matching distribution found for (?:dgl-cu\d+|torch[-_](?:scatter|sparse|cluster)\S*\+\S+|jaxlib\S*\+cuda\S+)",
        0.8,
    ),
    # PyTorch's index of a CUDA that this release was not built for.
    Signature(
        r"requirement (?P<name>torch) ?==\s?(?P<wanted>\d[\w.+]*)[^(\n]{0,80}\s{0,3}\(from versions: none\)?",
        0.97,
        when="index-lacks-release",
        explanation="PyTorch's index for that CUDA holds no wheel of torch {wanted}: it was built for other CUDA releases.",
        fix="Name an index that has this release: https://download.pytorch.org/whl/torch/ lists them all.",
    ),
    # The reporter's words.
    Signature(
        r"(?:fail\w*|unable|cannot|can't|could not|couldn't|not able|doesn't|does not|didn't|won't|no longer) (?:to )?(?:be )?(?:locate|find|found|resolve|install|download|fetch|see)(?:d|ed)? (?:the |a |any )?(?:package |version |distribution )?[`'\"]?torch(?:vision|audio)?(?:==| ?= ?| )\d[\w.]*\+cu\d+",
        0.8,
        unless=(r"from versions",),
    ),
    Signature(
        r"(?:missing|without|lacks?|forgot|needs?|add(?:ing)?|requires?|specify\w*) (?:the |an? )?(?:--)?(?:correct |right |extra[- ]|pytorch |torch )?(?:extra[- ])?index[- ]?url",
        0.72,
        needs=(r"\+cu\d{2,3}\b|download\.pytorch\.org", r"pip|requirements|install"),
        unless=(r"from versions: none",),
    ),
    # conda without the channel that holds CUDA.
    Signature(
        r"PackagesNotFoundError[\s\S]{0,240}(?:pytorch-cuda|cudatoolkit|cuda-nvcc|cuda-toolkit|cudnn|cuda-runtime)",
        0.75,
    ),
    Signature(
        r"nothing provides (?:requested )?(?:pytorch-cuda|cuda-toolkit|cuda-nvcc|cudatoolkit|cuda-runtime)",
        0.75,
    ),
    # The same, retold.
    Signature(
        r"\b(?P<name>torch|torchvision|torchaudio)==(?P<wanted>[^\s(;,]+)[^\n]{0,60}?\bfrom versions:? (?P<versions>[^)\"'\n]{1,3000})",
        0.9,
        when="index-lacks-version",
        needs=(r"no matching|could not find|not find|says|->|error|fail",),
        unless=(r"satisfies the requirement", r"from versions:? none"),
    ),
    Signature(
        r"torch(?:vision|audio)?==\d[\w.]*\+cu\d{2,3}[^\n]{0,24}(?:no matching|no candidate|not found|cannot be found|can't be found|could not be found|no such version|not available|unavailable)|"
        r"(?:no candidates?|no match\w*|nothing|not find|can't find|cannot find|doesn't find)(?: \S+){0,3} torch(?:vision|audio)?==\d[\w.]*\+cu\d{2,3}",
        0.82,
        when="python-may-have-wheel",
        unless=(r"from versions",),
    ),
    # Poetry and PDM; where the release has no wheel for the Python that is told, that is the cause.
    Signature(
        r"Unable to find (?:installation )?candidates for torch(?:vision|audio|text)? ?(?:\(|==|@ ?)\d[\d.]{1,8}\+cu\d{2,3}",
        0.88,
        when="python-may-have-wheel",
        explanation="A version with a local part (+cu118) is wanted, and no source that is asked has it: it is on PyTorch's own index only.",
        fix="Name PyTorch's index of that CUDA as a source of the project, and lock again.",
    ),
)


def check(expectation: Expectation) -> Iterator[Problem]:
    judged = [w for w in expectation.wheels if w.command and "install" in w.command]
    if not judged:
        raise DoesNotApply("no command that installs something was named")
    for wheel in judged:
        local = f"{wheel.version}+{wheel.variant}"
        if not wheel.variant or local not in wheel.command or any(o in wheel.command for o in ELSEWHERE):
            continue
        yield Problem(
            f"{wheel.package} {local} is not on the default index",
            evidence=(Evidence("command", wheel.command, "as asked"),),
            fix=Fix(
                f"Name PyTorch's index for {wheel.variant}",
                (
                    f"pip install {wheel.package}=={local} --index-url https://download.pytorch.org/whl/{wheel.variant}",
                ),
            ),
        )
