"""Extensions of torch: which torch and which CUDA they were compiled for, and whether they hold GPU code at all."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gpudoctor.facts.frameworks import Build, Package, Targets
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown
from gpudoctor.probes.python import binaries
from gpudoctor.probes.python.layout import Layout
from gpudoctor.system.port import Port, observe, text

#: Distribution -> import folder, of extensions of torch that are compiled against it.
EXTENSIONS = {
    "flash-attn": "flash_attn", "xformers": "xformers", "torchvision": "torchvision", "torchaudio": "torchaudio",
    "torch-scatter": "torch_scatter", "torch-sparse": "torch_sparse", "torch-cluster": "torch_cluster",
    "torch-spline-conv": "torch_spline_conv", "pyg-lib": "pyg_lib", "mmcv": "mmcv", "mmcv-full": "mmcv",
    "detectron2": "detectron2", "pytorch3d": "pytorch3d", "causal-conv1d": "causal_conv1d",
    "mamba-ssm": "mamba_ssm", "sageattention": "sageattention", "torchtext": "torchtext", "torchcodec": "torchcodec",
}  # fmt: skip

_LOCAL_TORCH = re.compile(r"(?:^|[+.])(?:cu\d+)?(?:torch|pt)(\d+(?:\.\d+)*)")
LOCAL_CUDA = re.compile(r"(?:^|[+.]|pt[\d.]+)cu(\d{2,3})(?=$|\D)")


def local(version: str) -> str:
    """The local part of a version: "2.5.1+cu124" -> "cu124"."""
    return version.partition("+")[2]


def dotted_cuda(digits: str) -> str:
    """ "124" -> "12.4", "118" -> "11.8", "92" -> "9.2", "12" -> "12"; dotted ones stay."""
    if "." in digits or len(digits) < 2 or digits in ("10", "11", "12", "13", "14"):
        return digits
    return f"{digits[:-1]}.{digits[-1]}"


def extension(port: Port, layout: Layout, package: Package, others: Mapping[str, Package]) -> Build | None:
    folder = f"{package.location}/{EXTENSIONS[package.name]}"
    tag = local(package.version)
    torch, cuda = _built_for_torch(package, tag), _extension_cuda(tag)
    detail = ""
    if package.name == "xformers":
        torch, cuda, detail = _xformers(port, folder, torch, cuda)
    files = binaries.libraries(port, folder)
    if package.name == "flash-attn":  # its libraries lie beside its folder
        files += binaries.libraries(port, package.location, "flash_attn", deep=False)
    if package.name in ("sageattention", "causal-conv1d", "mamba-ssm"):
        files += binaries.libraries(port, package.location, package.name.replace("-", "_"), deep=False)
    targets = binaries.joined_targets(port, files)
    code = _cuda_code(targets)
    if isinstance(cuda, Unknown) and isinstance(code, Known) and code.value:
        cuda = binaries.needed_cuda(port, files)
    variant = tag if re.fullmatch(r"cu\d+|cpu|rocm[\d.]+|xpu", tag) else ""
    if isinstance(targets, Known) and not targets.value.containers:
        targets = Absent("no library of it holds a fatbin")
    return Build(
        package.name, package.version, folder, variant, cuda,
        targets=targets, built_for_torch=torch, cuda_code=code,
        glibc=binaries.newest_glibc(port, files), detail=detail,
    )  # fmt: skip


def _cuda_code(targets: Observed[Targets]) -> Observed[bool]:
    if isinstance(targets, Known):
        return Known(targets.value.containers > 0, targets.via)
    return targets if isinstance(targets, (Absent, Unknown)) else Unknown("not looked at")


def _built_for_torch(package: Package, tag: str) -> Observed[str]:
    match = _LOCAL_TORCH.search(tag)
    if match:
        release = match[1] if "." in match[1] else f"{match[1][0]}.{match[1][1:]}"
        return Known(release, f"the version {package.version}")
    for line in package.requires:
        pinned = re.match(r"torch\s*\(?==\s*(\d+(?:\.\d+)+)", line)
        if pinned and "extra ==" not in line:
            return Known(pinned[1], f"its requirement {line.partition(';')[0].strip()}")
    return Absent("its version and its requirements")


def _extension_cuda(tag: str) -> Observed[str]:
    if tag == "cpu" or tag.endswith("cpu"):
        return Absent("the version's local part")
    match = LOCAL_CUDA.search(tag) or re.match(r"cu(\d+)", tag)
    return (
        Known(dotted_cuda(match[1]), "the version's local part")
        if match
        else Unknown("its version does not say")
    )


def _xformers(
    port: Port, folder: str, torch: Observed[str], cuda: Observed[str]
) -> tuple[Observed[str], Observed[str], str]:
    import json

    path = f"{folder}/cpp_lib.json"
    said = observe(lambda: json.loads(text(port, path)), path)
    version = said.value.get("version") if isinstance(said, Known) and isinstance(said.value, dict) else None
    if not isinstance(version, dict):
        return torch, cuda, ""
    if isinstance(version.get("torch"), str):
        torch = Known(version["torch"].partition("+")[0], path)
    number = version.get("cuda")
    if isinstance(number, int):
        cuda = Known(f"{number // 100}.{number % 100}", path)
    elif "cuda" in version and number is None:
        cuda = Absent(path)
    env = said.value.get("env") if isinstance(said, Known) else None
    flags = env.get("TORCH_CUDA_ARCH_LIST") if isinstance(env, dict) else None
    return torch, cuda, str(flags or "")
