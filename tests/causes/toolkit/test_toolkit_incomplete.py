"""toolkit-incomplete: nvcc without what it needs."""

from __future__ import annotations

from gpudoctor.facts.observed import Absent
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import cuda


def test_condas_nvcc_without_the_runtime() -> None:
    conda = cuda.toolkit("12.4", "/opt/conda", origin="conda", cudart=Absent("/opt/conda/lib"))
    machine = cuda.with_cuda(healthy.rtx3050_laptop(), conda)
    assert causes(machine) == {"toolkit-incomplete"}
    found = finding(machine, "toolkit-incomplete")
    assert "libcudart" in found.title
    assert found.fix is not None and found.fix.commands[0].startswith("conda install -p /opt/conda")


def test_a_nix_package_is_a_part_by_design() -> None:
    nix = cuda.toolkit("12.4", "/nix/store/x-cuda_nvcc-12.4.131", origin="nix", cudart=Absent("lib"))
    assert causes(cuda.with_cuda(healthy.rtx3050_laptop(), nix)) == set()


def test_cupti_and_stubs_are_not_needed() -> None:
    kit = cuda.toolkit("12.4", cupti=Absent("extras"), stubs=Absent("stubs"))
    assert causes(cuda.with_cuda(healthy.rtx3050_laptop(), kit)) == set()
