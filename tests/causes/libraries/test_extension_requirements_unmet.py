"""extension-requirements-unmet: what packages beside a framework ask for. Composed from their documentation, which
data/extensions.json names."""

from __future__ import annotations

import pytest

from gpudoctor.facts.machine import Expectation, Machine
from tests.judged import causes, finding, judgement
from tests.machines import healthy
from tests.machines.parts import gpu


def wanting(name: str, version: str, *card: str, cuda: str = "", cudnn: str = "") -> Machine:
    expectation = Expectation(extensions=((name, version),), cudnn_beside=cuda, cudnn=cudnn)
    laptop = healthy.rtx3050_laptop().replace(expectation=expectation)
    return laptop.replace(gpu=gpu.answering(1, *card, 0x1DB1, 16 << 30, False)) if card else laptop


@pytest.mark.parametrize(("name", "version"), [("tensorrt", "10.5.0"), ("flash-attn", "2.7.4")])
def test_a_v100_is_too_old(name: str, version: str) -> None:
    machine = wanting(name, version, "Tesla V100-SXM2-16GB", "7.0")
    assert "extension-requirements-unmet" in causes(machine)
    assert "(7.0)" in finding(machine, "extension-requirements-unmet").title


def test_the_last_tensorrt_for_volta() -> None:
    machine = wanting("tensorrt", "10.4.0", "Tesla V100-SXM2-16GB", "7.0")
    assert "extension-requirements-unmet" not in causes(machine)


def test_another_cuda_and_another_cudnn() -> None:
    assert (
        "not for CUDA 11.8"
        in finding(wanting("onnxruntime-gpu", "1.20.1", cuda="11.8"), "extension-requirements-unmet").title
    )
    assert (
        "cuDNN 8.9.7"
        in finding(wanting("onnxruntime-gpu", "1.20.1", cudnn="8.9.7"), "extension-requirements-unmet").title
    )


def test_what_it_asks_for_is_there() -> None:
    assert causes(wanting("onnxruntime-gpu", "1.20.1", cuda="12.4")) == set()


def test_a_release_that_is_in_no_table_is_not_judged() -> None:
    result = judgement(wanting("vllm", "99.0"))
    assert "extension-requirements-unmet" in {skip.id for skip in result.skipped}
