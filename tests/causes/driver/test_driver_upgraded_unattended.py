"""driver-upgraded-unattended: the mismatch that comes some night."""

from __future__ import annotations

from pathlib import Path

import pytest

from gpudoctor.engine import Asking
from gpudoctor.facts.driver import Driver
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known
from gpudoctor.system.root import Root
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import containers
from tests.sysroot import build

ID = "driver-upgraded-unattended"
STATUS = (
    "Package: bash\nStatus: install ok installed\nVersion: 5.2\n\n"
    "Package: nvidia-driver-550\nStatus: {0} ok installed\nVersion: 550.163.01-0ubuntu1\n\n"
    "Package: libnvidia-compute-550\nStatus: {0} ok installed\nVersion: 550.163.01-0ubuntu1\n"
)
ON = 'APT::Periodic::Update-Package-Lists "1";\nAPT::Periodic::Unattended-Upgrade "1";\n'


def server(names: tuple[str, ...]) -> Machine:
    node = healthy.h100_node()
    return node.replace(driver=node.driver.replace(unattended=Known(names, "/etc/apt/apt.conf.d")))


def test_a_driver_that_is_upgraded_by_itself_is_a_note_with_the_line_that_stops_it() -> None:
    assert causes(server(("nvidia-driver-550",))) == {ID}
    found = finding(server(("nvidia-driver-550", "libnvidia-compute-550")), ID)
    assert found.severity == "note" and found.title.endswith("nvidia-driver-550 and 1 more packages")
    assert found.fix is not None and "Package-Blacklist" in found.fix.commands[0]


def test_a_machine_that_leaves_it_to_its_owner_is_well() -> None:
    assert causes(server(())) == set()
    node = healthy.h100_node()
    absent = node.driver.replace(unattended=Absent("/usr/bin/unattended-upgrade"))
    assert causes(node.replace(driver=absent)) == set()


def test_in_a_container_it_is_the_hosts_business() -> None:
    inside = containers.gpu_container()
    machine = inside.replace(driver=inside.driver.replace(unattended=Known(("nvidia-driver-550",), "x")))
    assert ID not in causes(machine)


@pytest.mark.parametrize(
    ("files", "status", "expected"),
    [
        ({"20auto-upgrades": ON}, "install", ("nvidia-driver-550", "libnvidia-compute-550")),
        ({"20auto-upgrades": ON}, "hold", ()),
        ({"20auto-upgrades": ON.replace('Upgrade "1"', 'Upgrade "0"')}, "install", ()),
        ({"20auto-upgrades": ON, "99local": 'APT::Periodic::Unattended-Upgrade "0";\n'}, "install", ()),
        ({"20auto-upgrades": "// " + ON.replace("\n", "\n// ")}, "install", ()),
        (
            {
                "20auto-upgrades": ON,
                "50u": 'Unattended-Upgrade::Package-Blacklist {\n// "lib";\n"nvidia-";\n};\n',
            },
            "install",
            ("libnvidia-compute-550",),
        ),
        (
            {
                "20auto-upgrades": ON,
                "50u": 'Unattended-Upgrade::Package-Blacklist { "(broken"; ".*nvidia"; };',
            },
            "install",
            (),
        ),
    ],
)
def test_what_the_files_of_apt_and_dpkg_say(
    tmp_path: Path, files: dict[str, str], status: str, expected: tuple[str, ...]
) -> None:
    assert probed(tmp_path, files, status).unattended == Known(expected, "/etc/apt/apt.conf.d")


def test_without_the_program_nothing_is_upgraded(tmp_path: Path) -> None:
    driver = Asking(
        Root(build(tmp_path, {"/var/lib/dpkg/status": STATUS.format("install")})), ("driver",)
    ).machine()
    assert isinstance(driver.driver.unattended, Absent)


def probed(place: Path, files: dict[str, str], status: str) -> Driver:
    root = build(
        place,
        {
            "/usr/bin/unattended-upgrade": "",
            "/var/lib/dpkg/status": STATUS.format(status),
            **{f"/etc/apt/apt.conf.d/{name}": text for name, text in files.items()},
        },
    )
    return Asking(Root(root), ("driver",)).machine().driver
