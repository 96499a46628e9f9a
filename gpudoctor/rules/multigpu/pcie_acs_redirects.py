"""A PCIe switch sends what GPUs say to each other through the processor

What it is: Access Control Services of PCIe, which separate devices for virtual machines, are on at the ports of a switch that two GPUs
share. Firmware and kernels turn them on together with the IOMMU.

Why it hurts: Data from one GPU to the other goes up to the processor and back instead of through the switch. That is slow, and on
some machines copies between GPUs hang or bring wrong data: NCCL stops at its first collective, while each GPU by itself works.

How to tell: ReqRedir or CmpltRedir in ACSCtl of the switch's ports above the GPUs (`sudo lspci -vvv`), on a machine that is not itself
a virtual one. GPUs that are joined by NVLink talk over that. Only root of the host may read the ports.

How to fix: Clear the bits of these ports until the next start, and see whether it helps; for good, turn ACS or the IOMMU off in the
firmware, or give the kernel `pci=disable_acs_redir=` with the ports. Not on a host that hands devices to virtual machines: they need
the separation. NCCL_P2P_DISABLE=1 goes round it, slowly, and only proves it.

Sources: https://docs.nvidia.com/deeplearning/nccl/user-guide/docs/troubleshooting.html
https://github.com/NVIDIA/nccl/issues/304
https://github.com/intel/compute-runtime/issues/935
https://docs.kernel.org/admin-guide/kernel-parameters.html
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from gpudoctor.facts.gpu import Bridge, Gpu, PciDevice
from gpudoctor.facts.observed import Known, Unknown, value_of
from gpudoctor.findings import CannotLook, DoesNotApply, Evidence, Fix, Problem, device
from gpudoctor.rules.judging import devices, nvidia_gpus
from gpudoctor.rules.witnesses import well_now

#: ReqRedir and CmpltRedir of ACSCtl (include/uapi/linux/pci_regs.h).
REDIRECTS = 0x04 | 0x08


def check(gpu: Gpu) -> Iterator[Problem]:
    ours = [one for one in nvidia_gpus(gpu) if value_of(one.driver, "").partition("-")[0] == "nvidia"]
    if len(ours) < 2:
        raise DoesNotApply("fewer than two GPUs with NVIDIA's driver")
    for one in ours:
        if isinstance(one.bridges, Unknown):
            raise CannotLook(f"the bridges above {one.address}: {one.bridges.reason}", "", well_now(gpu))
    ports: dict[str, list[Bridge]] = {}
    for one, other in itertools.combinations(ours, 2):
        shared, parting = _parting(one, other)
        if shared:
            ports.setdefault(shared, []).extend(parting)
    if not ports:
        raise DoesNotApply("no two GPUs share a PCIe switch")
    for shared, parting in ports.items():
        untold = [port.acs for port in parting if isinstance(port.acs, Unknown)]
        if untold:
            raise CannotLook(
                f"Access Control Services: {untold[0].reason}", untold[0].would_help, well_now(gpu)
            )
        redirecting = {
            p.address: p.acs.value for p in parting if isinstance(p.acs, Known) and p.acs.value & REDIRECTS
        }
        if redirecting:
            yield _problem(gpu, shared, redirecting)


def _parting(one: PciDevice, other: PciDevice) -> tuple[str, list[Bridge]]:
    """The last bridge above both, and the two ports right below it."""
    shared = ""
    for mine, its in zip(value_of(one.bridges, ()), value_of(other.bridges, ()), strict=False):
        if mine.address != its.address:
            return shared, [mine, its] if shared else []
        shared = mine.address
    return "", []


def _problem(gpu: Gpu, shared: str, redirecting: dict[str, int]) -> Problem:
    linked = all(any(value_of(one.nvml.nvlinks, ())) for one in devices(gpu) if one.nvml) and bool(
        devices(gpu)
    )
    return Problem(
        f"The PCIe switch {shared} sends what its GPUs say to each other through the processor (ACS)",
        device(shared, f"PCIe switch {shared}"),
        "note" if linked else "warning",
        tuple(
            Evidence(f"ACSCtl of {address}", f"0x{acs:04x}", f"/sys/bus/pci/devices/{address}/config")
            for address, acs in sorted(redirecting.items())
        ),
        fix=Fix(
            "Unless virtual machines use devices of this host: clear it until the next start, and try again",
            tuple(f"sudo setpci -s {address} ECAP_ACS+0x6.w=0000" for address in sorted(redirecting)),
        ),
    )
