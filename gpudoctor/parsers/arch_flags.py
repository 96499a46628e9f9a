"""PyTorch's own list of the GPUs that it was compiled for, read from its library without importing it.

`torch._C._cuda_getArchFlags()` (and with it `torch.cuda.get_arch_list()`) returns a string that the build put into
libtorch_python.so (torch/csrc/cuda/Module.cpp, CUDA_ARCH_FLAGS), between two zero bytes of its constants:

    sm_50 sm_60 sm_70 sm_75 sm_80 sm_86 sm_90
    sm_75 sm_80 sm_86 sm_90 sm_100 sm_120 compute_120

Where it comes from: https://github.com/pytorch/pytorch/pull/41173; samples: https://github.com/pytorch/pytorch/issues/182250.
"""

from __future__ import annotations

import re
from typing import IO

from gpudoctor.parsers import elf

#: The section of constants; a larger one than this is no libtorch_python's (bytes).
SECTION, LIMIT = ".rodata", 64 << 20
_LIST = rb"\0((?:sm|compute)_\d{2,3}[af]?(?: (?:sm|compute)_\d{2,3}[af]?)*)\0"


def read(file: IO[bytes]) -> tuple[str, ...]:
    """("sm_80", "sm_90", "compute_90"), or nothing where no such list is in it. Raises ValueError for what is no ELF file, and
    where it holds several lists: then none is known to be the one."""
    section = next((s for s in elf.sections(file) if s.name == SECTION), None)
    if section is None:
        return ()
    file.seek(section.offset)
    data = b"\0" + file.read(min(section.size, LIMIT))
    lists: set[bytes] = set()
    for start in (b"\0sm_", b"\0compute_"):
        at = data.find(start)
        while at >= 0:
            found = re.match(_LIST, data[at : at + 1024])
            if found:
                lists.add(found[1])
            at = data.find(start, at + 1)
    if len(lists) > 1:
        raise ValueError(f"{len(lists)} lists of targets")
    return tuple(lists.pop().decode("ascii").split(" ")) if lists else ()
