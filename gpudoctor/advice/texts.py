"""Free text in questions: the command that would be run, the task, what is needed. Read as far as it is understood;
None says that it is not."""

from __future__ import annotations

import re

from gpudoctor.facts.record import Record


class Install(Record):
    """What a command would install. `packages`: (name, version or ""); `variant`: of torch ("cu126") or JAX's extra
    ("cuda12"); `extras` of the main package; `fresh`: versions that it leaves open come out newest; `flavour` of the
    driver ("open", "proprietary")."""

    packages: tuple[tuple[str, str], ...] = ()
    variant: str = ""
    extras: tuple[str, ...] = ()
    fresh: bool = False
    flavour: str = ""


class Task(Record):
    """`compiles` with nvcc; `ptx`: the driver has to compile PTX; `target`: "9.0a", where the target is not that of plain
    `capability`."""

    compiles: bool
    capability: str = ""
    target: str = ""
    ptx: bool = False


class Needs(Record):
    sonames: tuple[str, ...] = ()
    flavour: str = ""
    ptx: bool = False


_REQUIREMENT = re.compile(
    r"(?<![\w./+-])(?P<name>[A-Za-z][A-Za-z0-9._-]*)(?P<extras>\[[\w,-]+\])?\s*(?:==|=|~=|\s(?=\d))\s*(?P<version>\d[\w.+]*)"
)
_BARE = re.compile(
    r"(?<![\w./+-])(?P<name>torch|tensorflow|jax|keras|numpy|nvidia-[a-z0-9-]+|torchvision|torchaudio|torchtext|xformers|triton"
    r"|flash[-_]attn|vllm|bitsandbytes|deepspeed|onnxruntime-gpu|tensorrt(?:-cu\d+)?|cupy-cuda\w+|mxnet-cu\d+|paddlepaddle-gpu)"
    r"(?P<extras>\[[\w,-]+\])?(?![\w.=+-])"
)


#: Packages beside a framework that bring GPU code, or that pin a framework.
EXTENSIONS = re.compile(
    r"torchtext|torchdata|torchao|torchcodec|torch-(?:scatter|sparse|cluster|geometric|tensorrt)|xformers|triton|flash-attn"
    r"|vllm|sglang|bitsandbytes|deepspeed|apex|auto-gptq|autoawq|mamba-ssm|causal-conv1d|transformer-engine|pytorch3d"
    r"|onnxruntime-gpu|tensorrt(?:-.*)?|cupy(?:-.*)?|faiss-gpu.*|cu(?:df|ml|graph)-cu\d+|mxnet-cu\d+|paddlepaddle-gpu"
    r"|tensorflow-(?:text|addons|io|probability|gpu)|jaxlib|numba-cuda"
)


def requirements(text: str) -> list[tuple[str, str]]:
    """ "nvidia-cudnn-cu12 9.28.0.42, torch==2.5.1" -> names and versions; a bare known name has version ""."""
    found = {m["name"].lower().replace("_", "-"): m["version"] for m in _REQUIREMENT.finditer(text)}
    for match in _BARE.finditer(text):
        found.setdefault(match["name"].lower().replace("_", "-"), "")
    return list(found.items())


def install(text: str) -> Install | None:
    """A command, a list of requirements, or the words pip, conda, index."""
    packages = requirements(text)
    index = re.search(r"/whl/(cu\d{2,3}|cpu)\b|\b(cu\d{3}|cpu) index\b", text)
    variant = (index[1] or index[2]) if index else ""
    local = re.search(r"\+(cu\d{2,3}|cpu)\b", text)
    extras = [e for m in re.finditer(r"(\w+)\[([\w,-]+)\]", text) for e in m[2].split(",")]
    cuda_extra = next((m[1] for e in extras if (m := re.match(r"(cuda1[123])", e))), "")
    if not variant:
        variant = local[1] if local else cuda_extra
    flavour = driver_flavour(text)
    if (
        not packages
        and not variant
        and not flavour
        and not re.fullmatch(r"\s*(?:pip|conda|index|pypi)\s*", text, re.I)
    ):
        return None
    if re.search(r"\b(?:conda|mamba|micromamba|pixi)\b", text):
        return None  # conda's builds are in no table
    packages = [(n, v.partition("+")[0]) for n, v in packages if n not in ("python", "cuda")]
    fresh = "and-cuda" in extras or bool(cuda_extra)
    return Install(tuple(packages), variant, tuple(extras), fresh, flavour)


def driver_flavour(text: str) -> str:
    if re.search(
        r"nvidia-driver-\d+(?:-server)?-open|nvidia-open|open (?:kernel )?module|kernel-open", text, re.I
    ):
        return "open"
    if re.search(
        r"proprietary|closed (?:kernel )?module|nvidia-driver-\d+(?:-server)?\b(?!-open)", text, re.I
    ):
        return "proprietary"
    return ""


_PTX = re.compile(r"\bPTX\b|\bJIT\b|ptx_?jit", re.I)
_COMPILING = re.compile(r"\b(compil\w*|build\w*|nvcc|-arch|gencode|from source)\b", re.I)


def task(text: str) -> Task | None:
    """ "compile", "compile sm_110", "build an extension for 8.9"."""
    plain = re.sub(
        r"(?i)\b(?:cuda|nvcc|toolkit|ptx(?: of)?)[- ]?\d{1,2}\.\d+(?:\.\d+)?|\d{1,2}\.\d+ PTX", " ", text
    )
    match = re.search(r"\b(?:sm|compute)_(\d{2,3})([af]?)\b|\b(\d{1,2}\.\d)([af]?)\b", plain)
    found = (match[1] or match[3]) if match else ""
    capability = "" if not found else found if "." in found else f"{found[:-1]}.{found[-1]}"
    suffix = (match[2] or match[4]) if match else ""
    if _PTX.search(text):
        return Task(False, capability, ptx=True)
    if re.fullmatch(r"\s*(?:run|execute|start|use|running|run(?: a)? (?:cuda )?program)\s*", text, re.I):
        return Task(False)
    if not _COMPILING.search(text):
        return None
    rest = _COMPILING.sub(" ", re.sub(r"(?:sm|compute)_\d+[af]?|\d+\.\d[af]?", " ", plain))
    words = set(re.findall(r"[a-z]+", rest.lower()))
    known = {
        "for",
        "with",
        "a",
        "an",
        "the",
        "kernel",
        "kernels",
        "code",
        "cuda",
        "to",
        "extension",
        "extensions",
        "native",
        "natively",
        "cubin",
        "sass",
        "program",
        "gpu",
        "host",
    }
    return Task(True, capability, f"{capability}{suffix}" if suffix else "") if words <= known else None


def needs(text: str) -> Needs | None:
    """A soname or a path ("libcudnn.so.9", "nvidia/cu13/lib/libcudart.so.13"), or a flavour of the kernel module."""
    sonames = tuple(re.findall(r"[\w./-]*lib[\w-]+\.so(?:\.\d+)*", text))
    flavour = driver_flavour(text)
    ptx = bool(_PTX.search(text))
    return Needs(sonames, flavour, ptx) if sonames or flavour or ptx else None


def cuda_compat(text: str, cuda: str) -> str | None:
    """The CUDA version of a cuda-compat package: "cuda-compat-12-8", "12.8", "installed" (then the question's `cuda`)."""
    match = re.search(r"cuda-compat-(\d+)-(\d+)", text) or re.search(r"\b(\d+)\.(\d+)\b", text)
    if match:
        return f"{match[1]}.{match[2]}"
    if re.search(r"\b(no|none|not installed|without|false)\b", text, re.I):
        return ""
    if re.search(r"\b(yes|installed|used|present|true|cuda-compat|forward)\b", text, re.I) and cuda:
        return cuda
    return None


def plugin(text: str) -> tuple[str, str]:
    """(package, version) of JAX's CUDA plugin, of which a question may name either."""
    match = re.fullmatch(
        r"(?:jax-)?(cuda\d+)(?:-plugin|_pip|-pjrt)?(?:\s*(?:==|=|\s)\s*(\d[\d.]*))?", text.strip()
    )
    if match:
        return f"jax-{match[1]}-plugin", match[2] or ""
    return ("", text.strip()) if re.fullmatch(r"\d+(?:\.\d+)+", text.strip()) else ("", "")
