"""Every copy of a CUDA user library, and the order in which the loader would find them."""

from __future__ import annotations

from typing import Literal

from gpudoctor.facts.observed import UNASKED, Observed
from gpudoctor.facts.record import Record

Origin = Literal["ld-library-path", "loader-cache", "default-dir", "toolkit", "wheel", "conda", "other"]


class Library(Record):
    """One copy. `family`: "cudart", "cublas", "cublaslt", "cudnn", "nccl", "nvjitlink", "nvrtc", "cufft", "curand",
    "cusolver", "cusparse", "cusparselt", "cupti", "tensorrt", "nvtx", "nvvm", "cufile", "nvshmem"; "libcuda-stub" is the
    toolkit's link-time stand-in for the driver (".../stubs/libcuda.so").

    `name` is the file's soname ("libcudnn_ops.so.9"), `version` the library's own ("9.10.2", "12.4.127"), read from
    its file name, its package record, or the version in its header beside it. `owner`: the interpreter's prefix for
    wheel and conda copies, the toolkit's prefix, else "". `package`: the distribution that brought a wheel's copy
    ("nvidia-cudnn-cu12"; two names joined by ", " where two write the same file). `size` in bytes (0: a target baked into an image).
    """

    family: str
    name: str
    path: str
    real_path: str
    origin: Origin
    version: Observed[str] = UNASKED
    owner: str = ""
    size: int = -1
    package: str = ""


class LoaderDir(Record):
    """A folder that the dynamic loader searches. `source`: "LD_LIBRARY_PATH", "/etc/ld.so.conf.d/cuda.conf", "default".

    `empty` marks an empty element of LD_LIBRARY_PATH, which means the current folder."""

    path: str
    source: str
    exists: Observed[bool] = UNASKED
    empty: bool = False


class Load(Record):
    """What a process that imports `framework` in `interpreter` would get for `soname`, by the loader's own rules.

    `path` is "" when it finds nothing; `via` is the step that found it: "RPATH", "LD_LIBRARY_PATH", "RUNPATH", "cache",
    "default", "preload" (the framework opens it by its path), "bundled" (the framework's own folder); `wanted_by` the
    file that asks for it. `error`: why the file that was found cannot be loaded ("file too short").
    """

    framework: str
    interpreter: str
    soname: str
    path: str
    via: str
    wanted_by: str
    family: str = ""
    version: Observed[str] = UNASKED
    error: str = ""


class Libraries(Record):
    """`copies` of all families that were found; `search` the loader's folders in order; `cache`: the path of a
    readable ld.so.cache, Absent on musl and NixOS. `uncached`: libraries in ldconfig's folders that the cache does not
    know, or that it names and that are gone. `loads`: what each framework that is installed would get."""

    copies: Observed[tuple[Library, ...]] = UNASKED
    search: Observed[tuple[LoaderDir, ...]] = UNASKED
    cache: Observed[str] = UNASKED
    uncached: Observed[tuple[str, ...]] = UNASKED
    loads: Observed[tuple[Load, ...]] = UNASKED
