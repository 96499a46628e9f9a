"""A field of nvidia-smi's, in whichever of its outputs: a number with its unit, a word, or that it can't be told."""

from __future__ import annotations

import re
from typing import Any

from gpudoctor.facts.observed import Absent, Known, Unknown

PCI = r"[0-9A-Fa-f]{4,8}:[0-9A-Fa-f]{2}:[0-9A-Fa-f]{2}\.[0-7]"
MODES = {
    "Default": "default",
    "E. Process": "exclusive-process",
    "Exclusive_Process": "exclusive-process",
    "E. Thread": "exclusive-thread",
    "Exclusive_Thread": "exclusive-thread",
    "Prohibited": "prohibited",
}
#: What nvidia-smi writes where a field can't be told.
NOTHING = ("N/A", "[N/A]", "[Not Supported]", "Not Supported", "Off", "")
WORDS = re.compile(
    r"(GPU is lost|Unknown Error|GPU requires reset|Requires Reset|Insufficient Permissions)", re.I
)


def yes(word: str, via: str) -> Any:
    """ "Enabled", "Yes", "On" and "Active", or their opposites."""
    return Absent(via) if word in NOTHING else Known(word.startswith(("Enabled", "Yes", "On", "Active")), via)


def read_field(field: str, word: str, via: str) -> Any:
    """What an NvmlDevice holds under `field`, from nvidia-smi's word for it."""
    words = WORDS.search(word)
    if words:
        return Unknown(words[1])
    if word in NOTHING:
        return Absent(via)
    if field in ("memory_total", "memory_used"):
        number = re.match(r"(\d+)(?: ?MiB)?$", word)
        return Known(int(number[1]) << 20, via) if number else Unknown(word)
    if field in ("ecc_uncorrected_volatile", "link_width", "link_width_max"):
        number = re.match(r"(\d+)x?$", word)
        return Known(int(number[1]), via) if number else Unknown(word)
    if field in ("mig_enabled", "persistence"):
        return yes(word, via)
    if field == "compute_mode":
        return Known(MODES[word], via) if word in MODES else Unknown(word)
    if field == "compute_capability" and not re.fullmatch(r"\d{1,2}\.\d", word):
        return Unknown(word)
    return Known(word.lower() if field == "pci" else word, via)
