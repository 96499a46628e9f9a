"""environment-variable-harmful: debugging variables that stayed."""

from __future__ import annotations

import pytest

from gpudoctor.facts.environment import Variable
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known
from tests.judged import causes, finding, folded
from tests.machines import healthy


def with_variable(name: str, value: str) -> Machine:
    laptop = healthy.rtx3050_laptop()
    one = Variable(name, value, Known("/home/u/.bashrc:7", "/home/u/.bashrc"))
    return laptop.replace(environment=laptop.environment.replace(variables=Known((one,), "environ")))


@pytest.mark.parametrize(
    ("name", "value", "severity"),
    [
        ("CUDA_LAUNCH_BLOCKING", "1", "warning"),
        ("CUDA_FORCE_PTX_JIT", "1", "failure"),
        ("CUDA_INJECTION64_PATH", "/opt/nsight/libinjection.so", "warning"),
        ("COMPUTE_PROFILE", "1", "warning"),
        ("NCCL_P2P_DISABLE", "1", "warning"),
        ("CUDA_MODULE_LOADING", "EAGER", "note"),
        ("PYTORCH_NO_CUDA_MEMORY_CACHING", "0", "warning"),
        ("JAX_PLATFORMS", "cpu", "warning"),
        ("TRITON_INTERPRET", "1", "warning"),
        ("NVIDIA_TF32_OVERRIDE", "0", "note"),
    ],
)
def test_it_is_named_with_the_line_that_sets_it(name: str, value: str, severity: str) -> None:
    machine = with_variable(name, value)
    assert causes(machine) == {"environment-variable-harmful"}
    found = finding(machine, "environment-variable-harmful")
    assert found.severity == severity and found.title.startswith(f"{name}={value}")
    assert (
        found.fix is not None and found.fix.commands == (f"unset {name}",) and "line 7" in found.fix.summary
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("CUDA_LAUNCH_BLOCKING", "0"),
        ("CUDA_LAUNCH_BLOCKING", ""),
        ("CUDA_MODULE_LOADING", "LAZY"),
        ("CUDA_CACHE_PATH", "/data/cache"),
        ("JAX_PLATFORMS", "cuda,cpu"),
        ("NVIDIA_TF32_OVERRIDE", "1"),
        ("TF_FORCE_GPU_ALLOW_GROWTH", "true"),
    ],
)
def test_a_value_that_does_no_harm_is_well(name: str, value: str) -> None:
    assert causes(with_variable(name, value)) == set()


def test_a_variable_that_no_file_sets_is_unset_in_the_shell() -> None:
    machine = with_variable("CUDA_LAUNCH_BLOCKING", "1")
    one = machine.environment.variables.value[0].replace(set_by=Absent("files"))
    machine = machine.replace(environment=machine.environment.replace(variables=Known((one,), "environ")))
    fix = finding(machine, "environment-variable-harmful").fix
    assert fix is not None and fix.summary == "Unset CUDA_LAUNCH_BLOCKING" and folded(machine) == {}


def test_without_a_gpu_it_does_nothing() -> None:
    server = healthy.no_gpu_server()
    machine = server.replace(environment=with_variable("CUDA_FORCE_PTX_JIT", "1").environment)
    assert causes(machine) == set()
