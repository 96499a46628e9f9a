"""A framework's cuDNN is found nowhere

What it is: A framework opens libcudnn.so by name, and the loader finds no file of that name: cuDNN is not installed, or
it lies in an environment's nvidia/cudnn/lib, where only libraries whose RPATH or RUNPATH leads there find it.

Why it hurts: The import fails ("libcudnn.so.9: cannot open shared object file"), or the framework silently leaves the
GPU out (TensorFlow: "Cannot dlopen some GPU libraries"; ONNX Runtime: the CUDA provider is not created).

How to tell: The loader's search is played through from the framework's own library. If the file lies in the same
environment all the same, it is there but not on this library's path: that is not a missing installation.

How to fix: Install the cuDNN wheel for the framework's CUDA into its environment. If the wheel is already there, open
it first: `onnxruntime.preload_dlls()`, or `import torch` before the other library.

Sources: https://github.com/microsoft/onnxruntime/issues/25609
https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html
https://github.com/tensorflow/tensorflow/issues/5591
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.frameworks import Build, Frameworks
from gpudoctor.facts.libraries import Libraries, Library
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import Evidence, Fix, Problem
from gpudoctor.rules.loading import (
    Loading,
    build_of,
    cuda_suffix,
    load_evidence,
    loadings,
    missing,
)
from gpudoctor.signature import Signature

signatures: tuple[Signature | str, ...] = (
    # TensorFlow dso_loader; ld.so; CTranslate2; ONNX Runtime; Windows.
    Signature(
        r"libcudnn(?:_\w+)?(?:-\w{6,10})?\.so(?:\.\d+)*\W{1,4}cannot open|cannot open shared object file\W{1,4}libcudnn",
        0.85,
        unless=(r"libcudnn\.so\.[79]\b.{0,200}libcudnn\.so\.8",),
    ),
    Signature(r"Couldn't open CUDA library libcudnn", 0.92),
    Signature(
        r"Could not load dynamic library '?(?:libcudnn\S*|cudnn64_\d\.dll)", 0.88, when="few-libraries"
    ),
    Signature(
        r"Could not load library (?:libcudnn\w*\.so|cudnn_\w+64)",
        0.82,
        unless=(r"Error: libcuda\.so: cannot",),
    ),
    Signature(r"Unable to load any of \{libcudnn", 0.93),
    Signature(r"Could not locate cudnn_\w+64_\d+\.dll", 0.93),
    Signature(r"cudnn(?:_\w+)?64_\d+\.dll.{0,80}(?:not found|missing|cannot|could not)", 0.85),
    Signature(r"Unable to load cuDNN DSO", 0.7),
    Signature(
        r"cuDNN (?:is )?(?:not found|not available|not installed)|cannot find (?:-lcudnn|cudnn\.h)|cudnn\.h: No such file",
        0.8,
        needs=(r"cudnn",),
    ),
    Signature(r"Invalid handle\. Cannot load symbol cudnn\w+", 0.85),
    Signature(r"Unable to load cuDNN\. Is it installed|The cuDNN library was not found", 0.85),
    Signature(r"Failed to (?:load|dlopen|open) \S{0,60}libcudnn\S*\.so", 0.75),
    Signature(r"\bcudnn\w*\.(?:dll|lib)\W{0,3} (?:which )?(?:is|was|were) (?:missing|not found)", 0.85),
    Signature(
        r"Could NOT find CUDNN|CUDNN_(?:LIBRARY|INCLUDE\w*)(?:_PATH|_DIR)?:? ?(?:-?NOTFOUND|is not set)|cudnn(?:_version)?\.h' file not found",
        0.82,
    ),
    Signature(r"(?:Could not find any|Cannot find) cudnn(?:_version)?\.h", 0.85),
    Signature(r"cannot compile with cuDNN|CuDNN support requires|Can not use cuDNN on context", 0.7),
    # TensorFlow up to 1.x and 2.0 on Windows, self_check.py.
    Signature(r"Could not find '?cudnn64_\d+\.dll", 0.9),
    Signature(r"(?:Cannot|Could not|Unable to) (?:find|locate) (?:the )?cuDNN(?: library)?\b", 0.8),
    # Torch 7's cudnn.torch; OpenCV's and dlib's CMake.
    Signature(r"libcudnn \(R\d\) not found in library path", 0.9),
    Signature(
        r"(?:backend|support|build|layer)s? (?:requires|needs) cuDNN\W|cuDNN V?[\d.]+ OR GREATER NOT FOUND",
        0.9,
    ),
    Signature(r"failed to open for reading \(No such file or directory\):? \S{0,120}/cudnn\w*\.h", 0.9),
    Signature(r"\bcuDNN ?: +NO\b", 0.7, needs=(r"CUDA ?: +YES",)),
    Signature(r"DNN library is not found", 0.42),
    Signature(r"Please make sure (?:lib)?cudnn\S+ is in your library path", 0.85),
    Signature(r"(?:Failed to|Could not|Unable to) (?:load|open) cuDNN\b", 0.8),
    Signature(r"libcudnn\w{0,20}\.so[\d.]{0,8}[`'\"]? (?:was |is |could )?not (?:be )?found\b", 0.8),
    # Somebody searched: locate, find, ldconfig.
    Signature(
        r"libcudnn[*.\w]{0,12}[`'\")]{0,3} (?:prints?|returns?|finds?|gives?|shows?|outputs?|yields?|is|has|comes up)? ?(?:nothing|empty|no (?:output|results?|match\w*|files?))\b",
        0.8,
    ),
    # ldd.
    Signature(r"libcudnn\w{0,20}\.so[\d.]{0,8} => not found", 0.82, when="few-libraries"),
    # PaddlePaddle, dynload.
    Signature(r"(?:Cannot|Could not|Failed to) load (?:lib)?cudnn (?:shared|dynamic) library", 0.93),
)


def check(libraries: Libraries, frameworks: Frameworks) -> Iterator[Problem]:
    for loading in loadings(libraries):
        main = loading.cudnn
        lacks = missing(loading)
        if main is None or lacks != (main,):
            continue
        interpreter, build = build_of(loading, frameworks)
        there = [c for c in value_of(libraries.copies, ()) if c.name == main.soname and c.path != main.path]
        mine = [c for c in there if interpreter is not None and c.owner == interpreter.prefix]
        title = f"{loading.framework} finds no {main.soname}"
        if mine:
            title += f", although {mine[0].package or 'its environment'} brings it"
        yield Problem(
            title,
            loading.subject,
            evidence=(
                *load_evidence((main,)),
                *(Evidence("lies in", c.path, c.package or c.origin) for c in there[:3]),
            ),
            fix=_fix(loading, build, interpreter.path if interpreter else "", mine, main.soname),
        )


def _fix(loading: Loading, build: Build | None, python: str, mine: list[Library], soname: str) -> Fix:
    if mine and "onnxruntime" in loading.framework:
        return Fix("Call onnxruntime.preload_dlls() (or import torch) before the first session is made")
    if mine:
        return Fix("Load the environment's own cuDNN first, by importing torch before this library")
    suffix, major = cuda_suffix(build), soname.rpartition(".")[2]
    if not suffix or not python or not major.isdigit():
        return Fix("Install cuDNN for the framework's CUDA into its environment")
    package = f"nvidia-cudnn-{suffix}>={major},<{int(major) + 1}"
    return Fix(f"Install {package}", (f'{python} -m pip install "{package}"',), "unsafe")
