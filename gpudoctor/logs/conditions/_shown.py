"""Which CUDA and which cuDNN a text shows as installed, and which CUDA a library's file name belongs to.

What a program *wants* is no evidence of what is there: "needs CUDA 12", "built for CUDA 11" are left out.
"""

from __future__ import annotations

import re

from gpudoctor.logs.conditions._versions import release
from gpudoctor.logs.lazy import Lazy
from gpudoctor.logs.told import Told

#: CUDA in prose and in names: "cuda 12.1", "CUDA12.4", "cuda_12.1", "CUDA version is 12.2", "Cuda: 12.8.1", "with CUDA 12 installed".
_PROSE = Lazy(
    r"(?<![\w./-])cuda(?:[ _-]?tool ?kit| ?sdk| runtime)?(?:[ :：]{0,2}(?:version|ver|is|of|=|版本(?:号|是|为)?)){0,3}(?:[ _=-]{0,2}\(?|: |：)(?:version )?v?"
    r"(?P<cuda>(?:[89]|1[0-3])(?:\.\d{1,2})?)(?![\d%]|[._]cudnn| ?(?:GB|MB|GiB|MiB|cores?|GPUs?)\b)",
    re.I,
)
_WANTS = Lazy(
    r"(?:requires?|requiring|needs?|wants?|expects?|supports?|(?:built|compiled|build|made|meant) (?:\w+ )?(?:for|with|against|on)|is for|looks? for|looking for|asks? for|depends on|"
    r"instead of|require[ds]?|(?<!in)(?<!not )compatible with|nvidia-smi|driver|up to|download and install|(?:why|does|it|that|\w+[-_]\w+|whisper|torch|tensorflow|runtime) (?:is )?us(?:es?|ing)|需要|要求|支持|reports?) (?:(?!but |only |while |have |has |got |our |my |I |we |there |here )\S+ ){0,4}$",
    re.I,
)
_OF_DRIVER = Lazy(
    r"^ ?(?:\(|via|by|from|in|per|with|using|according to|reported by)\W{0,2}(?:the |my )?(?:nvidia-smi|driver)",
    re.I,
)
#: What was there once: "I had CUDA 9.1 installed in the past".
_ONCE = Lazy(r"\b(?:had|used to have|previously|formerly|removed|uninstalled|before) (?:\S+ ){0,2}$", re.I)
_VARIANT = Lazy(r"(?:\+ ?|torch\S{0,20} (?:is |for |with |of |from )?\(?|whl/)cu(?P<major>\d\d)\d\b", re.I)


def cudas(told: Told) -> list[tuple[int, ...]]:
    """Releases of installed CUDA, (12, 1) or (12,), the toolkit's before the one that torch brings."""
    if not told.has("cuda", "cu1", "nvcc", "toolkit"):
        return []
    wanted, present = set(), []
    for found in _PROSE.finditer(told.text):
        before = told.text[max(0, found.start() - 60) : found.start()].rpartition("\n")[2]
        after = told.text[found.end() : found.end() + 30].partition("\n")[0]
        number = release(found["cuda"])
        if _ONCE.search(before) or _WANTS.search(before) or _OF_DRIVER.search(after):
            wanted.add(number)
        else:
            present.append(number)
    said_by_driver = release(told.driver_cuda) if told.driver_cuda and not told.nvcc else ()
    shown = [release(t) for t in told.toolkits]
    shown += [
        release(found["cuda"]) for form in (_BOTH, _CUDART, _FILE) for found in form.finditer(told.text)
    ]
    if not told.nvcc and told.has("nvcc"):
        shown += [said for said in (nvcc_of(told),) if said]
    there = [n for n in dict.fromkeys([*shown, *present]) if n != said_by_driver and n not in wanted]
    return there or [(int(found["major"]),) for found in _VARIANT.finditer(told.text)]


def majors_of(stem: str, number: str) -> frozenset[int]:
    """The CUDA majors whose toolkit has this library: ("cufft", "11") is of 12. Up to CUDA 10 the number is CUDA's own."""
    from gpudoctor import knowledge

    first = int(number.partition(".")[0])
    found = {first} if first <= 10 else set()
    for major in (11, 12, 13):
        layout = knowledge.wheel_layout(major)
        names = {name.lower() for files in (layout.sonames if layout else {}).values() for name in files}
        if any(re.fullmatch(rf"lib{re.escape(stem.lower())}\.so\.{first}(?:\.\d+)?", name) for name in names):
            found.add(major)
    return frozenset(found or {first})


#: "CUDA/cuDNN version: 10.2, 8.0.2", as TensorFlow's form for reports asks; "the libcudart.so is version 10.1".
_BOTH = Lazy(
    r"CUDA ?(?:/|and|&|,) ?cuDNN(?: versions?)?\W{1,6}(?:CUDA ?)?v?(?P<cuda>\d{1,2}(?:\.\d{1,2})?)(?:\.\d+)?[ ,/;|&+-]{1,4}(?:and )?(?:cuDNN ?)?v?(?P<cudnn>\d(?:\.\d{1,2}){0,3})\b",
    re.I,
)
_FILE = Lazy(r"\b(?:lib(?:npp\w{1,6}|cudart|nvrtc)\.so\.)(?P<cuda>(?:[89]|1[0-3])\.\d{1,2})\.\d+", re.I)
_CUDART = Lazy(
    r"libcudart(?:\.so\S{0,12}?|\.dylib)?(?: there)? (?:is|has|was|of)(?: at| of)?(?: the)? version (?P<cuda>\d{1,2}\.\d)",
    re.I,
)

#: cuDNN in prose, in packages, in headers and in file names.
_CUDNN = Lazy(
    r"(?:lib)?cudnn(?P<file>\w*?(?:\.so\.|64_))?(?P<between>(?:-cu\d\d|-linux-x86_64|-windows-x86_64|[ :：]{0,2}_?(?:version|ver|is|of|major|=|版本(?:号|是|为)?)){0,3}(?:[ _=#-]{0,30}|[:：] ?|==|/)v?)?"
    r"(?P<cudnn>\d(?:\.\d{1,2}){0,3})(?!\d)",
    re.I,
)


def cudnns(told: Told, wanted: str) -> list[tuple[int, ...]]:
    """Releases of cuDNN that the text shows as there, besides files of the number that is `wanted` and missing."""
    missing = int(wanted.partition(".")[0])
    found = []
    for one in _CUDNN.finditer(told.text):
        number = tuple(int(part) for part in one["cudnn"].split("."))
        before = told.text[max(0, one.start() - 60) : one.start()].rpartition("\n")[2]
        if (one["file"] and number[0] == missing) or _WANTS.search(before):
            continue
        found.append(number)
    found += [tuple(map(int, one["cudnn"].split("."))) for one in _BOTH.finditer(told.text)]
    return found


_NVCC_SAID = Lazy(
    r"nvcc(?:\.exe)?(?: -{1,2}v\w*)?[`'\"]{0,2}(?:,| (?:is|says?|shows?|reports?|prints?|gives?|version|returns?|from|of|cuda))*[ :=(]{1,3}(?:cuda |release |v|V)?(\d{1,2}\.\d)",
    re.I,
)
_TORCH_SAID = Lazy(
    r"torch\.version\.cuda\W{0,3}(?: (?:is|says?|shows?|prints?|gives?|returns?|==|=))*[ :=\"']{1,3}(\d{1,2}\.\d)|"
    r"torch\S{0,24} (?:is |was |built |compiled |installed |version )*(?:for |with |against |from )?\(?(?:cuda ?|cu)(\d\d\.?\d)\b",
    re.I,
)


def nvcc_of(told: Told) -> tuple[int, ...]:
    """The release of the nvcc that is shown or told of."""
    found = _NVCC_SAID.search(told.text)
    return release(told.nvcc or (found[1] if found else ""))


def torch_cuda_of(told: Told) -> tuple[int, ...]:
    """The CUDA that the told PyTorch is built with."""
    if told.torch_cuda:
        return release(told.torch_cuda)
    variant = re.search(r"\+cu(\d\d)(\d)\b", told.packages.get("torch", ""))
    if variant:
        return int(variant[1]), int(variant[2])
    found = _TORCH_SAID.search(told.text)
    said = next((g for g in found.groups() if g), "") if found else ""
    return release(said if "." in said or not said else f"{said[:-1]}.{said[-1]}")
