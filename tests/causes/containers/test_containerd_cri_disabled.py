"""containerd-cri-disabled: nvidia-ctk's success on Docker's own containerd file."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding
from tests.machines.parts import containers

DROP_IN = "/etc/containerd/conf.d/99-nvidia.toml"
OFF = {"cri_disabled": Known(True, "config.toml"), "config_version": Known(1, "config.toml")}


def containerd(**changes: object) -> Machine:
    return containers.gpu_host(engines=Known((containers.docker(), containers.containerd(**changes)), "PATH"))


def test_a_drop_in_that_nobody_imports() -> None:
    machine = containerd(
        **OFF,
        file_runtimes=Known({}, "config.toml"),
        drop_ins=Known({DROP_IN: 2}, "conf.d"),
        drop_ins_ignored=Known((DROP_IN,), "conf.d"),
    )
    assert causes(machine) == {"containerd-cri-disabled"}
    assert DROP_IN in str(finding(machine, "containerd-cri-disabled").evidence)


def test_dockers_own_file_without_a_runtime_is_as_it_should_be() -> None:
    assert causes(containerd(**OFF, file_runtimes=Known({}, "config.toml"))) == set()


def test_a_node_whose_plugin_is_on_is_well() -> None:
    assert causes(containerd()) == set()
