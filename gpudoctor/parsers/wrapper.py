"""What a small shell script hands over to. Distributions, conda and people wrap nvcc so:

    #!/bin/sh
    exec /usr/local/cuda-13.0/bin/nvcc "$@"

Only scripts that plainly end in such a command are understood; whoever does more gets no guess.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_HANDS_ALL_OVER = re.compile(r'"?\$(?:@|\{@\}|\{1\+"\$@"\})"?|"\$@"')
_VARIABLE = re.compile(r"\$(?:(\w+)|\{(\w+)\})")
_ASSIGNMENT = re.compile(r"^(?:export\s+)?([A-Za-z_]\w*)=(.*)$")


def handed_to(script: str, program: str, env: Mapping[str, str]) -> str | None:
    """The absolute path of the `program` that the script runs with all its arguments; None when it isn't plain.

    >>> handed_to('#!/bin/sh\\nexec ccache /opt/cuda/bin/nvcc "$@"', "nvcc", {})
    '/opt/cuda/bin/nvcc'
    """
    known = dict(env)
    for line in script.replace("\\\n", " ").splitlines()[1:]:
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        assigned = _ASSIGNMENT.match(line)
        if assigned is not None and "$(" not in line and "`" not in line:
            value = _expand(assigned.group(2).strip().strip("\"'"), known)
            if value is not None:
                known[assigned.group(1)] = value
            continue
        if _HANDS_ALL_OVER.search(line) is None:
            continue
        found = [_expand(word.strip("\"'"), known) for word in line.split()]
        paths = [w for w in found if w and w.startswith("/") and w.rpartition("/")[2] == program]
        return paths[-1] if paths else None
    return None


def _expand(word: str, known: Mapping[str, str]) -> str | None:
    """The word with its variables put in; None when one of them is not known."""
    missing = False

    def value(match: re.Match[str]) -> str:
        nonlocal missing
        name = match.group(1) or match.group(2)
        missing = missing or name not in known
        return known.get(name, "")

    result = _VARIABLE.sub(value, word)
    return None if missing else result
