"""Libraries and wheels: which CUDA and cuDNN the text shows beside the one that is wanted."""

from __future__ import annotations

import re

from gpudoctor.logs.conditions._versions import release
from gpudoctor.logs.told import Told


def tensorflow_past_windows(told: Told) -> bool:
    """Native Windows, and a TensorFlow after 2.10."""
    version = told.packages.get("tensorflow") or told.packages.get("tensorflow-intel") or ""
    if not version:
        found = re.search(r"^(?:>>> )?['\"]?(2\.\d{1,2}\.\d)['\"]?(?: +(?:False|\[\]))?$", told.text, re.M)
        version = found[1] if found else ""
    return told.windows and release(version) > (2, 10)


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


def other_cuda_shown(match: re.Match[str], told: Told) -> bool:
    """The library wanted (group `cuda`: its CUDA major, "11" or "11.2") is of another major than the CUDA shown."""
    wanted = match["cuda"]
    if re.fullmatch(r"(?:9|10|11)\d", wanted):
        wanted = f"{wanted[:-1]}.{wanted[-1]}"  # cudart64_101.dll is of CUDA 10.1
    if "." in wanted and release(wanted) < (11, 0) and told.toolkits:
        # Up to CUDA 10.2 a library's name holds the minor version too: 10.1's programs do not load 10.2's.
        return not any(release(toolkit) == release(wanted) for toolkit in told.toolkits)
    if "nvrtc" in match[0].lower() and "." in wanted and told.toolkits:
        # libnvrtc.so.11.0 and .11.1 are of those releases, .11.2 of 11.2 and all that came after it.
        known = {min(release(one), (11, 2)) for one in told.toolkits if release(one)[0] == 11}
        if known and release(wanted) not in known:
            return True
    if wanted == "10" and told.toolkits and all(release(t) == (10, 0) for t in told.toolkits):
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


_SYSTEM_CUDNN = re.compile(
    r"(?:/usr/(?:lib|local|lib64)|/opt|/lib)/(?:[^\s:'\"]{0,80}/)?libcudnn\w*\.so|/envs/[^\s/]+/lib/libcudnn|"
    r"(?:system(?:[- ]wide)?|locally installed|apt|conda)(?:'s)? (?:installed )?cudnn",
    re.I,
)


_BUNDLED_CUDNN = re.compile(
    r"nvidia/cudnn/lib|torch/lib/libcudnn|nvidia-cudnn-cu|bundled|ships? with|pip\b", re.I
)


def cudnn_on_path(told: Told) -> bool:
    """LD_LIBRARY_PATH is shown with a CUDA or cuDNN folder, or a second cuDNN is: the system's besides the bundled one."""
    value = told.variables.get("LD_LIBRARY_PATH", "")
    if re.search(r"cuda|cudnn", value, re.I):
        return True
    return bool(_SYSTEM_CUDNN.search(told.text) and _BUNDLED_CUDNN.search(told.text))
