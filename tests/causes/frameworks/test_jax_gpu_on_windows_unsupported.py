"""jax-gpu-on-windows-unsupported: a CUDA plugin on native Windows. Composed from JAX's table of supported platforms."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import frameworks


def on(system: str, *names: str) -> Machine:
    laptop = healthy.rtx3050_laptop()
    packages = [frameworks.package(name, "0.6.2") for name in names]
    return laptop.replace(
        host=laptop.host.replace(system=Known(system, "text"), libc=Absent("Windows")),
        frameworks=frameworks.with_pythons(frameworks.python(*packages)),
    )


def test_a_plugin_on_windows() -> None:
    machine = on("Windows", "jax-cuda12-plugin")
    assert "jax-gpu-on-windows-unsupported" in causes(machine)
    fix = finding(machine, "jax-gpu-on-windows-unsupported").fix
    assert fix is not None and "WSL2" in fix.summary


def test_jax_for_the_cpu_is_well_there() -> None:
    assert "jax-gpu-on-windows-unsupported" not in causes(on("Windows", "jax", "jaxlib"))


def test_the_same_plugin_on_linux() -> None:
    assert "jax-gpu-on-windows-unsupported" not in causes(on("Linux", "jax-cuda12-plugin"))
