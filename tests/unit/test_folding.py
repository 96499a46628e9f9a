"""Folding: consequences under their cause, device by device, and no circles."""

from __future__ import annotations

import pytest

from gpudoctor.engine import fold
from gpudoctor.facts.gpu import RemappedRows
from gpudoctor.findings import (
    MACHINE,
    Finding,
    Severity,
    Subject,
    device,
    interpreter,
    package,
)
from gpudoctor.rules.registry import causes as all_causes
from tests.judged import folded, judgement
from tests.machines import healthy
from tests.machines.parts import ill

GPU_0, GPU_1 = device("GPU-0"), device("GPU-1")
MIG = Subject("mig-instance", "MIG-0", "", GPU_0)
PYTHON, OTHER_PYTHON = interpreter("/a/bin/python"), interpreter("/b/bin/python")


def made(cause: str, subject: Subject = MACHINE, severity: Severity = "failure") -> Finding:
    return Finding(cause, severity, cause, subject, (), "", None, None, ())


def explaining(**explains: tuple[str, ...]) -> dict[str, frozenset[str]]:
    return {cause: frozenset(consequences) for cause, consequences in explains.items()}


def caused(findings: list[Finding]) -> list[tuple[str, str, str | None]]:
    return [(f.id, f.subject.name, f.caused_by) for f in findings]


@pytest.mark.parametrize(
    ("outer", "inner", "contains"),
    [
        (MACHINE, GPU_0, True),
        (MACHINE, MACHINE, True),
        (MACHINE, package("/a/bin/python", "torch"), True),
        (GPU_0, GPU_0, True),
        (GPU_0, MIG, True),
        (PYTHON, package("/a/bin/python", "torch"), True),
        (GPU_0, MACHINE, False),
        (GPU_0, GPU_1, False),
        (GPU_1, MIG, False),
        (MIG, GPU_0, False),
        (PYTHON, package("/b/bin/python", "torch"), False),
        (OTHER_PYTHON, PYTHON, False),
        (GPU_0, PYTHON, False),
        (device("x"), Subject("file", "x", "", MACHINE), False),
    ],
)
def test_what_contains_what(outer: Subject, inner: Subject, contains: bool) -> None:
    assert outer.contains(inner) is contains


def test_a_consequence_folds_under_its_cause() -> None:
    result = fold([made("symptom"), made("cause")], explaining(cause=("symptom",)))
    assert caused(result) == [("cause", "", None), ("symptom", "", "cause")]


def test_a_cause_of_one_device_never_folds_anothers() -> None:
    result = fold(
        [made("cause", GPU_0), made("symptom", GPU_0), made("symptom", GPU_1)],
        explaining(cause=("symptom",)),
    )
    assert caused(result) == [
        ("cause", "GPU-0", None),
        ("symptom", "GPU-1", None),
        ("symptom", "GPU-0", "cause"),
    ]


def test_a_devices_cause_does_not_explain_the_whole_machine() -> None:
    result = fold([made("cause", GPU_0), made("symptom", MACHINE)], explaining(cause=("symptom",)))
    assert all(f.caused_by is None for f in result)


def test_the_machines_cause_explains_every_device() -> None:
    result = fold(
        [made("cause"), made("symptom", GPU_0), made("symptom", MIG)], explaining(cause=("symptom",))
    )
    assert [f.caused_by for f in result] == [None, "cause", "cause"]


def test_the_root_of_a_chain_is_named() -> None:
    result = fold(
        [made("third"), made("second"), made("first")], explaining(first=("second",), second=("third",))
    )
    assert {f.id: f.caused_by for f in result} == {"first": None, "second": "first", "third": "first"}


def test_a_link_that_is_not_there_breaks_the_chain() -> None:
    result = fold([made("third"), made("first")], explaining(first=("second",), third=()))
    assert all(f.caused_by is None for f in result)


def test_a_chain_over_devices_ends_at_the_one_that_contains() -> None:
    """GPU 0's `first` does not reach GPU 1's `third`, its own `second` does."""
    result = fold(
        [made("first", GPU_0), made("second", GPU_1), made("third", GPU_1)],
        explaining(first=("second",), second=("third",)),
    )
    assert {f.id: f.caused_by for f in result} == {"first": None, "second": None, "third": "second"}


def test_nothing_folds_under_itself() -> None:
    result = fold([made("a", GPU_0), made("a", GPU_1)], explaining(a=("a",)))
    assert all(f.caused_by is None for f in result)


def test_worst_first_and_consequences_last() -> None:
    found = [
        made("note", severity="note"),
        made("symptom"),
        made("warning", severity="warning"),
        made("failure"),
    ]
    result = fold(found, explaining(note=("symptom",)))
    assert [f.id for f in result] == ["failure", "warning", "note", "symptom"]


def test_no_cause_explains_itself_through_others() -> None:
    """A circle would fold all its members, and no root would be left to show."""
    explains = {cause.id: cause.explains for cause in all_causes()}
    for start in explains:
        todo, reached = list(explains[start]), set[str]()
        while todo:
            name = todo.pop()
            assert name != start, f"{start} explains itself"
            if name not in reached:
                reached.add(name)
                todo += explains.get(name, ())


def test_the_loss_of_one_gpu_and_the_memory_of_another_are_two_roots() -> None:
    machine = ill.with_cuda(ill.lost(healthy.h100_node(), 2), 7, 7)
    machine = ill.with_device(machine, 5, remapped_rows=RemappedRows(0, 1, True, False))
    machine = ill.with_log(
        machine,
        ill.xid(79, "GPU has fallen off the bus.", 2),
        ill.xid(119, "Timeout", 2),
        ill.xid(63, "Row", 5),
    )
    roots = {(f.id, f.subject.name) for f in judgement(machine).findings if f.caused_by is None}
    assert {cause for cause, _ in roots} >= {"gpu-fell-off-bus", "ecc-uncorrectable"}
    assert folded(machine)["xid-119-gsp-timeout"] == "gpu-fell-off-bus"
