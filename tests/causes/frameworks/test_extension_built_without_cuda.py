"""extension-built-without-cuda: no GPU code in an extension. Composed from detectron2's INSTALL.md and bitsandbytes' errors page."""

from __future__ import annotations

from gpudoctor.facts.frameworks import Build
from gpudoctor.facts.observed import Absent, Known
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import frameworks


def test_detectron2_without_a_fatbin() -> None:
    build = frameworks.extension("detectron2", "0.6", cuda="").replace(
        cuda=Absent("_C.so"), cuda_code=Known(False, "_C.so"), targets=Absent("_C.so")
    )
    machine = healthy.rtx3050_laptop().replace(frameworks=frameworks.with_torch(build))
    assert causes(machine) == {"extension-built-without-cuda"}
    fix = finding(machine, "extension-built-without-cuda").fix
    assert fix is not None and fix.commands[0].startswith("FORCE_CUDA=1 ")


def bitsandbytes(variants: str) -> Build:
    return Build("bitsandbytes", "0.45.0", "/b", "cuda", cuda_code=Known(True, "/b"), detail=variants)


def test_bitsandbytes_without_a_library_for_this_cuda() -> None:
    machine = healthy.rtx3050_laptop().replace(frameworks=frameworks.with_torch(bitsandbytes("118 121")))
    assert causes(machine) == {"extension-built-without-cuda"}
    assert any("cuda124" in e.value for e in finding(machine, "extension-built-without-cuda").evidence)


def test_a_bitsandbytes_that_falls_back_within_the_major_is_well() -> None:
    """cextension.py of 0.50: the highest packaged version of the same major that is not newer."""
    well = healthy.rtx3050_laptop().replace(
        frameworks=frameworks.with_torch(bitsandbytes("118 121 same-major"))
    )
    assert causes(well) == set()
    ill = healthy.rtx3050_laptop().replace(frameworks=frameworks.with_torch(bitsandbytes("118 same-major")))
    assert causes(ill) == {"extension-built-without-cuda"}


def test_bitsandbytes_with_one_is_well() -> None:
    machine = healthy.rtx3050_laptop().replace(frameworks=frameworks.with_torch(bitsandbytes("118 121 124")))
    assert causes(machine) == set()


def test_beside_a_cpu_torch_without_a_gpu_it_is_right() -> None:
    python = frameworks.python(frameworks.torch("2.5.1+cpu", ""), bitsandbytes("118"))
    assert causes(healthy.no_gpu_server().replace(frameworks=frameworks.with_pythons(python))) == set()
