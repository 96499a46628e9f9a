"""loader-cache-stale: ldconfig has not run since a library was installed."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known
from tests.judged import causes, finding, folded
from tests.machines import healthy


def stale() -> Machine:
    laptop = healthy.rtx3050_laptop()
    missing = Known(("/usr/local/cuda-12.4/lib64/libcudart.so.12",), "/etc/ld.so.cache")
    return laptop.replace(libraries=laptop.libraries.replace(uncached=missing))


def test_a_library_that_the_cache_does_not_know() -> None:
    assert causes(stale()) == {"loader-cache-stale"}
    fix = finding(stale(), "loader-cache-stale").fix
    assert fix is not None and fix.commands == ("sudo ldconfig",)


def test_a_system_without_a_cache_has_no_stale_one() -> None:
    laptop = healthy.rtx3050_laptop()
    machine = laptop.replace(libraries=laptop.libraries.replace(uncached=Absent("/etc/ld.so.cache")))
    assert causes(machine) == set() and folded(machine) == {}
