"""CUDA libraries of two sets would meet in one process

What it is: CUDA's libraries come in sets: cuBLAS with its cuBLASLt, cuSPARSE and cuSOLVER with a nvJitLink that is at
least as new. One process would load members of two sets: from LD_LIBRARY_PATH and from its wheels, from pip and conda,
or from two wheels (-cu12 and -cu13) that write the same file.

Why it hurts: The import ends with "undefined symbol: __nvJitLinkComplete_12_4, version libnvJitLink.so.12" or a like
one, or with "libnvJitLink.so.12: cannot open shared object file" under a framework for CUDA 11.

How to tell: Where the loader's search ends for each library that the framework loads, with the versions of the files
found, against the copies that the same environment brings; and which distributions bring one and the same file.

How to fix: One set per environment. Take the foreign folder off LD_LIBRARY_PATH; uninstall one of two wheels that
write the same file, and install the other one again.

Sources: https://github.com/pytorch/pytorch/issues/134929
https://github.com/pytorch/pytorch/issues/147001
https://github.com/pytorch/pytorch/pull/174320
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.frameworks import Build, Frameworks
from gpudoctor.facts.libraries import Libraries
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import CouldNotTell, Evidence, Fix, Problem
from gpudoctor.findings import interpreter as interpreter_subject
from gpudoctor.rules.judging import need
from gpudoctor.rules.loading import (
    Loading,
    build_of,
    differ,
    folder,
    is_older,
    load_evidence,
    loadings,
    own_copy,
)
from gpudoctor.signature import Signature

explains = ("cuda-libs-missing-for-framework", "cudnn-version-mismatch")

signatures: tuple[Signature | str, ...] = (
    # ld.so, where cuBLAS, cuSPARSE and nvJitLink of two sets meet.
    Signature(r"undefined symbol: __nvJitLink\w+", 0.95),
    Signature(
        r"symbol (?:cublasLt|cublas|cusparse|cusolver|nccl|nvrtc)\w+.{0,20}version lib(?:cublasLt|cublas|cusparse|cusolver|nccl)\S*\.so\.\d+ not defined in file",
        0.95,
    ),
    # ld.so, whatever the symbol is called (cuBLASLt 11.2's is free_gemm_select).
    Signature(
        r"(?:symbol \S{1,80},? |undefined symbol: \S{1,80}, )version lib(?:cublas|cublasLt|cusparse|cusolver|cufft|curand|cudart|nvJitLink|nvrtc|cupti)\.so\.\d+",
        0.95,
    ),
    Signature(
        r"relocation error: \S{0,200}lib(?:cublas|cublasLt|cusparse|cusolver|cufft|curand|cudart|nvJitLink|nvrtc|nccl)\.so[\d.]{0,12}: symbol",
        0.93,
    ),
    # Thrust's config.h: the CUB on the include path is not the toolkit's own.
    Signature(
        r"version of (?:CUB|Thrust|libcu\+\+|libcudacxx) in your include path is not compatible|THRUST_IGNORE_CUB_VERSION_CHECK",
        0.9,
        explanation="Two releases of CUB and Thrust meet: the toolkit's own, and another on the include path.",
        fix="Build without the other copy (unset CUB_HOME, drop the checkout of CUB, or update the project's submodules): since CUDA 11.0 the toolkit brings CUB.",
    ),
    Signature(r"namespace \"(?:thrust::)?cub\" has no member", 0.55),
    Signature(
        r"undefined symbol: (?:cublas\w+|cusparse\w+|cusolver\w+|ncclComm\w+|nccl\w+|cufft\w+|nvrtc\w+)",
        0.82,
    ),
    Signature(
        r"\b(?:cublas|cublasLt|cusparse|cusolver|ncclComm|cufft|nvrtc)[A-Z]\w+[`'\"]?,? (?:is an? |as )?undefined symbol",
        0.8,
    ),
    Signature(r"version [`']?libcublas(?:Lt)?\.so\.[\d.]+' not found", 0.9),
    Signature(
        r"libnvJitLink\.so\.(?P<cuda>1[23]): cannot open shared object file",
        0.93,
        needs=(
            r"cupy-cuda11x|cu11\d|CUDA 11|cuda-11|cudatoolkit 11|libcu(?:blas(?:Lt)?|dart|fft)\.so\.1[01]",
        ),
    ),
    Signature(r"libnvJitLink\.so\.\d+: cannot open shared object file", 0.7),
    Signature(
        r"(?:nvidia-[\w-]+-cu11.{0,600}nvidia-[\w-]+-cu12|nvidia-[\w-]+-cu12.{0,600}nvidia-[\w-]+-cu11)", 0.7
    ),
    Signature(r"multiple CuPy packages are installed", 0.9),
    # cuBLAS and cuBLASLt of two releases: the plain form of ld.so, with the version behind it.
    Signature(r"undefined symbol: cublasLt\w+, version libcublasLt\.so\.\d+", 0.95),
    Signature(r"was linked against (?:cuBLAS|cuBLASLt|cuBLAS/cuBLASLt) \d\S* but loaded", 0.8),
    # ldd and /proc/PID/maps: one process would load cuBLAS or the runtime of two majors.
    Signature(
        r"libcu(?:blas|blasLt|dart)\.so\.(?:12|13)[\d.]* => /",
        0.84,
        needs=(r"libcu(?:blas|blasLt|dart)\.so\.1[01][\d.]* => /",),
    ),
    Signature(
        r"libcu(?:blas|blasLt|dart)\.so\.13[\d.]* => /",
        0.84,
        needs=(r"libcu(?:blas|blasLt|dart)\.so\.12[\d.]* => /",),
    ),
    # /proc/PID/maps, lsof and prose: one process has the runtime or cuBLAS of two majors.
    Signature(
        r"both (?:are |get |is )?(?:mapped|loaded|linked|present|opened|in memory)|/maps\b|calling init|\blsof\b|\bpmap\b|(?:are|is|gets?) (?:mapped|loaded)|linked (?:to|against|with)",
        0.84,
        when="two-majors-loaded",
        unless=(r"cannot open shared object|=> not found|could not (?:load|dlopen)",),
    ),
    # pip's resolver: two frameworks of one environment pin two releases of a library.
    Signature(
        r"(?:requires|has requirement) nvidia-(?:cublas|cudnn|cuda-\w+|cusparse|cusolver|cufft|curand|nvjitlink|nccl)-cu\d\d ?(?:==|~=|[<>])\S+.{0,80}but you have nvidia-\S+ \d\S+",
        0.62,
        unless=(r"cannot open shared object|undefined symbol",),
    ),
    Signature(
        r"libcublas\S* .{0,60}(?:but|while|and|with|yet) .{0,40}libcublasLt\S* .{0,20}(?:from|of|in) |libcudart\.so\.\S+ and (?:\w+ )?libcudart\.so\.\S+ .{0,40}(?:loaded|process|mapped)",
        0.72,
        unless=(r"cannot open shared object",),
    ),
    # Prose: one program is linked with two runtimes, two toolkits meet in one process.
    Signature(
        r"(?:linked|links|links against|loads?|looking for|depends on) .{0,40}(?:both libcudart\S* and|libcudart \w+ (?:two|both|different) .{0,12}versions)|libcud(?:art|nn)\S* of two (?:different )?versions|mixing CUDA versions",
        0.91,
    ),
    # cuBLAS of the system in place of torch's own: calls with arguments that the other release does not know.
    Signature(
        r"CUBLAS_STATUS_(?:INVALID_VALUE|NOT_SUPPORTED|NOT_INITIALIZED) when calling `cublas",
        0.7,
        needs=(r"LD_LIBRARY_PATH.{0,60}cuda",),
    ),
    Signature(
        r"(?:two|multiple|different|several) (?:CUDA|cuda) (?:versions|toolkits|runtimes) .{0,60}(?:loaded|same process|mixed|at once)",
        0.75,
    ),
)


#: Must be of one release: cuBLAS uses symbols of cuBLASLt that change. https://github.com/pytorch/pytorch/pull/174320
_PAIRS = (("cublas", "cublaslt"),)


def check(libraries: Libraries, frameworks: Frameworks) -> Iterator[Problem | CouldNotTell]:
    yield from _one_file_of_two(libraries)
    for loading in loadings(libraries):
        interpreter, build = build_of(loading, frameworks)
        found = _of_another_major(loading, build) or _pairs(loading)
        if found:
            yield found
            continue
        for load in loading.loads:
            if load.family == "cudnn" or load.via not in ("LD_LIBRARY_PATH", "cache", "default"):
                continue
            own = own_copy(load, libraries, interpreter)
            theirs, ours = value_of(load.version, ""), value_of(own.version, "") if own else ""
            if own and theirs and is_older(theirs, ours):
                yield Problem(
                    f"{loading.framework} would load {load.soname} {theirs} from {folder(load.path)}, older than "
                    f"its own {ours}",
                    loading.subject,
                    evidence=(
                        *load_evidence((load,)),
                        Evidence("the environment's own", f"{own.path} ({ours})", own.package or own.owner),
                    ),
                    fix=_off(folder(load.path), load.via),
                )
                break


def _one_file_of_two(libraries: Libraries) -> Iterator[Problem]:
    """-cu12 and -cu13 of cuDNN, NCCL, NVSHMEM and cuSPARSELt write the same paths."""
    done: set[tuple[str, str]] = set()
    for copy in need(libraries.copies, "CUDA library"):
        if ", " not in copy.package or (copy.owner, copy.package) in done:
            continue
        done.add((copy.owner, copy.package))
        packages = copy.package.split(", ")
        yield Problem(
            f"{' and '.join(packages)} are both installed and write the same file {copy.name}",
            interpreter_subject(copy.owner),
            evidence=(
                Evidence("file", copy.path, copy.package),
                Evidence("version", str(value_of(copy.version, "not known")), "header beside it"),
            ),
            fix=Fix(
                "Uninstall both, then install the one for your framework's CUDA again",
                (
                    f"{copy.owner}/bin/python -m pip uninstall -y {' '.join(packages)}",
                    f"{copy.owner}/bin/python -m pip install PACKAGE   # the one that the framework requires",
                ),
            ),
        )


def _of_another_major(loading: Loading, build: Build | None) -> Problem | None:
    """A framework for CUDA 11 whose libcusolver.so.11 is CUDA 12's (one soname for both) wants libnvJitLink.so.12."""
    major = value_of(build.cuda, "").partition(".")[0] if build else ""
    linker = [load for load in loading.of("nvjitlink") if load.soname.startswith("libnvJitLink.so.")]
    if major == "11" and linker:
        asker = [load for load in loading.loads if load.path == linker[0].wanted_by]
        return Problem(
            f"{loading.framework} is built for CUDA 11 and would load a library of CUDA 12, which wants "
            f"{linker[0].soname}",
            loading.subject,
            evidence=load_evidence((*asker, *linker)),
            fix=Fix(
                "Take the CUDA 12 libraries off the loader's path, or install the framework's build for CUDA 12"
            ),
        )
    return None


def _pairs(loading: Loading) -> Problem | None:
    for left, right in _PAIRS:
        for a in loading.of(left):
            for b in loading.of(right):
                va, vb = value_of(a.version, ""), value_of(b.version, "")
                apart = a.path and b.path and folder(a.path) != folder(b.path)
                if apart and va and vb and differ(va, vb):
                    return Problem(
                        f"{loading.framework} would load {a.soname} {va} with {b.soname} {vb}",
                        loading.subject,
                        evidence=load_evidence((a, b)),
                        fix=_off(folder((a if a.via != "RPATH" else b).path), a.via),
                    )
    return None


def _off(place: str, via: str) -> Fix:
    if via == "LD_LIBRARY_PATH":
        return Fix(f"Take {place} off LD_LIBRARY_PATH", ("unset LD_LIBRARY_PATH",))
    return Fix(
        f"Keep the libraries of {place} out of this environment's processes, or make both of one version"
    )
