"""Which CUDA a file says it is of: the programs of a toolkit, its version files, its headers.

Samples: in the read-only data of nvcc, ptxas, nvlink, fatbinary and cudafe++ "Cuda compilation tools, release 13.0,
V13.0.88"; version.txt (up to 11.0) "CUDA Version 10.1.243"; cuda_runtime_api.h "#define CUDART_VERSION  12040";
version.json (since 11.1):

    {"cuda": {"name": "CUDA SDK", "version": "12.4.1"}, "cuda_nvcc": {"name": "CUDA NVCC", "version": "12.4.131"}, ...}
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Union

from gpudoctor.versions import from_cuda_int

if TYPE_CHECKING:
    from mmap import mmap

    Bytes = Union[bytes, mmap]

_MARK = b"Cuda compilation tools, release "
_SAID = re.compile(rb"Cuda compilation tools, release (\d+\.\d+), V(\d+(?:\.\d+)+)")
_RUNTIME = re.compile(r"^\s*#\s*define\s+(?:CUDART_VERSION|CUDA_VERSION)\s+(\d{4,6})\b", re.M)
_TEXT = re.compile(r"CUDA Version (\d+\.\d+(?:\.\d+)*)")
_ELF64_LE = b"\x7fELF\x02\x01"


def from_program(data: Bytes) -> str:
    """The version ("13.0.88") in the bytes of a toolkit's program; `data` is a mapped file. Only its .rodata is
    searched: the whole of nvcc is 30 MB, and a search through it costs a hundred times as much.

    Raises ValueError when it is no 64-bit ELF file, or does not say its version."""
    start, size = _rodata(data)
    if start + size > len(data):
        raise ValueError("damaged ELF file (.rodata ends after it)")
    at = data.find(_MARK, start, start + size)
    if at < 0:
        raise ValueError("does not say its CUDA version")
    return from_banner(data[at : at + 120])


def from_banner(data: bytes) -> str:
    """The version in what `nvcc --version` prints. Raises ValueError."""
    match = _SAID.search(data)
    if match is None:
        raise ValueError("no CUDA version in it")
    return match.group(2).decode()


def _rodata(data: Bytes) -> tuple[int, int]:
    import struct

    if data[:6] != _ELF64_LE:
        raise ValueError("not a 64-bit ELF file")
    try:
        (table,) = struct.unpack_from("<Q", data, 0x28)
        width, count, names_index = struct.unpack_from("<HHH", data, 0x3A)
        sections = [struct.unpack_from("<IIQQQQ", data, table + n * width) for n in range(min(count, 512))]
        names = sections[names_index][4]
        for section in sections:
            at = names + section[0]
            if data[at : at + 8] == b".rodata\0":
                return section[4], section[5]
    except (struct.error, IndexError, OverflowError) as error:
        raise ValueError(f"damaged ELF file ({error})") from None
    raise ValueError("no .rodata section")


def from_version_json(text: str) -> tuple[str, str]:
    """(release, nvcc's version or the release's own full one): ("12.4", "12.4.131"). Raises ValueError, KeyError."""
    import json

    said = json.loads(text)
    if not isinstance(said, dict) or not isinstance(said.get("cuda"), dict):
        raise ValueError("no cuda in version.json")
    full = str(said["cuda"]["version"])
    nvcc = said.get("cuda_nvcc")
    version = str(nvcc["version"]) if isinstance(nvcc, dict) and "version" in nvcc else full
    match = re.match(r"\d+\.\d+", full)
    if match is None:
        raise ValueError(f"no version in {full!r}")
    return match.group(), version


def from_version_txt(text: str) -> str:
    """ "10.1.243" from version.txt. Raises ValueError."""
    match = _TEXT.search(text)
    if match is None:
        raise ValueError("no CUDA version in it")
    return match.group(1)


def from_header(text: str) -> str:
    """The release ("12.4") from cuda_runtime_api.h or cuda.h. Raises ValueError."""
    match = _RUNTIME.search(text)
    if match is None:
        raise ValueError("no CUDART_VERSION in it")
    return from_cuda_int(int(match.group(1)))
