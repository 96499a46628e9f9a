"""A healthy WSL2: Windows' libraries in /usr/lib/wsl/lib, no module, no nodes, no PCI GPU (as WSL's users paste it)."""

from __future__ import annotations

from gpudoctor.facts.driver import DriverLibrary
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known, Unknown
from tests.machines import healthy
from tests.machines.parts import driver, gpu, host

LIB = "/usr/lib/wsl/lib"


def wsl_library(name: str) -> DriverLibrary:
    path = f"{LIB}/{name}"
    return DriverLibrary(name, path, path, Unknown("its name has no version"), "wsl", 180_000)


def wsl2() -> Machine:
    libraries = (wsl_library("libcuda.so.1"), wsl_library("libnvidia-ml.so.1"))
    answering = gpu.rtx3050_laptop("560.94", "12.6")
    return healthy.no_gpu_server().replace(
        host=host.wsl2(dkms=Absent("/var/lib/dkms")),
        driver=driver.missing(libraries=Known(libraries, "loader"), module_files=Absent("/lib/modules")),
        gpu=answering.replace(pci=Known((), "/sys/bus/pci/devices")),
    )
