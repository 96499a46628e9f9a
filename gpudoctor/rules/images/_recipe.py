"""What the rules on Dockerfiles and compose files share."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from gpudoctor.facts.image import Image
from gpudoctor.facts.observed import Known
from gpudoctor.facts.recipe import Compose, Dockerfile, Instruction, Stage
from gpudoctor.findings import MACHINE, DoesNotApply, Subject
from gpudoctor.rules.judging import need

#: Bases that set NVIDIA_VISIBLE_DEVICES and the rest; of other images that is not known.
_WITH_NVIDIA = re.compile(
    r"(?:docker\.io/|nvcr\.io/)?nvidia/|pytorch/pytorch:|tensorflow/tensorflow:\S*gpu|rapidsai/|vllm/"
)
#: Distributions and runtimes that know nothing of GPUs.
_PLAIN = re.compile(
    r"(?:docker\.io/)?(?:library/)?(?:ubuntu|debian|python|rockylinux|almalinux|fedora|centos|alpine|amazonlinux|"
    r"buildpack-deps|busybox|scratch|opensuse/\w+|redhat/ubi\d\S*|registry\.access\.redhat\.com/ubi\d\S*|"
    r"continuumio/\w+|condaforge/\w+|mambaorg/micromamba|ghcr\.io/astral-sh/uv)(?:[:@]\S*)?"
)
_SEPARATOR = re.compile(r"&&|\|\||[;|\n]|\bthen\b|\bdo\b")
CUDA_BASE = re.compile(r"(?:docker\.io/|nvcr\.io/)?nvidia/cuda:(?P<tag>[\w.-]+)(?:@sha256:\w+)?")

#: Packages that bring a framework whose GPU build is the usual one.
FRAMEWORK = re.compile(
    r"(?<![\w/.-])(?:torch|tensorflow(?:\[and-cuda\])?|jax\[cuda\d*[^\]]*\]|cupy-cuda\w+|onnxruntime-gpu|vllm|nvidia-\w+-cu\d+)"
    r"(?=[\s=<>~!;\"'\[@]|$)"
)


def the_dockerfile(image: Image) -> Dockerfile:
    return need(image.dockerfile, "Dockerfile")


def the_compose(image: Image) -> Compose:
    return need(image.compose, "compose file")


def any_recipe(image: Image) -> None:
    if not isinstance(image.dockerfile, Known) and not isinstance(image.compose, Known):
        raise DoesNotApply("no Dockerfile and no compose file is examined")


def place(path: str, line: int) -> Subject:
    return Subject("file", f"{path}:{line}", f"{path}:{line}", MACHINE)


def base_of(dockerfile: Dockerfile, stage: Stage) -> str:
    """The image that a stage stands on in the end."""
    return dockerfile.lineage(stage)[-1].base


def kind_of(base: str) -> Literal["nvidia", "plain", "unknown"]:
    if _WITH_NVIDIA.match(base):
        return "nvidia"
    return "plain" if _PLAIN.fullmatch(base) else "unknown"


def runs(stage: Stage) -> Iterator[tuple[Instruction, int, str]]:
    """(instruction, line, command) of every RUN, its commands apart."""
    for instruction in stage.instructions:
        if instruction.keyword == "RUN":
            for line, command in commands(instruction):
                yield instruction, line, command


def commands(instruction: Instruction) -> Iterator[tuple[int, str]]:
    text, start = instruction.text, 0
    for match in [*_SEPARATOR.finditer(text), None]:
        end = match.start() if match else len(text)
        command = text[start:end]
        if command.strip():
            lead = len(command) - len(command.lstrip())
            yield instruction.line_at(start + lead), " ".join(command.split())
        start = match.end() if match else end


#: `pip install`, as pip, pip3, python -m pip, uv pip or uv add call it.
PIP = re.compile(r"\b(?:pip3?(?:\.\d+)?|uv pip|uv)\s+(?:\S+\s+)*?(?:install|add)\s")
APT = re.compile(r"\b(?:apt-get|apt|aptitude|dnf|yum|microdnf|zypper|tdnf)\s+(?:-\S+\s+)*(?:install|in)\s")


def installs_framework(stage: Stage) -> tuple[int, str] | None:
    """(line, package) of the first framework that a stage installs with pip."""
    for _, line, command in runs(stage):
        match = FRAMEWORK.search(command) if PIP.search(command) else None
        if match and "/whl/cpu" not in command:
            return line, match[0]
    return None
