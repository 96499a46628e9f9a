"""CUDA, cuDNN and NCCL: layout, parts, versions against the tree's keys."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator

from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.observed import Known, Observed, value_of
from gpudoctor.system.port import text as read_text
from gpudoctor.system.port import which
from gpudoctor.tfbuild import view
from gpudoctor.tfbuild.preflight.model import Level, Look, Row
from gpudoctor.versions import is_version, older, release


def cuda_wanted(look: Look) -> str:
    """--cuda, else what a local CUDA says of itself, else .bazelrc's."""
    if look.request.cuda:
        return look.request.cuda
    if look.request.local_cuda:
        return installed_cuda(look, look.request.local_cuda)
    return look.tree.rc_value("cuda", "HERMETIC_CUDA_VERSION")


def cudnn_wanted(look: Look) -> str:
    if look.request.cudnn:
        return look.request.cudnn
    if look.request.local_cudnn:
        return installed_cudnn(look, look.request.local_cudnn)
    return look.tree.rc_value("cuda", "HERMETIC_CUDNN_VERSION")


def installed_cuda(look: Look, folder: str) -> str:
    """version.json of an install ("12.4.0"), else CUDA_VERSION of its cuda.h ("12.4.0" from 12040); "" for neither."""
    try:
        said = json.loads(read_text(look.port, f"{folder}/version.json"))
        return str(said["cuda"]["version"])
    except (OSError, ValueError, KeyError, TypeError):
        pass
    for place in (*view.cuda_layout(folder).includes, f"{folder}/include"):
        try:
            match = re.search(r"#define CUDA_VERSION (\d+)", read_text(look.port, f"{place}/cuda.h"))
        except OSError:
            continue
        if match:
            number = int(match[1])
            return f"{number // 1000}.{number % 1000 // 10}.0"
    return ""


def installed_cudnn(look: Look, folder: str) -> str:
    """CUDNN_MAJOR.MINOR.PATCHLEVEL of cudnn_version.h; "" where there is none."""
    found = view.cudnn_layout(folder)
    for place in found.includes:
        for name in ("cudnn_version.h", "cudnn_version_v9.h", "cudnn.h"):
            try:
                text = read_text(look.port, f"{place}/{name}")
            except OSError:
                continue
            parts = [re.search(rf"#define CUDNN_{p} (\d+)", text) for p in ("MAJOR", "MINOR", "PATCHLEVEL")]
            if all(parts):
                return ".".join(p[1] for p in parts if p)
    return ""


def layout(look: Look) -> Iterator[Row]:
    folder = look.request.local_cuda
    if not folder:
        kind = value_of(look.tree.cuda, "")
        if kind == "classic":
            yield Row("cuda-layout", "failure", "this tree builds with an installed CUDA, and none was named", "",
                      "--local-cuda /usr/local/cuda-12.3")  # fmt: skip
        else:
            yield Row(
                "cuda-layout", "not-needed", "Bazel downloads CUDA", "--local-cuda DIR takes an installed one"
            )
        return
    found = view.cuda_layout(folder)
    if found.kind == "unknown":
        yield Row(
            "cuda-layout",
            "failure",
            f"{folder} is no CUDA toolkit",
            "no cuda.h and no libcudart in it",
            "--local-cuda DIR",
        )
        return
    cudnn_there = view.cudnn_layout(look.request.local_cudnn) if look.request.local_cudnn else None
    try:
        made = view.cuda_links(found, cudnn_there)
    except GpudoctorError as error:
        yield Row("cuda-layout", "failure", error.what, error.context, error.hint)
        return
    lacks = view.missing(made)
    serious = [m for m in lacks if not m.startswith(("libcupti", "CUPTI's"))]
    if serious:
        yield Row(
            "cuda-layout", "failure", f"{folder} has not all that the build needs", "; ".join(serious),
            "install the whole toolkit (cuda-toolkit-12-4, or the runfile), not the runtime alone", "toolkit-incomplete",
        )  # fmt: skip
    elif lacks:
        yield Row("cuda-layout", "failure", f"{folder} has no CUPTI", "; ".join(lacks),
                  "install it: cuda-cupti-dev-12-4, or the runfile's whole toolkit")  # fmt: skip
    elif found.notes:
        yield Row(
            "cuda-layout",
            "ok",
            "a view gives the rules the layout they want",
            f"{found.kind}: {'; '.join(found.notes)}",
        )
    else:
        yield Row("cuda-layout", "ok", "the layout is the one that the rules want", found.path)


def cudnn(look: Look) -> Iterator[Row]:
    folder = look.request.local_cudnn
    if not folder:
        yield Row("cudnn-layout", "not-needed", "no local cuDNN was named")
        return
    found = view.cudnn_layout(folder)
    if found.kind == "unknown":
        yield Row("cudnn-layout", "failure", f"{folder} is no cuDNN with headers", "no cudnn.h, or no libcudnn",
                  "the development package is needed too: cudnn.h and libcudnn.so", "cudnn-missing")  # fmt: skip
        return
    asked, there = look.request.cudnn, installed_cudnn(look, folder)
    if asked and there and not (there == asked or there.startswith(asked + ".")):
        yield Row("cudnn-layout", "failure", f"cuDNN {asked} was asked for, {folder} holds {there}", ", ".join(found.includes),
                  f"--cudnn {there}", "cudnn-version-mismatch")  # fmt: skip
        return
    how = (
        "a view gives the rules the layout they want"
        if found.notes
        else "the layout is the one that the rules want"
    )
    yield Row(
        "cudnn-layout",
        "ok",
        f"cuDNN {there or 'of unknown version'}: {how}",
        "; ".join(found.notes) or found.path,
    )


def ptxas(look: Look) -> Iterator[Row]:
    """XLA starts the first ptxas on PATH at run time, and the build's own rules take the toolkit's."""
    path = which(look.port, "ptxas")
    wanted = cuda_wanted(look)
    if not path:
        yield Row("ptxas", "ok", "no ptxas on PATH: the wheel's own and the toolkit's are used")
        return
    ran = look.run(path, "--version")
    match = re.search(r"release (\d+\.\d+)", ran.stdout) if ran else None
    if match is None or not is_version(wanted):
        yield Row("ptxas", "unknown", "the ptxas on PATH could not be compared", path)
    elif older(match[1], release(wanted)) or match[1].split(".")[0] != wanted.split(".")[0]:
        yield Row("ptxas", "warning", f"the ptxas on PATH is of CUDA {match[1]}, the build is for {release(wanted)}", path,
                  f"put the bin folder of CUDA {release(wanted)} first on PATH", "ptxas-from-another-toolkit")  # fmt: skip
    else:
        yield Row("ptxas", "ok", f"the ptxas on PATH is of CUDA {match[1]}", path)


def _against(
    name: str, what: str, wanted: str, keys: Observed[tuple[str, ...]], local: str, option: str
) -> Iterator[Row]:
    if isinstance(keys, Known) and not local:
        if wanted in keys.value:
            yield Row(name, "ok", f"{what} {wanted} is a key of the tree", keys.via)
            return
        near = [k for k in keys.value if k.startswith(f"{wanted}.")] or [
            k for k in keys.value if k.split(".")[0] == wanted.split(".")[0]
        ]
        yield Row(
            name, "failure", f"{what} {wanted or 'of no version'} is none that the tree can download", f"it knows {', '.join(keys.value)}",
            f"{option} {near[-1] if near else keys.value[-1]}, or --local-{what.lower()} DIR", "tf-build-configuration",
        )  # fmt: skip
    elif local and not re.fullmatch(r"\d+\.\d+\.\d+(\.\d+)?", wanted):
        known = isinstance(keys, Known) and wanted in keys.value
        level: Level = "ok" if known else "failure"
        yield Row(name, level, f"{what} {wanted or 'of no version'}" + ("" if known else ": three numbers are wanted"),
                  "the value goes into the build's version tests", "" if known else f"{option} 12.4.0" if what == "CUDA" else f"{option} 9.3.0",
                  "" if known else "tf-build-configuration")  # fmt: skip
    elif isinstance(keys, Known) or local:
        yield Row(name, "ok", f"{what} {wanted}, from {local}", "")
    elif wanted:
        yield Row(
            name, "unknown", f"{what} {wanted}: which versions the tree knows can't be read", _why(keys)
        )
    else:
        yield Row(
            name, "unknown", f"which {what} the tree takes can't be read", _why(keys), f"{option} names one"
        )


def _why(keys: Observed[tuple[str, ...]]) -> str:
    return getattr(keys, "reason", "") or getattr(keys, "looked_in", "")


def cuda_version(look: Look) -> Iterator[Row]:
    request = look.request
    if request.local_cuda and request.cuda:
        there = installed_cuda(look, request.local_cuda)
        if there and release(there) != release(request.cuda):
            yield Row("cuda-version", "failure", f"CUDA {request.cuda} was asked for, {request.local_cuda} holds {there}", "",
                      f"--cuda {there}", "tf-build-configuration")  # fmt: skip
            return
    wanted = cuda_wanted(look)
    yield from _against("cuda-version", "CUDA", wanted, look.tree.cuda_keys, request.local_cuda, "--cuda")
    version = value_of(look.tree.version, "")
    if is_version(wanted) and version and not older(wanted, "12.8") and older(release(version), "2.20"):
        yield Row(
            "cuda-version", "warning", f"CUDA {wanted} is newer than the code of TensorFlow {version}",
            "12.8 and 12.9 changed CUB and alignment rules", "--cuda 12.6.1 or older, or apply the backports",
            "tf-build-cuda-too-new",
        )  # fmt: skip


def cudnn_version(look: Look) -> Iterator[Row]:
    yield from _against(
        "cudnn-version",
        "cuDNN",
        cudnn_wanted(look),
        look.tree.cudnn_keys,
        look.request.local_cudnn,
        "--cudnn",
    )


def nccl_version(look: Look) -> Iterator[Row]:
    """NCCL is chosen by the CUDA version: a local CUDA of a version that the tree does not know has none."""
    if look.request.local_nccl:
        found = view.nccl_layout(look.request.local_nccl)
        if found.kind == "unknown":
            yield Row(
                "nccl-version",
                "failure",
                f"{look.request.local_nccl} is no NCCL with headers",
                "no nccl.h, or no libnccl",
            )
        else:
            yield Row("nccl-version", "ok", "a local NCCL", found.path)
        return
    wanted, keys = cuda_wanted(look), look.tree.nccl_keys
    if not isinstance(keys, Known):
        yield Row("nccl-version", "unknown", "the tree's table of NCCL can't be read", _why(keys))
    elif wanted in keys.value or wanted.split(".")[0] in keys.value:
        yield Row("nccl-version", "ok", f"the tree has an NCCL for CUDA {wanted}", keys.via)
    else:
        near = [k for k in keys.value if release(k) == release(wanted)] if is_version(wanted) else []
        yield Row(
            "nccl-version", "failure", f"the tree has no NCCL for CUDA {wanted}", f"it knows {', '.join(keys.value)}",
            f"--cuda {near[-1]}" if near else "--local-nccl DIR", "tf-build-configuration",
        )  # fmt: skip
