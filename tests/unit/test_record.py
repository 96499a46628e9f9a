"""Records: frozen, comparable, strict about names."""

from __future__ import annotations

import pytest

from gpudoctor.facts.gpu import Gpu, Nvml
from gpudoctor.facts.observed import UNASKED, Absent, Known, Unknown, first_known, value_of
from gpudoctor.facts.record import Record


class Point(Record):
    x: int
    y: int = 2


def test_values_by_position_and_name() -> None:
    assert Point(1) == Point(x=1, y=2) != Point(1, 3)
    assert repr(Point(1)) == "Point(x=1, y=2)"
    assert hash(Point(1)) == hash(Point(1, 2))


@pytest.mark.parametrize("values", [{}, {"x": 1, "z": 2}])
def test_missing_and_unknown_names_are_errors(values: dict[str, int]) -> None:
    with pytest.raises(TypeError):
        Point(**values)
    with pytest.raises(TypeError):
        Point(1, x=2)
    with pytest.raises(TypeError):
        Point(1).replace(z=3)


def test_frozen() -> None:
    with pytest.raises(AttributeError):
        Point(1).x = 2  # type: ignore[misc]


def test_a_field_nobody_asked_is_unknown_not_absent() -> None:
    assert Gpu().nvml == UNASKED
    assert Nvml("answered").driver_version == UNASKED


def test_ignorance_outranks_absence() -> None:
    assert first_known(Absent("a"), Unknown("why"), Absent("b")) == Unknown("why")
    assert first_known(Absent("a"), Known(1, "v")) == Known(1, "v")
    assert value_of(Unknown("why"), 7) == 7
