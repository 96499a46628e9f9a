"""cudnn-sublibrary-missing: nvidia-cudnn-cu13 9.20.0.48 omits a part, the loader takes the system's."""

from __future__ import annotations

from gpudoctor.facts.libraries import Load
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding, folded
from tests.machines import healthy
from tests.machines.parts import libraries as parts

SYSTEM = "/usr/lib/x86_64-linux-gnu"
PART = "libcudnn_engines_tensor_ir.so.9"


def stray(path: str, version: str) -> Load:
    """As in https://github.com/pytorch/pytorch/issues/187824."""
    main = f"{parts.SITE}/nvidia/cudnn/lib/libcudnn.so.9"
    return Load(
        "torch", parts.PYTHON, PART, path, "cache" if path else "", main, "cudnn", Known(version, path)
    )


def omitted(version: str = "9.19.0") -> Machine:
    machine = parts.with_framework(healthy.h100_node())
    libraries = machine.libraries
    copies = tuple(
        c.replace(package="nvidia-cudnn-cu13") if c.family == "cudnn" else c for c in libraries.copies.value
    )
    system = parts.system_copy(PART, SYSTEM, version, family="cudnn", origin="loader-cache")
    return machine.replace(
        libraries=libraries.replace(
            copies=Known((*copies, system), "wheels"),
            loads=Known((*libraries.loads.value, stray(f"{SYSTEM}/{PART}", version)), "ELF files"),
        )
    )


def test_the_system_fills_the_gap_with_another_version() -> None:
    machine = omitted()
    assert causes(machine) == {"cudnn-sublibrary-missing"}
    found = finding(machine, "cudnn-sublibrary-missing")
    assert PART in found.title and SYSTEM in found.title and found.severity == "failure"
    assert found.fix is not None and "nvidia-cudnn-cu13>=9.21" in found.fix.commands[0]
    assert folded(machine) == {"cudnn-mixed-sublibraries": "cudnn-sublibrary-missing"}


def test_a_part_that_is_found_nowhere() -> None:
    machine = parts.changed(parts.with_framework(healthy.h100_node()), parts.nowhere("libcudnn_ops.so.9"))
    copies = tuple(c for c in machine.libraries.copies.value if c.name != "libcudnn_ops.so.9")
    machine = machine.replace(libraries=machine.libraries.replace(copies=Known(copies, "wheels")))
    assert causes(machine) == {"cudnn-sublibrary-missing"}


def test_the_same_version_elsewhere_is_a_warning_only() -> None:
    assert finding(omitted("9.1.0"), "cudnn-sublibrary-missing").severity == "warning"


def test_a_whole_cudnn_beside_a_systems_one_is_well() -> None:
    machine = parts.with_framework(healthy.h100_node())
    system = parts.system_copy("libcudnn_ops.so.9", SYSTEM, "9.19.0", origin="loader-cache")
    assert causes(parts.changed(machine, copies=(system,))) == set()
