"""cudnn-not-for-this-cuda: pairs that nobody published. Composed from the releases of NVIDIA's cuDNN wheels."""

from __future__ import annotations

import pytest

from gpudoctor.facts.machine import Expectation, Machine
from tests.judged import causes, finding, judgement
from tests.machines import healthy


def wanting(cudnn: str, cuda: str, package_for: int = 0) -> Machine:
    expectation = Expectation(cudnn=cudnn, cudnn_beside=cuda, cudnn_cuda=package_for)
    return healthy.rtx3050_laptop().replace(expectation=expectation)


@pytest.mark.parametrize(("cudnn", "cuda"), [("9.12.0", "11.8"), ("8.9.7", "13.0"), ("8.6.0", "12.1")])
def test_there_never_was_one(cudnn: str, cuda: str) -> None:
    assert causes(wanting(cudnn, cuda)) == {"cudnn-not-for-this-cuda"}
    assert "never built" in finding(wanting(cudnn, cuda), "cudnn-not-for-this-cuda").title


def test_a_package_for_another_cuda() -> None:
    assert causes(wanting("9.1.0", "12.4", 11)) == {"cudnn-not-for-this-cuda"}


@pytest.mark.parametrize(
    ("cudnn", "cuda"), [("9.10.2", "11.8"), ("8.2.1", "11.3"), ("9.12.0", "13.0"), ("9.3", "12.5")]
)
def test_pairs_that_were_published(cudnn: str, cuda: str) -> None:
    assert causes(wanting(cudnn, cuda)) == set()


@pytest.mark.parametrize(("cudnn", "cuda"), [("7.6.5", "10.2"), ("99.0.0", "13.0")])
def test_what_the_table_does_not_hold_is_not_judged(cudnn: str, cuda: str) -> None:
    result = judgement(wanting(cudnn, cuda))
    assert "cudnn-not-for-this-cuda" in {skip.id for skip in result.skipped}
