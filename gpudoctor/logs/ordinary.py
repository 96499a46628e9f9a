"""Faults of a program that have nothing to do with a GPU, by their form: Python's own exceptions in whose words nothing of the
GPU's stack occurs, where no other line complains about it.

Asked only where no signature of a cause or a verdict says anything. Libraries that do not load, compilers, launchers and the
frameworks' internal errors are left out: behind those may be anything.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from gpudoctor.logs.lazy import Lazy

#: Longer texts are reports and documents, which speak of exceptions as well; a traceback shows that one happened.
_SHORT = 60
#: Beginnings of lines of Python's, where exceptions are only spoken of.
_SOURCE = ("def ", "class ", "import ", "from ", "self.", "@", "async def ", ":raises")
#: The line that names the exception, as Python, pytest, rich and IPython print it.
_RAISED = Lazy(
    r"^[`'\"*>]{0,3}(?:E +|[\w./-]{1,40}: |[|│!] ?)?(?:[a-zA-Z_]\w*\.)*(?P<name>[A-Z]\w{1,40}(?:Error|Exception|Expired|Conflict|NotFound))(?:: ?(?P<said>.*)|$)"
)
#: The same inside somebody's sentence: of the kinds that only a program's own code raises.
_TOLD = Lazy(
    r"\b(?P<name>(?:Type|Value|Key|Index|Attribute|Name|Syntax|Indentation|Tab|ZeroDivision|Recursion|UnboundLocal|FileNotFound|UnicodeDecode|JSONDecode)Error)\b:?(?P<said>.*)"
)
#: Raised for faults of every origin, or by a launcher for what another process said.
_OF_ANY_ORIGIN = frozenset(
    (
        "CalledProcessError",
        "ChildFailedError",
        "InternalError",
        "UnknownError",
        "InternalException",
        "ProcessRaisedException",
        "ProcessExitedException",
        "OutOfMemoryError",
        "ResourceExhaustedError",
        "BackendCompilerFailed",
        "DistBackendError",
        "DistStoreError",
        "MemoryError",
        "PackagesNotFoundError",
        "UnsatisfiableError",
        "ModuleNotFoundError",
        "FailedPreconditionError",
    )
)
#: What the program's own code raises: only the stack's own names say that it is more than that.
_OF_THE_PROGRAM = frozenset(
    (
        "TypeError",
        "ValueError",
        "KeyError",
        "IndexError",
        "AttributeError",
        "NameError",
        "SyntaxError",
        "IndentationError",
        "TabError",
        "UnboundLocalError",
        "ZeroDivisionError",
        "FileNotFoundError",
        "JSONDecodeError",
        "UnicodeDecodeError",
        "RecursionError",
        "InvalidArgumentError",
    )
)
_NAMES = Lazy(
    r"cuda|gpu(?!reshape)|nvidia|cudnn|cublas|nccl|nvml|tensorrt|\bdriver|\bdevices?\b(?!_map)|rocm|triton|\.so\b|\.dll|memory|capabilit|kernel image|"
    r"flash[-_ ]?att|xformers|bitsandbytes|WindowsPath|execution ?provider|\bbackends?\b",
    re.I,
)
_OF_THE_GPU = Lazy(
    r"cuda|gpu|nvidia|nv[cr]|cudnn|cublas|cufft|curand|cusolver|cusparse|nccl|nvml|tensorrt|\btrt|ptx|driver|\bdevices?\b(?!_map)|"
    r"\bxla|rocm|\bhip|triton|kernel|capabilit|\.so\b|\.dll|dlopen|shared (?:object|library)|symbol|\bsm_|vram|memory|alloc|extension|"
    r"ninja|compil|\bbuild|\boperator|\bops?\b|version|backend|execution ?provider|flash|xformers|bitsandbytes|\bdist|rendezvous|time[d ]?out|socket|connect|\blib(?!rar)\w+|wheel|binary|engine",
    re.I,
)
_COMPLAINS = Lazy(
    r"\b(?:error|fatal|fail\w*|cannot|can't|could not|couldn't|unable|not (?:found|available|detected|used|using|recogni[sz]ed|compiled|supported|working|installed)|"
    r"no such|missing|mismatch|False|too old|incompatible|unsupported|doesn't|does not|isn't|won't|invalid|denied|lost)\b",
    re.I,
)
#: A person who says more than that it fails on the GPU.
_UNSEEN = Lazy(
    r"(?:not|n't|no|never|without) (?:be |being )?(?:see|seen|find|found|us\w+|detect\w*|recogni\w*|availab\w*|support\w*|compatible|compil\w*|load\w*|install\w*)|"
    r"False|driver|version|memory|\.so\b|CUDA error|nvidia-smi",
    re.I,
)
_PERSON = Lazy(r"\b(?:I|I'm|I've|we|my|me)\b")
#: Code in a traceback, and its frames.
_FRAME = Lazy(r"^(?:File \"|-{2,}>|\d{1,4} |Traceback|raise |return |\^+$)")


def of_a_person(line: str) -> bool:
    """Somebody's own words, which complain of nothing in particular ("now I can't make it work")."""
    return _PERSON.search(line) is not None and not _OF_THE_GPU.search(line) and ": " not in line


def ordinary_fault(lines: Sequence[str]) -> list[int]:
    """The lines that show an exception of the program's own; none where the text is no such case, or the GPU may be at fault."""
    happened = any(line.startswith("Traceback (most recent call last)") for line in lines)
    if not happened and (len(lines) > _SHORT or sum(line.startswith(_SOURCE) for line in lines) > 2):
        return []
    raised: list[int] = []
    for index, line in enumerate(lines):
        found = _RAISED.match(line) or _TOLD.search(line)
        if found is not None:
            said = found["said"] or ""
            if not said.strip() and index + 1 < len(lines):
                said = lines[index + 1]  # "AssertionError:" and its sentence below
            told = _NAMES if found["name"] in _OF_THE_PROGRAM else _OF_THE_GPU
            if found["name"] in _OF_ANY_ORIGIN or told.search(said):
                return []
            raised.append(index)
        elif _COMPLAINS.search(line) and _OF_THE_GPU.search(line) and not _FRAME.match(line):
            if not _PERSON.search(line) or _UNSEEN.search(line):
                return []
    return raised
