"""A framework would load another NCCL than the one that it was made for

What it is: A framework pins a version of NCCL, and another one is installed in its environment or comes first for the
loader, usually from LD_LIBRARY_PATH.

Why it hurts: An older NCCL lacks symbols ("undefined symbol: ncclCommRegister" at `import torch`); a newer one is
untested with the framework.

How to tell: The framework's own requirement (nvidia-nccl-cu12==2.26.2) against the file that the loader ends at.

How to fix: Install the pinned version again, or take the folder with the other NCCL off LD_LIBRARY_PATH.

Sources: https://github.com/NVIDIA/nccl/issues/1180
https://github.com/pytorch/pytorch/issues/119932
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.frameworks import Frameworks, Interpreter
from gpudoctor.facts.libraries import Libraries
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import Evidence, Fix, Problem
from gpudoctor.rules.loading import build_of, differ, folder, is_older, load_evidence, loadings, own_copy
from gpudoctor.signature import Signature

signatures: tuple[Signature | str, ...] = (
    Signature(r"undefined symbol: nccl\w+", 0.85),
    Signature(
        r"NCCL (?:library )?version mismatch|(?:built|compiled) with NCCL version \S+ but",
        0.85,
        needs=(r"NCCL",),
    ),
    # NCCL's argcheck.cc: a communicator of another copy of the library in the same process.
    Signature(r"corrupted comm object detected", 0.85),
)


def check(libraries: Libraries, frameworks: Frameworks) -> Iterator[Problem]:
    for loading in loadings(libraries):
        interpreter, _ = build_of(loading, frameworks)
        load = next((one for one in loading.of("nccl") if one.path), None)
        if load is None or interpreter is None:
            continue
        loaded = value_of(load.version, "")
        package, pinned = _pin(interpreter, loading.framework)
        own = own_copy(load, libraries, interpreter) if load.via == "LD_LIBRARY_PATH" else None
        wanted = pinned or (value_of(own.version, "") if own else "")
        if not loaded or not wanted or not differ(loaded, wanted):
            continue
        if load.via == "LD_LIBRARY_PATH":
            fix = Fix(f"Take {folder(load.path)} off LD_LIBRARY_PATH", ("unset LD_LIBRARY_PATH",))
        else:
            command = f'{interpreter.path} -m pip install "{package}=={pinned}"'
            fix = Fix(f"Install {package} {pinned} again", (command,), "unsafe")
        yield Problem(
            f"{loading.framework} wants NCCL {wanted} and would load {loaded}",
            loading.subject,
            "failure" if is_older(loaded, wanted) else "warning",
            (*load_evidence((load,)), Evidence("wanted", wanted, package or "the environment's own copy")),
            fix=fix,
        )


def _pin(interpreter: Interpreter, framework: str) -> tuple[str, str]:
    """("nvidia-nccl-cu12", "2.26.2") from the framework's Requires-Dist; two empty strings without an exact pin."""
    for package in value_of(interpreter.packages, ()):
        for line in package.requires if package.name == framework else ():
            name, equal, rest = line.partition("==")
            if equal and name.strip().startswith("nvidia-nccl-"):
                return name.strip(), rest.partition(";")[0].strip()
    return "", ""
