"""`plan driver`, `plan cuda` and their like: the machine (this one, a snapshot's, or a described one) and the answer."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gpudoctor.advice import software
from gpudoctor.advice.question import Question
from gpudoctor.advice.question.reading import read
from gpudoctor.advice.route import Route
from gpudoctor.advice.software import Installable, Retired, Setting
from gpudoctor.errors import EXIT_CANNOT_TELL, GpudoctorError
from gpudoctor.facts.host import Distribution
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import value_of
from gpudoctor.knowledge import install
from gpudoctor.system.port import Port


def plan(
    target: str, version: str, given: Mapping[str, Any], snapshot: str = "", way: Route | None = None
) -> Installable:
    """`given`: as in workflows.plan, and cuda, distribution, method, prefix. Raises GpudoctorError for unknown names and
    where something has to be named."""
    said = {key: list(value) if isinstance(value, tuple) else value for key, value in given.items() if value}
    own = {key: str(said.pop(key, "")) for key in ("cuda", "distribution", "method", "prefix")}
    asked, machine, retired = _where(target, said, snapshot, bool(own["distribution"]))
    distribution = _distribution(own["distribution"], machine)
    setting = _setting(asked, distribution, way or Route(), retired)
    return _checked(
        target,
        setting.replace(method=own["method"], prefix=own["prefix"], version=version, cuda=own["cuda"]),
    )


def for_machine(target: str, machine: Machine) -> Installable:
    """The same of a machine whose facts are there already. Raises GpudoctorError where they don't tell enough."""
    from gpudoctor.workflows.plan import of_machine

    return _checked(target, _setting(of_machine(machine), _distribution("", machine), Route(), ()))


def _setting(
    asked: Question, distribution: Distribution | None, way: Route, retired: tuple[Retired, ...]
) -> Setting:
    on = install.distro(distribution.id, distribution.version, asked.machine) if distribution else None
    return Setting(
        asked=asked,
        way=way,
        on=on,
        distribution=distribution.name if distribution else "",
        like=(distribution.id, *distribution.like) if distribution else (),
        retired=retired,
    )


def _checked(target: str, setting: Setting) -> Installable:
    from gpudoctor.advice import extras, names, toolkits
    from gpudoctor.advice.driver import plan_driver

    _refuse_contradictions(target, setting)
    if target == "driver":
        version = names.driver(setting.version) if setting.version else ""
        cuda = names.cuda(setting.cuda, "cuda") if setting.cuda else ""
        return plan_driver(setting.replace(version=version, cuda=cuda))
    if setting.prefix:
        setting = setting.replace(method="runfile")
    odd = toolkits.jetson(setting)
    if odd is not None:
        return odd
    makers = {
        "cuda": toolkits.plan_cuda,
        "cudnn": toolkits.plan_cudnn,
        "tensorrt": extras.plan_tensorrt,
        "container-toolkit": extras.plan_container_toolkit,
    }
    return makers[target](setting)


def _refuse_contradictions(target: str, setting: Setting) -> None:
    method, usual = setting.method, software.manager(setting)
    if method in ("apt", "dnf", "zypper") and usual and not usual.startswith(method):
        raise _contradiction(f"{setting.distribution} has {usual}, not {method}", "--method")
    if target == "driver" and (method or setting.prefix):
        raise _contradiction("a driver is installed by the distribution's packages", "--method")
    if setting.prefix and method not in ("", "runfile"):
        raise _contradiction("only a runfile takes a --prefix", "--prefix")
    if setting.prefix and target != "cuda":
        raise _contradiction(f"plan {target} has no --prefix", "--prefix")
    if setting.prefix and not setting.prefix.startswith("/"):
        raise _contradiction(f"{setting.prefix!r} is no absolute path", "--prefix")
    if target == "cuda" and setting.cuda:
        hint = f"gpudoctor plan cuda {setting.cuda}"
        raise _contradiction("plan cuda takes the version as its second word", "--cuda", hint)
    if target == "container-toolkit" and setting.cuda:
        raise _contradiction("the container toolkit goes with any CUDA", "--cuda")


def _contradiction(what: str, where: str, hint: str = "") -> GpudoctorError:
    return GpudoctorError(what, context=where, note="nothing was planned", hint=hint)


def exit_code(found: Installable) -> int:
    """0 planned, 1 impossible, 2 not known."""
    if found.installation is not None:
        return 0
    return EXIT_CANNOT_TELL if found.possible is None else 1


# ---------------------------------------------------------------- the machine


def _where(
    target: str, said: dict[str, Any], snapshot: str, elsewhere: bool
) -> tuple[Question, Machine | None, tuple[Retired, ...]]:
    """The question about the machine, its facts where there are any, and its retired package sources. Only a driver
    needs a GPU: toolkits are installed on build machines too. `elsewhere`: another distribution, so another machine."""
    described = bool(said.get("gpu") or said.get("cc") or (elsewhere and not snapshot))
    if described and snapshot:
        raise GpudoctorError("--snapshot is a machine, and so is --gpu: name one of them")
    if described:
        asked = read(said) if said else Question(system="Linux", machine="x86_64")
        if target == "driver" and not asked.cards:
            raise GpudoctorError(
                "which driver it takes depends on the GPU",
                context="--gpu",
                note="nothing was planned",
                hint="name it: --gpu T4",
            )
        return asked, None, ()
    machine, retired = _facts(target, snapshot)
    from gpudoctor.workflows.plan import changed, of_machine

    if target == "driver":
        asked = of_machine(machine)
    else:
        try:
            asked = of_machine(machine)
        except GpudoctorError:
            asked = without_gpu(machine)
    return changed(asked, said), machine, retired


def without_gpu(machine: Machine) -> Question:
    from gpudoctor.facts.observed import Known

    wsl = isinstance(machine.host.wsl, Known)
    return Question(
        system="WSL2" if wsl else str(value_of(machine.host.system, "Linux")),
        machine=str(value_of(machine.host.architecture, "x86_64")),
    )


def _facts(target: str, snapshot: str) -> tuple[Machine, tuple[Retired, ...]]:
    if snapshot:
        from gpudoctor.workflows.snapshot import read_snapshot

        machine = read_snapshot(snapshot).machine
        return machine, _of_snapshot(machine) if target == "container-toolkit" else ()
    from gpudoctor.engine import Asking
    from gpudoctor.workflows.check import Request, open_port

    port = open_port(Request())
    try:
        machine = Asking(port, ("host", "gpu", "driver", "frameworks")).machine()
        return machine, retired_sources(port, target)
    finally:
        close = getattr(port, "close", None)
        if close is not None:
            close()


def _distribution(named: str, machine: Machine | None) -> Distribution | None:
    """The one that is named, else the machine's. None where nobody says."""
    if named:
        return _named(named)
    return value_of(machine.host.distribution, None) if machine is not None else None


_ALIASES = {
    "redhat": "rhel",
    "rockylinux": "rocky",
    "alma": "almalinux",
    "oracle": "ol",
    "oraclelinux": "ol",
    "amazon": "amzn",
    "amazonlinux": "amzn",
    "azl": "azurelinux",
    "opensuse": "opensuse-leap",
    "leap": "opensuse-leap",
    "suse": "sles",
}
_FAMILIES = {"apt": ("debian",), "dnf": ("fedora",), "dnf5": ("fedora",), "tdnf": (), "zypper": ("suse",)}


def _named(text: str) -> Distribution:
    match = re.fullmatch(r"([a-z][a-z-]*?)[\s:-]*(\d+(?:\.\d+)?)", text.strip().lower())
    name = _ALIASES.get(match[1], match[1]) if match else ""
    found = install.distro(name, match[2]) if match else None
    if match is None or found is None:
        import difflib

        known = install.distro_names()
        near = difflib.get_close_matches(text.lower(), known, 3, 0.6)
        raise GpudoctorError(
            f"NVIDIA has no repository for {text!r} that is known here",
            context="--distribution",
            note="nothing was planned",
            hint=f"did you mean {' or '.join(near)}?" if near else f"known: {', '.join(known)}",
        )
    return Distribution(name, match[2], f"{name} {match[2]}", _FAMILIES[found.manager])


# ---------------------------------------------------------------- retired package sources

_CUDA = re.compile(r"developer\.download\.nvidia\.(?:com|cn)/compute/(cuda|machine-learning)/repos")
_TOOLKIT = re.compile(r"nvidia\.github\.io/(?:nvidia-docker|nvidia-container-runtime|libnvidia-container)")
_PRESENT = re.compile(r"/libnvidia-container/(?:stable|experimental)/(?:deb|rpm)\b")
#: The key of NVIDIA's CUDA repository until 2022, added with apt-key.
OLD_KEY = "7fa2af80"


def retired_sources(port: Port, target: str) -> tuple[Retired, ...]:
    """Sources of apt's that are gone, or whose key apt-key added: they fail, or conflict with the present ones."""
    from gpudoctor.parsers.package_sources import apt_sources
    from gpudoctor.system.port import names, text

    folder = "/etc/apt/sources.list.d"
    files = [f"{folder}/{n}" for n in names(port, folder) if n.endswith((".list", ".sources"))]
    found = []
    for file in ("/etc/apt/sources.list", *files):
        try:
            sources = apt_sources(text(port, file))
        except OSError:
            continue
        old = [(line, why) for line, url, signed in sources if (why := _why(target, url, signed))]
        whole = len(old) == len(sources) and file != "/etc/apt/sources.list"
        if old and (whole or file.endswith(".list")):
            key = OLD_KEY if target != "container-toolkit" else ""
            found.append(Retired(file, old[0][1], tuple(line for line, _ in old), whole, key))
    return tuple(found)


def _why(target: str, url: str, signed: bool) -> str:
    if target == "container-toolkit":
        if _TOOLKIT.search(url) and not _PRESENT.search(url):
            return "a retired repository of the container tools"
        if _PRESENT.search(url) and not signed:
            return "it names no key (apt-key): it conflicts with the source that does"
        return ""
    match = _CUDA.search(url)
    if match is None:
        return ""
    if match[1] == "machine-learning":
        return "a retired repository: cuDNN and TensorRT are in that of CUDA now"
    return "" if signed else "it names no key (apt-key): it conflicts with the source of cuda-keyring"


def _of_snapshot(machine: Machine) -> tuple[Retired, ...]:
    found: dict[str, Retired] = {}
    for one in value_of(machine.containers.repositories, ()):
        file, _, line = one.place.rpartition(":")
        why = _why("container-toolkit", one.url, True)
        if why and file.endswith((".list", ".repo")) and file != "/etc/apt/sources.list":
            lines = found[file].lines if file in found else ()
            found[file] = Retired(file, why, (*lines, int(line)), False)
    return tuple(found.values())
