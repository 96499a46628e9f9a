"""ptxas-from-another-toolkit: PATH mixes two toolkits."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import cuda


def laptop(nvcc: str, ptxas: str) -> Machine:
    kits = (cuda.toolkit("12.4"), cuda.toolkit("11.8"))
    tools = tuple(
        cuda.tool(name, release, f"/usr/local/cuda-{release}", "PATH")
        for name, release in (("nvcc", nvcc), ("ptxas", ptxas))
    )
    return cuda.with_cuda(healthy.rtx3050_laptop(), *kits, tools_on_path=Known(tools, "PATH"))


def test_ptxas_11_8_before_nvcc_12_4() -> None:
    machine = laptop("12.4", "11.8")
    assert causes(machine) == {"ptxas-from-another-toolkit"}
    found = finding(machine, "ptxas-from-another-toolkit")
    assert "nvcc 12.4 and ptxas 11.8" in found.title and found.severity == "note"


def test_it_hurts_where_xla_takes_it() -> None:
    frameworks = cuda.environment_with(
        cuda.package("nvidia-cuda-nvcc-cu12"), builds=(cuda.build("tensorflow", "2.18.0", "12.5"),)
    )
    machine = laptop("12.4", "11.8").replace(frameworks=frameworks)
    assert finding(machine, "ptxas-from-another-toolkit").severity == "warning"


def test_both_of_one_toolkit_are_well() -> None:
    assert causes(laptop("12.4", "12.4")) == set()
