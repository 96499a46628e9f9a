"""xid-other-hardware: what the catalogue puts down to the hardware."""

from __future__ import annotations

import pytest

from tests.judged import causes, finding, judgement
from tests.machines import healthy
from tests.machines.parts import ill

pytestmark = pytest.mark.usefixtures("few_xids")


def test_the_catalogue_names_class_and_action() -> None:
    machine = ill.with_log(healthy.h100_node(), ill.xid(62, "pid=1, 2070 words", gpu=1))
    assert causes(machine) == {"xid-other-hardware"}
    found = finding(machine, "xid-other-hardware")
    assert found.severity == "failure" and "Xid 62" in found.title
    assert found.fix is not None and "--gpu-reset" in found.fix.commands[0]
    assert any("micro-controller" in evidence.value for evidence in found.evidence)


def test_two_gpus_are_two_findings() -> None:
    machine = ill.with_log(healthy.h100_node(), ill.xid(62, "a", gpu=1), ill.xid(145, "b", gpu=2))
    found = [f for f in judgement(machine).findings if f.id == "xid-other-hardware"]
    assert len(found) == 2 and len({f.subject.name for f in found}) == 2


def test_a_number_beyond_the_table_is_not_passed() -> None:
    result = judgement(ill.with_log(healthy.h100_node(), ill.xid(9999, "new")))
    assert any(s.id == "xid-other-hardware" and "9999" in s.reason for s in result.skipped)
    assert "xid-other-hardware" not in result.passed


@pytest.mark.parametrize("code", [38, 69, 45, 79])
def test_other_classes_and_named_ones_are_not_meant(code: int) -> None:
    assert "xid-other-hardware" not in causes(ill.with_log(healthy.h100_node(), ill.xid(code, "words")))


@pytest.mark.parametrize(
    ("words", "severity"),
    [
        ("SAW_MVB Nonfatal XC0 i0 Link 0 (0x00000001 0x00000008)", "warning"),
        ("NETIR_LINK_EVT Fatal XC0 i0 Link 00 (0x026001c6 0x00000000)", "failure"),
    ],
)
def test_a_link_says_itself_whether_it_was_fatal(words: str, severity: str) -> None:
    """The lines' words: leptonai/gpud pull request 1160."""
    machine = ill.with_log(healthy.h100_node(), ill.xid(145, words, gpu=2))
    assert finding(machine, "xid-other-hardware").severity == severity
