"""modprobe.d(5) and the kernel command line: which modules may not be loaded.

blacklist nouveau
install nvidia /bin/false
BOOT_IMAGE=/vmlinuz root=UUID=... modprobe.blacklist=nouveau,nova_core rd.driver.blacklist=nouveau
"""

from __future__ import annotations


def configured(text: str) -> tuple[str, ...]:
    """Names that one file of modprobe.d forbids, in modprobe's spelling (underscores)."""
    found = []
    for line in text.replace("\\\n", " ").splitlines():
        words = line.partition("#")[0].split()
        if (len(words) >= 2 and words[0] == "blacklist") or (
            len(words) >= 3 and words[0] == "install" and words[2].rpartition("/")[2] in ("false", "true")
        ):
            found.append(words[1].replace("-", "_"))
    return tuple(found)


def command_line(text: str) -> tuple[str, ...]:
    found = []
    for word in text.split():
        name, equals, value = word.partition("=")
        if equals and name in ("modprobe.blacklist", "module_blacklist", "rd.driver.blacklist"):
            found += [part.replace("-", "_") for part in value.split(",") if part]
    return tuple(found)
