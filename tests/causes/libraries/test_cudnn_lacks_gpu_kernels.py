"""cudnn-lacks-gpu-kernels: cuDNN's own code against the GPU. Composed: the versions are real; which GPUs they have code for
was read from the fatbins of the wheels nvidia-cudnn-cu12 9.10.2.21 and 9.11.0.98."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from tests.judged import causes, finding, judgement
from tests.machines import healthy
from tests.machines.parts import frameworks, gpu


def with_cudnn(
    version: str, name: str = "Tesla V100-SXM2-16GB", capability: str = "7.0", pci: int = 0x1DB1
) -> Machine:
    python = frameworks.python(frameworks.package("nvidia-cudnn-cu12", version))
    return healthy.rtx3050_laptop().replace(
        gpu=gpu.answering(1, name, capability, pci, 16 << 30, True),
        frameworks=frameworks.with_pythons(python),
    )


def test_volta_with_the_first_that_dropped_it() -> None:
    machine = with_cudnn("9.11.0.98")
    assert causes(machine) == {"cudnn-lacks-gpu-kernels"}
    fix = finding(machine, "cudnn-lacks-gpu-kernels").fix
    assert fix is not None and fix.commands[0].endswith("'nvidia-cudnn-cu12==9.10.2.21'")


def test_volta_with_the_last_that_had_it() -> None:
    assert causes(with_cudnn("9.10.2.21")) == set()


def test_turing_with_the_newest() -> None:
    assert causes(with_cudnn("9.28.0.42", "Tesla T4", "7.5", 0x1EB8)) == set()


def test_a_version_outside_the_table_is_not_known() -> None:
    assert "cudnn-lacks-gpu-kernels" in {s.id for s in judgement(with_cudnn("9.99.0.1")).skipped}
