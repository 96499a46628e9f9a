"""Dockerfiles and compose files as tests write them: what `image lint` finds in a text, by cause and line."""

from __future__ import annotations

from pathlib import Path

from gpudoctor.engine import judge
from gpudoctor.facts.machine import Machine
from gpudoctor.findings import Finding, Judgement
from gpudoctor.workflows.image.lint import read

#: What a healthy Dockerfile ends with.
END = "RUN useradd --create-home app\nUSER app\n"
#: A base that sets NVIDIA's variables, and exists.
CUDA = "FROM nvidia/cuda:12.4.1-base-ubuntu22.04\n"


def judged(folder: Path, text: str, name: str = "Dockerfile") -> Judgement:
    """By all rules, not only those of `image lint`."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    found = judge(Machine(image=read(str(path))))
    assert found.crashed == (), found.crashed
    return found


def found(folder: Path, text: str, name: str = "Dockerfile") -> dict[str, list[int]]:
    """Cause -> lines."""
    lines: dict[str, list[int]] = {}
    for finding in judged(folder, text, name).findings:
        lines.setdefault(finding.id, []).append(int(finding.subject.name.rpartition(":")[2]))
    return lines


def composed(folder: Path, text: str) -> dict[str, list[int]]:
    return found(folder, text, "compose.yaml")


def one(folder: Path, text: str, cause: str, name: str = "Dockerfile") -> Finding:
    return next(f for f in judged(folder, text, name).findings if f.id == cause)
