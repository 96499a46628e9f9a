"""ptxas-too-old: the assembler of run-time compilers does not know the GPU."""

from __future__ import annotations

from gpudoctor.facts.cuda import Tool
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import cuda

BUNDLED = f"{cuda.SITE}/triton/backends/nvidia/bin"


def tritons(version: str, name: str = "ptxas", selected_by: str = f"triton in {cuda.SITE}") -> Tool:
    path = f"{BUNDLED}/{name}"
    return Tool(name, path, Known(version, path), selected_by, path, "")


def desktop(*tools: Tool) -> Machine:
    """An RTX 5090 with these ptxas about, and no toolkit."""
    machine = healthy.rtx5090_desktop()
    return machine.replace(cuda=machine.cuda.replace(tools_on_path=Known(tools, "site-packages")))


def test_tritons_own_ptxas_of_12_4_on_blackwell() -> None:
    machine = desktop(tritons("12.4.131"))
    assert causes(machine) == {"ptxas-too-old"}
    found = finding(machine, "ptxas-too-old")
    assert "CUDA 12.4" in found.title and "sm_120" in found.title and found.severity == "failure"


def test_a_newer_toolkit_is_offered_as_the_way_out() -> None:
    machine = desktop(tritons("12.4.131"))
    machine = machine.replace(
        cuda=machine.cuda.replace(toolkits=Known((cuda.toolkit("12.8"),), "/usr/local"))
    )
    fix = finding(machine, "ptxas-too-old").fix
    assert fix is not None and fix.commands == ("export TRITON_PTXAS_PATH=/usr/local/cuda-12.8/bin/ptxas",)


def test_the_second_ptxas_counts_on_blackwell() -> None:
    assert causes(desktop(tritons("12.4.131"), tritons("12.8.93", "ptxas-blackwell"))) == set()


def test_a_variable_replaces_the_old_one() -> None:
    new = Tool("ptxas", "/opt/ptxas", Known("12.8.93", "/opt/ptxas"), "TRITON_PTXAS_PATH", "/opt/ptxas")
    assert causes(desktop(tritons("12.4.131"), new)) == set()


def test_each_variable_replaces_its_own_kind_only() -> None:
    """Triton with two of them takes the second for Blackwell; TRITON_PTXAS_PATH does not reach it."""
    both = (tritons("12.8.93"), tritons("12.4.131", "ptxas-blackwell"))
    first = Tool("ptxas", "/opt/ptxas", Known("12.8.93", "/opt/ptxas"), "TRITON_PTXAS_PATH", "/opt/ptxas")
    assert causes(desktop(*both, first)) == {"ptxas-too-old"}
    second = first.replace(name="ptxas-blackwell", selected_by="TRITON_PTXAS_BLACKWELL_PATH")
    assert causes(desktop(*both, second)) == set()


def test_a_variable_that_leads_nowhere_is_passed_over() -> None:
    gone = Tool("ptxas", "/gone", Absent("/gone does not exist"), "TRITON_PTXAS_PATH")
    assert causes(desktop(tritons("12.4.131"), gone)) == {"ptxas-too-old"}
    assert causes(desktop(tritons("12.8.93"), gone)) == set()


def test_triton_wants_the_specific_target_of_hopper() -> None:
    """ptxas 11.8 knows sm_90 and not sm_90a, which Triton asks for."""
    machine = healthy.h100_node()
    tools = Known((tritons("11.8.89"),), "site-packages")
    assert causes(machine.replace(cuda=machine.cuda.replace(tools_on_path=tools))) == {"ptxas-too-old"}


def test_the_same_ptxas_is_enough_for_an_older_gpu() -> None:
    machine = healthy.rtx3050_laptop()
    tools = Known((tritons("12.4.131"),), "site-packages")
    assert causes(machine.replace(cuda=machine.cuda.replace(tools_on_path=tools))) == set()


def test_xla_takes_paths_ptxas_and_only_falls_back() -> None:
    old = cuda.tool("ptxas", "12.4", "/usr/local/cuda-12.4", "PATH")
    frameworks = cuda.environment_with(
        cuda.package("nvidia-cuda-nvcc-cu12"), builds=(cuda.build("tensorflow", "2.18.0", "12.5"),)
    )
    machine = desktop(old).replace(frameworks=frameworks)
    assert finding(machine, "ptxas-too-old").severity == "warning"
    assert "ptxas-too-old" not in causes(desktop(old))


def test_xla_passes_over_what_is_older_than_11_8() -> None:
    """FindPtxAsExecutable's minimum: it then takes the wheel's."""
    old = cuda.tool("ptxas", "11.2", "/usr/local/cuda-11.2", "PATH")
    frameworks = cuda.environment_with(
        cuda.package("nvidia-cuda-nvcc-cu12"), builds=(cuda.build("tensorflow", "2.18.0", "12.5"),)
    )
    assert "ptxas-too-old" not in causes(desktop(old).replace(frameworks=frameworks))
