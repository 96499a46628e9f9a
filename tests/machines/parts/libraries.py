"""Healthy CUDA libraries: torch's wheels in a venv. Composed: names, RPATHs and versions as in the wheels torch 2.6.0,
nvidia-cudnn-cu12 9.1.0.70, nvidia-cuda-runtime-cu12 12.4.127 and their siblings; TensorFlow's as in tensorflow 2.18.0."""

from __future__ import annotations

from gpudoctor.facts.frameworks import Build, Frameworks, Interpreter, Package
from gpudoctor.facts.libraries import Libraries, Library, Load, LoaderDir
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known

PREFIX = "/home/u/venv"
PYTHON = f"{PREFIX}/bin/python"
SITE = f"{PREFIX}/lib/python3.11/site-packages"

#: soname -> (family, component, version) of CUDA 12.4's wheels, as torch 2.6.0 pins them.
WHEELS = {
    "libcudart.so.12": ("cudart", "cuda_runtime", "12.4.127"),
    "libcublas.so.12": ("cublas", "cublas", "12.4.5.8"),
    "libcublasLt.so.12": ("cublaslt", "cublas", "12.4.5.8"),
    "libcufft.so.11": ("cufft", "cufft", "11.2.1.3"),
    "libcusolver.so.11": ("cusolver", "cusolver", "11.6.1.9"),
    "libcusparse.so.12": ("cusparse", "cusparse", "12.3.1.170"),
    "libnvJitLink.so.12": ("nvjitlink", "nvjitlink", "12.4.127"),
    "libnccl.so.2": ("nccl", "nccl", "2.21.5"),
    "libcudnn.so.9": ("cudnn", "cudnn", "9.1.0.70"),
    "libcudnn_graph.so.9": ("cudnn", "cudnn", "9.1.0.70"),
    "libcudnn_ops.so.9": ("cudnn", "cudnn", "9.1.0.70"),
    "libcudnn_cnn.so.9": ("cudnn", "cudnn", "9.1.0.70"),
}


def copy(soname: str, **changes: object) -> Library:
    family, component, version = WHEELS[soname]
    path = f"{SITE}/nvidia/{component}/lib/{soname}"
    package = f"nvidia-{component.replace('_', '-')}-cu12"
    base = Library(family, soname, path, path, "wheel", Known(version, SITE), PREFIX, 1 << 20, package)
    return base.replace(**changes)


def load(soname: str, framework: str = "torch", **changes: object) -> Load:
    family, _, version = WHEELS[soname]
    wanted_by = (
        f"{SITE}/nvidia/cudnn/lib/libcudnn.so.9" if "cudnn_" in soname else f"{SITE}/{framework}/lib.so"
    )
    via = "RUNPATH" if "cudnn_" in soname or framework == "tensorflow" else "RPATH"
    base = Load(framework, PYTHON, soname, copy(soname).path, via, wanted_by, family, Known(version, SITE))
    return base.replace(**changes)


def elsewhere(
    soname: str, folder: str, version: str, via: str = "LD_LIBRARY_PATH", framework: str = "torch"
) -> Load:
    """The load of a copy outside the environment."""
    return load(
        soname, framework, path=f"{folder}/{soname}", via=via, version=Known(version, f"{folder}/{soname}")
    )


def nowhere(soname: str, framework: str = "torch") -> Load:
    return load(soname, framework, path="", via="", version=Absent("the loader's folders"))


def system_copy(soname: str, folder: str, version: str, **changes: object) -> Library:
    path = f"{folder}/{soname}"
    base = Library(
        WHEELS.get(soname, ("cudnn", "", ""))[0],
        soname,
        path,
        path,
        "ld-library-path",
        Known(version, path),
        "",
        1 << 20,
    )
    return base.replace(**changes)


def replaced(loads: tuple[Load, ...], *others: Load) -> tuple[Load, ...]:
    """`loads` with those of the same sonames put in their places."""
    new = {other.soname: other for other in others}
    return tuple(new.get(one.soname, one) for one in loads)


def wheels(framework: str = "torch") -> Libraries:
    return Libraries(
        copies=Known(tuple(copy(soname) for soname in WHEELS), "wheels"),
        search=Known(
            (LoaderDir("/usr/lib/x86_64-linux-gnu", "default", Known(True, "/usr/lib")),), "/etc/ld.so.conf"
        ),
        cache=Known("/etc/ld.so.cache", "/etc/ld.so.cache"),
        uncached=Known((), "/etc/ld.so.cache"),
        loads=Known(tuple(load(soname, framework) for soname in WHEELS), "ELF files"),
    )


def frameworks(
    framework: str = "torch", cuda: str = "12.4", cudnn: str = "9.1.0", version: str = ""
) -> Frameworks:
    version = version or {"torch": "2.6.0+cu124", "tensorflow": "2.18.0"}.get(framework, "1.0")
    requires = ("nvidia-nccl-cu12==2.21.5; platform_system == 'Linux'",) if framework == "torch" else ()
    return Frameworks(
        interpreters=Known(
            (
                Interpreter(
                    PYTHON,
                    "/usr/bin/python3.11",
                    "PATH",
                    Known("3.11.7", PYTHON),
                    Known("cpython", PYTHON),
                    "venv",
                    PREFIX,
                    "/usr",
                    (SITE,),
                    Absent("EXTERNALLY-MANAGED"),
                    Known((Package(framework, version, SITE, requires),), SITE),
                    (
                        Build(
                            framework,
                            version,
                            f"{SITE}/{framework}",
                            "",
                            Known(cuda, SITE),
                            Known(cudnn, SITE),
                        ),
                    ),
                ),
            ),
            "PATH",
        ),
        kernels=Known((), "kernels"),
    )


def with_framework(machine: Machine, framework: str = "torch", **build: str) -> Machine:
    """The machine, and a venv with the framework and its wheels."""
    return machine.replace(libraries=wheels(framework), frameworks=frameworks(framework, **build))


def changed(
    machine: Machine, *loads: Load, copies: tuple[Library, ...] = (), search: tuple[LoaderDir, ...] = ()
) -> Machine:
    """Other loads in the place of the same sonames', and more copies and folders."""
    libraries = machine.libraries
    return machine.replace(
        libraries=libraries.replace(
            loads=Known(replaced(libraries.loads.value, *loads), "ELF files"),
            copies=Known((*libraries.copies.value, *copies), "LD_LIBRARY_PATH"),
            search=Known((*search, *libraries.search.value), "LD_LIBRARY_PATH"),
        )
    )
