"""jax-plugin-mismatch: parts of JAX upgraded alone. Composed from the words of jaxlib/plugin_support.py."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import frameworks


def machine(jaxlib: str = "0.4.38", plugin: str = "0.4.38", pjrt: str = "0.4.38") -> Machine:
    packages = [
        frameworks.package("jax", "0.4.38", "jaxlib<=0.4.38,>=0.4.38"),
        frameworks.package("jaxlib", jaxlib),
        frameworks.package("jax-cuda12-plugin", plugin),
    ]
    packages += [frameworks.package("jax-cuda12-pjrt", pjrt)] if pjrt else []
    python = frameworks.python(frameworks.jax(), *packages)
    return healthy.rtx3050_laptop().replace(frameworks=frameworks.with_pythons(python))


def test_a_plugin_left_behind() -> None:
    assert causes(machine(plugin="0.4.35", pjrt="0.4.35")) == {"jax-plugin-mismatch"}
    found = finding(machine(plugin="0.4.35", pjrt="0.4.35"), "jax-plugin-mismatch")
    assert found.fix is not None and found.fix.commands[0].endswith("'jax[cuda12]==0.4.38'")


def test_a_jaxlib_outside_the_range_and_a_missing_or_foreign_pjrt() -> None:
    assert causes(machine(jaxlib="0.5.0", plugin="0.5.0", pjrt="0.5.0")) == {"jax-plugin-mismatch"}
    assert causes(machine(pjrt="")) == {"jax-plugin-mismatch"}
    assert causes(machine(pjrt="0.4.30")) == {"jax-plugin-mismatch"}


def test_all_of_one_release_are_well() -> None:
    assert causes(machine()) == set()
