"""The host compilers that a toolkit accepts, from its own include/crt/host_config.h.

No table can be as right as the header that makes nvcc stop. The relevant lines (CUDA 12.4; 11.8 has 11 and 15, 13.0 has
15 and 21 in their places):

    #if __GNUC__ > 13
    #error -- unsupported GNU version! gcc versions later than 13 are not supported! ...
    #if defined(__HORIZON__)
    #if (__clang_major__ >= 18) || (__clang_major__ < 3) || ...
    #error -- unsupported HOS clang version! ...
    #if (__clang_major__ >= 18) || (__clang_major__ < 3) || ((__clang_major__ == 3) &&  (__clang_minor__ < 3))
    #error -- unsupported clang version! clang version must be less than 18 and greater than 3.2 . ...
"""

from __future__ import annotations

import re

from gpudoctor.facts.cuda import CompilerLimits

_GCC = re.compile(r"^#\s*if\b[^\n]*?__GNUC__\s*(>=?)\s*(\d+)[^\n]*\n\s*#\s*error[^\n]*unsupported GNU", re.M)
_CLANG = re.compile(
    r"^#\s*if\b([^\n]*__clang_major__[^\n]*)\n\s*#\s*error[^\n]*unsupported clang version", re.M
)
_AT_LEAST = re.compile(r"__clang_major__\s*>=\s*(\d+)")
_ABOVE = re.compile(r"__clang_major__\s*>\s*(\d+)")
_BELOW = re.compile(r"__clang_major__\s*<\s*(\d+)")


def parse(text: str) -> CompilerLimits:
    """The newest (and for clang the oldest) majors that are accepted; -1 for a bound that the header does not have.

    Raises ValueError when it has neither bound: then it is another file, or a shape that we do not know."""
    gcc, clang = _GCC.search(text), _CLANG.search(text)
    if gcc is None and clang is None:
        raise ValueError("no compiler bounds in host_config.h")
    gcc_max = clang_max = clang_min = -1
    if gcc is not None:
        gcc_max = int(gcc.group(2)) - (gcc.group(1) == ">=")
    if clang is not None:
        condition = clang.group(1)
        if (found := _AT_LEAST.search(condition)) is not None:
            clang_max = int(found.group(1)) - 1
        elif (found := _ABOVE.search(condition)) is not None:
            clang_max = int(found.group(1))
        if (found := _BELOW.search(condition)) is not None:
            clang_min = int(found.group(1))
    return CompilerLimits(gcc_max, clang_max, clang_min)
