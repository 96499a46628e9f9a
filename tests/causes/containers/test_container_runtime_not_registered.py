"""container-runtime-not-registered: what the daemon lists, against what its file says."""

from __future__ import annotations

from gpudoctor.facts.observed import Known, Unknown
from tests.judged import causes, finding, judgement
from tests.machines.parts import containers

WITHOUT = Known(("io.containerd.runc.v2", "runc"), containers.INFO)


def test_a_file_that_the_daemon_has_not_read_again() -> None:
    machine = containers.with_docker(runtimes=WITHOUT)
    assert causes(machine) == {"container-runtime-not-registered"}
    found = finding(machine, "container-runtime-not-registered")
    assert found.severity == "failure"
    assert found.fix is not None and found.fix.commands == ("sudo systemctl reload docker",)


def test_a_file_that_was_never_written() -> None:
    machine = containers.with_docker(runtimes=WITHOUT, file_runtimes=Known({}, containers.FILE))
    found = finding(machine, "container-runtime-not-registered")
    assert found.severity == "warning"
    assert found.fix is not None and f"--config={containers.FILE}" in found.fix.commands[0]


def test_a_rootless_daemon_reads_the_file_of_its_user() -> None:
    engine = containers.rootless_docker(runtimes=WITHOUT, file_runtimes=Known({}, "~"))
    machine = containers.gpu_host(
        engines=Known((engine,), "PATH"),
        cdi=Known((containers.spec("/home/u/.config/cdi/nvidia.yaml"),), "cdi"),
    )
    fix = finding(machine, "container-runtime-not-registered").fix
    assert fix is not None and "/home/u/.config/docker/daemon.json" in fix.commands[0]
    assert not fix.commands[0].startswith("sudo")


def test_with_cdi_the_name_alone_is_missing() -> None:
    machine = containers.with_specs(
        containers.spec(),
        engines=Known(
            (containers.docker(runtimes=WITHOUT, file_runtimes=Known({}, containers.FILE)),), "PATH"
        ),
    )
    assert finding(machine, "container-runtime-not-registered").severity == "note"


def test_a_daemon_that_lists_it_is_well() -> None:
    assert causes(containers.gpu_host()) == set()


def test_a_daemon_that_may_not_be_asked_is_believed_by_its_file() -> None:
    """Its user is not in the docker group; nothing contradicts the file."""
    machine = containers.with_docker(runtimes=Unknown("permission denied", "root"))
    assert "container-runtime-not-registered" not in causes(machine)


def test_neither_answer_nor_file_is_no_verdict() -> None:
    denied = Unknown("permission denied", "root")
    result = judgement(containers.with_docker(runtimes=denied, file_runtimes=denied))
    assert "container-runtime-not-registered" in {s.id for s in result.skipped}
