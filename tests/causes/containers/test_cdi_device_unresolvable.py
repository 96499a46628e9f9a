"""cdi-device-unresolvable: the toolkit's runtime is set to CDI, and nothing defines nvidia.com/gpu."""

from __future__ import annotations

from gpudoctor.facts.observed import Known
from tests.judged import causes, finding
from tests.machines.parts import containers

CDI = Known(containers.toolkit(mode=Known("cdi", containers.CONFIG)), "/usr/bin")


def test_mode_cdi_without_a_specification() -> None:
    machine = containers.gpu_host(toolkit=CDI, cdi=Known((), "/etc/cdi, /var/run/cdi"))
    assert causes(machine) == {"cdi-device-unresolvable"}
    fix = finding(machine, "cdi-device-unresolvable").fix
    assert fix is not None and "cdi generate" in fix.commands[0]


def test_with_a_specification_or_in_the_usual_mode_all_is_well() -> None:
    assert causes(containers.gpu_host(toolkit=CDI, cdi=Known((containers.spec(),), "/etc/cdi"))) == set()
    assert causes(containers.gpu_host(cdi=Known((), "/etc/cdi, /var/run/cdi"))) == set()
