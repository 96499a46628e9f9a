"""xid-other-driver: what the catalogue puts down to the driver."""

from __future__ import annotations

import pytest

from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import ill

pytestmark = pytest.mark.usefixtures("few_xids")


def test_it_is_told_by_its_class() -> None:
    machine = ill.with_log(healthy.h100_node(), ill.xid(38, "pid=1, words", gpu=1))
    assert causes(machine) == {"xid-other-driver"}
    assert finding(machine, "xid-other-driver").severity == "warning"


def test_another_class_is_not_meant() -> None:
    assert "xid-other-driver" not in causes(ill.with_log(healthy.h100_node(), ill.xid(62, "words")))
