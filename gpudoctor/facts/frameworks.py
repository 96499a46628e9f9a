"""Interpreters and what is installed in them, read without importing anything."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from gpudoctor.facts.observed import UNASKED, Absent, Observed
from gpudoctor.facts.record import Record


class Cubin(Record):
    """Machine code for one compute capability: `capability` "9.0"; `variant` "" (runs on later minors too),
    "a" (exactly this capability) or "f" (its family)."""

    capability: str
    variant: Literal["", "a", "f"] = ""


class Ptx(Record):
    """PTX for virtual architecture `capability` "9.0", written in ISA version `isa` "8.4" (empty: not known)."""

    capability: str
    variant: Literal["", "a", "f"] = ""
    isa: str = ""


class Targets(Record):
    """Which GPU code a build holds. The rules judge this type alone, whoever says it.

    `containers`: how many fatbin containers were read (0 where the source is not a binary); `serving`: how many of
    them hold a cubin that runs on that capability ("8.6" -> 1119). A capability that is no key counts as the next
    lower key of its major (8.7 as 8.6), and as 0 where there is none. `library`: the file that decides; `via`: who
    says so.
    """

    cubins: tuple[Cubin, ...]
    ptx: tuple[Ptx, ...]
    via: Literal["fatbin", "build_info", "arch_flags", "table"]
    library: str = ""
    containers: int = 0
    serving: Observed[Mapping[str, int]] = UNASKED


#: Distributions that concern GPUs and compute nothing themselves: with these alone no framework is installed.
SUPPORTING = ("nvidia", "cuda-", "numpy", "ipykernel", "cudnn", "nccl", "cpuonly", "cudatoolkit")


class Package(Record):
    """An installed distribution. `name` normalised (PEP 503: "nvidia-cudnn-cu12"), `version` with its local part
    ("2.5.1+cu124"). `location`: its site folder. `requires`: Requires-Dist lines. `build`: conda's build string.
    `files_missing`: RECORD names files that are not there, or there is no RECORD. `top_level`: import names."""

    name: str
    version: str
    location: str
    requires: tuple[str, ...] = ()
    build: str = ""
    installer: str = ""
    editable: bool = False
    record_missing: bool = False
    top_level: tuple[str, ...] = ()


class Imported(Record):
    """What importing a framework in a child of that interpreter gave (`check --import`).

    `state` "ok"; "failed": it raised `error` ("ImportError"), `message` its words; "crashed": killed by `error`
    ("SIGSEGV"); "hung": no end within the time; "not-run": the interpreter could not be started, `message` says why.
    `version`, `cuda`, `cudnn` and `arch_list` as the framework itself reports them; `available`: it sees a GPU.
    `path`: the file that was imported.
    """

    state: Literal["ok", "failed", "crashed", "hung", "not-run"]
    error: str = ""
    message: str = ""
    version: str = ""
    cuda: str = ""
    cudnn: str = ""
    arch_list: tuple[str, ...] = ()
    available: Observed[bool] = UNASKED
    devices: Observed[int] = UNASKED
    path: str = ""


class Build(Record):
    """How a framework's package was built. `framework` is the package's normalised name ("torch").

    `variant`: "cu124", "cpu", "rocm6.2", "xpu", or "" when its files do not say. `cuda`: the CUDA runtime it was built
    with ("12.4"; Absent for a CPU build), `cudnn` ("9.1.0" or "9"), `libraries`: sonames it opens at run time.
    `built_for_torch`: "2.5.1" or "2.5" for an extension (Absent where its files name none). `cuda_code`: some library of
    it holds GPU code. `declared`: the targets that its build record names, where the binary itself was read. `glibc`: the newest GLIBC symbol version that its own libraries want. `location`: its package
    folder; `distribution`: the package that it came from where its name differs ("jax-cuda12-plugin").
    """

    framework: str
    version: str
    location: str
    variant: str = ""
    cuda: Observed[str] = UNASKED
    cudnn: Observed[str] = UNASKED
    targets: Observed[Targets] = UNASKED
    libraries: Observed[tuple[str, ...]] = UNASKED
    built_for_torch: Observed[str] = UNASKED
    cuda_code: Observed[bool] = UNASKED
    glibc: Observed[str] = UNASKED
    distribution: str = ""
    detail: str = ""
    imported: Observed[Imported] = UNASKED
    declared: Observed[Targets] = Absent("no build record beside the binary")


class Interpreter(Record):
    """A Python. `path` as asked for, `real_path` after links, `prefix` its environment, `base_prefix` what a venv
    stands on. `selected_by`: "this process", "PATH", "VIRTUAL_ENV", "CONDA_PREFIX", "--python", "kernel NAME".
    `path_order`: the folders that its imports search, in order. `shadows`: files or folders before the site folders
    that hide a framework (PYTHONPATH). `python_path`: what PYTHONPATH puts before them.
    `packages`: those that concern GPUs only."""

    path: str
    real_path: str
    selected_by: str
    version: Observed[str] = UNASKED
    implementation: Observed[str] = UNASKED
    kind: Literal["venv", "conda", "system", "pyenv", "other"] = "other"
    prefix: str = ""
    base_prefix: str = ""
    path_order: tuple[str, ...] = ()
    externally_managed: Observed[bool] = UNASKED
    packages: Observed[tuple[Package, ...]] = UNASKED
    builds: tuple[Build, ...] = ()
    shadows: tuple[str, ...] = ()
    python_path: tuple[str, ...] = ()


class Kernel(Record):
    """A Jupyter kernel: `path` of its kernel.json; `interpreter` is its argv[0]; `exists` whether that is there.
    `frameworks`: those installed in that interpreter ("torch", "tensorflow", "jax")."""

    name: str
    path: str
    interpreter: str
    exists: Observed[bool] = UNASKED
    display_name: str = ""
    frameworks: Observed[tuple[str, ...]] = UNASKED


class Frameworks(Record):
    interpreters: Observed[tuple[Interpreter, ...]] = UNASKED
    kernels: Observed[tuple[Kernel, ...]] = UNASKED
