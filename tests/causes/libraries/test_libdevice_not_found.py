"""libdevice-not-found: XLA's own places, and none has it."""

from __future__ import annotations

from gpudoctor.facts.cuda import Cuda, SiteLibdevice
from gpudoctor.facts.frameworks import Frameworks
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding, judgement
from tests.machines import healthy
from tests.machines.parts import cuda, rest

ID = "libdevice-not-found"


def tensorflow(*packages: str) -> Frameworks:
    return cuda.environment_with(
        *(cuda.package(name) for name in packages), builds=(cuda.build("tensorflow", "2.18.0", "12.5"),)
    )


def laptop(toolkit: Cuda, frameworks: Frameworks, **variables: str) -> Machine:
    looked = toolkit.replace(libdevices=Known((SiteLibdevice(cuda.SITE),), "site-packages"))
    return healthy.rtx3050_laptop().replace(
        cuda=looked, frameworks=frameworks, environment=cuda.shell(**variables)
    )


def beside(machine: Machine, *paths: str) -> Machine:
    """The same with copies where the packages of the site look."""
    found = (SiteLibdevice(cuda.SITE, paths),)
    return machine.replace(cuda=machine.cuda.replace(libdevices=Known(found, "site-packages")))


def elsewhere(prefix: str = "/data/cuda1204") -> Cuda:
    return cuda.installed(cuda.toolkit("12.4", prefix))


def test_tensorflow_without_toolkit_and_wheel() -> None:
    machine = laptop(rest.no_toolkit(), tensorflow())
    assert ID in causes(machine)
    found = finding(machine, ID)
    assert found.severity == "warning"
    assert found.fix is not None and "nvidia-cuda-nvcc-cu12" in found.fix.commands[0]


def test_a_toolkit_in_a_prefix_that_xla_does_not_know_does_not_help() -> None:
    machine = laptop(elsewhere(), tensorflow())
    fix = finding(machine, ID).fix
    assert fix is not None and "--xla_gpu_cuda_data_dir=/data/cuda1204" in fix.commands[1]


JAX = cuda.environment_with(builds=(cuda.build("jax-cuda12-plugin", "0.4.1", "12.8"),))


def test_jax_fails_outright() -> None:
    assert finding(laptop(rest.no_toolkit(), JAX), ID).severity == "failure"


def test_a_jax_wheel_that_brings_its_own_copy_is_well() -> None:
    own = f"{cuda.SITE}/jax_plugins/xla_cuda12/cuda/nvvm/libdevice/libdevice.10.bc"
    assert ID not in causes(beside(laptop(rest.no_toolkit(), JAX), own))
    assert ID in causes(beside(laptop(rest.no_toolkit(), tensorflow()), own))


def test_tensorflow_beside_such_a_jax_is_judged_for_itself() -> None:
    own = f"{cuda.SITE}/jax_plugins/xla_cuda12/cuda/nvvm/libdevice/libdevice.10.bc"
    both = cuda.environment_with(
        builds=(cuda.build("tensorflow", "2.18.0", "12.5"), cuda.build("jax-cuda12-plugin", "0.5.3", "12.8"))
    )
    assert "tensorflow" in finding(beside(laptop(rest.no_toolkit(), both), own), ID).title


def test_the_environments_prefix_counts() -> None:
    """conda's cuda-nvcc puts it there."""
    assert ID not in causes(
        beside(laptop(rest.no_toolkit(), tensorflow()), "/venv/nvvm/libdevice/libdevice.10.bc")
    )


def test_a_site_that_nobody_looked_into_is_left_open() -> None:
    machine = laptop(rest.no_toolkit(), JAX)
    result = judgement(machine.replace(cuda=machine.cuda.replace(libdevices=Known((), "site-packages"))))
    assert ID in {skip.id for skip in result.skipped} and ID not in result.passed


def test_xla_flags_that_name_it_are_well() -> None:
    named = laptop(elsewhere(), tensorflow(), XLA_FLAGS="--xla_gpu_cuda_data_dir=/data/cuda1204")
    assert ID not in causes(named)


def test_xla_flags_that_name_another_folder_are_not() -> None:
    named = laptop(elsewhere(), tensorflow(), XLA_FLAGS="--xla_gpu_cuda_data_dir=/usr/local/cuda-10.1")
    assert "/usr/local/cuda-10.1 holds none" in finding(named, ID).title


def test_the_wheel_beside_it_is_enough() -> None:
    assert ID not in causes(laptop(rest.no_toolkit(), tensorflow("nvidia-cuda-nvcc-cu12")))


def test_usr_local_cuda_by_its_link_is_enough() -> None:
    kit = cuda.installed(cuda.toolkit("12.4"))
    link = cuda.selects("/usr/local/cuda", "/usr/local/cuda-12.4", "/usr/local/cuda")
    linked = kit.replace(selections=Known((*cuda.on_path("/usr/local/cuda-12.4"), link), "environment"))
    assert ID not in causes(laptop(linked, tensorflow()))
    assert ID in causes(laptop(kit, tensorflow()))


def test_a_cpu_machine_is_not_judged() -> None:
    machine = healthy.no_gpu_server().replace(frameworks=tensorflow())
    assert ID not in causes(machine)
