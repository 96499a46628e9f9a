"""jax-cpu-only-jaxlib: JAX without its plugin. Composed from jax-ml/jax#18032."""

from __future__ import annotations

from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import frameworks

JAXLIB = frameworks.package("jaxlib", "0.4.38")


def test_jax_without_a_plugin_is_told_which_extra_this_driver_runs() -> None:
    python = frameworks.python(frameworks.jax(cuda=""), frameworks.package("jax", "0.4.38"), JAXLIB)
    machine = healthy.rtx3050_laptop().replace(frameworks=frameworks.with_pythons(python))
    assert causes(machine) == {"jax-cpu-only-jaxlib"}
    fix = finding(machine, "jax-cpu-only-jaxlib").fix
    assert fix is not None and "jax[cuda12]==0.4.38" in fix.commands[0]


def test_without_a_gpu_it_is_right() -> None:
    python = frameworks.python(frameworks.jax(cuda=""), JAXLIB)
    assert causes(healthy.no_gpu_server().replace(frameworks=frameworks.with_pythons(python))) == set()


def test_with_its_plugin_it_is_well() -> None:
    plugin = frameworks.package("jax-cuda12-plugin", "0.4.38")
    pjrt = frameworks.package("jax-cuda12-pjrt", "0.4.38")
    python = frameworks.python(frameworks.jax(), frameworks.package("jax", "0.4.38"), JAXLIB, plugin, pjrt)
    machine = healthy.rtx3050_laptop().replace(frameworks=frameworks.with_pythons(python))
    assert causes(machine) == set()
