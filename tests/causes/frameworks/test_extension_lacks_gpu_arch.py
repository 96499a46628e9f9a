"""extension-lacks-gpu-arch: an extension for other GPUs. Composed: torch-scatter compiled on an A100 for 8.0a-like lists, run elsewhere."""

from __future__ import annotations

from gpudoctor.facts.frameworks import Ptx
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import frameworks


def test_an_extension_for_hopper_on_ampere() -> None:
    build = frameworks.extension(
        "torch-scatter", "2.1.2+pt25cu124", "2.5", "12.4", targets=frameworks.targets(("9.0",))
    )
    machine = healthy.rtx3050_laptop().replace(frameworks=frameworks.with_torch(build))
    assert causes(machine) == {"extension-lacks-gpu-arch"}
    fix = finding(machine, "extension-lacks-gpu-arch").fix
    assert fix is not None and fix.commands[0].startswith("TORCH_CUDA_ARCH_LIST=8.6 ")


def test_code_for_8_0_runs_on_8_6() -> None:
    build = frameworks.extension("torch-scatter", "2.1.2+pt25cu124", "2.5", "12.4")
    assert causes(healthy.rtx3050_laptop().replace(frameworks=frameworks.with_torch(build))) == set()


def test_ptx_that_the_driver_compiles_is_enough() -> None:
    targets = frameworks.targets(("7.0",), (Ptx("7.0", "", "8.0"),))
    build = frameworks.extension("torch-scatter", "2.1.2+pt25cu124", "2.5", "12.4", targets=targets)
    assert causes(healthy.rtx3050_laptop().replace(frameworks=frameworks.with_torch(build))) == set()
