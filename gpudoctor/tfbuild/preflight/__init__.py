"""Everything that can be known before the first hour is spent. Nothing is written, but for a temporary folder in which a program
is compiled.

Each row is a function of `Look` in one of this folder's modules and yields `Row`s; `ROWS` is their order. A row that could not be
judged is "unknown", never "ok".
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gpudoctor.system.port import NotHere
from gpudoctor.tfbuild.preflight import compilers, cuda, libcxx, machine, programs, targets
from gpudoctor.tfbuild.preflight.model import Look, Row

ROWS: tuple[tuple[str, Callable[[Look], Iterator[Row]]], ...] = (
    ("version", targets.version),
    ("bazel", programs.bazel),
    ("programs", programs.programs),
    ("patchelf", programs.patchelf),
    ("clang", compilers.clang),
    ("clang-path", compilers.clang_path),
    ("lld", compilers.lld),
    ("gcc-selected", compilers.selected_gcc),
    ("cxx-headers", compilers.headers),
    ("libcxx", libcxx.libcxx),
    ("python", programs.python),
    ("alike", programs.alike),
    ("cuda-layout", cuda.layout),
    ("cudnn-layout", cuda.cudnn),
    ("ptxas", cuda.ptxas),
    ("cuda-version", cuda.cuda_version),
    ("cudnn-version", cuda.cudnn_version),
    ("nccl-version", cuda.nccl_version),
    ("capabilities", targets.capabilities),
    ("gpus", targets.gpus),
    ("disk", machine.disk),
    ("memory", machine.memory),
    ("environment", machine.environment),
    ("rules-python", machine.rules_python),
    ("hosts", machine.hosts),
)


def run(look: Look) -> tuple[Row, ...]:
    """All rows. A row whose function could not ask says so."""
    found: list[Row] = []
    for name, function in ROWS:
        try:
            found += function(look)
        except (NotHere, OSError) as error:
            found.append(Row(name, "unknown", "could not look", f"{type(error).__name__}: {error}"))
    return tuple(
        row.replace(level="warning", title=f"{row.title} (ignored)")
        if row.level == "failure" and row.id in look.request.ignored
        else row
        for row in found
    )
