"""What each installed framework would get from the loader: its own libraries read, its process played through."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from gpudoctor.facts.frameworks import Build, Interpreter
from gpudoctor.facts.libraries import Library, Load
from gpudoctor.facts.observed import Known, Observed, Unknown, value_of
from gpudoctor.facts.record import Record
from gpudoctor.parsers.cudalibs import family_of, major_of, version_in
from gpudoctor.probes._copies import names_in
from gpudoctor.probes._process import Process
from gpudoctor.system.port import Port, is_file, text

#: Framework -> its libraries, from its package's parent folder, in the order of their loading. A star is any name.
ROOTS: Mapping[str, tuple[str, ...]] = {
    "torch": (
        "torch/lib/libtorch_global_deps.so",
        "torch/lib/libtorch_cuda.so",
        "torch/lib/libtorch_cuda_linalg.so",
    ),
    "tensorflow": ("tensorflow/libtensorflow_framework.so.2",),
    "jax": (
        "jax_plugins/xla_cuda12/xla_cuda_plugin.so",
        "jax_plugins/xla_cuda13/xla_cuda_plugin.so",
    ),
    "onnxruntime": ("onnxruntime/capi/libonnxruntime_providers_cuda.so",),
    "cupy": ("cupy_backends/cuda/api/*.so", "cupy_backends/cuda/libs/*.so"),
}
#: Frameworks that open CUDA's libraries by name; all others link them.
_OPENS_BY_NAME = ("tensorflow", "jax")
#: Sonames that XLA's and TensorFlow's loader opens by name and cannot do without (tsl/platform/default/dso_loader.cc),
#: by CUDA major; cuDNN's goes by its own.
OPENED = {
    "11": ("libcudart.so.11.0", "libcublas.so.11", "libcublasLt.so.11", "libcufft.so.10", "libcusolver.so.11", "libcusparse.so.11"),
    "12": ("libcudart.so.12", "libcublas.so.12", "libcublasLt.so.12", "libcufft.so.11", "libcusolver.so.11", "libcusparse.so.12"),
    "13": ("libcudart.so.13", "libcublas.so.13", "libcublasLt.so.13", "libcufft.so.12", "libcusolver.so.12", "libcusparse.so.12"),
}  # fmt: skip
#: What libcudnn opens by name (NVIDIA's cuDNN documentation, "sub-libraries"), by cuDNN's major.
CUDNN_PARTS = {
    "8": ("ops_infer", "ops_train", "cnn_infer", "cnn_train", "adv_infer", "adv_train"),
    "9": ("graph", "ops", "cnn", "adv", "engines_precompiled", "engines_runtime_compiled", "heuristic"),
}
#: Opened where it is there, and not missed where it is not: https://github.com/pytorch/pytorch/issues/187824
CUDNN_EXTRAS = {"9": ("engines_tensor_ir",)}
#: torch opens these from its wheels by path once its first library is in (torch/__init__.py from 2.6 on).
_PRELOAD_MARK = "issues/138460"
_PRELOADED = (("cuda_nvrtc", "libnvrtc.so."), ("nvjitlink", "libnvJitLink.so."))


class _Framework(Record):
    name: str
    build: Build
    site: str
    roots: tuple[str, ...]


def loads(
    port: Port, interpreters: Iterable[Interpreter], copies: Observed[tuple[Library, ...]]
) -> tuple[Load, ...]:
    versions = {library.path: library.version for library in value_of(copies, ())}
    versions |= {library.real_path: library.version for library in value_of(copies, ())}
    found: list[Load] = []
    for interpreter in interpreters:
        for framework in _frameworks(port, interpreter):
            found += _play(port, interpreter, framework, versions)
    return tuple(found)


def _frameworks(port: Port, interpreter: Interpreter) -> Iterator[_Framework]:
    for build in interpreter.builds:
        for site in _sites(build, interpreter) if build.framework in ROOTS else ():
            roots = tuple(path for root in ROOTS[build.framework] for path in _matching(port, site, root))
            if roots:
                yield _Framework(build.framework, build, site, roots)
                break


def _sites(build: Build, interpreter: Interpreter) -> list[str]:
    """The folder that holds the package: `location` is the package's own folder or the site folder."""
    location = build.location.rstrip("/")
    return list(dict.fromkeys([location.rpartition("/")[0], location, *interpreter.path_order]))


def _matching(port: Port, site: str, root: str) -> list[str]:
    folder, _, last = f"{site}/{root}".rpartition("/")
    if last.startswith("*"):
        return sorted(f"{folder}/{name}" for name in names_in(port, folder) if name.endswith(last[1:]))
    return [f"{folder}/{last}"] if is_file(port, f"{folder}/{last}") else []


def _play(
    port: Port, interpreter: Interpreter, framework: _Framework, versions: Mapping[str, Observed[str]]
) -> list[Load]:
    process = Process(port, port.realpath(interpreter.real_path or interpreter.path))
    for number, root in enumerate(framework.roots):
        process.open(root, _is_cuda)
        if number == 0 and framework.name == "torch":
            _torch_preloads(port, process, framework.site)
    caller = process.objects.get(framework.roots[0].rpartition("/")[2])
    if caller:
        for soname in _opened(framework, interpreter):
            process.dlopen(soname, caller, _is_cuda)
    _cudnn_parts(process)
    made = []
    for soname, (hit, wanted_by) in process.asked.items():
        family = family_of(soname)
        if not family or (not hit.path and _is_extra(soname)):
            continue
        bundled = hit.path.startswith(f"{framework.site}/") and "/nvidia/" not in hit.path
        version = versions.get(hit.path) or versions.get(port.realpath(hit.path)) if hit.path else None
        named = version_in(port.realpath(hit.path)) if hit.path else ""
        if version is None:
            version = Known(named, hit.path) if named else Unknown("nothing says it")
        via = "bundled" if bundled else hit.via
        made.append(
            Load(
                framework.name, interpreter.path, soname, hit.path, via, wanted_by, family, version, hit.error
            )
        )
    return made


def _is_cuda(soname: str) -> bool:
    return bool(family_of(soname))


def _opened(framework: _Framework, interpreter: Interpreter) -> tuple[str, ...]:
    """Sonames that the framework opens by name, and without which it leaves the GPU out."""
    build = framework.build
    if framework.name not in _OPENS_BY_NAME:
        return ()
    major = value_of(build.cuda, "").partition(".")[0]
    cudnn = value_of(build.cudnn, "").partition(".")[0] or _required_cudnn(interpreter, major)
    return OPENED.get(major, ()) + ((f"libcudnn.so.{cudnn}",) if cudnn else ())


def _required_cudnn(interpreter: Interpreter, cuda: str) -> str:
    """cuDNN's major by what JAX's plugin requires ("nvidia-cudnn-cu12>=9.1,<10.0; extra == ..."); "" if it doesn't."""
    for package in value_of(interpreter.packages, ()):
        if package.name.startswith(f"jax-cuda{cuda}-"):
            for line in package.requires:
                match = re.match(rf"nvidia-cudnn-cu{cuda}[^;]*?[=>]=?\s*(\d+)", line)
                if match:
                    return match[1]
    return ""


def _cudnn_parts(process: Process) -> None:
    """libcudnn opens its parts by name, with its own RUNPATH ($ORIGIN in the wheels)."""
    for name, whole in list(process.objects.items()):
        major = major_of(name)
        if name == f"libcudnn.so.{major}":
            for part in CUDNN_PARTS.get(major, ()) + CUDNN_EXTRAS.get(major, ()):
                process.dlopen(f"libcudnn_{part}.so.{major}", whole, _is_cuda)


def _is_extra(soname: str) -> bool:
    return any(soname.startswith(f"libcudnn_{part}.") for parts in CUDNN_EXTRAS.values() for part in parts)


def _torch_preloads(port: Port, process: Process, site: str) -> None:
    missing = [soname for soname, (hit, _) in process.asked.items() if not hit.path]
    if missing:  # torch then opens every library of its wheels by path, and tries again
        for component in sorted(names_in(port, f"{site}/nvidia")):
            _preload(port, process, f"{site}/nvidia/{component}/lib", "lib")
        for soname in missing:
            if soname in process.objects:
                hit = process.search(soname, process.objects[soname])
                process.asked[soname] = (hit, process.asked[soname][1])
        return
    try:
        source = text(port, f"{site}/torch/__init__.py", 1 << 18)
    except OSError:
        return
    if _PRELOAD_MARK in source and any(name.startswith("libcudart.") for name in process.objects):
        for component, start in _PRELOADED:
            for folder in (f"{site}/nvidia/{component}/lib", f"{site}/nvidia/cu13/lib"):
                _preload(port, process, folder, start)


def _preload(port: Port, process: Process, folder: str, start: str) -> None:
    for name in sorted(names_in(port, folder)):
        fits = name.startswith(start) and family_of(name) and name.rpartition(".")[2].isdigit()
        if fits and not name.startswith("libcudnn_") and name not in process.objects:
            process.open(f"{folder}/{name}", _is_cuda)
