"""What healthy machines print: `diagnose` names no cause in it, and the kernel's log of one is no evidence against it.

Composed of lines as these programs write them (the two of MIG and of an A10G after captures that nvidia_gpu_exporter and telegraf publish):
Ubuntu 24.04 with driver 550 (dmesg), torch 2.5.1 (collect_env), nvidia-smi -q of an
H100, docker info of 27.3, TensorFlow 2.18 and vLLM 0.6 while they start. And what only speaks of faults: the help of nvidia-smi 550, a
project's release notes, a network card whose firmware has its own Secure Boot, installations that succeed.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from gpudoctor.facts.observed import Known
from gpudoctor.parsers.kernel_log import parse_text
from gpudoctor.workflows.diagnose import diagnose_text
from tests.judged import causes
from tests.machines import healthy

TEXTS = sorted((Path(__file__).parent / "texts").glob("*.txt"))


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: file.stem)
def test_no_cause_is_named_in_what_a_healthy_machine_prints(file: Path) -> None:
    found = diagnose_text(file.read_text("utf-8")).diagnoses
    assert [d.id for d in found if d.id != "harmless"] == []


def test_the_log_of_a_healthy_start_is_no_evidence() -> None:
    """A module that taints, BARs that find a place at the second try, a slow USB-C port, a night's sleep."""
    machine = healthy.rtx3050_laptop()
    events = parse_text((Path(__file__).parent / "texts" / "dmesg-laptop.txt").read_text("utf-8"))
    assert [e.kind for e in events] == ["bar", "nouveau", "nvrm", "resume"]
    assert causes(machine.replace(host=machine.host.replace(kernel_log=Known(events, "/dev/kmsg")))) == set()
