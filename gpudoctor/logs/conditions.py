"""Conditions that take more than a wording: arithmetic on a match, and what else the text tells.

Each has a name that signatures give as `when`. They decide between causes that share a sentence, as the catalogue's rule
of ties has it: the deepest cause that the evidence *shows*.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from gpudoctor.logs.lazy import Lazy
from gpudoctor.logs.told import Told
from gpudoctor.logs.wheels import index_lacks_version, python_lacks_version

Condition = Callable[["re.Match[str]", Told], bool]

_UNITS = {
    "b": 1,
    "bytes": 1,
    "kib": 1 << 10,
    "kb": 1 << 10,
    "mib": 1 << 20,
    "mb": 1 << 20,
    "gib": 1 << 30,
    "gb": 1 << 30,
}


def _size(number: str, unit: str) -> float:
    return float(number) * _UNITS[unit.lower()]


_REQUEST = Lazy(r"Tried to allocate (\d+(?:\.\d+)?) (\w{1,5}?)(?:[. ;(]|$)", re.I)
_FREE = Lazy(r"(\d+(?:\.\d+)?) (\w{1,5}?) (?:is )?free\b", re.I)
_UNUSED = Lazy(r"(\d+(?:\.\d+)?) (\w{1,5}?) is reserved by PyTorch but unallocated", re.I)
_ALLOCATED = Lazy(r"(\d+(?:\.\d+)?) (\w{1,5}?) already allocated", re.I)
_RESERVED = Lazy(r"(\d+(?:\.\d+)?) (\w{1,5}?) reserved in total", re.I)
_CACHED = Lazy(r"(\d+(?:\.\d+)?) (\w{1,5}?) cached", re.I)


def _measure(pattern: Lazy, text: str) -> float | None:
    found = pattern.search(text)
    if found is None or found[2].lower() not in _UNITS:
        return None
    return _size(found[1], found[2])


def fragmented(match: re.Match[str], told: Told) -> bool:
    """Free and reserved-but-unallocated memory together would have been enough for the request, and the free memory
    alone would not (where it would, somebody else took it meanwhile, unless as much lies unallocated).

    PyTorch up to 2.0 prints "already allocated" and "reserved in total", later "reserved by PyTorch but unallocated"."""
    text = told.text[match.start() : match.start() + 1500]
    following = re.search(r"out of memory", text[20:], re.I)
    if following and "Tried to allocate" in text[: following.start() + 20]:
        text = text[: following.start() + 20]
    request, free = _measure(_REQUEST, text), _measure(_FREE, text)
    unused = _measure(_UNUSED, text)
    if unused is None:
        allocated = _measure(_ALLOCATED, text)
        reserved = _measure(_RESERVED, text)
        if allocated is not None and reserved is not None:
            unused = reserved - allocated
        else:  # PyTorch up to 1.4: "5.00 GiB already allocated; 1.00 GiB free; 3.00 GiB cached" (beside the allocated)
            unused = _measure(_CACHED, text)
    if request is None or unused is None:
        return False
    left = free or 0.0
    return left + unused >= request and (left < request or unused >= request)


def _not(condition: Condition) -> Condition:
    return lambda match, told: not condition(match, told)


def _no(condition: Callable[[Told], bool]) -> Callable[[Told], bool]:
    return lambda told: not condition(told)


def _of_match(condition: Callable[[Told], bool]) -> Condition:
    return lambda match, told: condition(told)


def _tuple(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"\d+", version)[:2])


def _sm(number: str) -> tuple[int, int]:
    number = number.rstrip("af")
    if "." in number:
        whole, _, part = number.partition(".")
        return int(whole), int(part[:1] or 0)
    return int(number[:-1]), int(number[-1])


def _listed(match: re.Match[str], told: Told) -> list[tuple[int, int]]:
    """The capabilities of the build's own list, which stands after the complaint."""
    after = told.text[match.start() : match.start() + 800]
    found = re.search(
        r"(?:supports CUDA capabilities|arch(?:itecture)? list|get_arch_list\(\))[^\n]{0,20}\n?([^\n]{3,300})",
        after,
        re.I,
    )
    if not found:
        found = re.search(
            r"(?:supports CUDA capabilities|get_arch_list\(\))[^\n]{0,20}\n?([^\n]{3,300})", told.text, re.I
        )
    return [_sm(n) for n in re.findall(r"(?:sm_|compute_)(\d{2,3})", found[1])] if found else []


def gpu_newer_than_build(match: re.Match[str], told: Told) -> bool:
    """The GPU's capability (group `sm`, "86" or "8.6") is above all that the build lists; without a list: is Turing or
    later, which no build has dropped yet."""
    mine, listed = _sm(match["sm"]), _listed(match, told)
    if listed:
        return mine > min(listed)
    return mine >= (7, 5)


def toolkit_too_old_for_arch(match: re.Match[str], told: Told) -> bool:
    """Group `sm` is above what the shown toolkit knows; without one: is above what any toolkit has dropped."""
    mine = _sm(match["sm"])
    toolkit = _tuple(told.nvcc or next(iter(told.toolkits), ""))
    if toolkit:
        lowest = next(low for release, low in _LOWEST if toolkit >= release)
        return mine >= lowest
    return mine >= (7, 5)


#: CUDA release -> the lowest architecture that its nvcc compiles for (NVIDIA's release notes of each).
_LOWEST: tuple[tuple[tuple[int, ...], tuple[int, int]], ...] = (
    ((13, 0), (7, 5)),
    ((12, 0), (5, 0)),
    ((11, 0), (3, 5)),
    ((9, 0), (3, 0)),
    ((7, 0), (2, 0)),
    ((0,), (1, 0)),
)


def tensorflow_past_windows(told: Told) -> bool:
    """Native Windows, and a TensorFlow after 2.10."""
    version = told.packages.get("tensorflow") or told.packages.get("tensorflow-intel") or ""
    if not version:
        found = re.search(r"^(?:>>> )?['\"]?(2\.\d{1,2}\.\d)['\"]?(?: +(?:False|\[\]))?$", told.text, re.M)
        version = found[1] if found else ""
    return told.windows and _tuple(version) > (2, 10)


def other_cuda_shown(match: re.Match[str], told: Told) -> bool:
    """The library wanted (group `cuda`: its CUDA major, "11" or "11.2") is of another major than the CUDA shown."""
    wanted = match["cuda"]
    if re.fullmatch(r"(?:9|10|11)\d", wanted):
        wanted = f"{wanted[:-1]}.{wanted[-1]}"  # cudart64_101.dll is of CUDA 10.1
    if "." in wanted and _tuple(wanted) < (11, 0) and told.toolkits:
        # Up to CUDA 10.2 a library's name holds the minor version too: 10.1's programs do not load 10.2's.
        return not any(_tuple(toolkit) == _tuple(wanted) for toolkit in told.toolkits)
    if wanted == "10" and told.toolkits and all(_tuple(t) == (10, 0) for t in told.toolkits):
        return True  # CUDA 10.0's libraries are called .so.10.0; .so.10 came with 10.1
    majors = {t.partition(".")[0] for t in told.toolkits} | _majors_of_files(wanted, told)
    if not majors:  # an extension's library, beside those that torch brings
        variant = re.search(r"\+cu(\d\d)\d", told.packages.get("torch", ""))
        majors = {told.torch_cuda.partition(".")[0] or (variant[1] if variant else "")} - {""}
    package = re.search(r"cupy-cuda(\d\d)", told.low)
    if package and wanted.partition(".")[0] == package[1] and not majors:
        majors = {told.driver_cuda.partition(".")[0]} - {""}
    return bool(majors) and wanted.partition(".")[0] not in majors


_CUDA_FILE = re.compile(
    r"(?P<whole>(?:lib)?(?:cublas(?:Lt)?|cudart)(?:\.so\.|64_)(?P<major>1\d)(?!\d))[\w.]{0,12}(?P<after>.{0,40})"
)
_MISSING = re.compile(
    r"cannot open|not found|dlerror|cannot be loaded|missing|could not|no such file|Error", re.I
)


def _majors_of_files(wanted: str, told: Told) -> set[str]:
    """CUDA majors of libraries that the text names as there ("libcublas.so.11 is in /usr/lib"): of those whose number is
    CUDA's own, and of which no line complains."""
    named: set[str] = set()
    missing = {wanted.partition(".")[0]}
    for found in _CUDA_FILE.finditer(told.text):
        before = told.text[max(0, found.start() - 40) : found.start()].rpartition("\n")[2]
        complains = _MISSING.search(found["after"]) or _MISSING.search(before)
        (missing if complains else named).add(found["major"])
    return named - missing


def several_libraries(told: Told) -> bool:
    """More than one CUDA library is said to be missing, apart from TensorRT's, which is optional, and the driver's."""
    found = re.findall(
        r"(?:could not load dynamic library|couldn't open cuda library|cannot open shared object file|error loading|dlerror)\W{0,4}"
        r"['\"]?((?!libnvinfer|libcuda\b|libnvidia|nvcuda|libnvonnx)lib(?:cu|nv|nccl)\w+|(?:cu|nv(?!infer))\w+64_\w+)",
        told.text,
        re.I,
    )
    # libcudnn_ops and libcudnn_cnn are one library in parts, libcublasLt comes with libcublas.
    families = {re.split(r"_|64", name.lower().removeprefix("lib"))[0].removesuffix("lt") for name in found}
    return len(families) >= 2


def hidden_by_variable(told: Told) -> bool:
    """CUDA_VISIBLE_DEVICES is shown, and is empty, negative, or a number."""
    value = told.variables.get("CUDA_VISIBLE_DEVICES")
    return value is not None


def old_gpu_shown(told: Told) -> bool:
    """Every GPU that the text names is older than Turing: builds leave them out one after the other."""
    from gpudoctor import knowledge

    models = [knowledge.gpu_by_name(name) for name in told.gpus[:8]]
    capabilities = [_sm(model.capability) for model in models if model is not None and model.capability]
    return bool(capabilities) and max(capabilities) < (7, 5)


def singularity_without_nv(told: Told) -> bool:
    """Singularity or Apptainer is started in the text, and never with --nv or --nvccli."""
    starts = re.findall(
        r"\b(?:singularity|apptainer)\b(?: -\w)* +(?:run|exec|shell|instance)\b[^\n]*", told.text
    )
    return bool(starts) and not any("--nv" in start for start in starts)


def no_nvidia_runtime(match: re.Match[str], told: Told) -> bool:
    """`docker info` is shown, and its list of runtimes (group `runtimes`) has none of NVIDIA's."""
    return "nvidia" not in match["runtimes"].lower()


#: Graphics of other vendors, in the words of lspci, Windows, collect_env, inxi and reporters. Their processors do not count.
_OTHERS = re.compile(
    r"\bIntel(?:\(R\)|®| Corporation)? ?(?:\(R\) |® )?(?:\w+ ){0,3}?(?:Iris|U?HD Graphics|HD \d{3,4}|Xe Graphics|Arc\b|Graphics|GMA|integrated|iGPU)|\b(?:Iris(?:\(R\)|®)? (?:Xe|Plus|Pro|Graphics)|UHD Graphics|Intel (?:GPU|card|laptop graphics))|"
    r"\bRadeon\b|\bAMD ?(?:GPU|card|graphics|RX|Vega|Instinct|Radeon|显卡|独显)|\(AMD\)|on AMD\b|\bRX ?(?:Vega|[4-9]\d{2,3})\b|\bVega ?\d{1,2}\b|\bgfx(?:9|10|11|12)\w{1,3}\b|"
    r"\bMac ?Book|\bApple (?:M\d|Silicon)|\bmacOS\b|\bOS ?X\b|\biMac\b|\bMac (?:mini|Studio|Pro)\b|\bM[1-4] (?:Mac|Pro|Max|Ultra)\b|\bmy Mac\b|\bRaspberry ?Pi\b|\bSurface (?:Pro|Go|Laptop)\b|\bintegrated graphics\b|"
    r"(?:苹果|Mac)电脑|集成显卡|核显|A卡|集显",
    re.I,
)
_NVIDIAS = re.compile(
    r"\bGeForce|\b[RG]TX|\bQuadro|\bTesla\b|\bTITAN\b|\bJetson|\b(?:A100|H100|H200|B200|V100|P100|L40S?|A10G?|A40|T4|K80)\b|NVIDIA Corporation|\b10de:|\bMX ?\d{3}\b|"
    r"\bG[TP]X? ?\d{3,4}M?\b|nvidia-smi works|\bN卡",
    re.I,
)


def other_vendor_shown(told: Told) -> bool:
    """The text names graphics of Intel, AMD or Apple, and none of NVIDIA's."""
    return _OTHERS.search(told.text) is not None and _NVIDIAS.search(told.text) is None and not told.gpus


_BLACKWELL = re.compile(
    r"RTX ?50[5-9]0|\b50xx\b|\b50[- ]series|\b50[5-9]0(?: ?Ti)?\b(?! ?(?:MiB|MB|W\b))|RTX PRO \d{4}|Blackwell|10de:(?:2[b-d]|29|31)[0-9a-f]{2}|\bG?B[23]00\b",
    re.I,
)


def blackwell_shown(told: Told) -> bool:
    """The text names a GPU of the generation that only the open kernel modules drive."""
    return _BLACKWELL.search(told.text) is not None


_KERNEL_REPORTS = re.compile(r"kernel reported version is: (\d[\d.]+)")


def kernel_reports_another_version(match: re.Match[str], told: Told) -> bool:
    """TensorFlow's two lines, "libcuda reported version is" (group `library`) and "kernel reported version is", differ."""
    found = _KERNEL_REPORTS.search(told.text)
    numbers = (
        [tuple(int(n) for n in v.strip(".").split(".")) for v in (match["library"], found[1])]
        if found
        else []
    )
    return len(numbers) == 2 and numbers[0] != numbers[1]


_DESKTOP = re.compile(r"Docker[- ]Desktop", re.I)
_LINUXES = re.compile(
    r"\b(?:Linux|Ubuntu|Debian|Fedora|Arch|Manjaro|Mint|Pop!?_?OS|CentOS|RHEL|openSUSE|apt|systemctl)\b", re.I
)


def desktop_on_linux(told: Told) -> bool:
    """Docker Desktop is named, on a Linux that is no WSL: its virtual machine has no GPU."""
    return (
        _DESKTOP.search(told.text) is not None
        and _LINUXES.search(told.text) is not None
        and not told.windows
        and not told.wsl
        and not told.has("macos", "mac os", "windows")
    )


def on_windows(told: Told) -> bool:
    return told.windows


def on_wsl(told: Told) -> bool:
    return told.wsl


def in_container(told: Told) -> bool:
    return told.container


def driver_answers(told: Told) -> bool:
    """nvidia-smi printed its table, or named a GPU."""
    return bool(told.smi.kmd_version) or re.search(r"\(UUID: GPU-", told.text) is not None


_SYSTEM_CUDNN = re.compile(
    r"(?:/usr/(?:lib|local|lib64)|/opt|/lib)/(?:[^\s:'\"]{0,80}/)?libcudnn\w*\.so|/envs/[^\s/]+/lib/libcudnn|"
    r"(?:system(?:[- ]wide)?|locally installed|apt|conda)(?:'s)? (?:installed )?cudnn",
    re.I,
)
_BUNDLED_CUDNN = re.compile(
    r"nvidia/cudnn/lib|torch/lib/libcudnn|nvidia-cudnn-cu|bundled|ships? with|pip\b", re.I
)


def plain_torch_on_windows(told: Told) -> bool:
    """Windows, and a torch without a local part and without conda's CUDA build: PyPI's wheel for Windows, a CPU build."""
    version = told.packages.get("torch", "")
    plain = bool(version) and "+" not in version
    if not version:
        plain = (
            re.search(r"pip3? install (?:-U |--upgrade )?torch\b(?![^\n]*(?:index-url|-f |http))", told.text)
            is not None
        )
    return (
        told.windows
        and plain
        and not told.torch_cuda
        and not re.search(r"py3\.?\d+_cuda|cuda\d+_?py|_cu\d\d", told.text)
    )


def cudnn_on_path(told: Told) -> bool:
    """LD_LIBRARY_PATH is shown with a CUDA or cuDNN folder, or a second cuDNN is: the system's besides the bundled one."""
    value = told.variables.get("LD_LIBRARY_PATH", "")
    if re.search(r"cuda|cudnn", value, re.I):
        return True
    return bool(_SYSTEM_CUDNN.search(told.text) and _BUNDLED_CUDNN.search(told.text))


def cuda_above_branch(told: Told) -> bool:
    """nvidia-smi names a newer CUDA than the branch of its driver implements, and something is amiss: libcuda is cuda-compat's."""
    from gpudoctor import knowledge

    driver, newest = told.driver, told.driver_cuda
    if not driver or not newest or told.wsl or told.windows or not told.complains:
        return False
    row = knowledge.branch_cuda(int(driver.partition(".")[0]))
    return row is not None and _tuple(newest) > _tuple(row.cuda)


_IN_KERNEL = re.compile(
    r"(?:NVRM version: NVIDIA UNIX [^\n]{0,40}?Kernel Module(?: for \S+)?|/proc/driver/nvidia/version[^\n\d]{0,60}|modinfo[^\n\d]{0,40}|"
    r"kernel module(?: is| version| of)*)[ :=`'\"]{1,4}(\d{3}\.\d{2,3}(?:\.\d{2})?)\b",
    re.I,
)
_OF_LIBRARIES = re.compile(
    r"(?:nvidia-(?:driver|utils|dkms|compute-utils)[\w-]*(?::\w+)?|nvidia-open\S*|lib(?:nvidia|cuda)[\w-]*(?:\.so)?(?:\.\d)?|user[- ]?space)(?: (?:is|version|=|of|at))*[ =.]{1,3}(\d{3}\.\d{2,3}(?:\.\d{2})?)(?![\d.])",
    re.I,
)


def driver_versions_differ(told: Told) -> bool:
    """The module in the kernel is of another version than every package or library of the driver that the text names."""
    loaded = set(_IN_KERNEL.findall(told.text))
    others = set(_OF_LIBRARIES.findall(told.text))
    return len(loaded) == 1 and bool(others) and not loaded & others


_WANTED = re.compile(
    r"(?:needs?|requires?|built \w+|uses?|wants?|expects?) (?:\w+ )?cuda ?(1\d)(?:\.\d)?", re.I
)


def driver_behind_wanted_cuda(told: Told) -> bool:
    """A framework is said to want a CUDA of a newer major than the told driver's."""
    from gpudoctor import knowledge

    wanted = _WANTED.search(told.text)
    if wanted is None:
        return False
    newest = told.driver_cuda
    if not newest:
        branch = told.driver_branch or int(told.driver.partition(".")[0] or 0)
        row = knowledge.branch_cuda(branch) if branch else None
        newest = row.cuda if row else ""
    return bool(newest) and int(newest.partition(".")[0]) < int(wanted[1])


_BUILT_FOR = re.compile(r"(?:\bcu|jax-cuda|CUDA )(1\d)(?:\d\b|(?=-plugin|-pjrt|\.\d|[\s,.;:]|$))", re.I)
_OFFERED = re.compile(
    r"driver (?:only )?(?:supports?|has|is for|gives|offers) (?:up to )?(?:only )?CUDA (?:version )?(1\d|[89])\.\d",
    re.I,
)


def driver_behind_named_build(told: Told) -> bool:
    """The text names a build for a CUDA of a newer major than the driver's: "cu124", "jax-cuda12-plugin", "CUDA 12"."""
    from gpudoctor import knowledge

    offered = _OFFERED.search(told.text)
    newest = offered[1] if offered else told.driver_cuda
    if not newest:
        branch = told.driver_branch or int(told.driver.partition(".")[0] or 0)
        row = knowledge.branch_cuda(branch) if branch else None
        newest = row.cuda if row else ""
    built = [int(major) for major in _BUILT_FOR.findall(told.text)]
    return bool(newest and built) and int(newest.partition(".")[0]) < max(built)


#: Those that ask the text alone: they are asked before a pattern is compiled.
OF_THE_TEXT: Mapping[str, Callable[[Told], bool]] = {
    "tensorflow-past-windows": tensorflow_past_windows,
    "plain-torch-on-windows": plain_torch_on_windows,
    "several-libraries": several_libraries,
    "few-libraries": _no(several_libraries),
    "hidden-by-variable": hidden_by_variable,
    "old-gpu-shown": old_gpu_shown,
    "singularity-without-nv": singularity_without_nv,
    "other-vendor-shown": other_vendor_shown,
    "blackwell-shown": blackwell_shown,
    "cuda-above-branch": cuda_above_branch,
    "driver-versions-differ": driver_versions_differ,
    "driver-behind-wanted-cuda": driver_behind_wanted_cuda,
    "driver-behind-named-build": driver_behind_named_build,
    "desktop-on-linux": desktop_on_linux,
    "on-windows": on_windows,
    "not-on-windows": _no(on_windows),
    "on-wsl": on_wsl,
    "not-on-wsl": _no(on_wsl),
    "in-container": in_container,
    "not-in-container": _no(in_container),
    "driver-answers": driver_answers,
    "cudnn-on-path": cudnn_on_path,
    "cudnn-not-on-path": _no(cudnn_on_path),
}

CONDITIONS: Mapping[str, Condition] = {
    "fragmented": fragmented,
    "not-fragmented": _not(fragmented),
    "gpu-newer-than-build": gpu_newer_than_build,
    "gpu-older-than-build": _not(gpu_newer_than_build),
    "toolkit-too-old-for-arch": toolkit_too_old_for_arch,
    "arch-too-old-for-toolkit": _not(toolkit_too_old_for_arch),
    "other-cuda-shown": other_cuda_shown,
    "no-other-cuda-shown": _not(other_cuda_shown),
    "index-lacks-version": index_lacks_version,
    "python-lacks-version": python_lacks_version,
    "no-nvidia-runtime": no_nvidia_runtime,
    "kernel-reports-another-version": kernel_reports_another_version,
    **{name: _of_match(condition) for name, condition in OF_THE_TEXT.items()},
}
