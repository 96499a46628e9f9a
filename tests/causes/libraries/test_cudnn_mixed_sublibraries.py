"""cudnn-mixed-sublibraries: files of two versions in one folder."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding, folded
from tests.machines import healthy
from tests.machines.parts import libraries as parts


def half_copied(version: str = "9.5.1") -> Machine:
    """A folder in which an update replaced libcudnn_ops alone."""
    machine = parts.with_framework(healthy.h100_node())
    part = parts.load("libcudnn_ops.so.9", version=Known(version, "its file's name"))
    return parts.changed(machine, part)


def test_two_versions_in_one_folder() -> None:
    assert causes(half_copied()) == {"cudnn-mixed-sublibraries"}
    title = finding(half_copied(), "cudnn-mixed-sublibraries").title
    assert "9.1.0.70" in title and "9.5.1" in title


def test_a_shorter_spelling_of_the_same_version_is_well() -> None:
    assert causes(half_copied("9.1.0")) == set() and folded(half_copied("9.1.0")) == {}
