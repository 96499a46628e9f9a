"""apt's configuration, as far as unattended-upgrades reads it. A sample (/etc/apt/apt.conf.d/20auto-upgrades, 50unattended-upgrades):

APT::Periodic::Update-Package-Lists "1";
APT::Periodic::Unattended-Upgrade "1";
Unattended-Upgrade::Package-Blacklist {
    // regular expressions, matched from the start of the name
    "linux-";
};
"""

from __future__ import annotations

import re
from collections.abc import Iterable

_COMMENT = re.compile(r'"[^"\n]*"|//[^\n]*|/\*.*?\*/|^[ \t]*#[^\n]*', re.S | re.M)
_LIST = re.compile(r"Unattended-Upgrade::Package-Blacklist(?:::)?\s*(?:\{([^}]*)\}|(\"[^\"]*\"))\s*;", re.I)
_EVERY = re.compile(r'APT::Periodic::Unattended-Upgrade\s+"([^"]*)"\s*;', re.I)


def unattended(texts: Iterable[str]) -> tuple[bool, tuple[str, ...]]:
    """Whether upgrades run by themselves, and which packages they leave out (regular expressions). Files in apt's order: the
    last value stands, lists grow.

    >>> unattended(['APT::Periodic::Unattended-Upgrade "1";', 'Unattended-Upgrade::Package-Blacklist { "^nvidia-"; };'])
    (True, ('^nvidia-',))
    """
    every, left_out = "0", []
    for text in texts:
        plain = _COMMENT.sub(lambda m: m[0] if m[0].startswith('"') else "", text)
        for said in _EVERY.findall(plain):
            every = said
        for block, single in _LIST.findall(plain):
            left_out += re.findall(r'"([^"]*)"', block or single)
    return every not in ("", "0"), tuple(left_out)


def leaves_out(patterns: Iterable[str], name: str) -> bool:
    """Whether one of the patterns matches, as unattended-upgrades matches it; one that is no pattern matches nothing.

    >>> leaves_out(["linux-", "^libnvidia-"], "libnvidia-compute-550")
    True
    """
    for pattern in patterns:
        try:
            if re.match(pattern, name):
                return True
        except re.error:
            continue
    return False
