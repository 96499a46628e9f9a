"""What the driver's causes share: is a driver installed, where does it stand, which GPUs does it have to drive, and
the commands that each family of distributions wants. Pure functions of facts."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gpudoctor.facts.driver import Driver, DriverLibrary, ModuleFile
from gpudoctor.facts.gpu import Gpu, PciDevice
from gpudoctor.facts.host import Host, KernelEvent
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown, value_of
from gpudoctor.facts.record import Record
from gpudoctor.findings import MACHINE, CannotLook, CouldNotTell, DoesNotApply, Evidence, Subject, device
from gpudoctor.rules.judging import devices, need, need_or, nvidia_gpus

#: What follows when the driver can't be used at all; every cause of that explains these.
SYMPTOMS = (
    "smoke-ran-on-cpu",
    "kernel-module-not-loaded",
    "driver-not-answering",
    "device-node-missing-or-permission",
    "uvm-not-working",
    "gpu-missing-in-nvml",
    "gpu-lost-in-cuda",
)

#: Packages that bring the driver itself; not the container toolkit, firmware, settings or CUDA's toolkit.
_CORE = re.compile(
    r"^(?:nvidia-(?:driver|dkms|kernel|open|headless|utils|compute|lts|beta|\d{3})(?:-|$)|nvidia$|nvidia-\d{3}|"
    r"libnvidia-compute|libcuda1|libnvidia-ml1|cuda-drivers|linux-modules-nvidia)"
)


def native_linux(host: Host) -> None:
    """Raises DoesNotApply where the kernel's half of the driver is somebody else's."""
    if isinstance(host.wsl, Known):
        raise DoesNotApply("on WSL the kernel's half of the driver is Windows'")


def gpus(gpu: Gpu) -> tuple[PciDevice, ...]:
    """The NVIDIA GPUs on the bus. Raises DoesNotApply when there is none, CannotLook when it can't be read."""
    found = nvidia_gpus(gpu)
    if not found:
        raise DoesNotApply("no NVIDIA GPU on the PCI bus")
    return found


def not_for_guests(found: Sequence[PciDevice]) -> tuple[PciDevice, ...]:
    """Without those that are set aside for virtual machines."""
    return tuple(d for d in found if not value_of(d.driver, "").startswith("vfio"))


def silent(gpu: Gpu, found: Sequence[PciDevice]) -> tuple[PciDevice, ...]:
    """Those that NVML does not list. A GPU that answers is supported by the driver that runs, whatever a table says."""
    nvml = value_of(gpu.nvml, None)
    listed = {value_of(d.pci, "").lower()[-10:] for d in nvml.devices} if nvml and nvml.code == 0 else set()
    return tuple(d for d in found if d.address.lower()[-10:] not in listed)


def other_drivers(gpu: Gpu, one: PciDevice, found: Sequence[PciDevice]) -> bool:
    """Another driver has this GPU (an old card for the screen, say) while NVIDIA's serves others of `found`: meant so, as a
    rule."""
    held = value_of(one.driver, "nvidia") not in ("nvidia", "")
    return held and len(silent(gpu, found)) < len(found)


def in_memory(driver: Driver) -> bool:
    """nvidia.ko is loaded. Raises CannotLook when that can't be seen."""
    return need_or(driver.module, "NVIDIA kernel module in memory", None) is not None


def user_space(driver: Driver) -> tuple[DriverLibrary, ...]:
    """The driver's real libraries: no stubs, no cuda-compat, no empty files of an image."""
    return tuple(
        c for c in value_of(driver.libraries, ()) if c.origin not in ("stub", "compat") and c.size != 0
    )


def core_packages(driver: Driver) -> tuple[str, ...]:
    return tuple(
        f"{p.name} {p.version}"
        for p in value_of(driver.packages, ())
        if p.state != "config-files" and _CORE.match(p.name)
    )


def installation(host: Host, driver: Driver) -> tuple[Evidence, ...]:
    """Signs of an installed driver; empty when there are none. Raises CannotLook when nothing was found and not
    everything could be looked at."""
    found = [Evidence("driver library", c.real_path, c.path) for c in user_space(driver)[:2]]
    files = value_of(driver.module_files, ())
    found += [
        Evidence("module on disk", f"{value_of(f.version, '?')} for {f.kernel}", f.path) for f in files[:2]
    ]
    packages = core_packages(driver)
    if packages:
        found.append(Evidence("packages", ", ".join(packages[:3]), getattr(driver.packages, "via", "")))
    builds = value_of(host.dkms, ())
    if builds and not files:
        found.append(
            Evidence("DKMS", f"{builds[0].module} {builds[0].version}: {builds[0].state}", "/var/lib/dkms")
        )
    if not found:
        for field, what in ((driver.libraries, "driver libraries"), (driver.module_files, "modules on disk")):
            if isinstance(field, Unknown):
                raise CannotLook(f"{what}: {field.reason}", field.would_help)
    return tuple(found)


def files_for_running(host: Host, driver: Driver) -> tuple[ModuleFile, ...]:
    """nvidia.ko for the running kernel. Raises CannotLook when that can't be seen, as in most containers."""
    if isinstance(driver.module_files, Absent):
        raise CannotLook("the kernel's modules on disk are not visible here", "host")
    kernel = need_or(host.kernel, "running kernel", "")
    return tuple(f for f in need(driver.module_files, "modules on disk") if f.kernel == kernel)


def events(host: Host, *kinds: str) -> tuple[KernelEvent, ...]:
    """Lines of the kernel log, none where it can't be read: use it for what only sharpens a judgement."""
    return tuple(e for e in value_of(host.kernel_log, ()) if e.kind in kinds)


def quoted(host: Host, found: Sequence[KernelEvent]) -> tuple[Evidence, ...]:
    via = host.kernel_log.via if isinstance(host.kernel_log, Known) else "kernel log"
    return tuple(Evidence("kernel", e.text, via) for e in found[:3])


def capability(gpu: Gpu, one: PciDevice) -> Observed[str]:
    """A GPU's compute capability: as a driver library says it, else by its PCI id."""
    from gpudoctor import knowledge

    for other in devices(gpu):
        if (
            other.pci is not None
            and other.pci.address == one.address
            and isinstance(other.compute_capability, Known)
        ):
            return other.compute_capability
    model = knowledge.gpu_by_pci(one.device)
    if model is None or model.capability is None:
        return Unknown(f"PCI id 10de:{one.device:04x} is not in the table of GPUs")
    return Known(model.capability, f"PCI id 10de:{one.device:04x} ({model.source})")


def product(one: PciDevice) -> str:
    from gpudoctor import knowledge

    model = knowledge.gpu_by_pci(one.device)
    return model.product if model else f"GPU 10de:{one.device:04x}"


def subject_of(gpu: Gpu, one: PciDevice) -> Subject:
    for other in devices(gpu):
        if other.pci is not None and other.pci.address == one.address:
            return other.subject
    return device(one.address.lower(), f"{product(one)} at {one.address}")


def subject(gpu: Gpu, ill: Sequence[PciDevice], every: Sequence[PciDevice]) -> list[Subject]:
    """The machine when all its GPUs are ill of it (then everything that follows is explained), else each ill GPU."""
    return [MACHINE] if len(ill) == len(every) else [subject_of(gpu, one) for one in ill]


def described(ill: Sequence[PciDevice]) -> str:
    """ "RTX 5090" or "2 GPUs (RTX 5090, RTX 5080)"."""
    products = list(dict.fromkeys(product(one) for one in ill))
    return products[0] if len(ill) == 1 else f"{len(ill)} GPUs ({', '.join(products)})"


def version_here(host: Host, driver: Driver) -> Observed[str]:
    """The driver's version: in memory, else on disk for this kernel, else by its libraries."""
    if isinstance(driver.module, Known):
        return Known(driver.module.value.version, driver.module.via)
    kernel = value_of(host.kernel, "")
    for file in value_of(driver.module_files, ()):
        if file.kernel == kernel and isinstance(file.version, Known):
            return file.version
    for library in user_space(driver):
        if isinstance(library.version, Known):
            return library.version
    return Unknown("no part of the driver names its version")


class Unlisted(Record):
    """The GPUs that NVML does not list, beside the driver that should: `told` with their compute capabilities, `untold`
    those whose capability nobody knows. `every`: all GPUs that are not set aside for virtual machines."""

    version: Known[str]
    every: tuple[PciDevice, ...]
    told: tuple[tuple[PciDevice, str], ...]
    untold: tuple[CouldNotTell, ...]


def unlisted(host: Host, driver: Driver, gpu: Gpu) -> Unlisted:
    """Raises DoesNotApply where there is no GPU or no driver, CannotLook where the driver's version is not known."""
    native_linux(host)
    every = not_for_guests(gpus(gpu))
    if not isinstance(driver.module, Known) and not installation(host, driver):
        raise DoesNotApply("no NVIDIA driver is installed")
    version = version_here(host, driver)
    if not isinstance(version, Known):
        raise CannotLook(getattr(version, "reason", "the driver's version is not known"))
    told: list[tuple[PciDevice, str]] = []
    untold: list[CouldNotTell] = []
    for one in silent(gpu, every):
        known = capability(gpu, one)
        if isinstance(known, Known):
            told.append((one, known.value))
        else:
            untold.append(CouldNotTell(f"{one.address}: {getattr(known, 'reason', 'capability not known')}"))
    return Unlisted(version, every, tuple(told), tuple(untold))


def flavour_here(host: Host, driver: Driver) -> Observed[str]:
    """Open or proprietary: in memory, else on disk for this kernel."""
    if isinstance(driver.module, Known):
        return driver.module.value.flavour
    for file in value_of(driver.module_files, ()):
        if file.kernel == value_of(host.kernel, "") and isinstance(file.flavour, Known):
            return file.flavour
    return Unknown("which flavour the kernel module has is not known")


def family(host: Host) -> str:
    """ "debian", "ubuntu", "fedora", "suse", "arch", "nixos" or "" for a distribution that we have no commands for."""
    known = value_of(host.distribution, None)
    if known is None:
        return ""
    names = (known.id, *known.like)
    for name, members in (
        ("ubuntu", ("ubuntu", "pop", "linuxmint", "elementary", "zorin")),
        ("debian", ("debian",)),
        ("fedora", ("fedora", "rhel", "centos", "rocky", "almalinux", "ol", "amzn")),
        ("suse", ("suse", "opensuse", "opensuse-leap", "opensuse-tumbleweed", "sles")),
        ("arch", ("arch", "manjaro", "endeavouros", "cachyos")),
        ("nixos", ("nixos",)),
    ):
        if any(n in members for n in names):
            return name
    return ""


def initramfs_command(host: Host) -> str:
    return {
        "ubuntu": "sudo update-initramfs -u",
        "debian": "sudo update-initramfs -u",
        "fedora": "sudo dracut --force",
        "suse": "sudo dracut --force",
        "arch": "sudo mkinitcpio -P",
    }.get(family(host), "")


def headers_command(host: Host) -> str:
    kernel = value_of(host.kernel, "$(uname -r)")
    return {
        "ubuntu": f"sudo apt-get install linux-headers-{kernel}",
        "debian": f"sudo apt-get install linux-headers-{kernel}",
        "fedora": f"sudo dnf install kernel-devel-{kernel}",
        "suse": "sudo zypper install kernel-default-devel",
        "arch": "sudo pacman -S --needed linux-headers",
    }.get(family(host), "")


def flavour_commands(host: Host, driver: Driver, wanted: str) -> tuple[str, ...]:
    """Install the `wanted` flavour ("open", "proprietary") of the branch that is there, where we know how."""
    branch = value_of(version_here(host, driver), "").partition(".")[0]
    named = [p.name for p in value_of(driver.packages, ()) if p.name.startswith("nvidia-driver-")]
    match = re.match(r"nvidia-driver-(\d+)(-server)?", named[0]) if named else None
    if family(host) == "ubuntu" and (match or branch):
        base = f"nvidia-driver-{match[1]}{match[2] or ''}" if match else f"nvidia-driver-{branch}"
        return (f"sudo apt-get install {base}{'-open' if wanted == 'open' else ''}", "sudo reboot")
    if family(host) == "debian":
        name = "nvidia-open-kernel-dkms" if wanted == "open" else "nvidia-kernel-dkms"
        return (f"sudo apt-get install {name}", "sudo reboot")
    if family(host) == "arch" and wanted == "open":
        return ("sudo pacman -S nvidia-open-dkms", "sudo reboot")
    return ()
