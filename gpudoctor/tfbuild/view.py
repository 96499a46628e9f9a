"""A folder of links that has the layout which TensorFlow's rules want of a local CUDA, cuDNN and NCCL.

They want include, lib, bin and nvvm below one folder, with CUPTI's files in include and lib. What there is: the runfile's lib64 and
extras/CUPTI, Debian's include and lib/<triple> below /usr, the wheels' nvidia/<part>/{include,lib}. The view links each file from where
it is. It is made in the work folder; nothing is written into an install.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Mapping, Sequence

from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.record import Record

#: Debian's and Ubuntu's folders for libraries.
TRIPLES = ("x86_64-linux-gnu", "aarch64-linux-gnu", "sbsa-linux")
_CUDNN = re.compile(r"(?:lib)?cudnn")
_NCCL = re.compile(r"(?:lib)?nccl")


class Layout(Record):
    """What a folder is. `kind`: plain (lib), lib64, split (below /usr), wheels (nvidia/*), unknown. `includes`, `libs`, `bins`: the folders
    that hold them, in order; `nvvm`: "" where there is none. `notes`: what would be missed without a view."""

    path: str
    kind: str
    includes: tuple[str, ...]
    libs: tuple[str, ...]
    bins: tuple[str, ...]
    nvvm: str
    notes: tuple[str, ...]


def cuda_layout(path: str) -> Layout:
    """How the CUDA install at `path` is laid out. An install that has nothing of CUDA is `unknown`."""
    real = os.path.realpath(path)
    parts = _wheel_parts(real)
    if parts:
        return _wheels(real, parts)
    includes = _there(real, "include", *(f"targets/{t}/include" for t in _targets(real)))
    libs = _there(
        real, "lib", "lib64", *(f"lib/{t}" for t in TRIPLES), *(f"targets/{t}/lib" for t in _targets(real))
    )
    extras = _there(real, "extras/CUPTI/include")
    if extras and not any(os.path.exists(f"{i}/cupti.h") for i in includes):
        includes += extras
    libs += tuple(
        f for f in _there(real, "extras/CUPTI/lib64", "extras/CUPTI/lib") if not _has(libs, "libcupti.so")
    )
    nvvm = next(iter(_there(real, "nvvm", "lib/cuda/nvvm", "lib/nvidia-cuda-toolkit", "share/nvvm")), "")
    notes = []
    has_lib = os.path.isdir(f"{real}/lib") and _any(f"{real}/lib", "libcudart")
    if not has_lib and os.path.isdir(f"{real}/lib64"):
        notes.append("it has lib64 and no lib: the rules would comment every library out")
    if extras and not os.path.exists(f"{real}/include/cupti.h"):
        notes.append("CUPTI is in extras/CUPTI, where the rules do not look")
    kind = "plain" if has_lib else "lib64" if os.path.isdir(f"{real}/lib64") else "split"
    if not any(os.path.exists(f"{i}/cuda.h") for i in includes) and not _has(libs, "libcudart"):
        kind = "unknown"
    return Layout(real, kind, includes, libs, _there(real, "bin"), nvvm, tuple(notes))


def cudnn_layout(path: str) -> Layout:
    """How cuDNN at `path` is laid out: its own folder, a CUDA root, /usr, or the wheel's folder."""
    return _one_library(path, "cudnn", "cudnn.h", "libcudnn")


def nccl_layout(path: str) -> Layout:
    return _one_library(path, "nccl", "nccl.h", "libnccl")


def _one_library(path: str, part: str, header: str, library: str) -> Layout:
    real = os.path.realpath(path)
    if os.path.isdir(f"{real}/{part}/include"):  # .../site-packages/nvidia
        real = f"{real}/{part}"
    includes = tuple(
        f
        for f in _there(real, "include", *(f"include/{t}" for t in TRIPLES))
        if os.path.exists(f"{f}/{header}")
    )
    libs = tuple(f for f in _there(real, "lib", "lib64", *(f"lib/{t}" for t in TRIPLES)) if _any(f, library))
    kind = (
        "unknown"
        if not includes or not libs
        else "plain"
        if libs[0] == f"{real}/lib" and includes[0] == f"{real}/include"
        else "split"
    )
    if kind == "split" and libs[0] == f"{real}/lib64":
        kind = "lib64"
    shared = kind == "plain" and not _only(libs[0], library)
    notes = (
        ()
        if kind in ("plain", "unknown") and not shared
        else (f"its parts are in {', '.join((*includes, *libs))}",)
    )
    return Layout(real, kind if not shared else "split", includes, libs, (), "", notes)


def _only(folder: str, library: str) -> bool:
    """The folder holds little else: /usr/lib must not become a repository's lib."""
    names = [n for n in os.listdir(folder) if ".so" in n]
    return sum(n.startswith(library) for n in names) * 2 >= len(names)


def _wheel_parts(path: str) -> tuple[str, ...]:
    if not os.path.isdir(f"{path}/cuda_runtime"):
        path = f"{path}/nvidia"
    if not os.path.isdir(f"{path}/cuda_runtime/include"):
        return ()
    return tuple(f"{path}/{n}" for n in sorted(os.listdir(path)) if os.path.isdir(f"{path}/{n}"))


def _wheels(real: str, parts: Sequence[str]) -> Layout:
    own = [p for p in parts if os.path.basename(p) not in ("cudnn", "nccl")]
    nvcc = next((p for p in parts if os.path.isdir(f"{p}/nvvm")), "")
    return Layout(
        real,
        "wheels",
        tuple(f for p in own for f in _there(p, "include")),
        tuple(f for p in own for f in _there(p, "lib")),
        tuple(f for p in own for f in _there(p, "bin")),
        f"{nvcc}/nvvm" if nvcc else "",
        ("each part has its own folder",),
    )


def _targets(real: str) -> tuple[str, ...]:
    try:
        return tuple(sorted(os.listdir(f"{real}/targets")))
    except OSError:
        return ()


def _there(root: str, *names: str) -> tuple[str, ...]:
    """Those that are folders; one folder under two names counts once."""
    found: dict[str, str] = {}
    for name in names:
        path = os.path.join(root, name)
        if os.path.isdir(path):
            found.setdefault(os.path.realpath(path), path)
    return tuple(found.values())


def _any(folder: str, start: str) -> bool:
    try:
        return any(n.startswith(start) for n in os.listdir(folder))
    except OSError:
        return False


def _has(folders: Iterable[str], start: str) -> bool:
    return any(_any(f, start) for f in folders)


# ---------------------------------------------------------------- the links


def links(layout: Layout, wanted: re.Pattern[str] | None = None) -> Mapping[str, str]:
    """Link -> target, relative to the view: "lib/libcudart.so.12" -> "/opt/cuda/lib64/libcudart.so.12". `wanted`: only names that match.

    One name in two folders must be one file: else GpudoctorError, because which one the build would take is chance."""
    made: dict[str, str] = {}
    for place, folders in (("include", layout.includes), ("lib", layout.libs), ("bin", layout.bins)):
        for folder in folders:
            for name in sorted(os.listdir(folder)):
                if wanted is not None and not wanted.match(name):
                    continue
                source = os.path.join(folder, name)
                if place != "include" and name in ("pkgconfig", "cmake", "python3"):
                    continue
                _add(made, f"{place}/{name}", source)
    if layout.nvvm and wanted is None:
        made["nvvm"] = layout.nvvm
    return made


def _add(made: dict[str, str], link: str, source: str) -> None:
    """Folders of one name (include/cub in two places) are merged file by file."""
    known = made.get(link)
    if known is None and not any(other.startswith(link + "/") for other in made):
        made[link] = source
        return
    if known is not None and (os.path.realpath(known) == os.path.realpath(source) or _same(known, source)):
        return
    if os.path.isdir(source) and (known is None or os.path.isdir(known)):
        if known is not None:
            del made[link]
            for name in sorted(os.listdir(known)):
                _add(made, f"{link}/{name}", os.path.join(known, name))
        for name in sorted(os.listdir(source)):
            _add(made, f"{link}/{name}", os.path.join(source, name))
        return
    raise GpudoctorError(
        f"two different files are both called {link}",
        context=f"{known} and {source}",
        note="no view was made: which of them the build would take is chance",
        hint="--local-cuda and --local-cudnn with one install each",
    )


def _same(left: str, right: str) -> bool:
    import filecmp

    try:
        return os.path.isfile(left) and os.path.isfile(right) and filecmp.cmp(left, right, shallow=False)
    except OSError:
        return False


def cuda_links(layout: Layout, cudnn: Layout | None) -> Mapping[str, str]:
    """CUDA's links without cuDNN where that comes from somewhere else."""
    found = dict(links(layout))
    if cudnn is not None:
        return {link: t for link, t in found.items() if not _CUDNN.match(os.path.basename(link))}
    return found


def cudnn_links(layout: Layout) -> Mapping[str, str]:
    return links(layout, _CUDNN)


def nccl_links(layout: Layout) -> Mapping[str, str]:
    return links(layout, _NCCL)


def make(folder: str, wanted: Mapping[str, str]) -> None:
    """Make the view at `folder` anew, beside the old one, then put it in its place. Raises OSError."""
    import shutil

    temporary = f"{folder}.new"
    shutil.rmtree(temporary, ignore_errors=True)
    os.makedirs(temporary)
    for link, target in sorted(wanted.items()):
        path = os.path.join(temporary, link)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.symlink(target, path)
    if os.path.isdir(folder) and not os.path.islink(folder):
        shutil.rmtree(folder)
    os.rename(temporary, folder)


def missing(links_of: Mapping[str, str]) -> tuple[str, ...]:
    """What the rules need of a CUDA and the view would not have."""
    names = set(links_of)
    needed = {
        "include/cuda.h": "the CUDA headers",
        "include/cupti.h": "CUPTI's headers",
        "lib/libcudart_static.a": "the static runtime",
        "lib/stubs": "the stub of the driver's library",
        "nvvm": "nvvm (libdevice)",
        "bin/nvcc": "nvcc",
        "bin/ptxas": "ptxas",
        "bin/fatbinary": "fatbinary",
        "bin/nvlink": "nvlink",
        "bin/bin2c": "bin2c",
    }
    found = [
        f"{what} ({name})" for name, what in needed.items() if name not in names and not _below(names, name)
    ]
    libraries = (
        "libcudart",
        "libcublas",
        "libcufft",
        "libcurand",
        "libcusolver",
        "libcusparse",
        "libcupti",
        "libnvrtc",
        "libnvJitLink",
    )
    for library in libraries:
        if not any(n.startswith(f"lib/{library}.so") for n in names):
            found.append(f"{library} (lib/{library}.so)")
    nvvm = links_of.get("nvvm", "")
    if nvvm and not os.path.isfile(f"{nvvm}/libdevice/libdevice.10.bc"):
        found.append("libdevice (nvvm/libdevice/libdevice.10.bc)")
    return tuple(found)


def _below(names: set[str], folder: str) -> bool:
    return any(n.startswith(folder + "/") for n in names)
