"""The Python of a text: which packages are listed, and of which kind the builds of frameworks are."""

from __future__ import annotations

import re

from gpudoctor.facts.frameworks import Build, Cubin, Frameworks, Interpreter, Package, Ptx, Targets
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown
from gpudoctor.logs.lazy import Lazy
from gpudoctor.logs.told import Told
from gpudoctor.versions import is_version, older

VIA = "the text"
#: What builds alone decide, and what lists of packages decide.
OF_BUILDS = (
    "driver-too-old-for-runtime",
    "wheel-lacks-gpu-arch",
    "gpu-too-old-for-toolkit",
    "cpu-only-wheel",
    "wrong-accelerator-build",
)
OF_LISTS = (
    "torchvision-torchaudio-mismatch",
    "jax-cpu-only-jaxlib",
    "jax-plugin-mismatch",
    "duplicate-distributions",
    "triton-torch-mismatch",
    "tf-gpu-on-windows-unsupported",
    "framework-cuda-version-mismatch",
)


def public(version: str) -> str:
    return version.partition("+")[0]


_CONDA_CUDA = Lazy(r"cuda_?(\d{1,2}\.?\d)")


def told(told: Told) -> tuple[Frameworks, tuple[str, ...]]:
    listed = told.listed
    builds = [
        b
        for b in (
            _torch(told, listed),
            *_companions(listed),
            _tensorflow(told, listed),
            _jax(listed),
            *_cupy(listed),
        )
        if b
    ]
    if not builds and not listed:
        return Frameworks(interpreters=Unknown("the text tells of no framework's build")), ()
    python = Interpreter(
        "python",
        "python",
        VIA,
        version=Known(told.python, VIA) if told.python else Unknown("not told"),
        packages=Known(tuple(map(_required, listed.values())), VIA) if listed else Unknown("not told"),
        builds=tuple(builds),
    )
    return Frameworks(interpreters=Known((python,), VIA)), OF_BUILDS + (
        OF_LISTS if listed else ()
    ) + _of_requirements(listed)


def _of_requirements(listed: dict[str, Package]) -> tuple[str, ...]:
    """What requirements decide: their rules import a parser of them, which takes long, so only where it may matter."""
    causes: tuple[str, ...] = ()
    if "keras" in listed and any(name.startswith("tensorflow") for name in listed):
        causes += ("keras-tensorflow-mismatch",)
    numpy, torch = listed.get("numpy"), listed.get("torch")
    frameworks = any(name.startswith(("tensorflow", "jax")) for name in listed)
    if numpy is not None and not numpy.version.startswith(("0.", "1.")):
        old = torch is not None and is_version(public(torch.version)) and older(public(torch.version), "2.3")
        causes += ("numpy-too-new-for-framework",) if frameworks or old else ()
    return causes


def _required(own: Package) -> Package:
    """With what its wheel requires of NumPy and Keras, by the tables."""
    if own.name not in ("tensorflow", "tensorflow-cpu", "jax") or own.installer == "conda":
        return own
    from gpudoctor import knowledge

    return own.replace(requires=knowledge.requirements(own.name, own.version.partition("+")[0]) or ())


# ---------------------------------------------------------------- torch


def _torch(told: Told, listed: dict[str, Package]) -> Build | None:
    own = listed.get("torch") or listed.get("pytorch")
    version = told.packages.get("torch", "")
    if own is not None and not told.torch_stated and not version.startswith(own.version.partition("+")[0]):
        version = own.version
    if own is not None and public(own.version) != public(version):
        own = None  # of another environment
    if not version:
        return None
    local = re.search(r"\+(cu\d+|cpu|rocm[\d.]+|xpu)", version)
    variant = local[1] if local else _by_conda(own) if own is not None and own.build else ""
    cuda = _short(told.torch_cuda or _cuda_of(variant))
    system = "windows" if told.windows else "linux"
    if not variant and not cuda and told.torch_without_cuda:
        variant = told.torch_without_cuda
    if not variant and not cuda and own is not None and own.installer == "conda":
        return None
    if not variant and not cuda:
        return _plain(version, system, told)
    if not variant:
        variant = f"cu{cuda.replace('.', '')[:3]}"
    # What has no CUDA of its own may still have it by a build from source: only a name that says so is a CPU build.
    found: Observed[str] = Known(cuda, VIA) if cuda else Absent(VIA)
    return Build(
        "torch", version, VIA, variant, found, targets=_targets(version.partition("+")[0], variant, system)
    )


def _plain(version: str, system: str, told: Told) -> Build | None:
    """A version without a local part: what a plain `pip install` gets there. Of prose that is a guess: it counts where
    the text complains."""
    from gpudoctor import knowledge

    if not told.complains:
        return None
    try:
        row = knowledge.torch_build(version, "", "x86_64", system)
    except (KeyError, ValueError):
        return None
    if row is None:
        return None
    if row.cuda is None:
        return Build("torch", version, VIA, "cpu", Absent(row.source)) if "torch" in told.listed else None
    cuda = ".".join(row.cuda.split(".")[:2])
    return Build("torch", version, VIA, row.variant or "", Known(cuda, row.source), targets=_of_row(row))


def _by_conda(own: Package) -> str:
    """ "py3.11_cuda12.4_cudnn9.1.0_0" -> cu124; "cpu_generic_py311_h..." and "py3.11_cpu_0" -> cpu."""
    if "cpu" in own.build:
        return "cpu"
    match = _CONDA_CUDA.search(own.build)
    if match is None:
        return ""
    digits = match[1].replace(".", "")
    return f"cu{digits}"


def _short(cuda: str) -> str:
    return ".".join(cuda.split(".")[:2])


def _cuda_of(variant: str) -> str:
    digits = variant[2:] if variant.startswith("cu") else ""
    return f"{digits[:-1]}.{digits[-1]}" if digits.isdigit() and len(digits) >= 2 else ""


def _targets(version: str, variant: str, system: str) -> Observed[Targets]:
    from gpudoctor import knowledge

    try:
        row = knowledge.torch_build(version, variant, "x86_64", system)
    except (KeyError, ValueError):
        row = None
    return _of_row(row)


def _of_row(row: object) -> Observed[Targets]:
    capabilities = getattr(row, "capabilities", None)
    if row is None or capabilities is None:
        return Unknown("no table holds this build")
    ptx = getattr(row, "ptx", None) or ()
    return Known(
        Targets(tuple(Cubin(c) for c in capabilities), tuple(Ptx(c) for c in ptx), "table"),
        str(getattr(row, "source", VIA)),
    )


def _companions(listed: dict[str, Package]) -> list[Build]:
    found = []
    for name in ("torchvision", "torchaudio"):
        own = listed.get(name)
        if own is not None:
            local = re.search(r"\+(cu\d+|cpu|rocm[\d.]+|xpu)", own.version)
            found.append(
                Build(name, own.version, VIA, local[1] if local else "cpu" if "cpu" in own.build else "")
            )
    return found


# ---------------------------------------------------------------- others


def _tensorflow(told: Told, listed: dict[str, Package]) -> Build | None:
    own = next(
        (
            listed[n]
            for n in ("tensorflow", "tensorflow-gpu", "tensorflow-cpu", "tensorflow-intel")
            if n in listed
        ),
        None,
    )
    version = own.version if own is not None else told.packages.get("tensorflow", "")
    if not version:
        return None
    cpu = (
        own is not None
        and (own.name == "tensorflow-cpu" or "cpu" in own.build or own.build.startswith("mkl"))
    ) or told.tensorflow_without_cuda
    if not cpu and not told.windows:
        return None  # which CUDA its wheel wants is asked of the libraries, which no text shows whole
    distribution = own.name if own is not None and own.name == "tensorflow-cpu" else ""
    return Build(
        "tensorflow",
        version,
        VIA,
        "cpu" if cpu else "",
        Absent(VIA) if cpu else Unknown("not told"),
        distribution=distribution,
    )


def _jax(listed: dict[str, Package]) -> Build | None:
    """jax and jaxlib are listed, and no plugin: the CPU's."""
    jax, jaxlib = listed.get("jax"), listed.get("jaxlib")
    if jax is None or jaxlib is None:
        return None
    plugin = any(re.match(r"jax-(?:cuda|rocm|metal)", name) for name in listed)
    accelerated = plugin or "cuda" in jaxlib.version or "cuda" in jaxlib.build
    return None if accelerated else Build("jax", jax.version, VIA, "cpu", Absent(VIA))


def _cupy(listed: dict[str, Package]) -> list[Build]:
    found = []
    for name, own in listed.items():
        match = re.fullmatch(r"cupy-cuda(\d\d)(\d|x)", name)
        if match:
            cuda = match[1] if match[2] == "x" else f"{match[1]}.{match[2]}"
            found.append(Build("cupy", own.version, VIA, cuda=Known(cuda, VIA), distribution=name))
    return found
