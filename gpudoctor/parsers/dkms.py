"""DKMS build logs.

    DKMS make.log for nvidia-550.163.01 for kernel 6.14.0-24-generic (x86_64)
    ...
    /var/lib/dkms/nvidia/550.163.01/build/nvidia-drm/nvidia-drm-drv.c:212:6: error: 'const struct ...' has no member
    make[2]: *** [Makefile:2003: /var/lib/dkms/nvidia/550.163.01/build] Error 2

The header is that of dkms 2; dkms 3 writes "DKMS (dkms-3.0.11) make.log for nvidia/550.163.01 for kernel ...".
"""

from __future__ import annotations

import re

from gpudoctor.facts.record import Record


class MakeLog(Record):
    """`kernel` is empty where the header does not say; `error` is the line that says why, empty for a good build."""

    kernel: str
    error: str


def parse_make_log(head: str, tail: str) -> MakeLog:
    """From the log's beginning and its end (a build of this module prints megabytes of warnings)."""
    header = re.search(r"make\.log for \S+ for kernel (\S+)", head)
    error = ""
    for line in tail.splitlines():
        if re.search(r"\berror:|^ERROR:|fatal error|No such file or directory", line):
            error = line.strip()
            break
    if not error:
        stops = [
            line.strip() for line in tail.splitlines() if re.search(r"\*\*\* .*(?:Error \d|Stop\.)", line)
        ]
        error = stops[0] if stops else ""
    elif not re.search(r"\*\*\*|Error \d|bad exit status", tail):
        error = ""  # a compiler's word quoted by a build that went on and ended well
    return MakeLog(header[1] if header else "", error[:300])
