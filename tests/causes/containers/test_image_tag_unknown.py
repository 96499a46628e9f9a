"""image-tag-unknown: tags of nvidia/cuda. Composed from the Dockerfiles under dist/ of
https://gitlab.com/nvidia/container-images/cuda."""

from __future__ import annotations

import pytest

from gpudoctor.facts.machine import Expectation, Machine
from tests.judged import causes, finding, judgement
from tests.machines import healthy


def starting(image: str) -> Machine:
    return healthy.rtx3050_laptop().replace(expectation=Expectation(image=image))


@pytest.mark.parametrize(
    ("tag", "nearest"),
    [
        ("12.4.1-cudnn8-devel-ubuntu22.04", "12.4.1-cudnn-devel-ubuntu22.04"),
        ("12.2.0-cudnn8-runtime-ubuntu22.04", "12.2.2-cudnn8-runtime-ubuntu22.04"),
        ("12.4.1-devel-ubuntu24.04", "12.4.1-devel-ubuntu2"),
    ],
)
def test_there_is_no_such_tag(tag: str, nearest: str) -> None:
    machine = starting(f"nvidia/cuda:{tag}")
    assert causes(machine) == {"image-tag-unknown"}
    fix = finding(machine, "image-tag-unknown").fix
    assert fix is not None and nearest in fix.summary


@pytest.mark.parametrize("image", ["nvidia/cuda:latest", "nvidia/cuda:12.4-base-ubuntu22.04"])
def test_short_tags_were_never_published(image: str) -> None:
    assert causes(starting(image)) == {"image-tag-unknown"}


@pytest.mark.parametrize(
    "image",
    [
        "nvidia/cuda:12.4.1-cudnn-devel-ubuntu22.04",
        "12.2.2-cudnn8-runtime-ubi9",
        "docker.io/nvidia/cuda:13.0.0-base-ubuntu24.04",
    ],
)
def test_there_is(image: str) -> None:
    assert causes(starting(image)) == set()


@pytest.mark.parametrize(
    "image",
    [
        "nvidia/cuda:13.4.0-base-ubuntu24.04",
        "nvidia/cuda:12.9.2-base-ubuntu24.04",
        "nvcr.io/nvidia/pytorch:25.01-py3",
    ],
)
def test_what_the_table_can_not_know(image: str) -> None:
    assert "image-tag-unknown" in {s.id for s in judgement(starting(image)).skipped}
