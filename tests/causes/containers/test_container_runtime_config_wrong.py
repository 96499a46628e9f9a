"""container-runtime-config-wrong: the toolkit looks for the driver where the operator had it."""

from __future__ import annotations

from gpudoctor.facts.observed import Known, Unknown
from tests.judged import causes, finding
from tests.machines.parts import containers, driver

ROOT = "/run/nvidia/driver"


def test_the_operators_root_with_the_hosts_own_driver() -> None:
    machine = containers.with_toolkit(
        driver_root=Known(ROOT, containers.CONFIG), driver_root_exists=Known(True, ROOT)
    )
    assert causes(machine) == {"container-runtime-config-wrong"}
    found = finding(machine, "container-runtime-config-wrong")
    assert ROOT in found.title
    assert found.fix is not None and "nvidia-container-cli.root=/" in found.fix.commands[0]


def test_a_root_that_is_not_there() -> None:
    machine = containers.with_toolkit(
        driver_root=Known("/opt/driver", containers.CONFIG), driver_root_exists=Known(False, "/opt/driver")
    )
    assert causes(machine) == {"container-runtime-config-wrong"}


def test_the_operators_root_with_the_operators_driver_is_well() -> None:
    machine = containers.with_toolkit(
        driver_root=Known(ROOT, containers.CONFIG), driver_root_exists=Known(True, ROOT)
    )
    operators = tuple(
        driver.library(name, "550.163.01", f"{ROOT}/usr/lib", origin="unreached")
        for name in ("libcuda.so.1", "libnvidia-ml.so.1")
    )
    libraries = Known(operators, "loader")
    assert "container-runtime-config-wrong" not in causes(
        machine.replace(driver=machine.driver.replace(libraries=libraries))
    )


def test_a_file_that_is_no_toml_is_quoted_with_its_place() -> None:
    broken = Unknown("not understood")
    machine = containers.with_toolkit(
        config_error=Known("Expected '=' (at line 3, column 7)", containers.CONFIG),
        no_cgroups=broken,
        driver_root=broken,
        ldconfig_exists=broken,
        mode=broken,
    )
    assert "line 3" in finding(machine, "container-runtime-config-wrong").title


def test_the_root_itself_is_well() -> None:
    machine = containers.with_toolkit(
        driver_root=Known("/", containers.CONFIG), driver_root_exists=Known(True, "/")
    )
    assert causes(machine) == set()
