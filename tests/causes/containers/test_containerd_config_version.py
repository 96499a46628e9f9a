"""containerd-config-version: files of containerd that don't go together."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known
from tests.judged import causes, finding, judgement
from tests.machines.parts import containers

DROP_IN = "/etc/containerd/conf.d/99-nvidia.toml"


def containerd(version: str, main: int, drop_in: int = 0) -> Machine:
    engine = containers.containerd(
        version=Known(version, "containerd --version"),
        config_version=Known(main, "config.toml"),
        drop_ins=Known({DROP_IN: drop_in} if drop_in else {}, "conf.d"),
    )
    return containers.gpu_host(engines=Known((engine,), "PATH"))


def test_version_3_is_refused_by_containerd_1_7() -> None:
    machine = containerd("1.7.24", 3)
    assert causes(machine) == {"containerd-config-version"}
    assert "refuses" in finding(machine, "containerd-config-version").title


def test_version_3_is_ignored_by_containerd_1_6() -> None:
    assert "silently ignores" in finding(containerd("1.6.20", 3), "containerd-config-version").title


def test_a_newer_drop_in_drops_the_main_files_settings() -> None:
    machine = containerd("2.1.9", 2, 3)
    assert causes(machine) == {"containerd-config-version"}
    assert finding(machine, "containerd-config-version").severity == "warning"


def test_files_of_one_version_are_well() -> None:
    for version, files in (("1.7.24", 2), ("2.1.9", 2), ("2.1.9", 3)):
        assert causes(containerd(version, files, files)) == set()


def test_an_unknown_containerd_is_no_verdict() -> None:
    machine = containerd("2.1.9", 3)
    engine = machine.containers.engines.value[0].replace(version=Absent("PATH"))
    machine = containers.gpu_host(engines=Known((engine,), "PATH"))
    assert "containerd-config-version" in {s.id for s in judgement(machine).skipped}
