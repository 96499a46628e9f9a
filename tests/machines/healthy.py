"""Healthy machines, complete in every field: nothing may be found on them, and nothing skipped."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from tests.machines.parts import driver, gpu, host, rest


def _machine(**groups: object) -> Machine:
    base = Machine(
        host=host.ubuntu(),
        driver=driver.missing(),
        gpu=gpu.none(),
        cuda=rest.no_toolkit(),
        libraries=rest.no_libraries(),
        environment=rest.plain_environment(),
        containers=rest.on_a_host(),
        frameworks=rest.no_frameworks(),
    )
    return base.replace(**groups)


def rtx3050_laptop() -> Machine:
    """The user's laptop: Ubuntu 22.04, one RTX 3050 (8.6), driver 550.163.01."""
    return _machine(driver=driver.installed(), gpu=gpu.rtx3050_laptop())


def h100_node() -> Machine:
    """A server with eight H100, driver 550.163.01."""
    return _machine(driver=driver.installed(gpus=8), gpu=gpu.h100(8))


def rtx5090_desktop() -> Machine:
    """A desktop with an RTX 5090 (12.0): the open module, driver 575.57.08."""
    return _machine(driver=driver.installed("575.57.08", "open"), gpu=gpu.rtx5090())


def no_gpu_server() -> Machine:
    """A server without an NVIDIA GPU and without a driver."""
    return _machine()


ALL = (rtx3050_laptop, h100_node, rtx5090_desktop, no_gpu_server)
