"""container-no-gpu-flag: a CUDA image run without --gpus, against one that was never meant to have a GPU."""

from __future__ import annotations

from gpudoctor.facts.machine import Expectation
from gpudoctor.facts.observed import Absent, Known, Unknown
from tests.judged import causes, finding, judgement
from tests.machines.parts import containers, driver, gpu


def test_a_cuda_image_run_without_gpus_is_named_and_the_flag_given() -> None:
    machine = containers.bare_container()
    assert causes(machine) == {"container-no-gpu-flag"}
    fix = finding(machine, "container-no-gpu-flag").fix
    assert fix is not None and "--gpus all" in fix.commands[0]


def test_on_a_host_without_any_gpu_the_image_still_asks_for_one() -> None:
    machine = containers.bare_container().replace(gpu=gpu.none(), driver=driver.missing())
    assert "container-no-gpu-flag" in causes(machine)


def test_a_plain_image_on_a_gpu_host_is_named_by_the_bus() -> None:
    machine = containers.bare_container(visible_devices=Absent(containers.ENVIRON))
    assert "container-no-gpu-flag" in causes(machine)
    assert "0000:01:00.0" in [e.value for e in finding(machine, "container-no-gpu-flag").evidence]


def test_podman_gets_podmans_own_command() -> None:
    fix = finding(containers.bare_container(kind="podman"), "container-no-gpu-flag").fix
    assert fix is not None and "--device nvidia.com/gpu=all" in fix.commands[0]


def test_nodes_without_libraries_are_half_a_gpu() -> None:
    whole = containers.gpu_container(driver_mounts=Known((), "mounts"))
    machine = whole.replace(
        driver=whole.driver.replace(libraries=Known((), "loader")),
        gpu=gpu.none().replace(pci=whole.gpu.pci),
    )
    assert "container-no-gpu-flag" in causes(machine)
    assert "no driver libraries" in finding(machine, "container-no-gpu-flag").title


def test_a_container_that_wants_no_gpu_is_well() -> None:
    for wish in ("void", "none", ""):
        machine = containers.bare_container(visible_devices=Known(wish, containers.ENVIRON))
        assert "container-no-gpu-flag" not in causes(machine)


def test_unless_its_user_demands_one() -> None:
    machine = containers.bare_container(visible_devices=Known("void", containers.ENVIRON))
    assert "container-no-gpu-flag" in causes(machine.replace(expectation=Expectation("--require-gpu")))


def test_nvidiactl_alone_is_no_gpu() -> None:
    """NVIDIA's libraries create the control node themselves when root loads them."""
    machine = containers.bare_container()
    nodes = Known((driver.node("/dev/nvidiactl", 255),), "/dev")
    assert "container-no-gpu-flag" in causes(machine.replace(driver=machine.driver.replace(nodes=nodes)))


def test_a_container_with_its_gpu_is_well() -> None:
    assert causes(containers.gpu_container()) == set()


def test_the_hosts_module_is_a_sign_where_the_bus_is_hidden() -> None:
    bare = containers.bare_container(visible_devices=Absent(containers.ENVIRON))
    assert "container-no-gpu-flag" in causes(bare.replace(gpu=gpu.none()))
    plain = bare.replace(gpu=gpu.none(), driver=driver.missing())
    assert "container-no-gpu-flag" not in causes(plain)


def test_without_bus_and_variables_it_is_no_verdict() -> None:
    nobody = Unknown("permission denied", "root")
    bare = containers.bare_container(visible_devices=nobody)
    hidden = bare.replace(gpu=gpu.none().replace(pci=nobody), driver=driver.missing())
    assert "container-no-gpu-flag" in {s.id for s in judgement(hidden).skipped}


def test_libraries_that_nobody_could_look_for_are_no_verdict() -> None:
    whole = containers.gpu_container()
    machine = whole.replace(driver=whole.driver.replace(libraries=Unknown("no cache")))
    assert "container-no-gpu-flag" not in {f.id for f in judgement(machine).findings}
