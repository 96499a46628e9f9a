"""no-nvidia-gpu: a machine without one is ill only where somebody wants one."""

from __future__ import annotations

from gpudoctor.facts.containers import Inside
from gpudoctor.facts.gpu import Nvml
from gpudoctor.facts.machine import Expectation, Machine
from gpudoctor.facts.observed import LATE, Known, Unknown
from tests.judged import causes, finding, judgement
from tests.machines import healthy
from tests.machines.parts import driver


def wanted() -> Machine:
    return healthy.no_gpu_server().replace(expectation=Expectation("--require-gpu"))


def container(visible: str) -> Machine:
    server = healthy.no_gpu_server()
    inside = Inside("docker", "/.dockerenv", Known(visible, "environ"))
    return server.replace(containers=server.containers.replace(inside=Known(inside, "/.dockerenv")))


def test_no_gpu_where_one_is_required_is_a_failure() -> None:
    assert causes(wanted()) == {"no-nvidia-gpu"}
    found = finding(wanted(), "no-nvidia-gpu")
    assert found.severity == "failure" and "--require-gpu" in found.title


def test_no_gpu_where_nobody_wants_one_is_a_note() -> None:
    assert [f.id for f in judgement(healthy.no_gpu_server()).findings] == ["no-nvidia-gpu"]
    assert finding(healthy.no_gpu_server(), "no-nvidia-gpu").severity == "note"


def test_a_machine_with_a_gpu_has_one() -> None:
    assert causes(healthy.rtx3050_laptop()) == set()


def test_a_container_that_was_given_a_device_misses_it() -> None:
    found = finding(container("GPU-00000000-0000-4000-8000-000000000000"), "no-nvidia-gpu")
    assert found.severity == "failure"


def test_a_cuda_image_expects_a_gpu_and_void_does_not() -> None:
    assert finding(container("all"), "no-nvidia-gpu").severity == "failure"
    assert finding(container("void"), "no-nvidia-gpu").severity == "note"


def test_a_driver_without_a_gpu_is_worth_a_note() -> None:
    machine = healthy.no_gpu_server()
    machine = machine.replace(driver=driver.not_loaded())
    assert finding(machine, "no-nvidia-gpu").severity == "note"


def test_a_library_that_answers_strangely_keeps_a_gpu_possible() -> None:
    machine = wanted()
    strange = machine.gpu.replace(nvml=Known(Nvml("failed", 999, "Unknown Error"), "nvml"))
    assert "no-nvidia-gpu" not in causes(machine.replace(gpu=strange))


def test_an_unreadable_bus_rules_nothing_out() -> None:
    machine = wanted()
    blind = machine.gpu.replace(pci=Unknown("permission denied"))
    judged = judgement(machine.replace(gpu=blind))
    assert "no-nvidia-gpu" in {s.id for s in judged.skipped}


def test_a_driver_library_that_never_answered_leaves_a_gpu_possible() -> None:
    """The bus shows none, and libnvidia-ml hung until the time for everything was over: that is no agreement."""
    server = healthy.no_gpu_server()
    silent = server.replace(gpu=server.gpu.replace(nvml=LATE))
    assert "no-nvidia-gpu" not in {f.id for f in judgement(silent).findings}
