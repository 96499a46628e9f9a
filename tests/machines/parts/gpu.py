"""Healthy GPUs. Composed: PCI ids and compute capabilities from pci.ids and NVIDIA's CUDA GPU list; UUIDs made up."""

from __future__ import annotations

from gpudoctor.facts.gpu import (
    Bar,
    Bridge,
    CudaDevice,
    CudaDriver,
    Gpu,
    Nvml,
    NvmlDevice,
    PciDevice,
    RemappedRows,
    Smi,
)
from gpudoctor.facts.observed import Absent, Known

LIB = "/usr/lib/x86_64-linux-gnu"


def uuid(index: int) -> str:
    return f"GPU-00000000-0000-4000-8000-{index:012d}"


def address(index: int) -> str:
    return f"0000:{index + 1:02x}:00.0"


def pci(
    index: int, device: int, bar: int = 8 << 30, width: int = 16, speed: float = 16.0, **changes: object
) -> PciDevice:
    base = PciDevice(
        address(index),
        0x10DE,
        device,
        0x030200,
        Known("nvidia", "/sys/bus/pci"),
        Known((Bar(0, 16 << 20, True), Bar(1, bar, True)), "/sys/bus/pci"),
        Known("active", "/sys/bus/pci"),
        Known(width, "/sys/bus/pci"),
        Known(width, "/sys/bus/pci"),
        Known(speed, "/sys/bus/pci"),
        Known(speed, "/sys/bus/pci"),
        Known((Bridge(f"0000:00:{index + 1:02x}.0", Absent("no GPUs part here")),), "/sys/bus/pci"),
    )
    return base.replace(**changes)


def nvml_device(
    index: int, name: str, capability: str, memory: int, datacenter: bool, **changes: object
) -> NvmlDevice:
    base = NvmlDevice(
        index=index,
        uuid=Known(uuid(index), "nvml"),
        name=Known(name, "nvml"),
        pci=Known(f"0000{address(index)}".upper(), "nvml"),
        compute_capability=Known(capability, "nvml"),
        memory_total=Known(memory, "nvml"),
        memory_used=Known(500 << 20, "nvml"),
        mig_enabled=Known(False, "nvml") if datacenter else Absent("nvml: Not Supported"),
        mig_instances=Known((), "nvml"),
        ecc_enabled=Known(True, "nvml") if datacenter else Absent("nvml: Not Supported"),
        ecc_uncorrected_volatile=Known(0, "nvml") if datacenter else Absent("nvml: Not Supported"),
        ecc_uncorrected_aggregate=Known(0, "nvml") if datacenter else Absent("nvml: Not Supported"),
        remapped_rows=Known(RemappedRows(0, 0, False, False), "nvml")
        if datacenter
        else Absent("nvml: Not Supported"),
        retired_pages_pending=Absent("nvml: Not Supported"),
        link_generation=Known(4, "nvml"),
        link_generation_max=Known(4, "nvml"),
        link_width=Known(16, "nvml"),
        link_width_max=Known(16, "nvml"),
        throttle=Known((), "nvml"),
        persistence=Known(True, "nvml"),
        compute_mode=Known("default", "nvml"),
        nvlinks=Known((), "nvml"),
        fabric=Absent("nvml: Not Supported"),
        processes=Known((), "nvml"),
        temperature=Known(41, "nvml"),
        power=Known(70.0, "nvml"),
        power_limit=Known(700.0 if datacenter else 80.0, "nvml"),
        brand=Known("nvidia" if datacenter else "geforce", "nvml"),
        vbios=Known("96.00.74.00.01", "nvml"),
    )
    return base.replace(**changes)


def answering(
    count: int,
    name: str,
    capability: str,
    pci_device: int,
    memory: int,
    datacenter: bool,
    driver: str = "550.163.01",
    cuda: str = "12.4",
) -> Gpu:
    """GPUs on which NVML, libcuda and nvidia-smi answer and agree."""
    return Gpu(
        pci=Known(tuple(pci(n, pci_device) for n in range(count)), "/sys/bus/pci/devices"),
        nvml=Known(
            Nvml(
                "answered",
                0,
                "Success",
                Known(f"{LIB}/libnvidia-ml.so.{driver}", "helper"),
                Known(driver, "nvml"),
                Known(driver, "nvml"),
                Known(cuda, "nvml"),
                tuple(nvml_device(n, name, capability, memory, datacenter) for n in range(count)),
            ),
            "nvml",
        ),
        cuda=Known(
            CudaDriver(
                "answered",
                0,
                "CUDA_SUCCESS",
                Known(cuda, "cuDriverGetVersion"),
                Known(f"{LIB}/libcuda.so.{driver}", "helper"),
                tuple(
                    CudaDevice(
                        n,
                        Known(name, "cuda"),
                        Known(uuid(n), "cuda"),
                        Known(address(n), "cuda"),
                        Known(capability, "cuda"),
                        Known(memory, "cuda"),
                    )
                    for n in range(count)
                ),
                Known(count, "cuInit"),
            ),
            "libcuda",
        ),
        smi=Known(
            Smi(
                "answered",
                "/usr/bin/nvidia-smi",
                0,
                "",
                Known(driver, "smi"),
                Known(driver, "smi"),
                Known(cuda, "smi"),
            ),
            "/usr/bin/nvidia-smi",
        ),
    )


def rtx3050_laptop(driver: str = "550.163.01", cuda: str = "12.4") -> Gpu:
    return answering(1, "NVIDIA GeForce RTX 3050 Laptop GPU", "8.6", 0x25A2, 4 << 30, False, driver, cuda)


def h100(count: int = 8, driver: str = "550.163.01", cuda: str = "12.4") -> Gpu:
    return answering(count, "NVIDIA H100 80GB HBM3", "9.0", 0x2330, 80 << 30, True, driver, cuda)


def rtx5090(driver: str = "575.57.08", cuda: str = "12.9") -> Gpu:
    return answering(1, "NVIDIA GeForce RTX 5090", "12.0", 0x2B85, 32 << 30, False, driver, cuda)


def none() -> Gpu:
    """No NVIDIA device on a readable bus, no driver library, no nvidia-smi."""
    return Gpu(
        pci=Known((), "/sys/bus/pci/devices"),
        nvml=Absent("libnvidia-ml.so.1 in the loader's folders"),
        cuda=Absent("libcuda.so.1 in the loader's folders"),
        smi=Absent("nvidia-smi on PATH"),
    )


def not_loaded(gpu: Gpu, driver: str | None = None, **changes: object) -> Gpu:
    """The same GPUs on the bus while no kernel module answers: NVML 9, libcuda 100, nvidia-smi 9 (codes: nvml.h, cuda.h)."""
    assert isinstance(gpu.pci, Known)
    bus = tuple(
        d.replace(driver=Known(driver, "/sys/bus/pci") if driver else Absent("/sys/bus/pci"))
        for d in gpu.pci.value
    )
    base = Gpu(
        pci=Known(bus, gpu.pci.via),
        nvml=Known(Nvml("failed", 9, "Driver Not Loaded"), "nvml"),
        cuda=Known(
            CudaDriver("failed", 100, "CUDA_ERROR_NO_DEVICE", devices_unmasked=Known(0, "cuInit")), "libcuda"
        ),
        smi=Known(
            Smi("failed", "/usr/bin/nvidia-smi", 9, "couldn't communicate with the NVIDIA driver"),
            "/usr/bin/nvidia-smi",
        ),
    )
    return base.replace(**changes)


def no_devices(gpu: Gpu) -> Gpu:
    """The module runs and finds no device: NVML answers with an empty list, libcuda 100, nvidia-smi 6."""
    assert isinstance(gpu.nvml, Known)
    return gpu.replace(
        nvml=Known(gpu.nvml.value.replace(devices=()), "nvml"),
        cuda=Known(
            CudaDriver("failed", 100, "CUDA_ERROR_NO_DEVICE", devices_unmasked=Known(0, "cuInit")), "libcuda"
        ),
        smi=Known(Smi("failed", "/usr/bin/nvidia-smi", 6, "No devices were found"), "/usr/bin/nvidia-smi"),
    )
