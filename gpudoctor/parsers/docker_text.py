"""What `docker info`, `docker version` and `nvidia-ctk cdi list` print for people.

     Server Version: 28.5.2
     Cgroup Driver: systemd
     Cgroup Version: 2
     CDI spec directories:
      /etc/cdi
      /var/run/cdi
     Runtimes: io.containerd.runc.v2 nvidia runc
     Default Runtime: runc
     Security Options:
      seccomp
       Profile: builtin
      rootless
     Kernel Version: 6.8.0-51-generic
     Operating System: Ubuntu 22.04.5 LTS
     Docker Root Dir: /var/lib/docker

Pastes lose their indentation, and are cut at both ends.
"""

from __future__ import annotations

import re
from typing import Literal

from gpudoctor.facts.record import Record
from gpudoctor.parsers.docker_info import DaemonInfo

_PAIR = re.compile(r"^\s*([A-Z][\w ()/-]{2,40}?):[ \t]*(\S.*)?$", re.M)


class ShownDaemon(Record):
    """`info` as the daemon's own answer would have it; `context` the client's; `flavour` by the root folder, the operating
    system and the security options. `kernel` as "6.8.0-51-generic"."""

    info: DaemonInfo
    context: str = ""
    flavour: Literal["rootful", "rootless", "snap", "desktop", "unknown"] = "unknown"
    kernel: str = ""
    root: str = ""


def parse_info(text: str) -> ShownDaemon | None:
    """None where the text is not `docker info`'s: neither runtimes nor a cgroup driver and no server's version."""
    values: dict[str, str] = {}
    for match in _PAIR.finditer(text):
        values.setdefault(match[1].strip().lower(), (match[2] or "").strip())
    runtimes = values.get("runtimes", "")
    if not runtimes and not ("cgroup driver" in values and "server version" in values):
        return None
    system, root = values.get("operating system", ""), values.get("docker root dir", "")
    rootless = re.search(r"^\s*(?:name=)?rootless\s*$", text, re.M) is not None
    info = DaemonInfo(
        values.get("server version", ""),
        system,
        tuple(sorted(runtimes.split())),
        values.get("default runtime", ""),
        values.get("cgroup driver", ""),
        values.get("cgroup version", ""),
        tuple(_folders(text)),
        rootless,
    )
    flavour: Literal["rootful", "rootless", "snap", "desktop", "unknown"] = "unknown"
    if "Docker Desktop" in system or values.get("name", "") == "docker-desktop":
        flavour = "desktop"
    elif root.startswith("/var/snap/docker"):
        flavour = "snap"
    elif rootless or "/.local/share/docker" in root:
        flavour = "rootless"
    elif root:
        flavour = "rootful"
    return ShownDaemon(info, values.get("context", ""), flavour, values.get("kernel version", ""), root)


_SERVER = re.compile(
    r"^\s*Server: (?P<name>Docker Desktop \d\S*|Docker Engine[^\n]*)?[^\n]*\n(?P<rest>(?:[^\n]*\n?){1,24})",
    re.M,
)
_ARCH = re.compile(r"^\s*OS/Arch: +(?P<system>\w+)/", re.M)


def parse_version(text: str) -> ShownDaemon | None:
    """What `docker version` tells of the server that the client reaches: Docker Desktop names itself, a rootless daemon
    its helpers. None where the text is not its output, or the client is no Linux program.

        Client: Docker Engine - Community
         OS/Arch:           linux/amd64
         Context:           desktop-linux

        Server: Docker Desktop 4.33.0 (160616)
         Engine:
          Version:          27.1.1
         rootlesskit:
          Version:          1.1.1
    """
    client, server = _ARCH.search(text), _SERVER.search(text)
    if server is None or "API version:" not in text or (client and client["system"] != "linux"):
        return None
    version = re.search(r"^\s*Version: +(\d\S*)", server["rest"], re.M)
    context = re.search(r"^\s*Context: +(\S+)", text[: server.start()], re.M)
    flavour: Literal["rootful", "rootless", "snap", "desktop", "unknown"] = "unknown"
    if (server["name"] or "").startswith("Docker Desktop"):
        flavour = "desktop"
    elif re.search(r"^\s*(?:rootlesskit|slirp4netns):", server["rest"], re.M):
        flavour = "rootless"
    info = DaemonInfo(version[1] if version else "", rootless=flavour == "rootless")
    return ShownDaemon(info, context[1] if context else "", flavour)


def cdi_list(text: str) -> tuple[str, ...] | None:
    """The devices of `nvidia-ctk cdi list`; None where it is not shown.

    INFO[0000] Found 2 CDI devices
    nvidia.com/gpu=0
    nvidia.com/gpu=all
    """
    found = re.search(r"Found \d+ CDI devices?\S*\n?(?P<rows>(?:\s*[\w.-]+/[\w.-]+=\S+\n?)*)", text)
    return tuple(found["rows"].split()) if found else None


def _folders(text: str) -> list[str]:
    at = text.find("CDI spec directories:")
    if at < 0:
        return []
    found = []
    for line in text[at:].splitlines()[1:6]:
        if not line.strip().startswith("/"):
            break
        found.append(line.strip())
    return found
