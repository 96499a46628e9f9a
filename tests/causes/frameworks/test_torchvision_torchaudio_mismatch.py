"""torchvision-torchaudio-mismatch: companions of another release or CUDA. Composed from pytorch/vision#8117."""

from __future__ import annotations

from gpudoctor.facts.frameworks import Build
from gpudoctor.facts.observed import Absent, Known
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import frameworks


def vision(version: str, torch: str, variant: str = "") -> Build:
    return frameworks.extension(
        "torchvision", version, torch, "12.4", variant=variant, targets=frameworks.targets(frameworks.CU124)
    )


def test_torchvision_of_another_release() -> None:
    machine = healthy.rtx3050_laptop().replace(frameworks=frameworks.with_torch(vision("0.21.0", "2.6.0")))
    assert causes(machine) == {"torchvision-torchaudio-mismatch"}
    fix = finding(machine, "torchvision-torchaudio-mismatch").fix
    assert fix is not None and fix.commands[1].endswith(
        "torch==2.5.1 torchvision --index-url https://download.pytorch.org/whl/cu124"
    )


def test_torchaudio_by_the_table_where_it_pins_nothing() -> None:
    audio = vision("2.6.0", "2.6.0").replace(framework="torchaudio", built_for_torch=Absent("metadata"))
    machine = healthy.rtx3050_laptop().replace(frameworks=frameworks.with_torch(audio))
    assert causes(machine) == {"torchvision-torchaudio-mismatch"}


def test_another_cuda_build_of_the_right_release() -> None:
    machine = healthy.rtx3050_laptop().replace(
        frameworks=frameworks.with_torch(vision("0.20.1+cu121", "2.5.1", "cu121"))
    )
    assert causes(machine) == {"torchvision-torchaudio-mismatch"}


def test_a_torchvision_without_gpu_code_beside_a_cuda_torch() -> None:
    build = vision("0.20.1", "2.5.1").replace(cuda_code=Known(False, "_C.so"), targets=Absent("_C.so"))
    machine = healthy.rtx3050_laptop().replace(frameworks=frameworks.with_torch(build))
    assert causes(machine) == {"torchvision-torchaudio-mismatch"}


def test_the_right_pair_is_well() -> None:
    for build in (vision("0.20.1+cu124", "2.5.1", "cu124"), vision("0.20.1", "2.5.1")):
        assert causes(healthy.rtx3050_laptop().replace(frameworks=frameworks.with_torch(build))) == set()


def test_another_patch_of_the_right_release_is_a_warning() -> None:
    """torchvision 0.20.0 requires torch==2.5.0 (METADATA): it loads beside 2.5.1, and pip check complains."""
    build = vision("0.20.0+cu124", "2.5.0", "cu124")
    pinned = frameworks.package("torchvision", "0.20.0", "torch==2.5.0")
    environment = frameworks.with_torch(build, pinned)
    machine = healthy.rtx3050_laptop().replace(frameworks=environment)
    assert finding(machine, "torchvision-torchaudio-mismatch").severity == "warning"
