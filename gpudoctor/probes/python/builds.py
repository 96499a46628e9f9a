"""How each framework in an interpreter was built, by the files of its package: nothing is imported."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Literal

from gpudoctor.facts.frameworks import Build, Cubin, Package, Ptx, Targets
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown
from gpudoctor.parsers import pyfiles
from gpudoctor.probes.python import binaries, extensions
from gpudoctor.probes.python.extensions import LOCAL_CUDA, dotted_cuda, local
from gpudoctor.probes.python.layout import Layout
from gpudoctor.probes.python.packages import wheel_glibc
from gpudoctor.probes.python.targets import fatbin_targets
from gpudoctor.system.port import Port, is_dir, observe, text


def builds(port: Port, layout: Layout, packages: tuple[Package, ...]) -> tuple[Build, ...]:
    """One per framework: of several copies the one that an import would find."""
    found: dict[str, Build] = {}
    by_name = {p.name: p for p in reversed(packages)}
    for name, package in by_name.items():
        read = READERS.get(name) or (_cupy if name.startswith("cupy-") else None)
        if name in extensions.EXTENSIONS:
            read = extensions.extension
        if read is None or package.location.endswith("/conda-meta"):
            continue  # conda's own record; the files' dist-info, which names conda as its installer, lies in the site folder
        build = read(port, layout, package, by_name)
        if build is not None and build.framework not in found:
            found[build.framework] = build
    return tuple(found[name] for name in sorted(found))


Reader = Callable[[Port, Layout, Package, Mapping[str, Package]], "Build | None"]


def _torch(port: Port, layout: Layout, package: Package, others: Mapping[str, Package]) -> Build | None:
    folder = f"{package.location}/torch"
    path = f"{folder}/version.py"
    values = observe(lambda: pyfiles.assignments(text(port, path)), path)
    said = values.value if isinstance(values, Known) else {}
    version = str(said.get("__version__") or package.version)
    cuda = _torch_cuda(values, version, path)
    conda = next((p for p in (others.get("pytorch"), others.get("libtorch")) if p and p.build), None)
    base = Build("torch", version, folder, _torch_variant(said, version, cuda, conda), cuda)
    if package.editable and not is_dir(port, folder):
        return base.replace(targets=Unknown("an editable installation: its libraries lie elsewhere"))
    cudnn = _pinned(package, "nvidia-cudnn-cu")
    targets = _torch_targets(port, layout, folder)
    if isinstance(targets, Known):
        base = base.replace(declared=_torch_declared(port, folder))
    if base.variant == "cpu" or isinstance(cuda, Absent):
        targets = Absent(path)
    elif not isinstance(targets, Known):
        targets = _table_targets("torch", version.partition("+")[0], base.variant, targets)
    glibc = binaries.glibc(port, f"{folder}/lib/libc10.so")
    promised = wheel_glibc(port, package)
    if not isinstance(glibc, Known) and promised:
        glibc = Known(promised, "the wheel's tag")
    return base.replace(cudnn=cudnn, targets=targets, glibc=glibc, detail=conda.build if conda else "")


def _torch_cuda(values: Observed[Mapping[str, object]], version: str, path: str) -> Observed[str]:
    if isinstance(values, Known) and "cuda" in values.value:
        cuda = values.value["cuda"]
        return Known(str(cuda), path) if cuda else Absent(path)
    match = LOCAL_CUDA.search(local(version))
    if match:
        return Known(dotted_cuda(match[1]), "the version's local part")
    if local(version) == "cpu":
        return Absent("the version's local part")
    return Unknown(values.reason if isinstance(values, Unknown) else f"{path} does not say")


def _torch_variant(
    said: Mapping[str, object], version: str, cuda: Observed[str], conda: Package | None
) -> str:
    if local(version):
        return local(version)
    if said.get("hip") or said.get("rocm"):
        return f"rocm{said.get('rocm') or said.get('hip')}"
    if isinstance(cuda, Known):
        return "cu" + "".join(cuda.value.split(".")[:2])
    if said.get("xpu"):
        return "xpu"
    if conda is not None and conda.build.startswith("cpu"):
        return "cpu"
    return "cpu" if isinstance(cuda, Absent) else ""


def _torch_targets(port: Port, layout: Layout, folder: str) -> Observed[Targets]:
    """libtorch_cuda's; 1.10 to 1.13 had their kernels in libtorch_cuda_cu, conda-forge has them in the prefix."""
    for place in (f"{folder}/lib", f"{layout.prefix}/lib"):
        for name in ("libtorch_cuda_cu.so", "libtorch_cuda.so"):
            found = fatbin_targets(port, f"{place}/{name}")
            if not isinstance(found, Absent):
                return _with_code(found, f"{place}/{name}")
    return Absent(f"{folder}/lib/libtorch_cuda.so")


def _torch_declared(port: Port, folder: str) -> Observed[Targets]:
    """The list that torch.cuda.get_arch_list() would give: a constant in its library."""
    from gpudoctor.parsers import arch_flags

    path = f"{folder}/lib/libtorch_python.so"

    def ask() -> tuple[str, ...]:
        with port.open(path) as file:
            return arch_flags.read(file)

    named = observe(ask, path)
    if not isinstance(named, Known):
        return named
    return _named_targets(named.value, path, "arch_flags") if named.value else Absent(f"no list in {path}")


def _with_code(targets: Observed[Targets], path: str) -> Observed[Targets]:
    if isinstance(targets, Known) and not targets.value.containers:
        return Unknown(f"{path} holds no fatbin")
    return targets


def _table_targets(framework: str, version: str, variant: str, why: Observed[Targets]) -> Observed[Targets]:
    """What the published wheel of that version held, where the file itself does not tell."""
    from gpudoctor import knowledge

    row = None
    if framework == "torch":
        row = knowledge.torch_build(version, variant)
    elif framework == "tensorflow":
        row = knowledge.tensorflow_build(version)
    elif framework.startswith("jax-"):
        row = knowledge.jax_build(framework, version)
    if row is None or row.capabilities is None:
        return (
            why if isinstance(why, Unknown) else Unknown(f"no table row for {framework} {version} {variant}")
        )
    ptx = tuple(Ptx(p) for p in row.ptx or ())
    cubins = tuple(Cubin(c) for c in row.capabilities)
    if framework == "tensorflow":  # its "compute_90" stands for both, as its configure script says
        cubins += tuple(Cubin(p.capability) for p in ptx if p.capability not in row.capabilities)
    return Known(Targets(cubins, ptx, "table"), row.source)


def _pinned(package: Package, prefix: str) -> Observed[str]:
    for line in package.requires:
        match = re.match(rf"{prefix}\d+\s*\(?==\s*([\d.]+)", line)
        if match:
            return Known(match[1], f"{package.name}'s requirement {line.partition(';')[0].strip()}")
    return Unknown(f"{package.name}'s metadata does not say")


# ---------------------------------------------------------------- tensorflow, jax


def _tensorflow(port: Port, layout: Layout, package: Package, others: Mapping[str, Package]) -> Build | None:
    folder = f"{package.location}/tensorflow"
    path = f"{folder}/python/platform/build_info.py"
    values = observe(lambda: pyfiles.build_info(text(port, path)), path)
    said = values.value if isinstance(values, Known) else {}
    base = Build("tensorflow", package.version, folder, distribution=package.name)
    built_with_cuda = said.get("is_cuda_build")
    if package.name == "tensorflow-cpu" or built_with_cuda is False:
        variant = "rocm" if said.get("is_rocm_build") else "cpu"
        return base.replace(variant=variant, cuda=Absent(path), targets=Absent(path))
    from gpudoctor import knowledge

    row = knowledge.tensorflow_build(package.version)
    cuda, cudnn = _said(said, "cuda_version", path), _said(said, "cudnn_version", path)
    targets, declared = _tensorflow_targets(port, package, _build_info_targets(said, path))
    if row is not None:  # a release candidate's build_info was empty; the table knows the releases
        cuda = cuda if isinstance(cuda, Known) or not row.cuda else Known(row.cuda, row.source)
        cudnn = cudnn if isinstance(cudnn, Known) or not row.cudnn else Known(row.cudnn, row.source)
    if not isinstance(targets, Known):
        targets = _table_targets("tensorflow", package.version, "", targets)
    libraries: Observed[tuple[str, ...]] = Unknown(f"no table row for tensorflow {package.version}")
    if row is not None and row.libraries:
        libraries = Known(row.libraries, row.source)
    variant = "cu" + "".join(cuda.value.split(".")[:2]) if isinstance(cuda, Known) else ""
    return base.replace(
        variant=variant, cuda=cuda, cudnn=cudnn, targets=targets, libraries=libraries,
        glibc=_promised(port, package), declared=declared,
    )  # fmt: skip


def _tensorflow_targets(
    port: Port, package: Package, named: Observed[Targets]
) -> tuple[Observed[Targets], Observed[Targets]]:
    """The GPU code that its library holds, and what build_info names beside it. Where the library can't be read, or holds
    none where it is looked for, build_info alone speaks."""
    from gpudoctor import knowledge

    library = knowledge.deciding_library("tensorflow", package.version)
    read = fatbin_targets(port, f"{package.location}/{library}") if library else Unknown("no table row")
    if isinstance(read, Known) and read.value.containers:
        return read, named if isinstance(named, Known) else Absent("build_info.py")
    return named, Absent("the library's GPU code was not read")


def _said(said: Mapping[str, object], key: str, path: str) -> Observed[str]:
    value = str(said.get(key) or "")
    return (
        Known(value, path)
        if re.match(r"\d", value)
        else Unknown(f"{path or 'its package'} does not say {key}")
    )


def _build_info_targets(said: Mapping[str, object], path: str) -> Observed[Targets]:
    listed = said.get("cuda_compute_capabilities")
    named = tuple(str(item) for item in listed) if isinstance(listed, (list, tuple)) else ()
    return _named_targets(named, path, "build_info")


def _named_targets(
    names: tuple[str, ...], path: str, via: Literal["build_info", "arch_flags"]
) -> Observed[Targets]:
    """ "sm_80" is a cubin. "compute_90" is PTX to PyTorch, and a cubin and PTX to TensorFlow, as its configure script says."""
    cubins, ptx = [], []
    for name in names:
        match = re.fullmatch(r"(sm|compute)_(\d+)(\d)([af]?)|(\d+\.\d)", name)
        if match is None:
            return Unknown(f"{path}: {name!r} is no target")
        capability, variant = match[5] or f"{match[2]}.{match[3]}", match[4] or ""
        if match[1] == "sm" or via == "build_info":
            cubins.append(Cubin(capability, variant))  # type: ignore[arg-type]
        if match[1] != "sm":
            ptx.append(Ptx(capability, variant))  # type: ignore[arg-type]
    return (
        Known(Targets(tuple(cubins), tuple(ptx), via), path) if names else Unknown(f"{path} names no targets")
    )


def _promised(port: Port, package: Package) -> Observed[str]:
    promised = wheel_glibc(port, package)
    return Known(promised, "the wheel's tag") if promised else Unknown("the wheel's tag does not say")


def _jax(port: Port, layout: Layout, package: Package, others: Mapping[str, Package]) -> Build | None:
    """JAX is a front: what computes is jaxlib (CPU) or a plugin package."""
    folder = f"{package.location}/jax"
    base = Build("jax", package.version, folder, distribution=package.name)
    jaxlib = others.get("jaxlib")
    plugins = sorted(
        (p for n, p in others.items() if re.fullmatch(r"jax-(?:cuda|rocm)\d+-plugin", n)),
        key=lambda p: p.name,
    )
    if plugins:
        plugin = plugins[-1]
        major = re.sub(r"\D", "", plugin.name)
        if "rocm" in plugin.name:
            return base.replace(variant=f"rocm{major}", cuda=Absent(plugin.name), distribution=plugin.name)
        place = f"{plugin.location}/{plugin.name.replace('-', '_')}"
        targets = binaries.joined_targets(port, binaries.libraries(port, place))
        if not isinstance(targets, Known):
            targets = _table_targets(plugin.name, plugin.version, "", targets)
        return base.replace(
            variant=f"cuda{major}", cuda=Known(major, plugin.name), targets=targets, distribution=plugin.name
        )
    if jaxlib is None:
        return base.replace(cuda=Unknown("jaxlib is not installed"))
    match = re.match(r"cuda(\d+)", local(jaxlib.version))
    if match:
        return base.replace(
            variant=f"cuda{match[1]}", cuda=Known(dotted_cuda(match[1]), "jaxlib's version"),
            distribution="jaxlib",
            targets=binaries.joined_targets(port, binaries.libraries(port, f"{jaxlib.location}/jaxlib/cuda")),
        )  # fmt: skip
    return base.replace(
        variant="cpu", cuda=Absent("no jax-cuda plugin"), targets=Absent("jaxlib"), distribution="jaxlib"
    )


# ---------------------------------------------------------------- others


def _onnxruntime(port: Port, layout: Layout, package: Package, others: Mapping[str, Package]) -> Build | None:
    folder = f"{package.location}/onnxruntime"
    said: dict[str, object] = {}
    via = ""
    for name in ("version_info.py", "build_and_package_info.py"):
        path = f"{folder}/capi/{name}"
        values = observe(lambda path=path: pyfiles.assignments(text(port, path)), path)  # type: ignore[misc]
        if isinstance(values, Known):
            said.update(values.value)
            via = path
    provider = f"{folder}/capi/libonnxruntime_providers_cuda.so"
    targets = _with_code(fatbin_targets(port, provider), provider)
    base = Build("onnxruntime", package.version, folder, distribution=package.name, targets=targets)
    if isinstance(targets, Absent):
        other = "rocm" if "rocm" in package.name else "openvino" if "openvino" in package.name else "cpu"
        return base.replace(variant=other, cuda=Absent(provider))
    needed = binaries.needed(port, provider)
    cuda, cudnn = _said(said, "cuda_version", via), _said(said, "cudnn_version", via)
    if not isinstance(cuda, Known):  # releases without those files: its sonames tell the majors
        cuda = binaries.major_of(needed, "libcudart", cuda)
    if not isinstance(cudnn, Known):
        cudnn = binaries.major_of(needed, "libcudnn", cudnn)
    variant = "cu" + "".join(cuda.value.split(".")[:2]) if isinstance(cuda, Known) else "cuda"
    return base.replace(variant=variant, cuda=cuda, cudnn=cudnn, libraries=needed)


def _cupy(port: Port, layout: Layout, package: Package, others: Mapping[str, Package]) -> Build | None:
    match = re.fullmatch(r"cupy-cuda(\d+)x?", package.name)
    base = Build("cupy", package.version, f"{package.location}/cupy", distribution=package.name)
    if match:
        cuda = dotted_cuda(match[1])
        return base.replace(variant=f"cuda{match[1]}", cuda=Known(cuda, package.name))
    if "rocm" in package.name:
        return base.replace(variant=package.name.partition("-")[2], cuda=Absent(package.name))
    return base


def _bitsandbytes(
    port: Port, layout: Layout, package: Package, others: Mapping[str, Package]
) -> Build | None:
    folder = f"{package.location}/bitsandbytes"
    variants = sorted(
        match[1]
        for path in binaries.libraries(port, folder)
        if (match := re.search(r"/libbitsandbytes_cuda(\d+)(?:_nocublaslt)?\.so$", path))
    )
    try:
        loader = text(port, f"{folder}/cextension.py", 1 << 16)
    except OSError:
        loader = ""
    # Later releases fall back to another library of the same CUDA major; earlier ones open exactly one.
    same_major = ("same-major",) if "_find_cuda_libs" in loader else ()
    base = Build(
        "bitsandbytes", package.version, folder, detail=" ".join((*variants, *same_major)),
        cuda=Absent("a library for each CUDA version that it knows"), targets=Unknown("a library for each CUDA version"),
    )  # fmt: skip
    code: Observed[bool] = Known(bool(variants), folder) if is_dir(port, folder) else Absent(folder)
    return base.replace(variant="cuda" if variants else "cpu", cuda_code=code)


def _triton(port: Port, layout: Layout, package: Package, others: Mapping[str, Package]) -> Build | None:
    # It calls the driver alone, and has no CUDA runtime of its own; its ptxas is judged apart.
    none = Absent(f"{package.location}/triton: libcuda alone")
    return Build(
        "triton",
        package.version,
        f"{package.location}/triton",
        "",
        none,
        none,
        none,
        distribution=package.name,
    )


def _tensorrt(port: Port, layout: Layout, package: Package, others: Mapping[str, Package]) -> Build | None:
    base = Build("tensorrt", package.version, f"{package.location}/tensorrt", distribution=package.name)
    majors = {m[1] for n in others if (m := re.fullmatch(r"tensorrt-cu(\d+)(?:-libs)?", n))}
    return base.replace(cuda=Known(majors.pop(), "tensorrt-cuNN")) if len(majors) == 1 else base


READERS: Mapping[str, Reader] = {
    "torch": _torch,
    "tensorflow": _tensorflow,
    "tensorflow-cpu": _tensorflow,
    "tensorflow-gpu": _tensorflow,
    "tf-nightly": _tensorflow,
    "jax": _jax,
    "onnxruntime": _onnxruntime,
    "onnxruntime-gpu": _onnxruntime,
    "onnxruntime-rocm": _onnxruntime,
    "onnxruntime-openvino": _onnxruntime,
    "cupy": _cupy,
    "bitsandbytes": _bitsandbytes,
    "triton": _triton,
    "pytorch-triton": _triton,
    "tensorrt": _tensorrt,
}
