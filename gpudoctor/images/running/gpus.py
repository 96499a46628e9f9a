"""Which flags give a container its GPUs, decided by what the engine and the machine have."""

from __future__ import annotations

import re
from collections.abc import Sequence

from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.containers import CdiSpec, Containers, Engine
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.images.running.order import Gpus

RUNTIME = "nvidia"
_KIND = "nvidia.com/gpu"
_DEVICE = re.compile(r"\d+(?::\d+)?|(?:GPU|MIG)-[0-9a-fA-F-]+")


class NoWay(Exception):
    """The engine as it is can't give a container GPUs. Its text says what was looked at."""


def asked(text: str) -> tuple[str, ...]:
    """ "all", "none", "0,1", UUIDs. Raises GpudoctorError for anything else.

    >>> asked("0,1")
    ('0', '1')
    """
    if text in ("all", "none"):
        return () if text == "none" else ("all",)
    names = tuple(dict.fromkeys(part.strip() for part in text.split(",")))
    if not names or not all(_DEVICE.fullmatch(name) for name in names):
        raise GpudoctorError(
            f"--gpus {text!r} names no GPUs",
            note="nothing was run",
            hint="all, none, or indices and UUIDs as nvidia-smi has them: --gpus 0,1",
        )
    return names


def choose(engine: Engine, containers: Containers, devices: tuple[str, ...]) -> Gpus:
    """Raises NoWay."""
    return (_podman if engine.name == "podman" else _docker)(engine, containers, devices)


def none(why: str) -> Gpus:
    return Gpus("none", why=why)


def _docker(engine: Engine, containers: Containers, devices: tuple[str, ...]) -> Gpus:
    toolkit = value_of(containers.toolkit, None)
    mode = value_of(toolkit.mode, "") if toolkit is not None else ""
    runtimes = value_of(engine.runtimes, ())
    looked = []
    if isinstance(engine.hook, Known) and mode != "cdi":
        value = "all" if devices == ("all",) else f'"device={",".join(devices)}"'
        return Gpus(
            "gpus", devices, "", ("--gpus", value), f"the daemon finds the toolkit's hook {engine.hook.value}"
        )
    looked.append(
        "the toolkit's mode is cdi, so its hook refuses `--gpus`"
        if isinstance(engine.hook, Known)
        else "no nvidia-container-runtime-hook on the daemon's PATH, so no `--gpus`"
    )
    if RUNTIME in runtimes:
        default = value_of(engine.default_runtime, "") == RUNTIME
        flags = () if default else ("--runtime", RUNTIME)
        env = ("-e", f"NVIDIA_VISIBLE_DEVICES={','.join(devices)}")
        why = f"the daemon has the runtime {RUNTIME}" + (", its default" if default else "")
        return Gpus("runtime", devices, "" if default else RUNTIME, (*flags, *env), f"{why}; {looked[0]}")
    looked.append(f"no runtime {RUNTIME} among the daemon's ({', '.join(runtimes) or 'none is told'})")
    folders = value_of(engine.cdi_dirs, ())
    if folders:
        missing = _lacking(containers, devices)
        if not missing:
            gpus = Gpus("cdi", devices, "", (), f"the daemon reads CDI; {'; '.join(looked)}")
            return gpus.replace(flags=tuple(word for name in gpus.cdi for word in ("--device", name)))
        looked.append(missing)
    else:
        looked.append("the daemon names no folders of CDI specifications")
    raise NoWay("; ".join(looked))


def _podman(engine: Engine, containers: Containers, devices: tuple[str, ...]) -> Gpus:
    missing = _lacking(containers, devices)
    if missing:
        raise NoWay(missing)
    gpus = Gpus("cdi", devices, "", (), "podman gives GPUs by CDI, and a specification has them")
    return gpus.replace(flags=tuple(word for name in gpus.cdi for word in ("--device", name)))


def _lacking(containers: Containers, devices: tuple[str, ...]) -> str:
    """Why CDI can't give these; "" where it can."""
    specs: Sequence[CdiSpec] = [s for s in value_of(containers.cdi, ()) if s.kind == _KIND]
    if not specs:
        return f"no CDI specification of {_KIND}"
    offered = {name for spec in specs for name in spec.devices}
    lacking = [f"{_KIND}={name}" for name in devices if f"{_KIND}={name}" not in offered]
    return (
        f"{', '.join(s.path for s in specs)} {'has' if len(specs) == 1 else 'have'} no {', '.join(lacking)}"
        if lacking
        else ""
    )
