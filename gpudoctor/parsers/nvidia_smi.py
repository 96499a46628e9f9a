"""nvidia-smi's table: its banner, in both shapes, and the sentence that stands there instead of one.

    | NVIDIA-SMI 550.163.01             Driver Version: 550.163.01     CUDA Version: 12.4     |
    | NVIDIA-SMI 610.43.02     KMD Version: 610.43.02     CUDA UMD Version: 13.3     |

The second shape came with driver R610. On WSL2 the first number (nvidia-smi's own) and the driver's (Windows')
differ by design. NVIDIA's programs write errors to standard output too:

    NVIDIA-SMI has failed because it couldn't communicate with the NVIDIA driver. Make sure that ...
    Failed to initialize NVML: Driver/library version mismatch
"""

from __future__ import annotations

import re

from gpudoctor.facts.record import Record

#: Exit statuses with a fixed meaning (nvidia-smi's own --help text, "RETURN VALUE" of its manual page).
EXIT_MEANINGS = {
    2: "a supplied argument or flag is invalid",
    3: "the operation is not available on this device",
    4: "this user has no permission",
    6: "no device was found",
    8: "a device's power cables are not attached",
    9: "the NVIDIA driver is not loaded",
    10: "the kernel found an interrupt problem with a GPU",
    12: "the NVML shared library couldn't be found",
    13: "the library does not implement this function",
    14: "the infoROM is corrupted",
    15: "a GPU is lost",
    18: "driver and library are of different versions",
    255: "another error happened",
}

_VERSION = r"([0-9]+(?:\.[0-9]+)+)"
_BANNER = re.compile(r"NVIDIA-SMI\s+" + _VERSION)
_KMD = re.compile(r"(?:Driver|KMD) Version\s*:\s*(\S+)")
_CUDA = re.compile(r"CUDA(?: UMD)? Version\s*:\s*(\S+)")
_ERROR = re.compile(
    r"^(?:Failed to |NVIDIA-SMI (?:has failed|couldn't)|Unable to determine|No devices were found|"
    r"Insufficient Permissions|Error|WARNING: infoROM)",
)


class SmiTable(Record):
    """What the text says; "" for what it does not. `lost`: a device's row says so. `error`: the first sentence
    that complains."""

    smi_version: str = ""
    kmd_version: str = ""
    cuda_version: str = ""
    lost: bool = False
    error: str = ""


def parse_table(text: str) -> SmiTable:
    """Never raises; a cut text gives what stands before the cut. "N/A" and "ERR!" are no versions.

    >>> parse_table("| NVIDIA-SMI 550.54.10    Driver Version: 551.61    CUDA Version: 12.4 |").kmd_version
    '551.61'
    """
    banner = next((line for line in text.splitlines() if _BANNER.search(line)), "")
    lines = [line.strip() for line in text.splitlines()]
    return SmiTable(
        _version(_BANNER, banner),
        _version(_KMD, banner),
        _version(_CUDA, banner),
        any("GPU is lost" in line for line in lines),
        next((line for line in lines if _ERROR.match(line)), ""),
    )


def _version(pattern: re.Pattern[str], line: str) -> str:
    # A number that ends where the text was cut may be half a number.
    found = pattern.search(line)
    if not found or not re.fullmatch(_VERSION, found[1]) or found.end() == len(line):
        return ""
    return found[1]
