"""GPUs of a text: what nvidia-smi printed in it, what lspci lists, what prose names."""

from __future__ import annotations

import re
from functools import lru_cache

from gpudoctor.facts.gpu import Gpu, Nvml, NvmlDevice, PciDevice, Smi
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown
from gpudoctor.logs.told import Told

VIA = "the text"
NOT_TOLD = Unknown("the text does not tell it")
#: What follows from a driver and the GPUs that it drives.
OF_A_DRIVER = (
    "driver-too-old-for-runtime",
    "wheel-lacks-gpu-arch",
    "gpu-too-old-for-toolkit",
    "nvcc-arch-unsupported",
    "driver-branch-dropped-gpu",
    "driver-proprietary-module-required",
    "driver-open-module-required",
)
#: What NVML's description of a device decides.
OF_A_DEVICE = (
    "gpu-fell-off-bus",
    "ecc-uncorrectable",
    "gpu-exclusive-mode",
    "gpu-memory-nearly-full",
    "mig-without-instances",
    "gpu-requires-reset",
    "row-remap-failed",
    "retired-pages-pending",
    "pcie-link-degraded",
    "gpu-thermal-slowdown",
    "gpu-power-brake",
    "nvlink-fabric-manager",
)
#: What the bus decides.
OF_THE_BUS = (
    "nouveau-active",
    "gpu-bound-to-vfio",
    "no-nvidia-gpu",
    "driver-not-installed",
    "kernel-module-not-loaded",
    "secure-boot-unsigned-module",
    "kernel-headers-missing",
    "dkms-build-failed",
)


def told(told: Told) -> tuple[Gpu, tuple[str, ...]]:
    causes: tuple[str, ...] = ()
    devices = _devices(told)
    nvml: Observed[Nvml] = NOT_TOLD
    smi: Observed[Smi] = NOT_TOLD
    cuda = _newest_cuda(told)
    if told.driver_silent:
        devices = ()
    elif told.driver or isinstance(cuda, Known) or devices:
        driver = Known(told.driver, VIA) if told.driver else NOT_TOLD
        nvml = Known(Nvml("answered", 0, driver_version=driver, cuda_version=cuda, devices=devices), VIA)
        causes += OF_A_DRIVER
        if told.smi.kmd_version:
            smi = Known(
                Smi(
                    "answered",
                    "nvidia-smi",
                    0,
                    kmd_version=Known(told.smi.kmd_version, VIA),
                    cuda_version=cuda,
                ),
                VIA,
            )
        if told.smi_devices:
            causes += OF_A_DEVICE
    pci = _bus(told)
    if isinstance(pci, Known):
        causes += OF_THE_BUS
    return Gpu(pci=pci, nvml=nvml, smi=smi), causes


def _newest_cuda(told: Told) -> Observed[str]:
    """The CUDA that the driver implements: as it is told, else by the table where a branch alone is told ("driver 470")."""
    if told.driver_cuda:
        return Known(told.driver_cuda, VIA)
    if told.driver or not told.driver_branch:
        return NOT_TOLD
    from gpudoctor import knowledge

    row = knowledge.branch_cuda(told.driver_branch)
    return Known(row.cuda, f"driver {told.driver_branch} in the text ({row.source})") if row else NOT_TOLD


# ---------------------------------------------------------------- devices


def _devices(told: Told) -> tuple[NvmlDevice, ...]:
    shown = told.smi_devices
    if shown:
        return tuple(_with_capability(one, told) for one in shown)
    if not told.driver and not told.driver_branch and not (told.complains and len(told.gpus) == 1):
        return ()  # a GPU that prose names in passing
    return tuple(_named(index, name) for index, name in enumerate(told.gpus[:8]))


def _named(index: int, name: str) -> NvmlDevice:
    return NvmlDevice(index, name=Known(name, VIA), compute_capability=_capability(name))


def _with_capability(one: NvmlDevice, told: Told) -> NvmlDevice:
    """A device of nvidia-smi's. Its table cuts long names: then the one GPU that the rest of the text names is meant."""
    if not isinstance(one.name, Known) and len(told.gpus) == 1:
        one = one.replace(name=Known(told.gpus[0], VIA))
    if isinstance(one.compute_capability, Known) or not isinstance(one.name, Known):
        return one
    return one.replace(compute_capability=_capability(one.name.value))


@lru_cache(maxsize=32)
def _capability(name: str) -> Observed[str]:
    """People leave out the family and the blank: "RTX 5090", "RTX3060", "T4", "K80"."""
    from gpudoctor import knowledge

    name = re.sub(r"\b([RG]TX|GT)(?=\d)", r"\1 ", name)
    family = "GeForce " if name.startswith(("RTX", "GTX", "GT ")) else "Tesla "
    if name[:1].isdigit():  # "1080ti"
        name = f"{'GTX' if name < '2' or name[0] == '9' else 'RTX'} {name}"
        family = "GeForce "
    spaced = re.sub(r"(?i)(?<=\d) ?ti\b", " Ti", re.sub(r"(?<=TX)(?=\d)", " ", name))  # "GTX1080Ti"
    for spelled in dict.fromkeys((name, family + name, family + spaced)):
        model = knowledge.gpu_by_name(spelled)
        if model is not None and model.capability:
            return Known(model.capability, VIA)
    return NOT_TOLD


def capability_of(name: str) -> str:
    """The compute capability of a GPU as people and programs name it; "" where that is not on record."""
    found = _capability(name)
    return found.value if isinstance(found, Known) else ""


# ---------------------------------------------------------------- the bus


def _bus(told: Told) -> Observed[tuple[PciDevice, ...]]:
    """From lspci. That no GPU of NVIDIA's is there is known only where lspci was not asked for NVIDIA's alone."""
    slots = told.slots
    if not slots:
        # nouveau loads itself for NVIDIA's GPUs alone: where it is used and nvidia is not loaded, it has one.
        if "nouveau" in told.modules and "nvidia" not in told.modules and told.modules[0]:
            return Known((PciDevice("0000:??:??.?", 0x10DE, 0, 0x030000, Known("nouveau", VIA)),), VIA)
        return NOT_TOLD
    found = []
    for slot in slots:
        driver: Observed[str] = Known(slot.driver, VIA) if slot.driver else NOT_TOLD
        if slot.detailed and not slot.driver:
            driver = Absent(VIA)
        found.append(
            PciDevice(slot.address, slot.vendor, slot.device or _id_of(slot.name), slot.class_code, driver)
        )
    filtered = re.search(r"lspci[^\n]{0,40}\| ?e?grep[^\n]{0,20}nvidia", told.low) is not None
    if filtered and not any(slot.vendor == 0x10DE for slot in slots):
        return NOT_TOLD
    return Known(tuple(found), VIA)


def _id_of(name: str) -> int:
    """The PCI id of a product that lspci names in brackets without -nn: "GA102 [GeForce RTX 3090] (rev a1)". 0: not known."""
    from gpudoctor import knowledge

    product = re.search(r"\[([^\]]+)\]", name)
    return (knowledge.pci_id(product[1]) or 0) if product else 0
