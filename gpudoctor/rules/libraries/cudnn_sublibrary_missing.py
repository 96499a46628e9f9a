"""A part of cuDNN is not beside the rest of it

What it is: cuDNN is one small library, libcudnn.so, that opens its parts (libcudnn_ops, libcudnn_engines_precompiled
and others) by name. One of them does not lie in the folder of the others, because the package omits it or an
installation was cut short. nvidia-cudnn-cu13 9.20.0.48 omits libcudnn_engines_tensor_ir.

Why it hurts: The loader then takes the part from another cuDNN, if the system has one, and the two do not fit:
CUDNN_STATUS_SUBLIBRARY_VERSION_MISMATCH. If there is none, a part that is always needed ends the program.

How to tell: The names in libcudnn's folder against the parts of its major version, and where the loader's search for
each of them ends.

How to fix: Bring the environment's cuDNN package to a version that has all parts (for CUDA 13: 9.21 or newer), or
install it again. Removing the system's cuDNN helps where nothing else needs it.

Sources: https://github.com/pytorch/pytorch/issues/188892
https://github.com/pytorch/pytorch/issues/187824
https://github.com/pytorch/pytorch/issues/185512
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.frameworks import Frameworks, Interpreter
from gpudoctor.facts.libraries import Libraries, Load
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import Evidence, Fix, Problem
from gpudoctor.rules.loading import build_of, differ, folder, load_evidence, loadings
from gpudoctor.signature import Signature

explains = ("cudnn-mixed-sublibraries", "cudnn-shadowed-by-ld-library-path")

signatures: tuple[Signature | str, ...] = (Signature(r"CUDNN_STATUS_SUBLIBRARY_LOADING_FAILED", 0.85),)


def check(libraries: Libraries, frameworks: Frameworks) -> Iterator[Problem]:
    copies = value_of(libraries.copies, ())
    for loading in loadings(libraries):
        main = loading.cudnn
        if main is None or not main.path or main.error:
            continue
        whole = next((c for c in copies if main.path in (c.path, c.real_path)), None)
        beside = {c.name for c in copies if folder(c.path) == folder(main.path)}
        strays = [
            load
            for load in loading.of("cudnn")
            if load is not main and load.soname not in beside and folder(load.path) != folder(main.path)
        ]
        if not strays or whole is None:
            continue
        interpreter, _ = build_of(loading, frameworks)
        stray = strays[0]
        elsewhere = f"; the loader takes it from {folder(stray.path)}" if stray.path else ""
        version = value_of(main.version, "")
        yield Problem(
            f"{stray.soname} is missing beside cuDNN {version or main.path}{elsewhere}",
            loading.subject,
            "failure" if _fails(stray, version) else "warning",
            (
                *load_evidence((main, *strays)),
                Evidence("cuDNN's package", whole.package or "none", whole.owner or whole.origin),
            ),
            fix=_fix(whole.package, interpreter, stray.soname),
        )


def _fails(stray: Load, version: str) -> bool:
    """A part of the very same version does no harm, wherever it lies."""
    other = value_of(stray.version, "")
    return not stray.path or not other or not version or differ(other, version)


def _fix(package: str, interpreter: Interpreter | None, soname: str) -> Fix:
    if not package or interpreter is None or ", " in package:
        return Fix("Install this cuDNN again, so that all its parts lie in one folder")
    if "tensor_ir" in soname and package == "nvidia-cudnn-cu13":
        command = f'{interpreter.path} -m pip install "{package}>=9.21,<10"'
        return Fix("Install nvidia-cudnn-cu13 9.21 or newer, which has this part", (command,), "unsafe")
    # The very version: frameworks pin theirs, and without one pip would take the newest.
    version = next((f"=={p.version}" for p in value_of(interpreter.packages, ()) if p.name == package), "")
    command = f"{interpreter.path} -m pip install --force-reinstall --no-deps {package}{version}"
    return Fix(f"Install {package} again", (command,), "unsafe")
