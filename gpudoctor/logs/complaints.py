"""Which lines say that something failed: a program's own word for it, or a person's.

A manual, a change log, a help text and a healthy machine's log are full of the words of faults. What they lack is somebody who complains: a
program that reports a failure in this line, or a person who speaks of themselves or asks.
"""

from __future__ import annotations

import re

from gpudoctor.logs.lazy import Lazy
from gpudoctor.logs.quiet import mild

_FAILED = Lazy(
    r"[a-z]Error\b|Exception\b|\b(?:CUDNN|CUBLAS|CUFFT|CUSPARSE)_STATUS_(?!SUCCESS)|\bCUDA_ERROR|\b(?:error|fatal|panic)\b ?[:(\]\[]|^\W{0,3}(?:e|err|error|fatal)\b|"
    r"\*\*\* |traceback|\bfail(?:s|ed|ure|ing)?\b|cannot|\b(?:ca|could|does|do|did|wo|is|are|was)n.t\b|could not|unable|\babort|killed|segfault|segmentation|core dumped|"
    r"not found|no such|denied|mismatch|unsupported|too old|incompatible|\bxid\b|invalid|\blost\b|ERR!|"
    r"\bno (?:\w+ )?(?:devices|module|cuda|gpus?|matching)\b|"
    r"\bnot (?:\w+ ){0,2}(?:supported|detected|available|compatible|installed|compiled|able|loaded|permitted|defined|recogni[sz]ed|possible|match|found|working|signed)|"
    r"does not|refuses?\b|empty list|tried to allocate|with error:? \d|\berror:? (?:code )?\d|\bwe only found|undefined|\bunknown\b|timed? ?out|refused|insufficient|out of memory|missing|unexpected|illegal|rejected|falling back|unresolvable|"
    r"(?:is_available\(\)|cuda[ _]available|gpu available)\W{0,16}(?:(?:returns?|is|gives?|prints?|says?|shows?|stays?|reports?|remains?|->)\W{0,4}){0,2}(?:false|no)\b|list_physical_devices\([^)]{0,12}\)\W{0,8}\[\]",
    re.I,
)
#: A line of these is none: comments, options of a help text, rows of a table, what a change log has mended, the kernel's own
#: lines but the driver's, and "key : none".
_TOLD = Lazy(
    r"^(?:#|-{1,2}\w|[|+]|\W{0,3}(?:fix(?:ed|es)?|add(?:ed|s)?|support|improved?|removed?|changed?)\b|"
    r"(?:.{0,60} kernel: )?\[ *\d+\.\d+\](?!.*(?:NVRM|nouveau.*(?:fail|error)))|"
    r"(?:\[\w+\]|[\w ./()\[\]<>-]{2,44} {0,30}:) {0,20}(?:\d+|no|none|n/a|could not collect|disabled|unknown(?: error)?|not (?:supported|active|available|selected|found|defined))$)",
    re.I,
)
#: A device that is none of ours, by its driver and address on the bus.
_OTHER_DEVICE = Lazy(r"\b(?!nvidia|nouveau)[a-z]\w+ [0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.\d: ")
#: Three sentences in a line: prose, in which only a person complains.
_MANUAL = Lazy(r"[a-z)]\. [A-Z].*[a-z)]\. [A-Z]")
_PERSON = Lazy(
    r"\b(?:I|I'm|I've|I'd|my|me|why|anyone|anybody|somebody)\b|\?|不|没|无法|失败|报错|为什么|怎么|求助"
)
_DENIES = Lazy(
    r"\b(?:not|no|never|nothing|none|fails?|failed|failing|errors?|crash\w*|slow\w*|hangs?|stuck|wrong|broken|problem|issue|unavailable|unusable|"
    r"undetected|invisible|trouble|strange|why|instead|weird|missing|cpu|only|help|how)\b|n't\b|不|没|无法|失败|报错|为什么|怎么|出错|求助|卡|慢",
    re.I,
)


def complains(line: str) -> bool:
    """A program says in this line that it failed, or a person that something is amiss."""
    if _TOLD.search(line) or _OTHER_DEVICE.search(line):
        return False
    if _FAILED.search(line) and not mild(line) and not _MANUAL.search(line):
        return True
    return _PERSON.search(line) is not None and _DENIES.search(line) is not None
