"""Start-up files of shells and of PAM: which line sets a variable. Text only: nothing is evaluated.

Forms that are understood:

    export LD_LIBRARY_PATH=/usr/local/cuda/lib64:$LD_LIBRARY_PATH      bash, zsh, sh (also without export)
    CUDA_HOME="/usr/local/cuda"                                         /etc/environment
    set -gx CUDA_HOME /usr/local/cuda                                   fish
    setenv CUDA_HOME /usr/local/cuda                                    csh
    CUDA_HOME DEFAULT=/usr/local/cuda                                   ~/.pam_environment
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from gpudoctor.facts.record import Record


class Setting(Record):
    """`name` is set in line `line` (from 1) to the text `value`, quotes taken off, not expanded."""

    name: str
    value: str
    line: int


def settings(text: str, names: Iterable[str]) -> tuple[Setting, ...]:
    """Every line that sets one of `names`, in order. A commented line sets nothing.

    >>> settings("# export A=1\\nexport A='2:3'\\n", ["A"])
    (Setting(name='A', value='2:3', line=2),)
    """
    wanted = "|".join(re.escape(name) for name in sorted(names, key=len, reverse=True))
    if not wanted:
        return ()
    pattern = re.compile(
        rf"^[ \t]*(?:(?:export|declare -x|typeset -x)[ \t]+)?({wanted})=(.*)$"
        rf"|^[ \t]*(?:setenv|set(?:[ \t]+-[-\w]+)+)[ \t]+({wanted})[ \t]+(.*)$"
        rf"|^[ \t]*({wanted})[ \t]+(?:DEFAULT|OVERRIDE)=(.*)$",
        re.M,
    )
    found = []
    for match in pattern.finditer(text):
        name = match[1] or match[3] or match[5]
        value = (match[2] or match[4] or match[6] or "").strip().rstrip(";").strip("\"'")
        found.append(Setting(name, value, text.count("\n", 0, match.start()) + 1))
    return tuple(found)
