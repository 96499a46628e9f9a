"""container-driver-capabilities: a compose file that asks for utility alone."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known
from tests.judged import causes, finding
from tests.machines.parts import containers


def with_libraries(machine: Machine, *names: str) -> Machine:
    kept = tuple(lib for lib in machine.driver.libraries.value if lib.name in names)
    cuda = machine.gpu.cuda if "libcuda.so.1" in names else Absent("libcuda.so.1")
    nvml = machine.gpu.nvml if "libnvidia-ml.so.1" in names else Absent("libnvidia-ml.so.1")
    return machine.replace(
        driver=machine.driver.replace(libraries=Known(kept, "loader")),
        gpu=machine.gpu.replace(cuda=cuda, nvml=nvml),
    )


def asking(words: str) -> Machine:
    return containers.gpu_container(capabilities=Known(words, containers.ENVIRON))


def test_utility_alone_leaves_cuda_out() -> None:
    machine = with_libraries(asking("utility"), "libnvidia-ml.so.1")
    assert causes(machine) == {"container-driver-capabilities"}
    found = finding(machine, "container-driver-capabilities")
    assert found.severity == "failure"
    assert found.fix is not None and "compute,utility" in found.fix.commands[0]


def test_compute_alone_leaves_nvidia_smi_out() -> None:
    machine = with_libraries(asking("compute"), "libcuda.so.1")
    assert "container-driver-capabilities" in causes(machine)
    assert finding(machine, "container-driver-capabilities").severity == "warning"


def test_a_library_that_was_asked_for_is_missing_on_the_host() -> None:
    machine = with_libraries(asking("all"), "libnvidia-ml.so.1")
    fix = finding(machine, "container-driver-capabilities").fix
    assert fix is not None and fix.summary.startswith("On the host")


def test_the_same_list_with_both_libraries_is_well() -> None:
    assert causes(asking("utility")) == set()


def test_no_library_at_all_is_another_cause() -> None:
    assert "container-driver-capabilities" not in causes(with_libraries(asking("compute,utility")))


def test_a_container_without_any_gpu_is_another_cause() -> None:
    machine = containers.bare_container(capabilities=Known("utility", containers.ENVIRON))
    assert causes(machine) == {"container-no-gpu-flag"}
