"""wheel-lacks-gpu-arch: a GPU newer than the build. Composed from pytorch/pytorch#167244 and tensorflow#89272."""

from __future__ import annotations

from gpudoctor.facts.frameworks import Build, Cubin, Ptx, Targets
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known, Unknown
from tests.judged import causes, finding, judgement
from tests.machines import healthy
from tests.machines.parts import frameworks, gpu


def blackwell(*builds: Build) -> Machine:
    return healthy.rtx5090_desktop().replace(frameworks=frameworks.with_pythons(frameworks.python(*builds)))


def test_a_wheel_without_sm_120_on_blackwell() -> None:
    machine = blackwell(frameworks.torch("2.7.0+cu126", "12.6"))
    assert causes(machine) == {"wheel-lacks-gpu-arch"}
    found = finding(machine, "wheel-lacks-gpu-arch")
    assert found.severity == "failure" and "12.0" in found.title
    assert any(e.value == "0 of 1000 containers" for e in found.evidence)
    assert found.fix is not None and found.fix.commands[0].endswith("whl/cu128")


def test_ptx_that_the_driver_compiles_is_a_warning() -> None:
    found = finding(blackwell(frameworks.tensorflow()), "wheel-lacks-gpu-arch")
    assert found.severity == "warning" and "compute_90" in found.title


def test_ptx_newer_than_the_driver_is_no_help() -> None:
    targets = frameworks.targets(("9.0",), (Ptx("9.0", "", "9.9"),))
    build = frameworks.torch("2.7.0+cu126", "12.6").replace(targets=targets)
    assert finding(blackwell(build), "wheel-lacks-gpu-arch").severity == "failure"


def test_where_a_newer_driver_would_compile_the_ptx_that_is_a_way_too() -> None:
    """TensorFlow 2.15 holds PTX of CUDA 12.2 (ISA 8.2, branch 535) for an H100."""
    targets = Known(Targets((Cubin("8.0"),), (Ptx("8.0"),), "build_info"), "build_info.py")
    build = frameworks.tensorflow("2.15.1", cuda=Known("12.2", "build_info.py"), targets=targets)
    held = frameworks.with_pythons(frameworks.python(build))
    h100 = gpu.answering(1, "NVIDIA H100", "9.0", 0x2330, 80 << 30, True, "525.60.13", "12.0")
    old = healthy.rtx5090_desktop().replace(frameworks=held, gpu=h100)
    found = finding(old, "wheel-lacks-gpu-arch")
    assert found.fix is not None and "branch 535 or newer" in found.fix.summary


def test_the_build_with_sm_120_is_well() -> None:
    assert causes(blackwell(frameworks.torch("2.8.0+cu128", "12.8", frameworks.CU128))) == set()


def test_an_ada_gpu_runs_on_the_code_for_ampere() -> None:
    """8.9 has no entry in the list; code for 8.6 runs on it."""
    machine = healthy.rtx3050_laptop().replace(
        gpu=gpu.answering(1, "NVIDIA L4", "8.9", 0x27B8, 24 << 30, True), frameworks=frameworks.with_torch()
    )
    assert causes(machine) == set()


def test_code_for_exactly_9_0_does_not_run_on_what_follows() -> None:
    build = frameworks.torch("2.8.0+cu128", "12.8")
    held = build.targets.value.replace(cubins=(Cubin("8.0"), Cubin("12.0", "a")))
    spark = gpu.answering(1, "NVIDIA GB10", "12.1", 0x2E12, 100 << 30, False, "580.95.05", "13.0")
    machine = blackwell(build.replace(targets=Known(held, "fatbin"))).replace(gpu=spark)
    assert "wheel-lacks-gpu-arch" in causes(machine)


def test_a_gpu_older_than_the_build_is_another_cause() -> None:
    old = gpu.answering(1, "Tesla M40", "5.2", 0x17FD, 24 << 30, True)
    machine = healthy.rtx3050_laptop().replace(
        gpu=old,
        frameworks=frameworks.with_pythons(
            frameworks.python(frameworks.torch("2.8.0+cu128", "12.8", ("7.0", "8.0")))
        ),
    )
    assert "wheel-lacks-gpu-arch" not in causes(machine)


def test_targets_that_could_not_be_read_are_not_passed() -> None:
    result = judgement(blackwell(frameworks.torch().replace(targets=Unknown("no permission"))))
    assert "wheel-lacks-gpu-arch" not in result.passed
    assert "wheel-lacks-gpu-arch" in {s.id for s in result.skipped}


def test_eight_gpus_of_one_kind_are_one_finding() -> None:
    build = frameworks.torch("2.0.1+cu117", "11.7", ("3.7", "5.0", "7.0", "8.0"))
    node = healthy.h100_node().replace(frameworks=frameworks.with_pythons(frameworks.python(build)))
    assert "GPU 0 NVIDIA H100 80GB HBM3 and 7 more" in finding(node, "wheel-lacks-gpu-arch").title
