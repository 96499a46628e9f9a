"""inforom-corrupted: by NVML, or by nvidia-smi's warning."""

from __future__ import annotations

from gpudoctor.facts.observed import Known, Unknown
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import ill


def test_nvml_says_so_of_one_device() -> None:
    words = Unknown("infoROM is corrupted")
    machine = ill.with_device(healthy.h100_node(), 2, ecc_uncorrected_aggregate=words)
    assert causes(machine) == {"inforom-corrupted"}
    assert "GPU 2" in finding(machine, "inforom-corrupted").title


def test_nvidia_smi_warns_of_one_device() -> None:
    node = healthy.h100_node()
    smi = node.gpu.smi.value.replace(output="WARNING: infoROM is corrupted at gpu 0000:03:00.0")
    machine = node.replace(gpu=node.gpu.replace(smi=Known(smi, "nvidia-smi")))
    assert causes(machine) == {"inforom-corrupted"}
    assert "GPU 2" in finding(machine, "inforom-corrupted").title


def test_other_unknown_answers_are_not_taken_for_it() -> None:
    machine = ill.with_device(healthy.h100_node(), 2, ecc_uncorrected_aggregate=Unknown("Unknown Error"))
    assert "inforom-corrupted" not in causes(machine)
