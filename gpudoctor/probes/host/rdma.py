"""Network cards that read and write memory by themselves."""

from __future__ import annotations

from gpudoctor.facts.host import RdmaDevice
from gpudoctor.facts.observed import Known, Observed, Unknown, first_known
from gpudoctor.system.port import Port, look, names, observe

FOLDER = "/sys/class/infiniband"


def cards(port: Port) -> Observed[tuple[RdmaDevice, ...]]:
    """RDMA cards. Documentation/ABI/stable/sysfs-class-infiniband."""
    sysfs = observe(lambda: port.stat("/sys/class"), "/sys/class")
    if not isinstance(sysfs, Known):  # without a sysfs the missing folder says nothing
        return Unknown(sysfs.reason if isinstance(sysfs, Unknown) else "there is no /sys/class")
    return observe(lambda: tuple(_card(port, name) for name in port.listdir(FOLDER)), FOLDER)


def _card(port: Port, name: str) -> RdmaDevice:
    ports = [f"{FOLDER}/{name}/ports/{number}" for number in names(port, f"{FOLDER}/{name}/ports")]
    states = [look(port, f"{each}/state") for each in ports]
    up = first_known(*(s for s in states if isinstance(s, Known) and s.value.endswith("ACTIVE")), *states)
    active = (
        Known(up.value.endswith("ACTIVE"), up.via)
        if isinstance(up, Known)
        else Unknown(f"{FOLDER}/{name}: no port tells its state")
    )
    layer = first_known(*(look(port, f"{each}/link_layer") for each in ports))
    return RdmaDevice(name, active, layer)
