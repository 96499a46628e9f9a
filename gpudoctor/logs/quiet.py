"""Texts in which nothing is wrong: nvidia-smi's output from a machine at work, and log lines that only inform.

Both ask for more than the absence of a known cause: a text with a line that complains, or with prose that denies
something ("still runs on the CPU"), is not answered here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gpudoctor.logs.lazy import Lazy
from gpudoctor.logs.told import Told

#: What a log line calls itself: glog and absl (TensorFlow, XLA), klog, Python's logging, logfmt, NCCL.
_MILD = Lazy(
    r"^(?:\S{4,32}[ T][\d:.,+Z-]{5,20}:? )?\[?(?:(?-i:[IW])(?:\d{4} | (?=\S+[/:.\]]))|(?:INFO|WARNING|WARN|DEBUG|NOTICE)\b)|"
    r"\b(?:level=(?:INFO|WARN|DEBUG)|NCCL INFO)\b|^\(\w+ pid=\d+\) (?:INFO|WARNING)|\w+Warning: |"
    r"^.{0,60}(?-i:[\[: |](?:INFO|WARN|WARNING|DEBUG|NOTICE)[\]:, |-])|^(?:\S+ ){0,2}(?:\[TRT\] ?)?(?-i:\[[IWV](?::\w+:\w*|)[\],])",
    re.I,
)
#: Somebody asks whether a message matters, or says that all works.
_WORRIED = Lazy(
    r"\b(?:can|could|should|may|do) (?:I|we|(?:it|this|that|they|these) be) .{0,30}(?:ignor\w+|worr\w+|concerned)|"
    r"\b(?:is|are) (?:it|this|that|these|those|they)\b.{0,20} (?:a )?(?:problem|issue|normal|serious|ok|okay|expected|harmful|bad|important|safe|fine)\b|"
    r"\b(?:does|will|do|did) (?:it|this|that|these|they)\b.{0,30}(?:affect|matter|impact|hurt|mean|imply)|what (?:is|was) the (?:reason|meaning|cause)|"
    r"\b(?:seems?|appears?|works?|working|trains?|training|runs?|running|goes|loads?|generates?|everything|model|results?|outputs?)\b.{0,30}\b(?:fine|ok|okay|normal\w*|well|successful\w*|correct\w*|good)\b|"
    r"\b(?:I|we)(?:'m| am|'ve| have)? .{0,20}(?:get|getting|got|receiv\w+|reciev\w+|see|seeing|saw)\b.{0,30}\bwarnings?\b|(?:remove|suppress|silence|hide|get rid of) .{0,20}(?:warnings?|messages?)|就是警告|有影响吗",
    re.I,
)
_SEVERE = Lazy(
    r"\b(?:\w*error|fatal|traceback|\w*exception|fail\w*|cannot|can't|could not|couldn't|unable|abort\w*|killed|segfault|segmentation|"
    r"core dumped|not found|no such|denied|missing|mismatch|unsupported|too old|incompatible|Xid|invalid|lost|ERR!|no (?:\w+ ){0,2}(?:devices?|gpus?|cuda)|library=cpu|"
    r"falling back|not supported|unknown|timed? ?out|refused|insufficient|out of memory)\b",
    re.I,
)
_DENIES = Lazy(
    r"\b(?:not|no|never|none|false|cpu|slow\w*|hangs?|stuck|crash\w*|problem|issue|wrong|broken|fails?|why)\b|n't\b|不|没|无法|失败|报错",
    re.I,
)
#: A row of nvidia-smi's table, of `-L`, of `-q` ("Product Name : Tesla T4"), its frame, its date, its command.
_ROW = Lazy(
    r"^(?:[|+][-=| ]|[|+].*[|+]$|GPU \d+: .* \(UUID: |MIG \S+ +Device|={6,}NVSMI LOG|GPU [0-9A-F]{8}:|[\w ./()-]{2,60} : ?\S|[A-Z]\w\w [A-Z]\w\w +\d|"
    r"(?:\S{0,60}[$#>] ?)?(?:sudo )?nvidia-smi\b|[A-Z][\w ()-]{2,40}$|<)",
)
_GPUS = Lazy(r"^\| +(\d+) +(\S.*?)(?: +(?:On|Off|\.\.\.)\b.*)? \|", re.I)
_LISTED = Lazy(r"^(?:GPU \d+: (.*?) \(UUID: |Product Name : (.+)$)", re.I)
_BANNER = Lazy(r"NVIDIA-SMI +\d|NVSMI LOG|nvidia smi log", re.I)


def mild(line: str) -> bool:
    """A log line calls itself information or a warning."""
    return _MILD.search(line) is not None


def nvidia_smi_at_work(lines: Sequence[str], told: Told) -> tuple[str, list[int]]:
    """A title and the lines that show it; ("", []) where the text is more than nvidia-smi's output, or it complains."""
    names, proof = [], []
    others = 0
    for index, line in enumerate(lines):
        gpu = _GPUS.match(line) or _LISTED.match(line)
        if gpu:
            name = next((g for g in reversed(gpu.groups()) if g), "")
            if not name.isdigit() and "MiB" not in name and "N/A" not in name and "Processes" not in name:
                names.append(name.strip())
                proof.append(index)
        elif _BANNER.search(line):
            proof.insert(0, index)
        if "ERR!" in line or "Unknown Error" in line or "GPU is lost" in line or "Requires Reset" in line:
            return "", []
        if not _ROW.match(line):
            others += 1
            if others > 2 or _SEVERE.search(line) or _DENIES.search(line):
                return "", []
    announced = re.search(r"^Attached GPUs : (\d+)$", "\n".join(lines), re.M | re.I)
    if announced and int(announced[1]) != len(names):
        return "", []  # cut, or nvidia-smi died in the middle
    if not names or not (told.driver or any(line.startswith("GPU ") for line in lines)):
        return "", []
    driver = f", driver {told.driver}" if told.driver else ""
    runs = f", runs CUDA up to {told.driver_cuda}" if told.driver_cuda else ""
    one = len(names) == 1
    return (
        f"nvidia-smi works and shows nothing wrong: {names[0] if one else f'{len(names)} GPUs'}{driver}{runs}",
        proof,
    )


def only_mild(lines: Sequence[str]) -> tuple[str, list[int]]:
    """Every line is information or a warning by its own word, but for two of prose that deny nothing."""
    others = 0
    mild = []
    for index, line in enumerate(lines):
        if _WORRIED.search(line) and not _MILD.search(line):
            continue
        if _SEVERE.search(line):
            return "", []
        if _MILD.search(line):
            mild.append(index)
            continue
        others += 1
        if others > 2 or _DENIES.search(line):
            return "", []
    if not mild or len(mild) < others:
        return "", []
    return "These lines inform and warn; none of them reports a failure", mild
