"""Frameworks: how their published wheels were built, and what belongs together."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from gpudoctor.knowledge.records import Companions, ExtensionDemands, FrameworkBuild
from gpudoctor.knowledge.tables import source, table
from gpudoctor.versions import at_least, is_version, major, numbers, older
from gpudoctor.versions import release as release_of


@lru_cache(maxsize=2048)
def torch_build(
    version: str, variant: str = "", machine: str = "x86_64", system: str = "linux"
) -> FrameworkBuild | None:
    """A torch wheel: `version` "2.5.1", `variant` "cu124" or "cpu"; "": what a plain `pip install` gets there."""
    found = table("torch")
    row = _by_version(found["builds"], version)
    if row is None:
        return None
    arm = machine in ("aarch64", "arm64")
    if variant == "" and (system != "linux" or (arm and "aarch64" not in row)):
        variant = "cpu"
    default = variant in ("", row["default"])
    if arm and default and "aarch64" in row:
        chosen: dict[str, Any] = {"source": "wheel", **row["variants"][row["default"]], **row["aarch64"]}
    elif variant == "cpu":
        chosen = {"source": "wheel"}
    else:
        chosen = row["variants"].get(variant or row["default"])
        if chosen is None:
            return None
    targets = found["targets"].get(chosen.get("arch", ""))
    where = chosen["source"]
    if system == "windows" and variant != "cpu":
        targets, where = _for_windows(found, version, variant, targets, where)
    elif targets is not None and (system != "linux" or (arm and chosen["arch"] != "aarch64")):
        targets = None  # what was read are Linux x86_64 wheels
    cpu = variant == "cpu"
    return FrameworkBuild(
        framework="torch",
        version=version,
        variant=variant or row["default"],
        cuda=chosen.get("cuda"),
        cudnn=chosen.get("cudnn"),
        capabilities=() if cpu else tuple(targets["sm"]) if targets else None,
        ptx=() if cpu else tuple(targets["ptx"]) if targets else None,
        pythons=tuple(row["pythons"]),
        deciding_library=None if cpu or _split(version, default) else deciding_library("torch", version),
        libraries=() if cpu else None,
        requires=tuple(row.get("requires", ())) if default else (),
        source=source(found, where),
    )


def _for_windows(
    found: dict[str, Any], version: str, variant: str, linux: dict[str, Any] | None, where: Any
) -> tuple[dict[str, Any] | None, Any]:
    """(targets, source) of a CUDA build for Windows; None for the targets where no source says them."""
    row = next((r for r in found["windows"] if _between(version, r["from"], r["until"])), None)
    if row is None:
        return None, where
    if variant in row["variants"]:
        return found["targets"][row["variants"][variant]], row["source"]
    if row["variants"] or linux is None:
        return None, where
    return {**linux, "ptx": []}, row["source"]


@lru_cache(maxsize=2048)
def tensorflow_build(version: str) -> FrameworkBuild | None:
    """TensorFlow's Linux x86_64 wheel. `requires` is what its and-cuda extra pins."""
    found = table("tensorflow")
    row = _by_version(found["builds"], version)
    if row is None:
        return None
    by_cudnn = f"/{major(row['cudnn'])}"
    libraries = found["libraries"].get(release_of(row["cuda"]) + by_cudnn) or found["libraries"].get(
        f"{major(row['cuda'])}{by_cudnn}"
    )
    return FrameworkBuild(
        framework="tensorflow",
        version=version,
        variant="",
        cuda=row["cuda"],
        cudnn=row["cudnn"],
        capabilities=tuple(row["sm"]),
        ptx=tuple(row["ptx"]),
        pythons=tuple(row["pythons"]),
        deciding_library=deciding_library("tensorflow", version),
        libraries=tuple(libraries) if libraries else None,
        requires=tuple(row.get("requires", ())),
        source=source(found, row["source"]),
        optional_libraries=tuple(found["optional"].get(str(major(row["cuda"])), ())),
    )


def tensorflow_for_windows(version: str) -> FrameworkBuild | None:
    """TensorFlow's CUDA build for native Windows: the same CUDA, GPU code and Pythons as for Linux, other libraries."""
    found = table("tensorflow")
    bounds, row = found["windows"], tensorflow_build(version)
    if row is None or not is_version(version) or not _between(version, bounds["from"], bounds["until"]):
        return None
    return row.replace(libraries=None, optional_libraries=(), source=source(found, bounds["source"]))


def tensorflow_cuda(version: str) -> str | None:
    """The CUDA that a TensorFlow was built with or, before the first wheel that was read, tested with: "2.6" or "1.15.2"."""
    for spelled in (version, f"{version}.0", f"{version}.1"):
        row = tensorflow_build(spelled)
        if row is not None:
            return row.cuda
    rows = table("tensorflow")["tested"] if is_version(version) else ()
    for row in rows:
        if numbers(version) <= numbers(row["until"]):
            cuda: str = row["cuda"]
            return cuda
    return None


def _between(version: str, first: str, last: str) -> bool:
    return numbers(first) <= numbers(version) <= numbers(last)


@lru_cache(maxsize=2048)
def jax_build(package: str, version: str) -> FrameworkBuild | None:
    """A CUDA plugin of JAX: `package` "jax-cuda12-plugin". `cuda` is its major."""
    found = table("jax")
    row = _by_version([r for r in found["builds"] if r["package"] == package], version)
    if row is None:
        return None
    return FrameworkBuild(
        framework=package,
        version=version,
        variant="",
        cuda=row["cuda"],
        cudnn=None,
        capabilities=tuple(row["sm"]) if "sm" in row else None,
        ptx=tuple(row["ptx"]) if "ptx" in row else None,
        pythons=tuple(row["pythons"]),
        deciding_library=deciding_library(package, version),
        libraries=None,
        requires=tuple(found["pins"][row["requires"]]),
        source=source(found, row["source"]),
    )


def torch_companions(torch: str) -> Companions | None:
    """The torchvision, torchaudio and triton that belong to torch `torch` ("2.5.1" or "2.5")."""
    if not is_version(torch):
        return None
    found, wanted = table("companions"), release_of(torch)
    row = next((r for r in found["rows"] if r["torch"] == wanted), None)
    if row is None:
        return None
    return Companions(
        wanted, row.get("torchvision"), row.get("torchaudio"), row.get("triton"), source(found, row["source"])
    )


def companion_pin(package: str, version: str) -> str | None:
    """The torch that torchvision, torchaudio or xformers `version` requires ("==2.5.1", ">=2.11")."""
    row = table("companions")["pins"].get(package)
    pin: str | None = row["torch"].get(version.partition("+")[0]) if row else None
    return pin


def companion_of(package: str, torch: str) -> str:
    """The newest release of torchvision, torchaudio or xformers that pins this torch; "" where none does."""
    row = table("companions")["pins"].get(package)
    having = [v for v, pin in row["torch"].items() if pin == f"=={torch}"] if row else []
    return having[-1] if having else ""


def extension_demands(package: str, version: str) -> ExtensionDemands | None:
    """What flash-attn, vllm, bitsandbytes, tensorrt, onnxruntime-gpu or a CuPy of `version` asks for."""
    plain = version.partition("+")[0].partition(".post")[0]
    if not is_version(plain):
        return None
    found = table("extensions")
    parts = numbers(plain)[:3]
    for row in found["rows"]:
        if package in row["packages"] and numbers(row["from"]) <= parts <= numbers(row["until"]):
            return ExtensionDemands(
                package,
                version,
                row.get("least", ""),
                row.get("known", ""),
                tuple(row.get("pythons", ())),
                tuple(row.get("systems", ())),
                tuple(row.get("cuda", ())),
                tuple(row.get("cudnn", ())),
                source(found, row["source"]),
            )
    return None


def extension_ends(package: str) -> tuple[str, ...]:
    """The last release of each row of a package."""
    return tuple(row["until"] for row in table("extensions")["rows"] if package in row["packages"])


def newest_extension(package: str) -> str:
    """The newest release of the table; "" for a package that is not in it."""
    having = [row["until"] for row in table("extensions")["rows"] if package in row["packages"]]
    return having[-1] if having else ""


@lru_cache(maxsize=2048)
def requirements(package: str, version: str) -> tuple[str, ...] | None:
    """What a framework's wheel requires of NumPy and Keras, as its METADATA says it."""
    for row in table("requires")["rows"]:
        if row["package"] == package and version in row["versions"]:
            return tuple(row["requires"])
    return None


def deciding_library(framework: str, version: str = "") -> str | None:
    """The library below site-packages whose fatbins decide which GPUs a package runs on ("torch", "bitsandbytes");
    a glob where its name holds a version. Without `version`: in the newest wheels. None: none known, or (CuPy) the
    package compiles its kernels on the machine."""
    return _path("deciding", framework, version)


def bundled_ptxas(package: str, version: str = "") -> str | None:
    """The ptxas that a package brings along ("triton"), below site-packages."""
    return _path("ptxas", package, version)


def _path(kind: str, package: str, version: str) -> str | None:
    for row in table("libraries")[kind]:
        if row["package"] != package:
            continue
        until = row.get("until")
        if until is None or (version and at_least(version, row["from"]) and at_least(until, version)):
            path: str = row["path"]
            return path
    return None


def _split(version: str, default: bool) -> bool:
    """torch 1.10 to 1.12 for CUDA 11 came in two libraries, in wheels that nobody measured for these tables."""
    return not default and older(version, "1.13")


def _by_version(rows: list[dict[str, Any]], version: str) -> dict[str, Any] | None:
    return next((r for r in rows if version in r["versions"]), None)
