"""Healthy container hosts and containers, complete in every field.

Composed: Docker's answers as `docker info` of 28.5.2 gives them, the toolkit's files as its install guide and
`nvidia-ctk config default` write them, variables as nvidia/cuda:12.4.1 images carry them.
"""

from __future__ import annotations

from gpudoctor.facts.containers import (
    CdiSpec,
    Containers,
    ContainerToolkit,
    Engine,
    Inside,
    Repository,
)
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known
from tests.machines import healthy
from tests.machines.parts import driver, gpu

FILE = "/etc/docker/daemon.json"
INFO = "GET /info on /var/run/docker.sock"
RUNTIME = "nvidia-container-runtime"
CONFIG = "/etc/nvidia-container-runtime/config.toml"
#: Docker was started after the toolkit came to the machine.
INSTALLED, STARTED = 1_760_000_000.0, 1_760_100_000.0
STABLE = "https://nvidia.github.io/libnvidia-container/stable/deb/$(ARCH)"


def docker(**changes: object) -> Engine:
    """Docker Engine 28.5.2 with the nvidia runtime, answering."""
    base = Engine(
        "docker",
        "unix:///var/run/docker.sock",
        "default",
        "rootful",
        client=Known("/usr/bin/docker", "PATH"),
        version=Known("28.5.2", INFO),
        answers=Known(True, INFO),
        config_file=Known(FILE, "the daemon's default"),
        config_error=Absent(FILE),
        file_runtimes=Known({"nvidia": RUNTIME}, FILE),
        file_default_runtime=Absent(FILE),
        runtimes=Known(("io.containerd.runc.v2", "nvidia", "runc"), INFO),
        default_runtime=Known("runc", INFO),
        cgroup_driver=Known("systemd", INFO),
        cgroup_version=Known("2", INFO),
        cdi_dirs=Known(("/etc/cdi", "/var/run/cdi"), INFO),
        cri_disabled=Absent("containerd's"),
        started=Known(STARTED, "/proc/900/stat"),
        search_path=Known("/usr/sbin:/usr/bin:/sbin:/bin", "/proc/900/environ"),
        paths_missing=Known({}, "/proc/900/environ"),
        hook=Known("/usr/bin/nvidia-container-runtime-hook", "the daemon's PATH"),
        conflicts=Known((), FILE),
        cdi_dir_links=Absent("a rootless daemon"),
        config_version=Absent("containerd's"),
        drop_ins=Absent("containerd's"),
        drop_ins_ignored=Absent("containerd's"),
    )
    return base.replace(**changes)


def rootless_docker(**changes: object) -> Engine:
    socket = "/run/user/1000/docker.sock"
    base = docker(
        endpoint=f"unix://{socket}",
        selected_by="context rootless",
        flavour="rootless",
        config_file=Known("/home/u/.config/docker/daemon.json", "the daemon's default"),
        cgroup_driver=Known("none", f"GET /info on {socket}"),
        cdi_dir_links=Known((), "/proc/900/root"),
    )
    return base.replace(**changes)


def containerd(**changes: object) -> Engine:
    file = "/etc/containerd/config.toml"
    base = docker(
        name="containerd",
        endpoint="unix:///run/containerd/containerd.sock",
        selected_by="",
        version=Known("1.7.24", "containerd --version"),
        config_file=Known(file, file),
        file_runtimes=Known({"runc": "", "nvidia": f"/usr/bin/{RUNTIME}"}, file),
        file_default_runtime=Known("nvidia", file),
        cgroup_driver=Known("cgroupfs", file),
        cri_disabled=Known(False, file),
        config_version=Known(2, file),
        drop_ins=Known({}, "/etc/containerd/conf.d"),
        drop_ins_ignored=Known((), "/etc/containerd/conf.d"),
    )
    return base.replace(**changes)


def toolkit(**changes: object) -> ContainerToolkit:
    names = (RUNTIME, f"{RUNTIME}-hook", "nvidia-ctk", "nvidia-container-cli", "nvidia-cdi-hook")
    base = ContainerToolkit(
        {name: f"/usr/bin/{name}" for name in names},
        version=Known("1.17.8", "/var/lib/dpkg/status"),
        installed_at=Known(INSTALLED, "stat"),
        config_file=Known(CONFIG, CONFIG),
        config_error=Absent(CONFIG),
        no_cgroups=Known(False, CONFIG),
        driver_root=Absent(CONFIG),
        driver_root_exists=Absent(CONFIG),
        ldconfig=Known("/sbin/ldconfig.real", CONFIG),
        ldconfig_exists=Known(True, "/sbin/ldconfig"),
        mode=Known("auto", CONFIG),
    )
    return base.replace(**changes)


def spec(path: str = "/etc/cdi/nvidia.yaml", version: str = "550.163.01", **changes: object) -> CdiSpec:
    base = CdiSpec(
        path,
        Known("0.5.0", path),
        "nvidia.com/gpu",
        ("nvidia.com/gpu=0", "nvidia.com/gpu=all"),
        (),
        Known(version, path),
        Known(True, path),
        Absent(path),
    )
    return base.replace(**changes)


def on_a_gpu_host(**changes: object) -> Containers:
    base = Containers(
        inside=Absent("/.dockerenv, /proc/1"),
        engines=Known((docker(),), "PATH, /proc"),
        toolkit=Known(toolkit(), "/usr/bin"),
        cdi=Known((), "/etc/cdi, /var/run/cdi"),
        dev_char_links=Known(True, "/dev/char"),
        repositories=Known(
            (Repository("/etc/apt/sources.list.d/nvidia-container-toolkit.list:1", STABLE),), "/etc/apt"
        ),
    )
    return base.replace(**changes)


def gpu_host(**changes: object) -> Machine:
    """The laptop with Docker Engine and the container toolkit, as their guides set them up."""
    return healthy.rtx3050_laptop().replace(containers=on_a_gpu_host(**changes))


def with_docker(**changes: object) -> Machine:
    return gpu_host(engines=Known((docker(**changes),), "PATH, /proc"))


def with_toolkit(**changes: object) -> Machine:
    return gpu_host(toolkit=Known(toolkit(**changes), "/usr/bin"))


def with_specs(*specs: CdiSpec, **changes: object) -> Machine:
    return gpu_host(cdi=Known(specs, "/etc/cdi, /var/run/cdi"), **changes)


ENVIRON = "/proc/1/environ"
DEMAND = "cuda>=12.4 brand=tesla,driver>=470,driver<471 brand=unknown,driver>=535,driver<536"


def in_docker(**changes: object) -> Inside:
    """A container of nvidia/cuda:12.4.1-base, started with --gpus all."""
    lib = "/usr/lib/x86_64-linux-gnu"
    base = Inside(
        "docker",
        "/.dockerenv",
        visible_devices=Known("all", ENVIRON),
        capabilities=Known("compute,utility", ENVIRON),
        require_cuda=Known(DEMAND, ENVIRON),
        disable_require=Absent(ENVIRON),
        cuda_version=Known("12.4.1", ENVIRON),
        driver_mounts=Known(
            (f"{lib}/libcuda.so.550.163.01", f"{lib}/libnvidia-ml.so.550.163.01"), "/proc/self/mountinfo"
        ),
        baked=Known((), "the library folders"),
        cgroup_devices=Absent("/sys/fs/cgroup/devices/devices.list"),
        requirements=Known({"NVIDIA_REQUIRE_CUDA": DEMAND}, ENVIRON),
    )
    return base.replace(**changes)


def gpu_container(**changes: object) -> Machine:
    """A container that was given the laptop's GPU."""
    inside = Known(in_docker(**changes), "/.dockerenv")
    containers = Containers(
        inside=inside,
        engines=Known((), "PATH, /run"),
        toolkit=Absent("PATH"),
        cdi=Known((), "/etc/cdi"),
        dev_char_links=Absent("/dev/char"),
        repositories=Known((), "/etc/apt"),
    )
    return healthy.rtx3050_laptop().replace(containers=containers)


def bare_container(**changes: object) -> Machine:
    """The same image, started without a GPU on the same laptop: the host's bus and module can be seen, no more."""
    machine = gpu_container(driver_mounts=Known((), "/proc/self/mountinfo"), **changes)
    nothing = gpu.none().replace(pci=machine.gpu.pci)
    module = driver.installed().module
    return machine.replace(driver=driver.missing(module=module), gpu=nothing)
