"""Environments with frameworks. Composed: versions, variants and pins from METADATA, version.py and build_info.py of the
published wheels; lists of targets from PyTorch's build scripts (.ci/manywheel/build_cuda.sh) and from fatbins."""

from __future__ import annotations

from gpudoctor.facts.frameworks import Build, Cubin, Frameworks, Interpreter, Package, Ptx, Targets
from gpudoctor.facts.observed import Absent, Known, Observed

VENV = "/home/u/venv"
SITE = f"{VENV}/lib/python3.11/site-packages"
#: torch 2.5.1+cu124, 2.8.0+cu128 and tensorflow 2.18.0, as their publishers list them.
CU124 = ("5.0", "6.0", "7.0", "7.5", "8.0", "8.6", "9.0")
CU128 = ("7.0", "7.5", "8.0", "8.6", "9.0", "10.0", "12.0")
TF218 = ("6.0", "7.0", "8.0", "8.9", "9.0")


def targets(capabilities: tuple[str, ...], ptx: tuple[Ptx, ...] = (), library: str = "") -> Observed[Targets]:
    cubins = tuple(Cubin(c) for c in capabilities)
    serving = Known(dict.fromkeys(capabilities, 900), "fatbin")
    return Known(Targets(cubins, ptx, "fatbin", library or "libtorch_cuda.so", 1000, serving), "fatbin")


def package(name: str, version: str, *requires: str, **changes: object) -> Package:
    return Package(name, version, SITE, requires, installer="pip").replace(**changes)


def torch(version: str = "2.5.1+cu124", cuda: str = "12.4", capabilities: tuple[str, ...] = CU124) -> Build:
    return Build(
        "torch",
        version,
        f"{SITE}/torch",
        version.partition("+")[2],
        Known(cuda, "torch/version.py") if cuda else Absent("torch/version.py"),
        targets=targets(capabilities) if cuda else Absent("torch/version.py"),
        glibc=Known("2.28", "libc10.so"),
    )


def tensorflow(version: str = "2.18.0", **changes: object) -> Build:
    base = Build(
        "tensorflow",
        version,
        f"{SITE}/tensorflow",
        "cu125",
        Known("12.5.1", "build_info.py"),
        Known("9", "build_info.py"),
        Known(Targets(tuple(Cubin(c) for c in TF218), (Ptx("9.0"),), "build_info"), "build_info.py"),
        glibc=Known("2.17", "the wheel's tag"),
        distribution="tensorflow",
    )
    return base.replace(**changes)


def jax(version: str = "0.4.38", cuda: str = "12") -> Build:
    if not cuda:
        return Build(
            "jax", version, f"{SITE}/jax", "cpu", Absent("no jax-cuda plugin"), targets=Absent("jaxlib")
        )
    plugin = f"jax-cuda{cuda}-plugin"
    return Build(
        "jax", version, f"{SITE}/jax", f"cuda{cuda}", Known(cuda, plugin), targets=targets(CU128, library="x.so"),
        distribution=plugin,
    )  # fmt: skip


def extension(
    name: str, version: str, torch_version: str = "2.5", cuda: str = "12", **changes: object
) -> Build:
    base = Build(
        name,
        version,
        f"{SITE}/{name.replace('-', '_')}",
        cuda=Known(cuda, "its version"),
        targets=targets(("8.0", "9.0"), library=f"{name}.so"),
        built_for_torch=Known(torch_version, "its version"),
        cuda_code=Known(True, "fatbin"),
        glibc=Known("2.17", "its libraries"),
    )
    return base.replace(**changes)


def python(
    *parts: Build | Package, prefix: str = VENV, selected_by: str = "VIRTUAL_ENV", **changes: object
) -> Interpreter:
    """A venv with these builds and packages; a build without a package of its own gets one."""
    builds = tuple(p for p in parts if isinstance(p, Build))
    packages = [p for p in parts if isinstance(p, Package)]
    for build in builds:
        if not any(p.name == (build.distribution or build.framework) for p in packages):
            packages.append(package(build.distribution or build.framework, build.version))
    base = Interpreter(
        f"{prefix}/bin/python",
        "/usr/bin/python3.11",
        selected_by,
        Known("3.11.7", f"{prefix}/pyvenv.cfg"),
        Known("cpython", "/usr/lib/python3.11"),
        "venv",
        prefix,
        "/usr",
        ("/usr/lib/python3.11", "/usr/lib/python3.11/lib-dynload", SITE),
        Known(False, "/usr/lib/python3.11/EXTERNALLY-MANAGED"),
        Known(tuple(packages), SITE),
        builds,
    )
    return base.replace(**changes)


def with_pythons(*pythons: Interpreter, **changes: object) -> Frameworks:
    return Frameworks(Known(pythons, "PATH"), Known((), "kernels")).replace(**changes)


def with_torch(*parts: Build | Package) -> Frameworks:
    """One venv with torch 2.5.1+cu124 and what else is given."""
    return with_pythons(python(torch(), *parts))
