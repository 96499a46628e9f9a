"""Records to JSON and back."""

from __future__ import annotations

import pytest

from gpudoctor.codec import CodecError, decode, encode, schema
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import UNASKED
from tests.machines import healthy


@pytest.mark.parametrize("machine", healthy.ALL)
def test_a_machine_survives_the_journey(machine: object) -> None:
    made = machine()  # type: ignore[operator]
    assert decode(Machine, encode(made)) == made


def test_what_is_missing_was_not_looked_at_and_what_is_new_is_left_out() -> None:
    machine = decode(Machine, {"gpu": {"pci": {"absent": "/sys"}, "invented_later": 1}})
    assert machine.gpu == Gpu(pci=machine.gpu.pci) and machine.gpu.nvml == UNASKED


@pytest.mark.parametrize(
    ("data", "where"),
    [
        ([], "top level"),
        ({"gpu": 3}, "gpu"),
        ({"gpu": {"pci": {"value": [{"address": 1}], "via": "x"}}}, "gpu.pci[0].address"),
        ({"gpu": {"pci": {}}}, "gpu.pci"),
        ({"gpu": {"pci": {"value": [{}], "via": "x"}}}, "gpu.pci[0]"),
        ({"gpu": {"nvml": {"value": {"state": "asleep"}, "via": "x"}}}, "gpu.nvml.state"),
        ({"host": {"uid": {"value": True, "via": "x"}}}, "host.uid"),
    ],
)
def test_what_does_not_fit_is_named_by_its_place(data: object, where: str) -> None:
    with pytest.raises(CodecError) as caught:
        decode(Machine, data)
    assert caught.value.where == where


def test_the_schema_accepts_a_real_machine_and_refuses_a_broken_one() -> None:
    import jsonschema

    made = schema(Machine, "x", "machine")
    data = encode(healthy.h100_node())
    jsonschema.validate(data, made)
    data["gpu"]["nvml"] = {"value": 1}
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, made)
