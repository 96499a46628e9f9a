"""The GPUs: the PCI bus, and what NVML, libcuda and nvidia-smi answer when they are asked in a child process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from gpudoctor.facts.gpu import (
    AnswerState,
    CudaDevice,
    CudaDriver,
    MigInstance,
    Nvml,
    NvmlDevice,
    PciDevice,
    Process,
    RemappedRows,
    Smi,
)
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown, value_of
from gpudoctor.probes import pci as bus
from gpudoctor.system.port import Port, is_file, which

NVML_SONAME, CUDA_SONAME = "libnvidia-ml.so.1", "libcuda.so.1"
#: A node of eight sleeping data-centre GPUs takes several seconds to initialise (seconds).
DRIVER_TIMEOUT = 15.0
SMI_TIMEOUT = 5.0
#: Folders that applications of these systems search by themselves, so that a driver there is not a lost one.
EXTRA_DIRS = ("/usr/lib/wsl/lib", "/run/opengl-driver/lib")
SMI_PLACES = ("/usr/bin/nvidia-smi", "/usr/lib/wsl/lib/nvidia-smi", "/run/current-system/sw/bin/nvidia-smi")
_SMI_LINES = 20
_ASLEEP = Unknown("GPU is asleep", "wake")
_INSUFFICIENT_PERMISSIONS = 4


def pci(port: Port) -> Observed[tuple[PciDevice, ...]]:
    return bus.devices(port)


# ---------------------------------------------------------------- NVML


def nvml(port: Port) -> Observed[Nvml]:
    path, missing = _library(port, NVML_SONAME, EXTRA_DIRS)
    if missing:
        return missing
    if _asleep(port):
        return _ASLEEP
    folder = pynvml_folder()
    if not folder:
        return Unknown("nvidia-ml-py is not installed beside gpudoctor")
    from gpudoctor.system.child import ask

    answer = ask(port, "nvml", [folder, path], DRIVER_TIMEOUT)
    data = answer.data
    code = data.get("code")
    state = answer.state if answer.state != "answered" or code == 0 else "failed"
    late = Unknown(f"NVML {answer.state}" if answer.state != "answered" else "nvmlInit failed")
    devices = tuple(_nvml_device(d) for d in data.get("devices", ()) if isinstance(d, dict))
    return Known(
        Nvml(
            state,
            code,
            str(data.get("message", "")),
            _field(data, "library", "dlopen", late),
            _field(data, "library_version", "nvmlSystemGetNVMLVersion", late),
            _field(data, "driver_version", "nvmlSystemGetDriverVersion", late),
            _field(data, "cuda_version", "nvmlSystemGetCudaDriverVersion", late),
            devices,
            answer.detail,
        ),
        "NVML",
    )


def pynvml_folder() -> str:
    """Where pynvml lies, found without importing it; "" if it is not installed."""
    from importlib.util import find_spec
    from os.path import dirname

    spec = find_spec("pynvml")
    if spec is None or not spec.origin:
        return ""
    return dirname(dirname(spec.origin) if spec.submodule_search_locations else spec.origin)


_CONVERT: Mapping[str, Callable[[Any], Any]] = {
    "mig_instances": lambda v: tuple(MigInstance(str(u), str(p), int(m)) for u, p, m in v),
    "processes": lambda v: tuple(Process(int(p), str(n), int(m)) for p, n, m in v),
    "remapped_rows": lambda v: RemappedRows(int(v[0]), int(v[1]), bool(v[2]), bool(v[3])),
    "throttle": lambda v: tuple(str(x) for x in v),
    "nvlinks": lambda v: tuple(bool(x) for x in v),
}


def _nvml_device(data: Mapping[str, Any]) -> NvmlDevice:
    never = Unknown("NVML did not get that far")
    fields = {
        name: _field(data, name, "NVML", never, _CONVERT.get(name))
        for name in NvmlDevice.record_fields
        if name != "index"
    }
    return NvmlDevice(int(data.get("index", -1)), **fields)


# ---------------------------------------------------------------- libcuda


def cuda(port: Port) -> Observed[CudaDriver]:
    path, missing = _library(port, CUDA_SONAME, EXTRA_DIRS[1:])
    if missing:
        return missing
    if _asleep(port):
        return _ASLEEP
    from gpudoctor.system.child import ask

    answer = ask(port, "cuda_driver", [path], DRIVER_TIMEOUT)
    data = answer.data
    code = data.get("code")
    state = answer.state if answer.state != "answered" or code == 0 else "failed"
    late = Unknown(f"libcuda {answer.state}" if answer.state != "answered" else "libcuda could not be loaded")
    devices = tuple(_cuda_device(d) for d in data.get("devices", ()) if isinstance(d, dict))
    unmasked: Observed[int] = _field(data, "count", "cuDeviceGetCount", late)
    if "CUDA_VISIBLE_DEVICES" in port.env:
        unmasked = late if state in ("hung", "crashed") else _count_unmasked(port, path)
    return Known(
        CudaDriver(
            state,
            code,
            str(data.get("name", "")),
            _field(data, "version", "cuDriverGetVersion", late),
            _field(data, "library", "dlopen", late),
            devices,
            unmasked,
            "\n".join(part for part in (str(data.get("error", "")), answer.detail) if part),
        ),
        "libcuda",
    )


def _cuda_device(data: Mapping[str, Any]) -> CudaDevice:
    never = Unknown("libcuda did not get that far")
    fields = {n: _field(data, n, "libcuda", never) for n in CudaDevice.record_fields if n != "ordinal"}
    return CudaDevice(int(data.get("ordinal", -1)), **fields)


def _count_unmasked(port: Port, path: str) -> Observed[int]:
    """libcuda reads CUDA_VISIBLE_DEVICES once, in cuInit: only a second process can tell what it hides."""
    from gpudoctor.system.child import ask

    env = {name: value for name, value in port.env.items() if name != "CUDA_VISIBLE_DEVICES"}
    answer = ask(port, "cuda_driver", [path], DRIVER_TIMEOUT, env)
    if answer.state != "answered":
        return Unknown(f"libcuda without CUDA_VISIBLE_DEVICES: {answer.detail or answer.state}")
    via = "cuDeviceGetCount without CUDA_VISIBLE_DEVICES"
    return _field(answer.data, "count", via, Unknown("libcuda did not say"))


# ---------------------------------------------------------------- nvidia-smi


def smi(port: Port) -> Observed[Smi]:
    path = which(port, "nvidia-smi") or next((p for p in SMI_PLACES if is_file(port, p)), None)
    if path is None:
        return Absent("nvidia-smi on PATH, " + ", ".join(SMI_PLACES))
    if _asleep(port):
        return _ASLEEP
    from gpudoctor.parsers.nvidia_smi import parse_table
    from gpudoctor.system.child import run_unprivileged

    ran = run_unprivileged(port, ("program", path), SMI_TIMEOUT)
    table = parse_table(ran.stdout)
    state: AnswerState = "answered" if ran.code == 0 else "failed"
    if ran.timed_out or ran.signal:
        state = "hung" if ran.timed_out else "crashed"
    silent = Unknown(f"nvidia-smi {state}" if state != "answered" else "nvidia-smi's banner does not say")
    output = "\n".join((ran.stdout + ran.stderr).strip().splitlines()[:_SMI_LINES])
    return Known(
        Smi(
            state,
            path,
            ran.code,
            output,
            Known(table.smi_version, path) if table.smi_version else silent,
            Known(table.kmd_version, path) if table.kmd_version else silent,
            Known(table.cuda_version, path) if table.cuda_version else silent,
            _other_copies(port, path),
        ),
        path,
    )


def _other_copies(port: Port, path: str) -> tuple[str, ...]:
    copies = (which(port, "nvidia-smi", folder) for folder in port.env.get("PATH", "").split(":") if folder)
    files = {port.realpath(copy): copy for copy in reversed([c for c in copies if c])}
    files.pop(port.realpath(path), None)
    return tuple(sorted(files.values()))


# ---------------------------------------------------------------- shared


def _library(port: Port, soname: str, extra: Sequence[str]) -> tuple[str, Absent | None]:
    """("", None) if the loader finds it by its soname; a path if only we find it; else where we looked.

    Nothing is started for a library that is nowhere: on a machine without a GPU that is what a check costs.
    """
    from gpudoctor.system import loader

    if loader.find(port, soname):
        return "", None
    for folder in extra:
        if is_file(port, f"{folder}/{soname}"):
            return f"{folder}/{soname}", None
    places = [loader.LIBRARY_PATH, loader.CACHE, "the loader's default folders", *extra]
    return "", Absent(f"{soname} in " + ", ".join(places))


def _asleep(port: Port) -> bool:
    """Every NVIDIA GPU sleeps, asking would wake it, and nobody wants that."""
    if port.options.wake:
        return False
    gpus = [d for d in value_of(bus.devices(port), ()) if d.vendor == bus.NVIDIA and d.is_display]
    return bool(gpus) and all(bus.sleeps(d) for d in gpus)


def _field(
    data: Mapping[str, Any],
    name: str,
    via: str,
    otherwise: Unknown,
    convert: Callable[[Any], Any] | None = None,
) -> Observed[Any]:
    """A helper's {"known": v}, {"absent": words} or {"unknown": words, "code": n} as an observation."""
    said = data.get(name)
    if not isinstance(said, dict):
        return otherwise
    if "known" in said:
        try:
            return Known(convert(said["known"]) if convert else said["known"], via)
        except (TypeError, ValueError, IndexError) as error:
            return Unknown(f"{via}: not understood ({error})")
    if "absent" in said:
        return Absent(f"{via}: {said['absent']}")
    would_help = "root" if said.get("code") == _INSUFFICIENT_PERMISSIONS else ""
    return Unknown(str(said.get("unknown", otherwise.reason)), would_help)


FIELDS: dict[str, Callable[[Port], Observed[Any]]] = {"pci": pci, "nvml": nvml, "cuda": cuda, "smi": smi}
