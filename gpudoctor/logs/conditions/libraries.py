"""Libraries and wheels: which CUDA and cuDNN the text shows beside the one that is wanted."""

from __future__ import annotations

import re

from gpudoctor.logs.conditions._shown import cudas, cudnns, majors_of, nvcc_of, torch_cuda_of
from gpudoctor.logs.conditions._versions import release
from gpudoctor.logs.lazy import Lazy
from gpudoctor.logs.told import Told


def tensorflow_past_windows(told: Told) -> bool:
    """Native Windows, and a TensorFlow after 2.10."""
    version = told.packages.get("tensorflow") or told.packages.get("tensorflow-intel") or ""
    if not version:
        found = re.search(r"^(?:>>> )?['\"]?(2\.\d{1,2}\.\d)['\"]?(?: +(?:False|\[\]))?$", told.text, re.M)
        version = found[1] if found else ""
    if told.windows and not version:
        return _keras_past_windows(told)
    return told.windows and (release(version) > (2, 10) or _LATER_ONE.search(told.text) is not None)


#: Beside an older release: "with 2.10 it worked, a new install of 2.13 doesn't".
_LATER_ONE = Lazy(
    r"(?:install\w*(?: of)?|(?:upgrad|updat|switch|mov|chang)\w* (?:it )?(?:from (?:\S+ ){1,2})?to|new(?:er)?|now|since|after|->) (?:tensorflow |tf |version |it's |at |on )?v?2\.(?:1[1-9]|2\d)(?:\.\d)?\b",
    re.I,
)
#: Keras 3 needs TensorFlow 2.16; R's packages install the newest where no release is named; the first wheels for Python 3.11 are 2.12's.
_INSTALLED_BY_R = Lazy(r"\binstall_(?:keras|tensorflow)\((?![^)\n]{0,80}[\"'](?:2\.\d|1\.))|\bkeras3\b", re.I)


def _keras_past_windows(told: Told) -> bool:
    """No release of TensorFlow is told, and what is told came after 2.10 or needs a later one."""
    if not told.has("tensorflow", "keras", "tf."):
        return False
    keras = release(told.packages.get("keras", ""))
    if _INSTALLED_BY_R.search(told.text) or keras >= (3,):
        return not told.has("torch", "jax") or told.has("tensorflow")
    return release(told.python) >= (3, 11)


#: bitsandbytes with the release that the text tells, in pip's words or somebody's: "bitsandbytes gave 0.40.2", "Version: 0.42.0".
_BITSANDBYTES = Lazy(
    r"bitsandbytes(?!-windows)(?:[ =@:(v`'\"]{1,4}(?:(?:gave|is|version:?|at|installed|got|gets)[ (v]{1,2}){0,2}|\n(?:Version: ))(?P<version>0\.\d{1,2})\.\d",
    re.I,
)


def bitsandbytes_before_windows(told: Told) -> bool:
    """Native Windows, and a bitsandbytes before 0.43, the first with wheels for it."""
    if not told.windows or not told.has("bitsandbytes"):
        return False
    found = [release(one["version"]) for one in _BITSANDBYTES.finditer(told.text)]
    return bool(found) and all(one < (0, 43) for one in found)


def plain_torch_on_windows(told: Told) -> bool:
    """Windows, and a torch without a local part and without conda's CUDA build: PyPI's wheel for Windows, a CPU build."""
    version = told.packages.get("torch", "")
    plain = bool(version) and "+" not in version
    if not version:
        plain = (
            re.search(
                r"(?:pip3? install|poetry add|uv add|pdm add|pipenv install) (?:-U |--upgrade )?torch\b(?![^\n]*(?:index|-f |http|source))",
                told.text,
            )
            is not None
        )
    return (
        told.windows
        and plain
        and not told.torch_cuda
        and not re.search(r"py3\.?\d+_cuda|cuda\d+_?py|_cu\d\d", told.text)
    )


#: A library with the number that its file name holds: "libcufft.so.10", "cublasLt64_12.dll".
_FILE = Lazy(r"(?:lib)?(?P<stem>cu[a-z]+|nv[a-z]+|npp[a-z]+)(?:\.so\.|64_)(?P<number>\d+(?:\.\d+)?)", re.I)


#: Those whose numbers tell CUDA's major, by themselves or by the table; cuRAND's is 10 since CUDA 10.1.
_NUMBERED = frozenset(("cublas", "cublaslt", "cudart", "cusolver", "cusparse", "cufft", "nvrtc", "nvjitlink"))


def _wanted(match: re.Match[str]) -> tuple[str, frozenset[int]]:
    """The number in the name of the library that is missing, and the CUDA majors that have such a library."""
    number = match["cuda"]
    if re.fullmatch(r"(?:9|10|11)\d", number):
        number = f"{number[:-1]}.{number[-1]}"  # cudart64_101.dll is of CUDA 10.1
    named = next((f for f in _FILE.finditer(match[0]) if f["number"] == match["cuda"]), None)
    if named is None:
        return number, frozenset({int(number.partition(".")[0])})
    return number, majors_of(named["stem"], number)


def other_cuda_shown(match: re.Match[str], told: Told) -> bool:
    """The library wanted (group `cuda`: the number in its name, "11" or "11.2") is of another CUDA than the one shown."""
    number, majors = _wanted(match)
    there = cudas(told)
    exact = [n for n in there if len(n) == 2]
    if "." in number and release(number) < (11, 0) and exact:
        # Up to CUDA 10.2 a library's name holds the minor version too: 10.1's programs do not load 10.2's.
        return not any(n == release(number) for n in exact)
    if "nvrtc" in match[0].lower() and "." in number:
        # libnvrtc.so.11.0 and .11.1 are of those releases, .11.2 of 11.2 and all that came after it.
        known = {min(n, (11, 2)) for n in exact if n[0] == 11}
        if known and release(number) not in known:
            return True
    if number == "10" and exact and all(n == (10, 0) for n in exact):
        return True  # CUDA 10.0's libraries are called .so.10.0; .so.10 came with 10.1
    shown = {n[0] for n in there} | _majors_of_files(match["cuda"], told)
    if not shown:  # an extension's library, beside those that torch brings
        variant = re.search(r"\+cu(\d\d)\d", told.packages.get("torch", ""))
        built = told.torch_cuda.partition(".")[0] or (variant[1] if variant else "")
        shown = {int(built)} if built else set()
    package = re.search(r"cupy-cuda(\d\d)", told.low)
    if package and int(package[1]) in majors and not shown and told.driver_cuda:
        shown = {int(told.driver_cuda.partition(".")[0])}
    return bool(shown) and not majors & shown


def other_cudnn_shown(match: re.Match[str], told: Told) -> bool:
    """A cuDNN of another major than the one that is missing (group `cudnn`: "8", "7.0.3") is shown, and none of that major."""
    wanted = match["cudnn"]
    there = {number[0] for number in cudnns(told, wanted)}
    return bool(there) and int(wanted.partition(".")[0]) not in there


def onnxruntime_for_another_cuda(told: Told) -> bool:
    """ONNX Runtime's release is told, and its packages are for another CUDA major than the one shown."""
    from gpudoctor import knowledge

    version = told.packages.get("onnxruntime-gpu") or told.packages.get("onnxruntime") or _onnxruntime(told)
    demands = knowledge.extension_demands("onnxruntime-gpu", version) if version else None
    there = {number[0] for number in cudas(told)}
    return demands is not None and bool(demands.cuda and there) and not there & set(demands.cuda)


def nvcc_of_another_major(told: Told) -> bool:
    """nvcc and PyTorch are of two CUDA majors; minors may differ."""
    nvcc, torch = nvcc_of(told), torch_cuda_of(told)
    return bool(nvcc and torch) and nvcc[0] != torch[0]


def gcc_too_new_for_cuda(match: re.Match[str], told: Told) -> bool:
    """gcc (group `gcc`) is newer than what every CUDA that the text shows accepts."""
    from gpudoctor import knowledge

    shown = dict.fromkeys((*cudas(told), nvcc_of(told)))
    limits = [knowledge.host_compilers(".".join(map(str, n))) for n in shown if len(n) == 2]
    known = [limit.gcc_max for limit in limits if limit is not None and limit.gcc_max]
    return bool(known) and int(match["gcc"]) > max(known)


def _onnxruntime(told: Told) -> str:
    found = re.search(
        r"(?:onnx ?runtime|\bORT)(?:[.-]?gpu)?\W{1,4}(?:\w+ ){0,2}?(?:version|v)?\W{0,3}(1\.\d{1,2}(?:\.\d)?)",
        told.text,
        re.I,
    )
    return (found[1] if found[1].count(".") == 2 else f"{found[1]}.0") if found else ""


_MISSING = Lazy(r"cannot open|not found|dlerror|cannot be loaded|missing|could not|no such file|Error", re.I)


def _majors_of_files(wanted: str, told: Told) -> set[int]:
    """CUDA majors of libraries that the text names as there ("libcublas.so.11 is in /usr/lib"): of those of which no line
    complains, and that are not of the number that is wanted."""
    named: list[frozenset[int]] = []
    missing: set[int] = {int(wanted.partition(".")[0])}
    for found in _FILE.finditer(told.text):
        if found["stem"].lower() not in _NUMBERED or found["number"] == wanted:
            continue
        before = told.text[max(0, found.start() - 40) : found.start()].rpartition("\n")[2].rpartition(", ")[2]
        after = told.text[found.end() : found.end() + 50].partition("\n")[0]
        majors = majors_of(found["stem"], found["number"])
        if _MISSING.search(after) or _MISSING.search(before):
            missing.update(majors if len(majors) == 1 else ())
        else:
            named.append(majors)
    # A number that two majors share (cuSOLVER's 11) proves neither where one of them is missing.
    return {major for majors in named if not majors & missing for major in majors}


_LISTED = Lazy(r"could not (?:load dynamic|dlopen|find) librar(?:y|ies)[^\n]{0,400}", re.I)


def _missing_families(told: Told) -> set[str]:
    """The CUDA libraries that are said to be missing, apart from TensorRT's, which are optional, and the driver's."""
    found = re.findall(
        r"(?:could not (?:load dynamic|dlopen|find) library|couldn't open cuda library|error loading|dlerror:?)\W{0,4}"
        r"['\"]?((?!libnvinfer|libcuda\b|libnvidia|nvcuda|libnvonnx)lib(?:cu|nv|nccl)\w+|(?:cu|nv(?!infer))\w+64_\w+)",
        told.text,
        re.I,
    ) + re.findall(
        r"((?!libnvinfer|libcuda\b|libnvidia|libnvonnx)lib(?:cu|nv|nccl)\w+)(?:-\w+)?\.so[.\d]*(?:: cannot open shared object file| => not found)",
        told.text,
    )
    for listed in _LISTED.finditer(told.text):  # one sentence for several
        found += re.findall(r"['\"]((?!libnvinfer|libcuda\b)lib(?:cu|nccl)\w+|(?:cu)\w+64_\w+)", listed[0])
    # libcudnn_ops and libcudnn_cnn are one library in parts, libcublasLt comes with libcublas.
    return {re.split(r"_|64", name.lower().removeprefix("lib"))[0].removesuffix("lt") for name in found}


_LOADED = Lazy(
    r"lib(?P<stem>cudart|cublas|cublasLt|nvrtc|cusparse)(?:-\w{6,10})?\.so\.(?P<major>\d{1,2})\b", re.I
)


def two_majors_loaded(told: Told) -> bool:
    """One of CUDA's libraries is named of two majors."""
    if len(told.text) > 6000:
        return False
    majors: dict[str, set[str]] = {}
    for found in _LOADED.finditer(told.text):
        majors.setdefault(found["stem"].lower(), set()).add(found["major"])
    return any(len(those) > 1 for those in majors.values())


def several_libraries(told: Told) -> bool:
    """More than one CUDA library is said to be missing."""
    return len(_missing_families(told)) >= 2


def not_one_library_alone(told: Told) -> bool:
    """What is missing is not cuDNN alone, nor the runtime alone: those have causes of their own."""
    return _missing_families(told) not in ({"cudnn"}, {"cudart"})


_SYSTEM_CUDNN = Lazy(
    r"(?:/usr/(?:lib|local|lib64)|/opt|/lib)/(?:[^\s:'\"]{0,80}/)?libcudnn\w*\.so|/envs/[^\s/]+/lib/libcudnn|"
    r"(?:system(?:[- ]wide)?|locally installed|apt|conda)(?:'s)? (?:installed |package )?(?:lib)?cudnn",
    re.I,
)


_CUDNN_FILE = Lazy(r"(?P<folder>(?:/|~/|\$\w+/)[^\s:'\"=]{1,160})/libcudnn\w{0,20}\.so")


def cudnn_from_elsewhere(told: Told) -> bool:
    """Files of cuDNN are shown in a Python environment's own folder and in another; or in a folder of LD_LIBRARY_PATH beside
    a copy that pip brought."""
    if len(told.text) > 6000:
        return False
    folders = {found["folder"] for found in _CUDNN_FILE.finditer(told.text)}
    own = {one for one in folders if re.search(r"(?:site|dist)-packages|torch/lib", one)}
    if own and folders - own:
        return True
    entries = told.variables.get("LD_LIBRARY_PATH", "").rstrip(")").split(":")
    return (
        bool(folders & {entry.rstrip("/") for entry in entries})
        and _BUNDLED_CUDNN.search(told.text) is not None
    )


_SYSTEM_FOLDER = Lazy(
    r"(?:^|:)(?:/usr/lib|/usr/local/lib|/lib|/opt/(?!nvidia)|/sw/|/apps?/|/software/)|conda", re.I
)
_BUNDLED_CUDNN = Lazy(
    r"nvidia/cudnn/lib|torch/lib/libcudnn|nvidia-cudnn-cu|bundl(?:ed|es|ing)\b|ships? with|\bits own\b|pip\b",
    re.I,
)


def cudnn_on_path(told: Told) -> bool:
    """LD_LIBRARY_PATH is shown with a CUDA or cuDNN folder, or a second cuDNN is: the system's besides the bundled one."""
    value = told.variables.get("LD_LIBRARY_PATH", "")
    if re.search(r"cuda|cudnn", value, re.I):
        return True
    if _SYSTEM_FOLDER.search(value) and told.has("pytorch was compiled against"):
        return True  # PyTorch's wheels bring their cuDNN: another one can only come by this path
    return bool(_SYSTEM_CUDNN.search(told.text) and _BUNDLED_CUDNN.search(told.text))
