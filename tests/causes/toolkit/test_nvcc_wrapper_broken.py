"""nvcc-wrapper-broken: nvcc on PATH leads nowhere."""

from __future__ import annotations

from gpudoctor.facts.cuda import Selection
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown
from tests.judged import causes, finding, judgement
from tests.machines import healthy
from tests.machines.parts import cuda


def wrapper(prefix: Observed[str]) -> Machine:
    nvcc = Selection(
        "PATH", "/usr/local/bin/nvcc", prefix, ("/usr/local/bin/nvcc runs /usr/local/cuda-12.1/bin/nvcc",)
    )
    return cuda.with_cuda(
        healthy.rtx3050_laptop(), selections=Known((nvcc,), "PATH"), tools_on_path=Known((), "PATH")
    )


def test_a_script_for_a_toolkit_that_was_removed() -> None:
    machine = wrapper(Absent("/usr/local/cuda-12.1/bin/nvcc does not exist"))
    assert causes(machine) == {"nvcc-wrapper-broken"}
    assert "/usr/local/bin/nvcc leads nowhere" in finding(machine, "nvcc-wrapper-broken").title


def test_a_script_that_cannot_be_followed_is_no_finding_and_no_pass() -> None:
    result = judgement(wrapper(Unknown("it does more than run nvcc")))
    assert result.findings == ()
    assert "nvcc-wrapper-broken" not in result.passed


def test_a_script_that_leads_to_a_toolkit_is_well() -> None:
    assert causes(wrapper(Known("/usr/local/cuda-12.4", "/usr/local/bin/nvcc"))) == set()
