"""The CDI specification: nvidia-ctk's where it is installed, else one of our own from the driver's files."""

from __future__ import annotations

import re

from gpudoctor.changes.plan import FileChange
from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.containers import CdiSpec, Engine
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.facts.record import Record
from gpudoctor.probes import container_cdi, containers
from gpudoctor.runtimes import cdi
from gpudoctor.system import loader
from gpudoctor.system.port import Port, exists, names, text
from gpudoctor.workflows.runtime.edits import change

_CONTROL = ("/dev/nvidiactl", "/dev/nvidia-uvm", "/dev/nvidia-uvm-tools", "/dev/nvidia-modeset")
_PROGRAMS = (
    "nvidia-smi",
    "nvidia-debugdump",
    "nvidia-persistenced",
    "nvidia-cuda-mps-control",
    "nvidia-cuda-mps-server",
)
_SOCKETS = ("/run/nvidia-persistenced/socket", "/run/nvidia-fabricmanager/socket")
_VERSIONED = re.compile(r"\.so\.(\d{3,}\.\d+(?:\.\d+)*)$")


class Refreshed(Record):
    files: tuple[FileChange, ...] = ()
    notes: tuple[str, ...] = ()


def place(port: Port, engine: Engine, dirs: tuple[str, ...]) -> str:
    """Where this engine's specification of NVIDIA's GPUs is, or shall be."""
    if dirs:
        return f"{dirs[-1]}/nvidia.yaml"
    folders = value_of(engine.cdi_dirs, ()) or container_cdi.DEFAULT_DIRS
    for spec in value_of(container_cdi.specs(port, folders), ()):
        if spec.kind == cdi.KIND and not _volatile(spec.path):
            return spec.path
    usable = [folder for folder in folders if not _volatile(folder)]
    return f"{usable[0] if usable else folders[0]}/nvidia.yaml"


def _volatile(path: str) -> bool:
    return path.startswith(("/run/", "/var/run/"))


def refreshed(port: Port, path: str) -> Refreshed:
    """The specification as it should be now. Raises GpudoctorError where none can be made."""
    content, notes = _wanted(port)
    before = None
    try:
        before = port.read(path)
    except FileNotFoundError:
        pass
    except OSError as error:
        raise GpudoctorError(f"{path} can't be read: {error.strerror or error}") from None
    notes += _shadows(port, path)
    return Refreshed(
        change(path, before, content, "the GPUs and driver files that are here now"), tuple(notes)
    )


def _wanted(port: Port) -> tuple[str, list[str]]:
    toolkit = value_of(containers.toolkit(port), None)
    if toolkit is not None and "nvidia-ctk" in toolkit.binaries and port.live:
        ran = port.run([toolkit.binaries["nvidia-ctk"], "cdi", "generate"], 20.0)
        if ran.code == 0 and ran.stdout.strip():
            return ran.stdout, []
        said = (ran.stderr.strip().splitlines() or ["it ended without a word"])[-1]
        raise GpudoctorError(
            "nvidia-ctk could not make a CDI specification",
            context=said,
            note="nothing was changed",
            hint="`gpudoctor check` says what is wrong with the driver",
        )
    try:
        return cdi.generate(inventory(port)), [
            "nvidia-ctk is not installed: the specification is made from the driver's files, without its hooks"
        ]
    except ValueError as error:
        raise GpudoctorError(
            f"a CDI specification can't be made: {error}",
            note="nothing was changed",
            hint="`gpudoctor check` says what is wrong with the driver",
        ) from None


def inventory(port: Port) -> cdi.Inventory:
    """What the driver has brought to this machine."""
    uuids = _uuids(port)
    devices = []
    for name in sorted(names(port, "/dev"), key=lambda n: (len(n), n)):
        if re.fullmatch(r"nvidia\d+", name):
            number = name.removeprefix("nvidia")
            devices.append(cdi.Device(number, {f"/dev/{name}": f"/dev/{name}"}, uuids.get(number, "")))
    version, libraries = _libraries(port)
    return cdi.Inventory(
        version,
        tuple(devices),
        tuple(path for path in _CONTROL if exists(port, path)),
        libraries,
        tuple(path for name in _PROGRAMS if exists(port, path := f"/usr/bin/{name}")),
        tuple(path for path in _SOCKETS if exists(port, path)),
    )


def _uuids(port: Port) -> dict[str, str]:
    """Minor number -> UUID, as the kernel module tells them."""
    found = {}
    for name in names(port, "/proc/driver/nvidia/gpus"):
        try:
            said = text(port, f"/proc/driver/nvidia/gpus/{name}/information")
        except OSError:
            continue
        minor = re.search(r"^Device Minor:\s*(\d+)", said, re.MULTILINE)
        uuid = re.search(r"^GPU UUID:\s*(GPU-[0-9a-fA-F-]+)", said, re.MULTILINE)
        if minor and uuid:
            found[minor[1]] = uuid[1]
    return found


def _libraries(port: Port) -> tuple[str, tuple[cdi.Library, ...]]:
    """The driver's version and its 64-bit libraries: those of the loader's whose file carries libcuda's version."""
    cuda = next((port.realpath(f.path) for f in loader.find(port, "libcuda.so.1")), "")
    match = _VERSIONED.search(cuda)
    if match is None:
        return "", ()
    version = match[1]
    found: dict[str, cdi.Library] = {}
    for entry in loader.cache(port):
        if not entry.is_64_bit or not entry.name.startswith(
            ("libcuda", "libnvidia", "libnvcuvid", "libnvoptix")
        ):
            continue
        real = port.realpath(entry.path)
        if real.endswith(f".so.{version}") and real not in found:
            found[real] = cdi.Library(real, entry.name if not entry.name.endswith(version) else "")
    found.setdefault(cuda, cdi.Library(cuda, "libcuda.so.1"))
    return version, tuple(found[path] for path in sorted(found))


def _shadows(port: Port, path: str) -> list[str]:
    """A file of a later folder wins over ours; one in the same folder makes both unusable."""
    said = []
    for spec in nvidia_specs(port):
        folder, mine = port.realpath(spec.path.rpartition("/")[0]), port.realpath(path.rpartition("/")[0])
        if port.realpath(spec.path) == port.realpath(path) or spec.kind != cdi.KIND:
            continue
        if folder == mine:
            said.append(
                f"{spec.path} names the same devices in the same folder: engines refuse both; remove one"
            )
        elif _volatile(spec.path):
            said.append(f"{spec.path} names the same devices and wins over {path}")
    return said


def nvidia_specs(port: Port) -> tuple[CdiSpec, ...]:
    return tuple(
        spec
        for spec in value_of(containers.cdi(port), ())
        if not isinstance(spec.error, Known) and spec.kind.startswith("nvidia.com/")
    )
