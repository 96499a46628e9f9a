"""cuda-link-dangling: /usr/local/cuda points to a toolkit that was removed."""

from __future__ import annotations

from gpudoctor.facts.cuda import Selection
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known
from tests.judged import causes, finding, folded
from tests.machines import healthy
from tests.machines.parts import cuda

LINK = Selection(
    "/usr/local/cuda",
    "/usr/local/cuda",
    Absent("/usr/local/cuda-12.1 does not exist"),
    ("/usr/local/cuda -> /usr/local/cuda-12.1",),
)


def dangling(*more: Selection) -> Machine:
    return cuda.with_cuda(healthy.rtx3050_laptop(), selections=Known((*more, LINK), "environment"))


def test_a_link_to_a_toolkit_that_was_removed() -> None:
    machine = dangling(*cuda.on_path("/usr/local/cuda-12.4"))
    assert causes(machine) == {"cuda-link-dangling"}
    found = finding(machine, "cuda-link-dangling")
    assert found.fix is not None and found.fix.commands == (
        "sudo ln -sfn /usr/local/cuda-12.4 /usr/local/cuda",
    )


def test_what_goes_through_the_link_is_only_its_consequence() -> None:
    home = Selection("CUDA_HOME", "/usr/local/cuda", LINK.prefix)
    paths = (cuda.entry("PATH", "/usr/local/cuda/bin", exists=False),)
    machine = dangling(home).replace(environment=cuda.shell(*paths))
    assert causes(machine) == {"cuda-link-dangling"}
    assert folded(machine) == {
        "cuda-home-missing": "cuda-link-dangling",
        "path-entry-missing": "cuda-link-dangling",
    }


def test_a_link_to_a_toolkit_without_nvcc_does_not_dangle() -> None:
    """NVIDIA's base and runtime images have /usr/local/cuda with libraries only."""
    runtime = Selection(
        "/usr/local/cuda", "/usr/local/cuda", Absent("/usr/local/cuda-12.4 holds no bin/nvcc")
    )
    machine = healthy.rtx3050_laptop()
    machine = machine.replace(cuda=machine.cuda.replace(selections=Known((runtime,), "environment")))
    assert causes(machine) == set()
