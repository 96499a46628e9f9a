"""Toolkits, selections, interpreters with frameworks, and variables. Composed: limits from the toolkits' own
host_config.h, targets from the knowledge tables, layouts as NVIDIA's installers make them."""

from __future__ import annotations

from gpudoctor.facts.cuda import CompilerLimits, Cuda, HostCompiler, Selection, SiteLibdevice, Tool, Toolkit
from gpudoctor.facts.environment import Environment, PathEntry, Variable
from gpudoctor.facts.frameworks import Build, Frameworks, Interpreter, Package
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known
from tests.machines.parts import rest

#: crt/host_config.h of the wheels nvidia-cuda-nvcc-cu11 11.8.89, -cu12 12.4.131 and 12.8.93, nvidia-cuda-crt 13.0.88.
LIMITS = {
    "11.8": CompilerLimits(11, 14, 3),
    "12.4": CompilerLimits(13, 17, 3),
    "12.8": CompilerLimits(14, 19, 3),
    "13.0": CompilerLimits(15, 20, 3),
}
VERSIONS = {"11.8": "11.8.89", "12.4": "12.4.131", "12.8": "12.8.93", "13.0": "13.0.88"}
PYTHON = "/venv/bin/python"
SITE = "/venv/lib/python3.11/site-packages"


def tool(name: str, release: str, prefix: str, selected_by: str = "", path: str = "") -> Tool:
    real = f"{prefix}/bin/{name}"
    return Tool(
        name, path or real, Known(VERSIONS.get(release, f"{release}.1"), real), selected_by, real, prefix
    )


def toolkit(release: str = "12.4", prefix: str = "", /, **changes: object) -> Toolkit:
    at = prefix or f"/usr/local/cuda-{release}"
    base = Toolkit(
        prefix=at,
        real_prefix=at,
        release=Known(release, f"{at}/bin/nvcc"),
        version=Known(VERSIONS.get(release, f"{release}.1"), f"{at}/bin/nvcc"),
        origin="runfile",
        tools=tuple(tool(name, release, at) for name in ("nvcc", "ptxas", "nvlink", "fatbinary", "cudafe++")),
        libdevice=Known(f"{at}/nvvm/libdevice/libdevice.10.bc", at),
        limits=Known(LIMITS.get(release, CompilerLimits(13, 17, 3)), f"{at}/include/crt/host_config.h"),
        library_dirs=("lib64",),
        cupti=Known(f"{at}/extras/CUPTI/lib64/libcupti.so", at),
        targets=Known(("x86_64-linux",), f"{at}/targets"),
        headers=Known(f"{at}/include/cuda_runtime_api.h", at),
        cudart=Known(f"{at}/lib64/libcudart.so", at),
        nvvm=Known(f"{at}/nvvm/lib64/libnvvm.so", at),
        stubs=Known(f"{at}/lib64/stubs/libcuda.so", at),
    )
    return base.replace(**changes)


def selects(selector: str, prefix: str, value: str = "") -> Selection:
    """A selector that ends in the toolkit of that prefix."""
    program = selector in ("PATH", "CUDACXX", "CMake")
    said = value or (f"{prefix}/bin/nvcc" if program else prefix)
    return Selection(selector, said, Known(prefix, said))


def on_path(prefix: str) -> tuple[Selection, ...]:
    """What the selectors say where a toolkit is on PATH and nothing else is set."""
    return tuple(selects(name, prefix) for name in ("PATH", "torch", "CMake"))


GCC_11 = HostCompiler("gcc", "/usr/bin/g++", Known("11", "/usr/bin/x86_64-linux-gnu-g++-11"), "PATH g++")


def gcc(version: str, selected_by: str = "PATH g++", path: str = "/usr/bin/g++") -> HostCompiler:
    return HostCompiler("gcc", path, Known(version, path), selected_by)


def installed(*toolkits: Toolkit, **changes: object) -> Cuda:
    """Toolkits of which the first is on PATH, with gcc 11, which all of them accept."""
    found = toolkits or (toolkit(),)
    first = found[0]
    base = Cuda(
        toolkits=Known(tuple(found), "/usr/local"),
        selections=Known(on_path(first.real_prefix), "PATH"),
        tools_on_path=Known(tuple(t.replace(selected_by="PATH") for t in first.tools), "PATH"),
        libdevices=Known((SiteLibdevice(SITE),), "site-packages"),
        compilers=Known((GCC_11,), "PATH"),
        nvcc_flags=Absent("NVCC_PREPEND_FLAGS, NVCC_APPEND_FLAGS"),
        compiled=Absent("--build was not given"),
    )
    return base.replace(**changes)


def package(name: str, version: str = "1.0") -> Package:
    return Package(name, version, SITE)


def build(framework: str, version: str, cuda: str, **changes: object) -> Build:
    variant = f"cu{cuda.replace('.', '')}" if framework == "torch" else ""
    base = Build(framework, version, f"{SITE}/{framework}", variant, Known(cuda, f"{SITE}/{framework}"))
    return base.replace(**changes)


def environment_with(*packages: Package, builds: tuple[Build, ...] = ()) -> Frameworks:
    """One venv with these packages and builds."""
    one = Interpreter(
        PYTHON,
        "/usr/bin/python3.11",
        "PATH",
        Known("3.11.7", "pyvenv.cfg"),
        Known("CPython", "pyvenv.cfg"),
        "venv",
        "/venv",
        "/usr",
        (SITE,),
        Absent("EXTERNALLY-MANAGED"),
        Known(packages, SITE),
        builds,
    )
    return Frameworks(interpreters=Known((one,), "PATH"), kernels=Known((), "kernels"))


def variables(**values: str) -> tuple[Variable, ...]:
    return tuple(
        Variable(name, value, Known("/home/u/.bashrc:12", "/home/u/.bashrc"))
        for name, value in values.items()
    )


def shell(*entries: PathEntry, **values: str) -> Environment:
    """An environment with these variables and PATH entries."""
    return rest.plain_environment().replace(
        variables=Known(variables(**values), "environ"), paths=Known(entries, "environ")
    )


def entry(variable: str, value: str, exists: bool = True) -> PathEntry:
    return PathEntry(variable, value, Known(exists, value), Known("/home/u/.bashrc:12", "/home/u/.bashrc"))


def with_cuda(machine: Machine, *toolkits: Toolkit, **changes: object) -> Machine:
    return machine.replace(cuda=installed(*toolkits, **changes))
