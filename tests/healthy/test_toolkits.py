"""Toolkits as distributions, NVIDIA and conda install them, with the compilers beside them: found whole, and nothing wrong.

Composed after the file lists of the packages: Debian 12's nvidia-cuda-toolkit 11.8, Ubuntu 24.04's 12.0, NVIDIA's cuda-toolkit-12-4 with its
alternatives, Arch's cuda in /opt, Fedora's from NVIDIA's repository, conda-forge's cuda-toolkit, the HPC SDK, a runfile in a home.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from gpudoctor.engine import Asking
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.facts.record import Record
from gpudoctor.system.root import Root
from tests.judged import judgement
from tests.machines import healthy
from tests.sysroot import build
from tests.toolkits import files, host_config, program

Tree = dict[str, bytes | str]
ELF = "\x7fELF"


class Layout(Record):
    tree: Callable[[], Tree]
    release: str
    path: str = "/usr/local/bin:/usr/bin:/bin"
    variables: Mapping[str, str] = {}
    notes: tuple[str, ...] = ()


def gcc(*majors: int, triplet: str = "x86_64-linux-gnu") -> Tree:
    """Debian's way: g++ -> g++-12; the first is the default."""
    tree: Tree = {f"/usr/bin/{triplet}-{name}-{m}": ELF for m in majors for name in ("g++", "gcc")}
    for name in ("g++", "gcc"):
        tree |= {f"/usr/bin/{name}-{m}": f"-> {triplet}-{name}-{m}" for m in majors}
        tree[f"/usr/bin/{name}"] = f"-> {name}-{majors[0]}"
    return tree


def plain_gcc(major: str, triplet: str) -> Tree:
    """Fedora's and Arch's: one g++, whose version is that of the folder of its support files."""
    return {"/usr/bin/g++": ELF, "/usr/bin/gcc": ELF, f"/usr/lib/gcc/{triplet}/{major}/crtbegin.o": ""}


def debians(version: str, own_gcc: int, system_gcc: int) -> Tree:
    """Spread over /usr; nvcc is a script, and takes the gcc in its own folder."""
    lib, limit = "/usr/lib/nvidia-cuda-toolkit", {"11": 11, "12": 12}[version[:2]]
    tree = gcc(system_gcc, own_gcc)
    tree |= {
        f"/usr/bin/{name}": program(version)
        for name in ("ptxas", "nvlink", "fatbinary", "cudafe++", "nvdisasm")
    }
    major, minor = version.split(".")[:2]
    return tree | {
        "/usr/bin/nvcc": f'#!/bin/sh\nexec {lib}/bin/nvcc "$@"\n',
        f"{lib}/bin/nvcc": program(version),
        f"{lib}/bin/g++": f"-> /usr/bin/g++-{own_gcc}",
        f"{lib}/bin/gcc": f"-> /usr/bin/gcc-{own_gcc}",
        f"{lib}/bin/nvcc.profile": "",
        f"{lib}/libdevice/libdevice.10.bc": "BC",
        "/usr/lib/cuda/nvvm/libdevice": "-> ../../nvidia-cuda-toolkit/libdevice",
        "/usr/lib/cuda/version.txt": f"CUDA Version {version}\n",
        "/usr/lib/cuda/include": "-> ../../include",
        "/usr/lib/cuda/lib64": "-> ../x86_64-linux-gnu",
        "/usr/include/crt/host_config.h": host_config(limit, limit + 3),
        "/usr/include/cuda_runtime_api.h": f"#define CUDART_VERSION  {major}0{minor}0\n",
        "/usr/lib/x86_64-linux-gnu/libcudart.so": "",
        "/usr/lib/x86_64-linux-gnu/libcudart_static.a": "",
        "/usr/lib/x86_64-linux-gnu/stubs/libcuda.so": "",
        "/var/lib/dpkg/info/nvidia-cuda-toolkit.list": "/usr/bin/nvcc\n",
    }


def nvidias() -> Tree:
    """cuda-toolkit-12-4: /usr/local/cuda -> /etc/alternatives/cuda -> /usr/local/cuda-12.4, lib64 -> targets/x86_64-linux/lib."""
    prefix = "/usr/local/cuda-12.4"
    inside = files(prefix, "12.4.131", 13, "targets/x86_64-linux/lib")
    moved = {
        p.replace(f"{prefix}/include", f"{prefix}/targets/x86_64-linux/include"): content
        for p, content in inside.items()
    }
    return {
        **gcc(13), **moved, f"{prefix}/lib64": "-> targets/x86_64-linux/lib",
        f"{prefix}/include": "-> targets/x86_64-linux/include", "/usr/local/cuda": "-> /etc/alternatives/cuda",
        "/usr/local/cuda-12": "-> /etc/alternatives/cuda-12", "/etc/alternatives/cuda": f"-> {prefix}",
        "/etc/alternatives/cuda-12": f"-> {prefix}", "/var/lib/dpkg/info/cuda-nvcc-12-4.list": "",
        "/etc/ld.so.conf.d/000_cuda.conf": "/usr/local/cuda/targets/x86_64-linux/lib\n",
    }  # fmt: skip


def archs() -> Tree:
    """/opt/cuda, newer gcc by default; the package puts the one that nvcc takes into its bin."""
    tree = {**plain_gcc("15.1.1", "x86_64-pc-linux-gnu"), **files("/opt/cuda", "12.9.86", 14)}
    return tree | {
        "/usr/bin/g++-14": ELF, "/usr/bin/gcc-14": ELF, "/opt/cuda/bin/g++": "-> /usr/bin/g++-14",
        "/opt/cuda/bin/gcc": "-> /usr/bin/gcc-14",
    }  # fmt: skip


def condas() -> Tree:
    prefix = "/home/u/miniforge3/envs/build"
    inside = files(prefix, "12.4.131", 13, "targets/x86_64-linux/lib")
    return {**gcc(12), **inside, f"{prefix}/conda-meta/cuda-nvcc-12.4.131-0.json": '{"name": "cuda-nvcc"}'}


def hpc_sdk() -> Tree:
    return {**gcc(13), **files("/opt/nvidia/hpc_sdk/Linux_x86_64/24.5/cuda/12.4", "12.4.131", 13)}


def runfiles_in_a_home() -> Tree:
    return {
        **gcc(12),
        **files("/home/u/instdir/cuda1204", "12.4.131", 13),
        **files("/home/u/instdir/cuda1108", "11.8.89", 11),
    }


HPC = "/opt/nvidia/hpc_sdk/Linux_x86_64/24.5/cuda/12.4"
OWN = "/home/u/instdir/cuda1204"
LAYOUTS = {
    "Debian 12": Layout(lambda: debians("11.8.89", 11, 12), "11.8"),
    "Ubuntu 24.04": Layout(lambda: debians("12.0.140", 12, 13), "12.0"),
    "NVIDIA's packages, on PATH": Layout(nvidias, "12.4", "/usr/local/cuda/bin:/usr/bin"),
    "NVIDIA's packages, with CUDA_HOME": Layout(
        nvidias, "12.4", "/usr/local/cuda-12.4/bin:/usr/bin", {"CUDA_HOME": "/usr/local/cuda"}
    ),
    "NVIDIA's packages, not on PATH": Layout(nvidias, "12.4", notes=("toolkit-not-on-path",)),
    "Arch": Layout(archs, "12.9", "/usr/bin:/opt/cuda/bin", {"CUDA_PATH": "/opt/cuda", "NVCC_CCBIN": "/usr/bin/g++-14"}),
    "Arch without its profile": Layout(archs, "12.9", "/usr/bin:/opt/cuda/bin"),
    "conda-forge": Layout(
        condas, "12.4", "/home/u/miniforge3/envs/build/bin:/usr/bin", {"CONDA_PREFIX": "/home/u/miniforge3/envs/build"}
    ),
    "HPC SDK": Layout(hpc_sdk, "12.4", f"{HPC}/bin:/usr/bin", {"CUDA_HOME": HPC}),
    "runfiles in a home": Layout(
        runfiles_in_a_home, "12.4", f"{OWN}/bin:/usr/bin", {"CUDA_HOME": OWN, "LD_LIBRARY_PATH": f"{OWN}/lib64"}
    ),
}  # fmt: skip


def asked(layout: Layout, folder: Path) -> Machine:
    root = build(folder, layout.tree())
    for file in [*Path(root).glob("**/bin/*")]:
        if file.is_file() and not file.is_symlink():
            file.chmod(0o755)
    port = Root(root, env={"PATH": layout.path, "HOME": "/home/u", **layout.variables})
    return Asking(port, ("cuda", "libraries", "environment")).machine()


@pytest.mark.parametrize("name", LAYOUTS)
def test_a_toolkit_that_is_well(name: str, tmp_path: Path) -> None:
    layout = LAYOUTS[name]
    found = asked(layout, tmp_path)
    assert layout.release in [value_of(t.release, "") for t in value_of(found.cuda.toolkits, ())]
    base = healthy.rtx5090_desktop() if layout.release == "12.9" else healthy.rtx3050_laptop()
    uncached = found.libraries.replace(uncached=Known((), "/etc/ld.so.cache"))
    machine = base.replace(cuda=found.cuda, libraries=uncached, environment=found.environment)
    result = judgement(machine)
    said = [
        f"{f.severity} {f.id}: {f.title}"
        for f in result.findings
        if f.caused_by is None and f.id not in layout.notes
    ]
    assert said == [] and [f"{s.id}: {s.reason}" for s in result.skipped] == []
    assert all(f.severity == "note" for f in result.findings)
