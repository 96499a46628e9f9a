"""nvidia-smi-disagrees: PATH finds the nvidia-smi of another driver.

Composed after nvidia-smi 535.261.03's own banner over a 550.163.01 driver ("NVIDIA-SMI 535.261.03  Driver Version:
550.163.01") and after NVIDIA's CUDA on WSL User Guide."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known, Unknown
from tests.judged import causes, finding, judgement
from tests.machines import healthy
from tests.machines.parts import host

ID = "nvidia-smi-disagrees"


def with_smi(machine: Machine, **changes: object) -> Machine:
    smi = machine.gpu.smi
    assert isinstance(smi, Known)
    return machine.replace(gpu=machine.gpu.replace(smi=Known(smi.value.replace(**changes), smi.via)))


def test_an_old_nvidia_smi_on_path_is_noted_with_both_versions() -> None:
    machine = with_smi(
        healthy.rtx3050_laptop(), smi_version=Known("535.261.03", "smi"), others=("/opt/old/nvidia-smi",)
    )
    assert causes(machine) == {ID}
    found = finding(machine, ID)
    assert found.severity == "note" and "535.261.03" in found.title and "550.163.01" in found.title
    assert "/opt/old/nvidia-smi" in {e.value for e in found.evidence}


def test_an_nvidia_smi_that_speaks_of_another_machine_is_a_warning() -> None:
    machine = with_smi(healthy.rtx3050_laptop(), kmd_version=Known("470.256.02", "smi"))
    assert causes(machine) == {ID}
    assert finding(machine, ID).severity == "warning"


def test_the_same_versions_are_well() -> None:
    assert causes(healthy.rtx3050_laptop()) == set()
    assert ID in judgement(healthy.rtx3050_laptop()).passed


def test_on_wsl2_they_differ_by_design() -> None:
    machine = with_smi(healthy.rtx3050_laptop(), kmd_version=Known("551.61", "smi"))
    on_wsl = machine.replace(host=host.wsl2())
    assert ID in {n.id for n in judgement(on_wsl).not_applicable}


def test_an_nvidia_smi_that_failed_is_not_judged() -> None:
    silent = Unknown("nvidia-smi failed")
    machine = with_smi(
        healthy.rtx3050_laptop(), state="failed", smi_version=silent, kmd_version=silent, cuda_version=silent
    )
    assert ID not in judgement(machine).passed


def test_without_a_gpu_a_failed_nvidia_smi_hides_nothing() -> None:
    """NVIDIA's real 550.163.01 on a machine without GPU and module: nvidia-smi ends with 9, nvmlInit with 9."""
    machine = with_smi(
        healthy.rtx3050_laptop(), state="failed", kmd_version=Unknown("9"), smi_version=Unknown("9")
    )
    nvml = machine.gpu.nvml
    assert isinstance(nvml, Known)
    silent = nvml.value.replace(state="failed", code=9, devices=(), driver_version=Unknown("9"))
    gpu = machine.gpu.replace(pci=Known((), "/sys"), nvml=Known(silent, "NVML"), cuda=Unknown("not asked"))
    judged = judgement(machine.replace(gpu=gpu))
    assert ID not in {s.id for s in judged.skipped} and ID not in judged.passed
