"""The cuDNN that a framework would load is not of the version that it was built with

What it is: A framework needs a cuDNN of the major version that it was built with, and of the same or a newer minor
version. The one that it would load is older, or only another major version is on this machine.

Why it hurts: Convolutions and recurrent layers fail at their first use, or the framework leaves the GPU out:
"cuDNN version incompatibility", "Loaded runtime CuDNN library: 9.1.0 but source was compiled with: 9.3.0".

How to tell: The version that the framework's build records against that of the file which the loader's search ends
at; or the soname that it wants (libcudnn.so.9) is found nowhere while another one (libcudnn.so.8) is.

How to fix: Install the cuDNN wheel of the framework's major version into the same environment, at least as new as the
one it was built with. Two frameworks that pin different versions belong into two environments.

Sources: https://github.com/pytorch/pytorch/pull/80877
https://github.com/tensorflow/tensorflow/issues/60913
https://github.com/pytorch/functorch/issues/926
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
    built_cudnn,
    cuda_suffix,
    is_older,
    load_evidence,
    loadings,
    missing,
)
from gpudoctor.signature import Signature

explains = ("cudnn-missing",)

signatures: tuple[Signature | str, ...] = (
    # TensorFlow/XLA cuda_dnn.cc, all releases; PyTorch torch/backends/cudnn; cuDNN 8 and 9.
    Signature(
        r"Loaded runtime CuDNN library:? (?P<has>[\d.]+)(?: \(compatibility version \d+\))? but source was compiled with:? (?P<wants>[\d.]+)",
        0.95,
        when="cudnn-not-on-path",
        explanation="cuDNN {has} is loaded; the framework was compiled with {wants}.",
        fix="Install the cuDNN that the framework was compiled with ({wants} or a later minor of its major), or upgrade the framework.",
    ),
    Signature(r"Loaded runtime CuDNN library", 0.85),
    Signature(
        r"cuDNN version (?:mismatch|incompatibility): PyTorch was compiled against .{1,20} but (?:linked against|found runtime version) ",
        0.9,
        unless=(r"LD_LIBRARY_PATH",),
    ),
    Signature(r"cuDNN version (?:mismatch|incompatibility)", 0.8),
    Signature(r"CUDNN_STATUS_(?:SUBLIBRARY_)?VERSION_MISMATCH", 0.85),
    Signature(
        r"libcudnn\.so\.(?P<wants>[78]): cannot open shared object file",
        0.88,
        needs=(r"libcudnn\w*\.so\.9|cudnn[-_ =:]{0,3}v?9|cudnn9|cuDNN version 9|cudnn-cu\d\d==9",),
        explanation="cuDNN {wants} is wanted; another major is installed.",
    ),
    Signature(
        r"libcudnn\w*\.so\.9: cannot open|libcudnn\w*\.so\.9'",
        0.82,
        needs=(r"libcudnn\w*\.so\.8\b|cudnn[-_ =:]{0,3}v?8\.|cudnn8|cudnn-cu\d\d==8",),
    ),
    # The file that is missing is of one major, the cuDNN that is shown of another: ld.so, TensorFlow, cuDNN 9's loader, Windows, Torch 7.
    Signature(
        r"libcudnn\w*(?:-\w+)?\.so\.(?P<cudnn>\d(?:\.\d+)*)\W{0,3} cannot open",
        0.93,
        when="other-cudnn-shown",
        explanation="cuDNN {cudnn} is wanted; another major is installed.",
    ),
    Signature(
        r"(?:Could not (?:load|find|locate|dlopen)|Unable to load any of|Couldn't open CUDA library|Failed to (?:load|open|find)|Cannot (?:load|find|open))(?: dynamic)?(?: library)? [{'\"]{0,2}libcudnn\w*\.so\.(?P<cudnn>\d)",
        0.95,
        when="other-cudnn-shown",
        explanation="cuDNN {cudnn} is wanted; another major is installed.",
    ),
    Signature(
        r"(?:Could not (?:load|find|locate)|Failed to (?:load|open|find)|Cannot (?:load|find|open))(?: dynamic)?(?: library)? ['\"]?cudnn\w*64_(?P<cudnn>\d)",
        0.95,
        when="other-cudnn-shown",
        explanation="cuDNN {cudnn} is wanted; another major is installed.",
    ),
    Signature(
        r"cudnn\w*64_(?P<cudnn>\d)\.dll'?\W{0,3}(?:(?:is|was|as|being|marked|reported|shown|listed) ){0,3}(?:(?:name )?not found|missing|dlerror|(?:could not|cannot|can't) be found)",
        0.93,
        when="other-cudnn-shown",
    ),
    Signature(r"libcudnn \(R(?P<cudnn>\d)\) not found in library path", 0.95, when="other-cudnn-shown"),
    Signature(
        r"(?:looks?|looking|search\w*|ask\w*|complain\w*|need\w*|requir\w*|want\w*|miss\w*|load|找|缺少|需要)(?: for| of| about| the| library)* [`'\"]{0,2}(?:lib)?cudnn\w*(?:\.so\.|64_)(?P<cudnn>\d)",
        0.8,
        when="other-cudnn-shown",
    ),
    # Theano; ld.so's table of versions.
    Signature(r"Mixed dnn version\. The header is version", 0.95),
    Signature(r"version `?'?libcudnn\w*\.so\.\d+'? not found", 0.92),
    # Caffe2; compilers, where a program was written for another cuDNN's functions.
    Signature(r"cuDNN compiled \(\d+\) and runtime \(\d+\) versions mismatch", 0.95),
    Signature(
        r"error:? .{0,160}(?:too (?:few|many) arguments|incompatible|no matching function|cannot convert|invalid conversion|conflicting declaration).{0,100}\bcudnn[A-Z]\w+",
        0.85,
    ),
    Signature(
        r"(?:identifier|error:?) [`'\"]{0,2}(?:cudnn[A-Z]\w+|CUDNN_\w+)[`'\"]{0,2} (?:was not declared|undeclared|is undefined|has not been declared|does not name)|use of undeclared identifier [`'\"]{0,2}(?:cudnn[A-Z]|CUDNN_)\w+",
        0.85,
    ),
    # XLA, whose reason stands above it; alone it is a symptom.
    Signature(r"DNN library initialization failed", 0.45),
    Signature(
        r"undefined symbol[: ]{1,3}[`'\"]?cudnn\w+|\bcudnn[A-Z]\w+[`'\"]?,? (?:is an? |as )?undefined symbol",
        0.8,
        when="cudnn-not-on-path",
    ),
    Signature(r"symbol cudnn\w+.{0,40}version libcudnn\w*\.so\.\d+ not defined", 0.85),
    Signature(
        r"(?:requires|needs|built (?:for|with|against)) cuDNN \d.{0,80}(?:found|installed|have|but)", 0.75
    ),
    # Paddle, gpu_resources.cc and device_context.cc; JAX, versions.cc; MXNet, Caffe, Theano.
    Signature(
        r"compiled with cuDNN (?P<wants>[\d.]+),? but (?:the )?cuDNN version in your machine is (?P<has>[\d.]+)",
        0.95,
        explanation="cuDNN {has} is loaded; the framework was compiled with {wants}.",
    ),
    Signature(r"libcudnn v\d+ with header v\d+ unmatched", 0.95),
    Signature(
        r"(?:compiled|built) (?:with|against|for) cuDNN(?: version)? \(?v?[\d.]+.{0,80}(?:but|while|found|installed|linked|loaded)",
        0.85,
    ),
    Signature(r"Found cuDNN version \d+, but JAX was built against version \d+", 0.95),
    Signature(
        r"Outdated cuDNN installation found|cuDNN .{0,40}(?:is older than|older version|too old|at least version)",
        0.88,
    ),
    Signature(r"device: \d+, cuDNN Version: [1-6]\.\d", 0.7),
    Signature(
        r"Failed to get convolution algorithm\. This is probably because cuDNN failed to initialize", 0.45
    ),
    # dlsym on an older or newer release; TensorRT's and ONNX Runtime's own comparison.
    Signature(
        r"(?:Could not|Cannot|cannot|Failed to) (?:find|load|locate) symbol:? cudnn\w+|cudnn\w*64_\d\.dll.{0,80}procedure entry point",
        0.8,
        unless=(r"Invalid handle",),
    ),
    Signature(r"was linked against cuDNN (?P<wants>\d\S*) but loaded cuDNN (?P<has>\d\S*)", 0.85),
    Signature(
        r"(?:supported|supports?) only in cudnn v?\d|requires cudnn v?\d.{0,20}(?:and above|or (?:newer|later|above|higher))",
        0.8,
    ),
    Signature(r"undefined symbol: _ZN5cudnn\w+", 0.8),
    # CTranslate2 names the part of cuDNN; the other major is there. MXNet's check.
    Signature(
        r"(?:Could not load library|Unable to load any of \{?) ?libcudnn\w*\.so\.(?P<wants>[78])",
        0.9,
        needs=(r"libcudnn\w*\.so\.9|cudnn[-_ =:]{0,3}v?9|cudnn9|cudnn-cu\d\d==9",),
        unless=(r"undefined symbol",),
        explanation="cuDNN {wants} is wanted; another major is installed.",
    ),
    Signature(
        r"(?:Could not load library|Unable to load any of \{?) ?libcudnn\w*\.so\.(?P<wants>9)|Could not locate cudnn\w*64_(?P<dll>9)",
        0.94,
        needs=(r"libcudnn\w*\.so\.8\b|cudnn[-_ =:]{0,3}v?8\b|cudnn8|cudnn-cu\d\d==8|cudnn\w*64_8",),
        explanation="cuDNN 9 is wanted; another major is installed.",
    ),
    Signature(
        r"Could not locate cudnn\w*64_8\.dll|Could not load library cudnn\w*64_8",
        0.94,
        needs=(r"cudnn[-_ =:]{0,3}v?9\b|cudnn9|cudnn-cu\d\d==9|cudnn\w*64_9",),
    ),
    Signature(r"cuDNN lib mismatch: linked-against version", 0.95),
)


def check(libraries: Libraries, frameworks: Frameworks) -> Iterator[Problem]:
    for loading in loadings(libraries):
        main = loading.cudnn
        if main is None:
            continue
        interpreter, build = build_of(loading, frameworks)
        built, via = built_cudnn(build)
        if main.path and not main.error:
            loaded = value_of(main.version, "")
            if (
                "." in built
                and loaded
                and is_older(".".join(loaded.split(".")[:2]), ".".join(built.split(".")[:2]))
            ):
                yield Problem(
                    f"{loading.framework} was built with cuDNN {built} and would load {loaded}",
                    loading.subject,
                    evidence=(
                        Evidence("built with cuDNN", built, via),
                        *load_evidence((main,)),
                    ),
                    fix=_fix(loading, build, interpreter.path if interpreter else "", f">={built}"),
                )
            continue
        others = _others(libraries, main.soname)
        if others and len(missing(loading)) == 1:
            yield Problem(
                f"{loading.framework} wants {main.soname}; this machine has {others[0].name} only",
                loading.subject,
                evidence=(
                    *load_evidence((main,)),
                    *(Evidence("there is", copy.path, copy.origin) for copy in others[:3]),
                ),
                fix=_fix(loading, build, interpreter.path if interpreter else "", _same_major(main.soname)),
            )


def _others(libraries: Libraries, wanted: str) -> list[Library]:
    """Copies of libcudnn itself of another major version; none if the wanted one lies anywhere at all."""
    whole = [c for c in value_of(libraries.copies, ()) if c.name.startswith("libcudnn.so.")]
    return [] if any(c.name == wanted for c in whole) else whole


def _same_major(soname: str) -> str:
    major = soname.rpartition(".")[2]
    return f">={major},<{int(major) + 1}" if major.isdigit() else ""


def _fix(loading: Loading, build: Build | None, python: str, constraint: str) -> Fix:
    suffix = cuda_suffix(build)
    if not suffix or not python:
        return Fix("Install the cuDNN that the framework was built with into its environment")
    package = f"nvidia-cudnn-{suffix}"
    return Fix(
        f"Install {package}{constraint} into the environment of {loading.framework}",
        (f'{python} -m pip install "{package}{constraint}"',),
        "unsafe",
    )
