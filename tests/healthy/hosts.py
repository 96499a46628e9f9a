"""Machines as they stand in offices, racks and clouds, all well. What makes each odd is written beside it.

Composed: PCI ids and capabilities as in pci.ids and NVIDIA's lists, driver versions as in its release notes; shapes of /dev, of the bus and
of NVML's answers as in the reports that are named.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gpudoctor.facts.containers import Containers, Inside
from gpudoctor.facts.driver import Driver, DriverLibrary, ModuleFile, Package, Service
from gpudoctor.facts.gpu import Bridge, CudaDevice, CudaDriver, Gpu, MigInstance, NvmlDevice, PciDevice
from gpudoctor.facts.host import Distribution, Filesystem, Host, KernelEvent, Limits
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown
from gpudoctor.facts.record import Record
from tests.machines import healthy
from tests.machines.parts import containers, driver, gpu, host, ill, mixed, rest

FABRIC = Known(
    Service("nvidia-fabricmanager", Known("550.163.01-1", "package"), Known(True, "/proc")), "/proc"
)
NO_LOG: Observed[tuple[object, ...]] = Absent("/dev/kmsg")


class Well(Record):
    """`notes`: what may be said of it, as a note; `minor`: its kernel log can't be read, which is the only thing not looked at.
    `cuda`: the newest that its driver implements; `capability`: of its GPUs, as a number, 0 where there is none."""

    machine: Callable[[], Machine]
    cuda: str = "12.4"
    capability: int = 90
    notes: tuple[str, ...] = ()
    minor: bool = False


def _on(system: Host, drive: Driver, answers: Gpu, **groups: object) -> Machine:
    base = healthy.no_gpu_server().replace(host=system, driver=drive, gpu=answers)
    return base.replace(**groups)


def _system(
    id: str,
    version: str,
    name: str,
    kernel: str,
    like: tuple[str, ...] = (),
    libc: str = "2.36",
    **more: object,
) -> Host:
    return host.ubuntu(
        distribution=Known(Distribution(id, version, name, like), "/etc/os-release"),
        kernel=Known(kernel, "uname"), libc=Known(f"glibc {libc}", "confstr"),
        kernel_headers=Known(f"/lib/modules/{kernel}/build", f"/lib/modules/{kernel}/build"), **more,
    )  # fmt: skip


def _driver(
    version: str,
    kernel: str,
    module: str,
    flavour: str = "proprietary",
    gpus: int = 1,
    lib: str = driver.LIB,
    **more: object,
) -> Driver:
    names = ("libcuda.so.1", "libnvidia-ml.so.1", "libnvidia-ptxjitcompiler.so.1")
    file = ModuleFile(module, kernel, Known(version, module), Known(flavour, module), Known(True, module))
    return driver.installed(
        version, flavour, gpus, module_files=Known((file,), "/lib/modules"),
        libraries=Known(tuple(driver.library(name, version, lib) for name in names), "/etc/ld.so.cache"),
        linkable=Known(f"{lib}/libcuda.so", lib), **more,
    )  # fmt: skip


# ---------------------------------------------------------------- distributions


def debian_workstation() -> Machine:
    """Debian 12's own packages: the module is nvidia-current.ko, the libraries lie below nvidia/current behind alternatives."""
    kernel = "6.1.0-37-amd64"
    packages = (Package("nvidia-driver", "535.216.01-1~deb12u1"), Package("libcuda1", "535.216.01-1~deb12u1"))
    real = "/usr/lib/x86_64-linux-gnu/nvidia/current"
    there = _driver(
        "535.216.01",
        kernel,
        f"/lib/modules/{kernel}/updates/dkms/nvidia-current.ko",
        packages=Known(packages, "dpkg"),
    )
    assert isinstance(there.libraries, Known)
    moved = tuple(
        c.replace(real_path=f"{real}/{c.real_path.rpartition('/')[2]}") for c in there.libraries.value
    )
    answers = gpu.answering(
        1, "NVIDIA GeForce RTX 4090", "8.9", 0x2684, 24 << 30, False, "535.216.01", "12.2"
    )
    return _on(
        _system("debian", "12", "Debian GNU/Linux 12 (bookworm)", kernel),
        there.replace(
            libraries=Known(moved, "/etc/ld.so.cache"), unattended=Absent("/usr/bin/unattended-upgrade")
        ),
        answers,
    )


def rocky_with_a100() -> Machine:
    """Rocky 9 from NVIDIA's repository: packages known to rpm alone, SELinux enforcing, weak-updates."""
    kernel = "5.14.0-503.14.1.el9_5.x86_64"
    answers = gpu.answering(4, "NVIDIA A100-SXM4-80GB", "8.0", 0x20B2, 80 << 30, True)
    packages = (Package("nvidia-driver-cuda", "550.163.01-1.el9", manager="rpm"),)
    there = _driver(
        "550.163.01", kernel, f"/lib/modules/{kernel}/weak-updates/nvidia/nvidia.ko.xz", gpus=4, lib="/usr/lib64",
        packages=Known(packages, "rpm -qa"), unattended=Absent("/usr/bin/unattended-upgrade"),
        changes_since_boot=Absent("/var/log/dpkg.log, /var/log/pacman.log"),
    )  # fmt: skip
    system = _system(
        "rocky",
        "9.5",
        "Rocky Linux 9.5",
        kernel,
        ("rhel", "centos", "fedora"),
        "2.34",
        selinux=Known("enforcing", "sysfs"),
    )
    return _on(system.replace(dkms=Absent("/var/lib/dkms")), there, answers)


def fedora_desktop() -> Machine:
    """RPM Fusion's akmod; Secure Boot on with an enrolled key."""
    kernel = "6.14.9-300.fc42.x86_64"
    there = _driver(
        "575.57.08", kernel, f"/lib/modules/{kernel}/extra/nvidia/nvidia.ko.xz", "open", lib="/usr/lib64",
        packages=Known((Package("xorg-x11-drv-nvidia-cuda", "575.57.08-1.fc42", manager="rpm"),), "rpm -qa"),
        persistence_daemon=Absent("/usr/bin/nvidia-persistenced"), unattended=Absent("/usr/bin/unattended-upgrade"),
    )  # fmt: skip
    answers = gpu.answering(1, "NVIDIA GeForce RTX 4070", "8.9", 0x2786, 12 << 30, False, "575.57.08", "12.9")
    machine = _on(
        _system("fedora", "42", "Fedora Linux 42 (Workstation Edition)", kernel, (), "2.41", secure_boot=Known(True, "efivars")),
        there, answers,
    )  # fmt: skip
    return ill.with_device(machine, 0, persistence=False)


def arch_desktop() -> Machine:
    kernel = "6.15.4-arch2-1"
    there = _driver(
        "575.64", kernel, f"/lib/modules/{kernel}/extramodules/nvidia.ko.zst", "open", lib="/usr/lib",
        packages=Known((Package("nvidia-open", "575.64-1", manager="pacman"),), "/var/lib/pacman/local"),
    )  # fmt: skip
    answers = gpu.rtx5090("575.64")
    return _on(_system("arch", "", "Arch Linux", kernel, (), "2.41"), there, answers)


def nixos_desktop() -> Machine:
    """No ld.so.cache and nothing in /usr/lib: programs find the driver in /run/opengl-driver by their own RUNPATH."""
    kernel = "6.12.30"
    store = "/nix/store/7c0d6fk8-nvidia-x11-570.153.02-6.12.30"
    names = ("libcuda.so.1", "libnvidia-ml.so.1")
    found = tuple(
        DriverLibrary(n, f"/run/opengl-driver/lib/{n}", f"{store}/lib/{n[:-2]}.570.153.02", Known("570.153.02", store), "unreached", 1 << 20)
        for n in names
    )  # fmt: skip
    there = _driver("570.153.02", kernel, f"{store}/lib/modules/{kernel}/misc/nvidia.ko.xz").replace(
        libraries=Known(found, "/run/opengl-driver/lib"), packages=Absent("dpkg, pacman, rpm"),
        modprobe_helper=Absent("/usr/bin/nvidia-modprobe"), linkable=Absent("no libcuda.so.1"),
        unattended=Absent("/usr/bin/unattended-upgrade"),
    )  # fmt: skip
    answers = gpu.answering(
        1, "NVIDIA GeForce RTX 3090", "8.6", 0x2204, 24 << 30, False, "570.153.02", "12.8"
    )
    system = _system(
        "nixos", "25.05", "NixOS 25.05 (Warbler)", kernel, (), "2.40", dkms=Absent("/var/lib/dkms")
    )
    no_cache = rest.no_libraries().replace(
        cache=Absent("/etc/ld.so.cache"), uncached=Absent("/etc/ld.so.cache")
    )
    return _on(system, there, answers, libraries=no_cache)


def wsl2() -> Machine:
    """Windows' driver through /dev/dxg: no module, no nodes, no NVIDIA device on the bus; nvidia-smi's own number differs."""
    lib = "/usr/lib/wsl/lib"
    names = ("libcuda.so.1", "libnvidia-ml.so.1")
    found = tuple(
        DriverLibrary(n, f"{lib}/{n}", f"{lib}/{n}", Unknown("no version in its name"), "wsl", 1 << 20)
        for n in names
    )
    there = driver.missing(
        libraries=Known(found, "/etc/ld.so.cache"), linkable=Known(f"{lib}/libcuda.so", lib)
    )
    answers = gpu.answering(
        1, "NVIDIA GeForce RTX 4070 Laptop GPU", "8.9", 0x2820, 8 << 30, False, "572.83", "12.8"
    )
    answers = answers.replace(pci=Known((), "/sys/bus/pci/devices"))
    assert isinstance(answers.smi, Known) and isinstance(answers.nvml, Known)
    answers = answers.replace(
        smi=Known(
            answers.smi.value.replace(smi_version=Known("570.133", "smi"), path=f"{lib}/nvidia-smi"), "smi"
        ),
        nvml=Known(answers.nvml.value.replace(library_version=Known("570.133", "nvml")), "nvml"),
    )
    small = Filesystem("/dev/shm", 8 << 30, 8 << 30)
    return _on(host.wsl2(shm=Known(small, "/dev/shm"), dkms=Absent("/var/lib/dkms")), there, answers)


def jetson_orin() -> Machine:
    """JetPack 6: the GPU is part of the chip, not on PCI; NVML is there and knows little."""
    lib = "/usr/lib/aarch64-linux-gnu/nvidia"
    system = _system("ubuntu", "22.04", "Ubuntu 22.04.5 LTS", "5.15.148-tegra", ("debian",), "2.35",
                     tegra=Known("NVIDIA Jetson AGX Orin Developer Kit", "/proc/device-tree/model"),
                     architecture=Known("aarch64", "uname"), secure_boot=Known(False, "efivars"))  # fmt: skip
    there = driver.missing(
        module=Known(driver.LoadedModule("540.4.0", Known("open", "/proc/driver/nvidia/version")), "/sys/module/nvidia/version"),
        loaded_modules=Known(("nvidia_drm", "nvidia_modeset", "nvidia", "nvgpu"), "/proc/modules"),
        nodes=Known((driver.node("/dev/nvidiactl", 255), driver.node("/dev/nvidia0", 0)), "/dev"),
        libraries=Known((driver.library("libcuda.so.1", "1.1", lib).replace(version=Unknown("no version")),), "/etc/ld.so.cache"),
        packages=Known((Package("nvidia-l4t-cuda", "36.4.3-20250107174145"),), "/var/lib/dkpg/status"),
        linkable=Known(f"{lib}/libcuda.so", lib),
    )  # fmt: skip
    one = CudaDevice(
        0,
        Known("Orin", "cuda"),
        Known(gpu.uuid(0), "cuda"),
        Known("0000:00:00.0", "cuda"),
        Known("8.7", "cuda"),
        Known(62 << 30, "cuda"),
    )
    cuda = CudaDriver(
        "answered",
        0,
        "CUDA_SUCCESS",
        Known("12.6", "cuDriverGetVersion"),
        Known(f"{lib}/libcuda.so.1.1", "helper"),
        (one,),
        Known(1, "cuInit"),
    )
    bridge = PciDevice("0004:00:00.0", 0x10DE, 0x229C, 0x060400)
    answers = Gpu(
        pci=Known((bridge,), "/sys/bus/pci/devices"), nvml=Absent("libnvidia-ml.so.1"), cuda=Known(cuda, "libcuda"),
        smi=Absent("nvidia-smi on PATH"),
    )  # fmt: skip
    return _on(system, there, answers)


def dgx_spark() -> Machine:
    """GB10: memory shared with the processor (NVML: Not Supported), no ECC, PCI domain 000f, DGX OS calls itself Ubuntu."""
    kernel = "6.11.0-1016-nvidia"
    answers = gpu.answering(1, "NVIDIA GB10", "12.1", 0x2E12, 0, False, "580.95.05", "13.0")
    place = "000f:01:00.0"
    machine = _on(
        _system(
            "ubuntu",
            "24.04",
            "Ubuntu 24.04.3 LTS",
            kernel,
            ("debian",),
            "2.39",
            architecture=Known("aarch64", "uname"),
        ),
        _driver(
            "580.95.05",
            kernel,
            f"/lib/modules/{kernel}/kernel/nvidia-580-open/nvidia.ko",
            "open",
            lib="/usr/lib/aarch64-linux-gnu",
        ),
        answers.replace(
            pci=Known(
                (gpu.pci(0, 0x2E12, address=place, bars=Known((), "/sys/bus/pci")),), "/sys/bus/pci/devices"
            )
        ),
    )
    return ill.with_device(
        machine, 0, pci=place, memory_total=Absent("nvml: Not Supported"), memory_used=Absent("nvml: Not Supported"),
        power_limit=Absent("nvml: Not Supported"), link_width=1, link_width_max=1, brand="nvidia",
        mig_enabled=Absent("nvml: Not Supported"), vbios=Known("9A.0B.10.00.01", "nvml"), persistence=True,
    )  # fmt: skip


def gh200() -> Machine:
    kernel = "6.8.0-1014-nvidia-64k"
    return _on(
        _system(
            "ubuntu",
            "22.04",
            "Ubuntu 22.04.5 LTS",
            kernel,
            ("debian",),
            "2.35",
            architecture=Known("aarch64", "uname"),
        ),
        _driver(
            "560.35.03",
            kernel,
            f"/lib/modules/{kernel}/updates/dkms/nvidia.ko",
            "open",
            lib="/usr/lib/aarch64-linux-gnu",
        ),
        gpu.answering(1, "NVIDIA GH200 480GB", "9.0", 0x2342, 96 << 30, True, "560.35.03", "12.6"),
    )


# ---------------------------------------------------------------- racks and clouds


def hgx_h100() -> Machine:
    """Eight H100, four NVSwitches, the Fabric Manager, InfiniBand, unlimited memlock; links all up."""
    node = healthy.h100_node()
    assert isinstance(node.gpu.pci, Known)
    switches = tuple(PciDevice(f"0000:{0xC0 + n:02x}:00.0", 0x10DE, 0x22A3, 0x068000) for n in range(4))
    machine = node.replace(
        host=host.ubuntu(infiniband=host.rdma("mlx5_0", "mlx5_1")),
        driver=node.driver.replace(fabric_manager=FABRIC),
        gpu=node.gpu.replace(pci=Known((*node.gpu.pci.value, *switches), node.gpu.pci.via)),
    )
    for index in range(8):
        machine = ill.with_device(machine, index, fabric="completed", nvlinks=(True,) * 18)
    return machine


def hgx_in_kubernetes() -> Machine:
    """The GPU operator's driver container: no Fabric Manager on the host itself, its process in /proc; libraries in /run/nvidia."""
    service = Known(
        Service("nv-fabricmanager", Unknown("it runs in a container"), Known(True, "/proc")), "/proc"
    )
    machine = hgx_h100()
    return machine.replace(driver=machine.driver.replace(fabric_manager=service))


def gb200_tray() -> Machine:
    """NVLink 5 has no switch on the bus; IMEX channels lie in a folder of /dev (NVIDIA/libnvidia-container#242)."""
    kernel = "6.8.0-1028-nvidia-64k"
    folder = driver.node("/dev/nvidia-caps-imex-channels", 0, 0).replace(is_device=False)
    there = _driver(
        "580.95.05",
        kernel,
        f"/lib/modules/{kernel}/updates/dkms/nvidia.ko",
        "open",
        4,
        "/usr/lib/aarch64-linux-gnu",
    )
    assert isinstance(there.nodes, Known)
    machine = _on(
        _system(
            "ubuntu",
            "24.04",
            "Ubuntu 24.04.3 LTS",
            kernel,
            ("debian",),
            "2.39",
            architecture=Known("aarch64", "uname"),
        ),
        there.replace(nodes=Known((*there.nodes.value, folder), "/dev")),
        gpu.answering(4, "NVIDIA GB200", "10.0", 0x2941, 186 << 30, True, "580.95.05", "13.0"),
    )
    for index in range(4):
        machine = ill.with_device(machine, index, fabric="completed", nvlinks=(True,) * 18)
    return machine


def a100_mig() -> Machine:
    """One A100 in seven instances: CUDA shows one of them."""
    machine = _on(
        host.ubuntu(),
        driver.installed(),
        gpu.answering(1, "NVIDIA A100-PCIE-40GB", "8.0", 0x20F1, 40 << 30, True),
    )
    instances = tuple(
        MigInstance(f"MIG-0000000{n}-0000-4000-8000-000000000000", "1g.5gb", 5 << 30) for n in range(7)
    )
    return ill.with_device(machine, 0, mig_enabled=True, mig_instances=instances)


def slurm_job() -> Machine:
    """Two of eight GPUs: Slurm's device cgroup (ConstrainDevices) keeps the other nodes shut, and NVML leaves them out."""
    node = healthy.h100_node()
    two = gpu.h100(2)
    assert isinstance(node.driver.nodes, Known)
    shut = tuple(
        n.replace(open_error=Known("EPERM", f"open {n.path}"))
        if n.path[11:].isdigit() and n.minor >= 2
        else n
        for n in node.driver.nodes.value
    )
    variables = ill.with_variable(node, "CUDA_VISIBLE_DEVICES", "0,1").environment
    return node.replace(
        gpu=two.replace(pci=node.gpu.pci),
        driver=node.driver.replace(nodes=Known(shut, "/dev")),
        environment=variables,
    )


def apptainer_in_slurm() -> Machine:
    machine = slurm_job()
    lib = "/.singularity.d/libs"
    inside = Inside("apptainer", "APPTAINER_CONTAINER", **{
        name: Absent("environment") for name in ("visible_devices", "capabilities", "require_cuda", "disable_require", "cuda_version", "cgroup_devices")
    }, driver_mounts=Known((f"{lib}/libcuda.so.1",), "/proc"), baked=Known((), ""), requirements=Known({}, ""))  # type: ignore[arg-type]  # fmt: skip
    return machine.replace(containers=rest.on_a_host().replace(inside=Known(inside, "APPTAINER_CONTAINER")))


def pod_with_one_of_eight() -> Machine:
    """Kubernetes: /dev/nvidia3 and its driver, the whole bus in /sys, a /dev/shm of its own, no kernel log."""
    node = healthy.h100_node()
    base = containers.gpu_container(
        visible_devices=Known("GPU-00000000-0000-4000-8000-000000000000", "/proc/1/environ")
    ).containers
    assert isinstance(base.inside, Known)
    inside = base.inside.value.replace(kind="kubernetes", evidence="kubelet's mounts in the mount table")
    nodes = (
        driver.node("/dev/nvidiactl", 255),
        driver.node("/dev/nvidia3", 3),
        driver.node("/dev/nvidia-uvm", 0, 511),
    )
    return node.replace(
        host=node.host.replace(kernel_log=NO_LOG, uid=Known(0, "getuid")),
        driver=driver.installed(
            nodes=Known(nodes, "/dev"), module_files=Absent("/lib/modules"), packages=Known((), "/var/lib/dpkg/status"),
            modprobe_helper=Absent("/usr/bin/nvidia-modprobe"), persistence_daemon=Absent("/usr/bin/nvidia-persistenced"),
            unattended=Absent("/usr/bin/unattended-upgrade"),
        ),
        gpu=gpu.h100(1).replace(pci=node.gpu.pci),
        containers=base.replace(inside=Known(inside, inside.evidence)),
    )  # fmt: skip


def docker_container() -> Machine:
    machine = containers.gpu_container()
    return machine.replace(host=machine.host.replace(kernel_log=NO_LOG))


def cloud_t4() -> Machine:
    """An ordinary user of a cloud's Ubuntu image, under dmesg_restrict."""
    kernel = "6.8.0-1021-gcp"
    system = _system("ubuntu", "22.04", "Ubuntu 22.04.5 LTS", kernel, ("debian",), "2.35")
    return _on(
        system.replace(kernel_log=Unknown("/dev/kmsg: permission denied", "root")),
        _driver("550.163.01", kernel, f"/lib/modules/{kernel}/updates/dkms/nvidia.ko"),
        gpu.answering(1, "Tesla T4", "7.5", 0x1EB8, 15 << 30, True),
    )


def vgpu_guest() -> Machine:
    """A share of an A16 in a virtual machine: NVML says Not Supported to most questions."""
    machine = _on(
        host.ubuntu(),
        driver.installed("535.183.06"),
        gpu.answering(1, "NVIDIA A16-8C", "8.6", 0x25B6, 8 << 30, False, "535.183.06", "12.2"),
    )
    never: Observed[object] = Absent("nvml: Not Supported")
    unsupported = ("temperature", "power", "power_limit", "throttle", "link_width", "link_width_max", "link_generation",
                   "link_generation_max", "ecc_enabled", "ecc_uncorrected_volatile", "ecc_uncorrected_aggregate", "remapped_rows",
                   "retired_pages_pending", "persistence", "processes", "vbios")  # fmt: skip
    return ill.with_device(machine, 0, brand="nvidia-vcs", **dict.fromkeys(unsupported, never))


def old_server() -> Machine:
    """A V100 (7.0) with driver 535 on CentOS 7."""
    kernel = "3.10.0-1160.el7.x86_64"
    return _on(
        _system("centos", "7", "CentOS Linux 7 (Core)", kernel, ("rhel", "fedora"), "2.17"),
        _driver("535.183.01", kernel, f"/lib/modules/{kernel}/extra/nvidia.ko.xz", lib="/usr/lib64", gpus=2,
                packages=Known((Package("nvidia-driver-latest-dkms", "535.183.01-1.el7", manager="rpm"),), "rpm -qa")),
        gpu.answering(2, "Tesla V100-SXM2-32GB", "7.0", 0x1DB5, 32 << 30, True, "535.183.01", "12.2"),
    )  # fmt: skip


def gpu_host_with_docker() -> Machine:
    return containers.gpu_host()


def gpu_host_of_others() -> Machine:
    """The same for a user who may neither speak to Docker's socket, nor see what its daemon was started with, nor read the log."""
    no = Unknown("/var/run/docker.sock: permission denied", "root")
    names = (
        "answers",
        "version",
        "runtimes",
        "default_runtime",
        "cgroup_driver",
        "cgroup_version",
        "search_path",
        "paths_missing",
        "hook",
    )
    machine = containers.with_docker(**dict.fromkeys(names, no))
    links = machine.containers.replace(dev_char_links=Absent("/dev/char"))
    log: Observed[tuple[KernelEvent, ...]] = Unknown("/dev/kmsg: permission denied", "root")
    return machine.replace(containers=links, host=machine.host.replace(kernel_log=log))


def docker_host_without_gpu() -> Machine:
    machine = healthy.no_gpu_server()
    plain = containers.docker(
        file_runtimes=Known({}, containers.FILE),
        runtimes=Known(("runc",), containers.INFO),
        hook=Absent("PATH"),
    )
    return machine.replace(containers=rest.on_a_host().replace(engines=Known((plain,), "PATH, /proc")))


def ci_runner() -> Machine:
    """A container of a CI system on a machine without a GPU: a small /dev/shm, no kernel log, root."""
    machine = healthy.no_gpu_server()
    inside = containers.in_docker(
        visible_devices=Absent("environ"), capabilities=Absent("environ"), require_cuda=Absent("environ"),
        cuda_version=Absent("environ"), requirements=Known({}, "environ"), driver_mounts=Known((), "mountinfo"),
    )  # fmt: skip
    small = Filesystem("/dev/shm", 64 << 20, 64 << 20)
    here = Containers(
        inside=Known(inside, "/.dockerenv"), engines=Known((), "PATH"), toolkit=Absent("PATH"), cdi=Known((), "/etc/cdi"),
        dev_char_links=Absent("/dev/char"), repositories=Known((), "/etc/apt"),
    )  # fmt: skip
    limits = Limits(memlock=64 << 10, nofile=1024)
    system = machine.host.replace(
        kernel_log=NO_LOG, shm=Known(small, "/dev/shm"), limits=Known(limits, "limits")
    )
    return machine.replace(host=system, containers=here)


# ---------------------------------------------------------------- odd, and meant so


def pascal_with_580() -> Machine:
    """The last branch with Pascal, proprietary module."""
    return _on(
        host.ubuntu(), driver.installed("580.95.05"),
        gpu.answering(1, "NVIDIA GeForce GTX 1080 Ti", "6.1", 0x1B06, 11 << 30, False, "580.95.05", "13.0"),
    )  # fmt: skip


def old_card_for_the_screen() -> Machine:
    """A GT 710 that nouveau drives beside an RTX 4090 with a driver that no longer knows the GT 710."""
    machine = healthy.rtx5090_desktop().replace(
        driver=driver.installed("595.71.05", "open"), gpu=gpu.rtx5090("595.71.05", "13.2")
    )
    assert isinstance(machine.gpu.pci, Known)
    old = gpu.pci(1, 0x128B, class_code=0x030000, driver=Known("nouveau", "/sys/bus/pci"))
    return machine.replace(
        gpu=machine.gpu.replace(pci=Known((*machine.gpu.pci.value, old), machine.gpu.pci.via))
    )


def one_gpu_for_a_virtual_machine() -> Machine:
    machine = healthy.rtx5090_desktop()
    assert isinstance(machine.gpu.pci, Known)
    away = gpu.pci(1, 0x2684, driver=Known("vfio-pci", "/sys/bus/pci"))
    return machine.replace(
        gpu=machine.gpu.replace(pci=Known((*machine.gpu.pci.value, away), machine.gpu.pci.via))
    )


def two_bridged_of_four() -> Machine:
    """Four RTX A6000, one bridge: two cards have links, two have none."""
    machine = _on(
        host.ubuntu(),
        driver.installed(gpus=4),
        gpu.answering(4, "NVIDIA RTX A6000", "8.6", 0x2230, 48 << 30, False),
    )
    for index in range(4):
        machine = ill.with_device(machine, index, nvlinks=(index < 2,) * 4, brand="quadro-rtx")
    return machine


def four_cards_on_a_switch() -> Machine:
    """An ASUS WS board's PLX switch, ACS off; the IOMMU is on, and the root's ports have ACS: that redirects nothing new."""
    machine = _on(
        host.ubuntu(),
        driver.installed(gpus=4),
        gpu.answering(4, "NVIDIA RTX A6000", "8.6", 0x2230, 48 << 30, False),
    )
    assert isinstance(machine.gpu.pci, Known)
    top = tuple(Bridge(at, Absent("no GPUs part here")) for at in ("0000:00:01.0", "0000:01:00.0"))
    below = (
        one.replace(bridges=Known((*top, Bridge(f"0000:02:{8 * n:02x}.0", Known(0x0001, "config"))), "link"))
        for n, one in enumerate(machine.gpu.pci.value)
    )
    return machine.replace(gpu=machine.gpu.replace(pci=Known(tuple(below), machine.gpu.pci.via)))


def nforce_board() -> Machine:
    """An old AMD board whose network card is NVIDIA's, of the PCI class of an NVSwitch (pci.ids: MCP65 Ethernet)."""
    machine = healthy.rtx3050_laptop()
    assert isinstance(machine.gpu.pci, Known)
    card = PciDevice("0000:00:06.0", 0x10DE, 0x0450, 0x068000)
    return machine.replace(
        gpu=machine.gpu.replace(pci=Known((*machine.gpu.pci.value, card), machine.gpu.pci.via))
    )


def serving_a_model() -> Machine:
    """vLLM holds 90 % of each GPU, as it does unless told otherwise, and draws all the power that it may."""
    machine = healthy.h100_node()
    for index in range(8):
        used = Known((driver_process(1000 + index),), "nvml")
        machine = ill.with_device(
            machine, index, memory_used=int(0.92 * (80 << 30)), processes=used, throttle=("sw-power-cap",)
        )
    return machine


def driver_process(pid: int) -> object:
    from gpudoctor.facts.gpu import Process

    return Process(pid, "/opt/venv/bin/python", int(0.91 * (80 << 30)))


def unlike(one: NvmlDevice, **changes: object) -> NvmlDevice:
    return one.replace(**changes)


HOSTS: Mapping[str, Well] = {
    "the user's laptop": Well(healthy.rtx3050_laptop, "12.4", 86),
    "Debian 12": Well(debian_workstation, "12.2", 89),
    "Rocky 9, four A100": Well(rocky_with_a100, "12.4", 80),
    "Fedora 42 with Secure Boot": Well(fedora_desktop, "12.9", 89),
    "Arch, RTX 5090": Well(arch_desktop, "12.9", 120),
    "NixOS": Well(nixos_desktop, "12.8", 86),
    "WSL2": Well(wsl2, "12.8", 89),
    "Jetson AGX Orin": Well(jetson_orin, "12.6", 87),
    "DGX Spark": Well(dgx_spark, "13.0", 121),
    "GH200": Well(gh200, "12.6", 90),
    "HGX H100": Well(hgx_h100),
    "HGX H100 of Kubernetes": Well(hgx_in_kubernetes),
    "GB200": Well(gb200_tray, "13.0", 100),
    "A100 in seven": Well(a100_mig, "12.4", 80),
    "a Slurm job": Well(slurm_job),
    "Apptainer in a Slurm job": Well(apptainer_in_slurm),
    "a pod with one of eight": Well(pod_with_one_of_eight, minor=True),
    "a Docker container": Well(docker_container, "12.4", 86, minor=True),
    "a cloud's T4, as an ordinary user": Well(cloud_t4, "12.4", 75, minor=True),
    "a vGPU": Well(vgpu_guest, "12.2", 86),
    "CentOS 7, V100": Well(old_server, "12.2", 70),
    "Docker and the container toolkit": Well(gpu_host_with_docker, "12.4", 86),
    "Docker of others": Well(gpu_host_of_others, "12.4", 86, minor=True),
    "Docker without a GPU": Well(docker_host_without_gpu, "", 0),
    "a CI runner": Well(ci_runner, "", 0),
    "a server without a GPU": Well(healthy.no_gpu_server, "", 0),
    "GTX 1080 Ti": Well(pascal_with_580, "13.0", 61),
    "an old card for the screen": Well(old_card_for_the_screen, "13.2", 120, ("driver-branch-dropped-gpu",)),
    "a GPU for a virtual machine": Well(one_gpu_for_a_virtual_machine, "12.9", 120, ("gpu-bound-to-vfio",)),
    "one bridge, four cards": Well(two_bridged_of_four, "12.4", 86, ("nvlink-inactive",)),
    "four cards on a PLX switch": Well(four_cards_on_a_switch, "12.4", 86),
    "an nForce board": Well(nforce_board, "12.4", 86),
    "a model is served": Well(serving_a_model, notes=("gpu-power-capped", "gpu-memory-nearly-full")),
    "two kinds of GPUs": Well(lambda: mixed.small_then_large(), "12.4", 61, ("mixed-gpus-in-one-machine",)),
}
