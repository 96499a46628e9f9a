"""What remains of a what-if: cuDNN, compilers, an image, packages and what is looked for in them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gpudoctor import knowledge
from gpudoctor.advice import names, texts
from gpudoctor.advice.question import Question, bad
from gpudoctor.advice.question.software import version_of
from gpudoctor.versions import is_version


def rest(asked: Question, values: Mapping[str, Any]) -> Question:
    cudnn = version_of(values, "cudnn")
    cuda_major = 0
    if "cudnn_package" in values:
        match = re.fullmatch(
            r"(?:nvidia-)?cudnn-cu(\d+)(?:\s*[= ]=?\s*([\d.]+))?", values["cudnn_package"].strip()
        )
        if match is None and is_version(values["cudnn_package"]):
            cudnn = cudnn or values["cudnn_package"]
        elif match is None:
            near = ["nvidia-cudnn-cu12", "nvidia-cudnn-cu13"]
            raise bad(f"{values['cudnn_package']!r} is no package of cuDNN", near, "cudnn_package")
        else:
            cuda_major, cudnn = int(match[1]), cudnn or match[2] or ""
    if not cudnn and "installed" in values and not cuda_major and "look_for" not in values:
        found = [
            (m[1], v)
            for n, v in texts.requirements(values["installed"])
            if (m := re.fullmatch(r"nvidia-cudnn-cu(\d+)", n)) and v
        ]
        if len(found) == 1:  # of two, nobody knows which one is loaded
            cuda_major, cudnn = int(found[0][0]), found[0][1]
    packages = list(asked.packages)
    if "package" in values:
        named = texts.requirements(values["package"]) or [(values["package"].lower(), "")]
        packages += [(name, version or values.get("version", "")) for name, version in named]
    if "installed" in values:
        packages += texts.requirements(values["installed"])
    wanted = (*asked.wanted, *([values["look_for"]] if "look_for" in values else []))
    if "package" in values and not wanted and "package" not in asked.renamed and len(packages) == 1:
        wanted = _own_library(packages[0][0])
    return asked.replace(
        cudnn=cudnn,
        cudnn_cuda=cuda_major,
        gcc=names.compiler("gcc", values["gcc"]) if "gcc" in values else "",
        clang=names.compiler("clang", values["clang"]) if "clang" in values else "",
        image=values.get("image", ""),
        packages=tuple(packages),
        wanted=wanted,
    )


def _own_library(package: str) -> tuple[str, ...]:
    """What a package is installed for: some of NVIDIA's names on the index hold nothing."""
    match = re.fullmatch(r"nvidia-([a-z-]+?)(?:-cu(\d+))?", package)
    layout = knowledge.wheel_layout(int(match[2] or 13)) if match else None
    names = layout.sonames.get(match[1].replace("-", "_"), ()) if layout and match else ()
    return names[:1]
