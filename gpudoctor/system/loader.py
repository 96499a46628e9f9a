"""The dynamic loader's view of the machine, without loading anything: which file would `dlopen(soname)` take?

For a process without RPATH or RUNPATH of its own: LD_LIBRARY_PATH, then /etc/ld.so.cache, then the default
folders (ld.so(8)). /etc/ld.so.conf is ldconfig's, not the loader's: a library in one of its folders that the
cache does not know is not found.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gpudoctor.facts.record import Record
from gpudoctor.parsers.ldsocache import CacheEntry, parse
from gpudoctor.system.port import Port, names, text

CACHE = "/etc/ld.so.cache"
LIBRARY_PATH = "LD_LIBRARY_PATH"
DEFAULT = "default"

#: Multiarch, lib64 and musl folders; those of another machine are simply not there.
DEFAULT_DIRS = (
    "/lib/x86_64-linux-gnu",
    "/usr/lib/x86_64-linux-gnu",
    "/lib/aarch64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/lib64",
    "/usr/lib64",
    "/lib",
    "/usr/lib",
)
_MUSL_DIRS = ("/lib", "/usr/local/lib", "/usr/lib")

#: Where drivers lie that the loader does not reach by itself (WSL2, Debian's alternatives, NixOS, the GPU operator).
OTHER_DRIVER_DIRS = (
    "/usr/lib/wsl/lib",
    "/usr/lib/wsl/drivers",
    "/usr/lib/x86_64-linux-gnu/nvidia/current",
    "/usr/lib/aarch64-linux-gnu/nvidia/current",
    "/run/opengl-driver/lib",
    "/run/nvidia/driver/usr/lib/x86_64-linux-gnu",
    "/usr/local/nvidia/lib64",
    "/usr/local/nvidia/lib",
)

_MAX_INCLUDES = 8


class Found(Record):
    """`path` as the loader would open it; `source`: "LD_LIBRARY_PATH", "/etc/ld.so.cache" or "default"; from
    `unreached` a configuration file's path or "". `empty`: the file has no bytes (a bind-mount target in an image)."""

    path: str
    source: str
    empty: bool = False


class SearchDir(Record):
    """A folder, and who names it: "LD_LIBRARY_PATH", "/etc/ld.so.conf.d/cuda.conf" or "default". `empty` marks an
    empty element of LD_LIBRARY_PATH, which means the current folder."""

    path: str
    source: str
    empty: bool = False


def find(port: Port, soname: str) -> list[Found]:
    """Every file that the loader could take for `soname`, the one that it does take first. Never raises.

    32-bit files are left out: the loader of a 64-bit process passes them by.
    """
    cached = [e.path for e in cached_by_name(port).get(soname, ()) if e.is_64_bit]
    candidates = [(f"{d.path}/{soname}", d.source) for d in library_path(port)]
    candidates += [(path, CACHE) for path in cached]
    candidates += [(f"{folder}/{soname}", DEFAULT) for folder in default_dirs(port)]
    return _existing(port, candidates)


def unreached(port: Port, soname: str) -> list[Found]:
    """Copies in well-known folders and in ldconfig's that `find` does not give: there, and not found."""
    folders = [(d.path, d.source) for d in configured_dirs(port)] + [(d, "") for d in OTHER_DRIVER_DIRS]
    copies = _existing(port, [(f"{folder}/{soname}", source) for folder, source in folders])
    if not copies:
        return []
    reached = {port.realpath(found.path) for found in find(port, soname)}
    return [copy for copy in copies if port.realpath(copy.path) not in reached]


def search_dirs(port: Port) -> list[SearchDir]:
    """The folders in the order of a search: LD_LIBRARY_PATH, ldconfig's (through the cache), the default ones."""
    default = [SearchDir(folder, DEFAULT) for folder in default_dirs(port)]
    return library_path(port) + configured_dirs(port) + default


def library_path(port: Port) -> list[SearchDir]:
    value = port.env.get(LIBRARY_PATH, "")
    if not value:
        return []
    return [SearchDir(part or ".", LIBRARY_PATH, not part) for part in value.replace(";", ":").split(":")]


def default_dirs(port: Port) -> tuple[str, ...]:
    return _MUSL_DIRS if is_musl(port) else DEFAULT_DIRS


def is_musl(port: Port) -> bool:
    """musl's loader reads no cache; it is told by its own file in /lib."""
    return port.memo(
        "loader.musl",
        lambda: any(n.startswith("ld-musl-") for n in names(port, "/lib"))
        and not any(n.startswith("ld-linux") for f in ("/lib", "/lib64") for n in names(port, f)),
    )


def cache(port: Port) -> tuple[CacheEntry, ...]:
    """The entries of /etc/ld.so.cache; none if it is missing or unreadable (`read_cache` tells which)."""
    try:
        return read_cache(port)
    except (OSError, ValueError):
        return ()


def cached_by_name(port: Port) -> Mapping[str, Sequence[CacheEntry]]:
    """The cache's entries by soname, in the loader's order."""

    def ask() -> dict[str, list[CacheEntry]]:
        found: dict[str, list[CacheEntry]] = {}
        for entry in cache(port):
            found.setdefault(entry.name, []).append(entry)
        return found

    return port.memo("loader.cached-by-name", ask)


def read_cache(port: Port) -> tuple[CacheEntry, ...]:
    """Raises OSError if there is no readable cache (musl, NixOS), ValueError if it is not understood."""
    answer: tuple[CacheEntry, ...] | Exception = port.memo("loader.cache", lambda: _try_cache(port))
    if isinstance(answer, Exception):
        raise answer
    return answer


def _try_cache(port: Port) -> tuple[CacheEntry, ...] | Exception:
    try:
        return parse(port.read(CACHE))
    except (OSError, ValueError) as error:
        return error


def configured_dirs(port: Port) -> list[SearchDir]:
    """The folders that ldconfig is told of, by /etc/ld.so.conf and what that includes."""
    return port.memo("loader.conf", lambda: _read_conf(port, "/etc/ld.so.conf", _MAX_INCLUDES))


def _read_conf(port: Port, path: str, depth: int) -> list[SearchDir]:
    try:
        lines = text(port, path).splitlines()
    except OSError:
        return []
    found: list[SearchDir] = []
    for line in lines:
        words = line.partition("#")[0].replace(",", " ").replace(":", " ").split()
        if words and words[0] == "include":
            for pattern in words[1:] if depth else ():
                for name in _matching(port, pattern, path.rpartition("/")[0]):
                    found += _read_conf(port, name, depth - 1)
        elif words and words[0] != "hwcap":
            found += [SearchDir(word.partition("=")[0], path) for word in words if word.startswith("/")]
    return found


def _matching(port: Port, pattern: str, base: str) -> list[str]:
    """A glob whose last part alone has wildcards, as in every ld.so.conf that is shipped."""
    from fnmatch import fnmatchcase

    folder, _, last = (pattern if pattern.startswith("/") else f"{base}/{pattern}").rpartition("/")
    return [f"{folder}/{name}" for name in names(port, folder) if fnmatchcase(name, last)]


def _existing(port: Port, candidates: list[tuple[str, str]]) -> list[Found]:
    found: list[Found] = []
    seen: set[str] = set()
    for path, source in candidates:
        try:
            info = port.stat(path)
        except OSError:
            continue  # most candidates are not there
        real = port.realpath(path)
        if real in seen:
            continue
        seen.add(real)
        if info.kind == "file" and not _is_32_bit(port, path):
            found.append(Found(path, source, info.size == 0))
    return found


def _is_32_bit(port: Port, path: str) -> bool:
    try:
        return port.read(path, 5) == b"\x7fELF\x01"
    except OSError:
        return False  # unreadable for us: the loader will say so itself
