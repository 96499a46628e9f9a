"""cdi-rootless-symlink: /etc/cdi as a rootless daemon sees it."""

from __future__ import annotations

from gpudoctor.facts.observed import Known, Unknown
from tests.judged import causes, finding, judgement
from tests.machines.parts import containers


def seen_as(links: object, **changes: object) -> object:
    engine = containers.rootless_docker(cdi_dir_links=links, **changes)
    return containers.with_specs(containers.spec(), engines=Known((engine,), "PATH"))


def test_a_folder_that_is_a_link_is_not_read() -> None:
    machine = seen_as(Known(("/etc/cdi",), "/proc/900/root"))
    assert causes(machine) == {"cdi-rootless-symlink"}
    fix = finding(machine, "cdi-rootless-symlink").fix
    assert fix is not None and "cdi-spec-dirs" in fix.summary


def test_a_folder_that_is_one_is_well() -> None:
    assert causes(seen_as(Known((), "/proc/900/root"))) == set()


def test_a_specification_in_a_folder_of_its_own_is_well() -> None:
    engine = containers.rootless_docker(
        cdi_dir_links=Known(("/etc/cdi",), "/proc/900/root"), cdi_dirs=Known(("/home/u/.config/cdi",), "file")
    )
    machine = containers.with_specs(
        containers.spec("/home/u/.config/cdi/nvidia.yaml"), engines=Known((engine,), "PATH")
    )
    assert causes(machine) == set()


def test_another_users_daemon_can_not_be_looked_into() -> None:
    result = judgement(seen_as(Unknown("permission denied", "root")))
    assert "cdi-rootless-symlink" in {s.id for s in result.skipped}
