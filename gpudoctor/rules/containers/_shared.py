"""What the rules on containers share."""

from __future__ import annotations

import re

from gpudoctor.facts.containers import CdiSpec, Containers, ContainerToolkit, Engine, Inside
from gpudoctor.facts.driver import DeviceNode, Driver
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Known, Unknown, value_of
from gpudoctor.findings import CannotLook, DoesNotApply, Subject
from gpudoctor.rules.judging import answers_as_if_a_gpu, need, need_or, nvidia_gpus

_GPU_NODE = re.compile(r"/dev/nvidia\d+")


# ---------------------------------------------------------------- inside


def the_container(containers: Containers) -> Inside:
    return need(containers.inside, "container around us")


def asks_for_gpus(visible_devices: str) -> bool:
    """NVIDIA_VISIBLE_DEVICES names GPUs; "void", "none" and nothing don't."""
    return visible_devices.strip().lower() not in ("", "void", "none")


def gpu_nodes(driver: Driver) -> tuple[DeviceNode, ...]:
    """The nodes of GPUs. /dev/nvidiactl does not count: NVIDIA's libraries create it where there is no GPU at all."""
    nodes = need_or(driver.nodes, "device nodes", ())
    return tuple(node for node in nodes if _GPU_NODE.fullmatch(node.path))


def paravirtual_gpu(host: Host) -> bool:
    """WSL2's /dev/dxg is there: GPUs come through it, and nodes of NVIDIA's don't exist."""
    wsl = value_of(host.wsl, None)
    return wsl is not None and value_of(wsl.dxg, False)


def libraries(driver: Driver, name: str) -> bool:
    """The driver's library is there and no empty file, stub, or copy for forward compatibility."""
    return any(
        lib.name == name and lib.size != 0 and lib.origin not in ("unreached", "stub", "compat")
        for lib in need_or(driver.libraries, "driver libraries", ())
    )


# ---------------------------------------------------------------- on the host


def on_the_host(containers: Containers) -> None:
    if isinstance(containers.inside, Known):
        raise DoesNotApply("inside a container: the host's engines are out of sight")
    need_or(containers.inside, "whether this is a container", None)


def engines(containers: Containers, name: str) -> tuple[Engine, ...]:
    """The host's engines of that name; DoesNotApply when there is none."""
    on_the_host(containers)
    found = tuple(e for e in need(containers.engines, "container engine") if e.name == name)
    if not found:
        raise DoesNotApply(f"no {name} on this machine")
    return found


def docker_daemons(containers: Containers) -> tuple[Engine, ...]:
    """Docker's own daemons of this machine, running or installed: not Podman's double, not Docker Desktop's machine."""
    found = tuple(e for e in engines(containers, "docker") if e.flavour in ("rootful", "rootless", "snap"))
    if not found:
        raise DoesNotApply("no Docker daemon on this machine")
    return found


def the_toolkit(containers: Containers) -> ContainerToolkit:
    on_the_host(containers)
    return need(containers.toolkit, "NVIDIA Container Toolkit")


def toolkit_usable(containers: Containers) -> bool:
    """A program that engines can call is installed; libnvidia-container's own tools alone are not."""
    toolkit = need_or(containers.toolkit, "NVIDIA Container Toolkit", None)
    needed = ("nvidia-container-runtime", "nvidia-container-runtime-hook", "nvidia-ctk")
    return toolkit is not None and any(name in toolkit.binaries for name in needed)


def nvidia_specs(containers: Containers) -> tuple[CdiSpec, ...]:
    """CDI specifications that engines understand."""
    on_the_host(containers)
    specs = need_or(containers.cdi, "CDI specification", ())
    return tuple(spec for spec in specs if not isinstance(spec.error, Known))


def need_a_gpu(host: Host, driver: Driver, gpu: Gpu) -> None:
    """DoesNotApply when there is no NVIDIA GPU; CannotLook when nobody knows."""
    if isinstance(driver.module, Known) or answers_as_if_a_gpu(gpu) or paravirtual_gpu(host):
        return
    if not isinstance(gpu.pci, Known) and any(d.devices for d in (value_of(gpu.nvml, None),) if d):
        return
    if not nvidia_gpus(gpu):
        raise DoesNotApply("no NVIDIA GPU")


def not_this_users(engine: Engine) -> bool:
    """Whoever asks may not speak to this daemon, and so starts no containers with it: what can't be learnt of it is a minor
    matter to them."""
    return isinstance(engine.answers, Unknown) and engine.answers.would_help == "root"


def names_nvidia(engine: Engine) -> bool:
    """The daemon's file or flags define an nvidia runtime."""
    return any("nvidia" in name for name in value_of(engine.file_runtimes, {}))


def wanted(containers: Containers) -> bool:
    """Somebody has set this machine up for GPU containers: what hinders them is a failure, not a warning."""
    specs = value_of(containers.cdi, ())
    return (
        isinstance(containers.toolkit, Known)
        or bool(specs)
        or any(names_nvidia(e) for e in value_of(containers.engines, ()))
    )


def running(engine: Engine) -> bool:
    return value_of(engine.answers, False) or isinstance(engine.started, Known)


def config_file(engine: Engine) -> str:
    default = "/etc/docker/daemon.json"
    return value_of(engine.config_file, getattr(engine.config_file, "looked_in", default)) or default


def daemon(engine: Engine) -> Subject:
    return Subject("daemon", engine.endpoint or engine.name, f"{engine.name} ({engine.flavour})")


def restart(engine: Engine) -> str:
    if engine.name == "containerd":
        return "sudo systemctl restart containerd"
    if engine.flavour == "snap":
        return "sudo snap restart docker"
    return (
        "systemctl --user restart docker" if engine.flavour == "rootless" else "sudo systemctl restart docker"
    )


def sudo(engine: Engine) -> str:
    return "" if engine.flavour == "rootless" else "sudo "


def unknown_to_us(engine: Engine, what: str, observed: object) -> CannotLook:
    reason = getattr(observed, "reason", "not known")
    return CannotLook(f"{what} of {engine.name}: {reason}", getattr(observed, "would_help", ""))
