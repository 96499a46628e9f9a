"""Does the kernel module's flavour fit each GPU? Shared by the two causes that say it does not."""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.driver import Driver
from gpudoctor.facts.gpu import Gpu, PciDevice
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.findings import CouldNotTell, DoesNotApply, Evidence, Fix, Problem, seen
from gpudoctor.rules.driver._installation import (
    capability,
    described,
    events,
    flavour_commands,
    flavour_here,
    gpus,
    installation,
    native_linux,
    not_for_guests,
    other_drivers,
    product,
    quoted,
    silent,
    subject,
    version_here,
)


def judge(host: Host, driver: Driver, gpu: Gpu, wanted: str, event: str) -> Iterator[Problem | CouldNotTell]:
    """Problems for the GPUs that need flavour `wanted` and have the other one."""
    native_linux(host)
    found = not_for_guests(gpus(gpu))
    if not isinstance(driver.module, Known) and not installation(host, driver):
        raise DoesNotApply("no NVIDIA driver is installed")
    flavour = flavour_here(host, driver)
    ill: list[PciDevice] = []
    for one in silent(gpu, found):
        if other_drivers(gpu, one, found):
            continue
        needs = _needs(gpu, one, event, host)
        if isinstance(needs, CouldNotTell):
            yield needs
        elif needs == (wanted,):
            if isinstance(flavour, Known) and flavour.value not in needs:
                ill.append(one)
            elif not isinstance(flavour, Known):
                reason = getattr(flavour, "reason", "the flavour of the module is not known")
                yield CouldNotTell(f"{product(one)} needs the {wanted} module: {reason}")
    if not ill:
        return
    has = "open" if wanted == "proprietary" else "proprietary"
    version = value_of(version_here(host, driver), "")
    for whom in subject(gpu, ill, found):
        yield Problem(
            f"{described(ill)} needs the {wanted} kernel module, and driver {version} has the {has} one".replace(
                "  ", " "
            ),
            whom,
            evidence=(
                seen("flavour of the kernel module", flavour),
                *(seen(f"compute capability of {d.address}", capability(gpu, d)) for d in ill),
                Evidence("driver", version),
                *quoted(host, events(host, event)),
            ),
            fix=Fix(
                f"Install the {wanted} flavour of the kernel module and reboot",
                flavour_commands(host, driver, wanted),
                "manual",
            ),
        )


def _needs(gpu: Gpu, one: PciDevice, event: str, host: Host) -> tuple[str, ...] | CouldNotTell:
    """The flavours that can drive this GPU: what the driver itself says in the log first, then the table."""
    from gpudoctor import knowledge

    for said in events(host, "needs-open-module", "no-gsp-in-gpu"):
        if said.pci and one.address.lower().startswith(said.pci):
            return ("open",) if said.kind == "needs-open-module" else ("proprietary",)
    known = capability(gpu, one)
    if not isinstance(known, Known):
        return CouldNotTell(f"{one.address}: {getattr(known, 'reason', 'capability not known')}")
    row = knowledge.module_flavour(known.value)
    if row is None:
        return CouldNotTell(f"{product(one)}: no row for compute capability {known.value}")
    return row.flavours
