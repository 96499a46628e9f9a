"""What only an image has: its configuration, whom it runs as, driver files that were left in it, and what it carries along."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from gpudoctor.facts.frameworks import Interpreter
from gpudoctor.facts.image import Account, Config, DriverFile, Layer, Waste, WheelTag
from gpudoctor.facts.observed import Absent, Known, Observed, value_of
from gpudoctor.facts.record import Record
from gpudoctor.probes.environment import ALLOWED
from gpudoctor.system import loader
from gpudoctor.system.port import FileInfo, Port, exists, names, text

_DRIVER = re.compile(r"lib(?:cuda|nvidia-ml)\.so(?:\.\d[\w.]*)?$")
#: A driver's own libcuda has 15 MB and more, its libnvidia-ml 1.5 MB; the toolkit's stubs 40 to 150 KB.
STUB_SIZE = 512 << 10
#: Folders that programs of CUDA and of the frameworks write to, as the variables say, and below HOME.
_CACHES = (
    "XDG_CACHE_HOME",
    "CUDA_CACHE_PATH",
    "TORCH_HOME",
    "HF_HOME",
    "TRITON_CACHE_DIR",
    "JAX_COMPILATION_CACHE_DIR",
)
_STATIC = re.compile(
    r"/(?:cuda[^/]*|targets/[^/]+|[^/]+-linux-gnu|lib64)/(?:[^/]+/)*lib(?:cu|np|nv|nccl)\w*\.a$"
)
_CONDA = re.compile(r"/pkgs/[^/]+\.(?:conda|tar\.bz2)$")
_PIP = re.compile(r"/\.cache/(?:pip|uv)/")


def config(port: Port) -> Observed[Config]:
    """Variables by the allow-list of `environment`: an image's may hold tokens."""
    said: Observed[Config] = _about(port).config
    if not isinstance(said, Known):
        return said
    env = {k: v for k, v in said.value.env.items() if k in ALLOWED or k.startswith("NVIDIA_REQUIRE_")}
    return Known(said.value.replace(env=env), said.via)


def _about(port: Port) -> Any:
    return port.image  # type: ignore[attr-defined]


def layers(port: Port) -> Observed[tuple[Layer, ...]]:
    found: Observed[tuple[Layer, ...]] = _about(port).layers
    return found


# ---------------------------------------------------------------- all its files, once


class _Walked(Record):
    """`drivers`: (path, what lies there after links)."""

    drivers: tuple[tuple[str, FileInfo], ...]
    waste: Mapping[tuple[str, str], tuple[int, int]]


def _walked(port: Port) -> _Walked:
    return port.memo("image.walked", lambda: _walk(port))


def _walk(port: Port) -> _Walked:
    drivers: list[tuple[str, FileInfo]] = []
    waste: dict[tuple[str, str], tuple[int, int]] = {}
    for path, info in port.walk():  # type: ignore[attr-defined]
        if info.kind not in ("file", "link"):
            continue
        if _DRIVER.match(path, path.rfind("/") + 1):
            try:
                drivers.append((path, info if info.kind == "file" else port.stat(path)))
            except OSError:  # a link that leads nowhere hinders nobody
                continue
        kind = _waste_kind(path) if info.kind == "file" and info.size else None
        if kind is not None:
            size, count = waste.get(kind, (0, 0))
            waste[kind] = (size + info.size, count + 1)
    return _Walked(tuple(drivers), waste)


def _waste_kind(path: str) -> tuple[str, str] | None:
    if path.startswith("/var/lib/apt/lists/"):
        return "apt-lists", "/var/lib/apt/lists"
    if path.startswith("/var/cache/apt/"):
        return "apt-archives", "/var/cache/apt"
    if "/.cache/" in path and _PIP.search(path):
        return "pip-cache", path.partition("/.cache/")[0] + "/.cache"
    if path.endswith(".a") and _STATIC.search(path):
        return "static-libraries", path.rpartition("/")[0]
    if "/pkgs/" in path and _CONDA.search(path):
        return "conda-packages", path.rpartition("/")[0]
    return None


def driver_files(port: Port) -> Observed[tuple[DriverFile, ...]]:
    searched = {place.path.rstrip("/") for place in loader.search_dirs(port)}
    searched |= {port.realpath(folder) for folder in searched}
    cached = {hit.path for name in ("libcuda.so.1", "libnvidia-ml.so.1") for hit in loader.find(port, name)}
    found = []
    for path, info in _walked(port).drivers:
        folder = path.rpartition("/")[0]
        reached = path in cached or folder in searched or port.realpath(folder) in searched
        found.append(DriverFile(path, info.size, _driver_kind(port, path, info), reached))
    return Known(tuple(found), "all files of the image")


def _driver_kind(port: Port, path: str, info: FileInfo) -> Literal["empty", "stub", "compat", "real"]:
    real = port.realpath(path)
    if info.size == 0:
        return "empty"
    if "/compat/" in path or "/compat/" in real:
        return "compat"
    return "stub" if "/stubs/" in real or info.size < STUB_SIZE else "real"


def waste(port: Port) -> Observed[tuple[Waste, ...]]:
    found = [
        Waste(kind, place, size, count)  # type: ignore[arg-type]
        for (kind, place), (size, count) in _walked(port).waste.items()
    ]
    hidden = sum(layer.hidden for layer in value_of(layers(port), ()))
    if hidden:
        found.append(Waste("hidden", "lower layers", hidden, 0))
    return Known(tuple(sorted(found, key=lambda w: (-w.size, w.place))), "all files of the image")


# ---------------------------------------------------------------- whom it runs as


class _Login(Record):
    uid: int
    gids: tuple[int, ...]
    name: str
    home: str


def account(port: Port) -> Observed[Account]:
    said = _about(port).config
    if not isinstance(said, Known):
        return Absent(said.looked_in) if isinstance(said, Absent) else said
    login = _login(port, said.value.user)
    home = port.env.get("HOME", "") or login.home
    places = [home, *(port.env[name] for name in _CACHES if port.env.get(name, "").startswith("/"))]
    unwritable = tuple(dict.fromkeys(p for p in places if not _writable(port, p, login)))
    return Known(
        Account(
            login.uid,
            login.gids[0] if login.gids else 0,
            login.name,
            home,
            unwritable,
            _unreadable(port, login),
        ),
        f"USER {said.value.user or 'not set'}, /etc/passwd",
    )


def _login(port: Port, user: str) -> _Login:
    """ "app", "1000", "1000:1000", "app:video"; an unknown name has no number, and the engine refuses to start it."""
    name, _, group = user.partition(":")
    rows = _colons(port, "/etc/passwd")
    row = next((r for r in rows if len(r) > 5 and (r[0] == name or (name.isdigit() and r[2] == name))), None)
    if not name:
        row = next((r for r in rows if len(r) > 5 and r[2] == "0"), None)
    uid = int(row[2]) if row and row[2].isdigit() else int(name) if name.isdigit() else 0 if not name else -1
    gids = [int(row[3])] if row and row[3].isdigit() else [0]
    for entry in _colons(port, "/etc/group"):
        if len(entry) > 3 and entry[2].isdigit():
            if group and group in (entry[0], entry[2]):
                gids.insert(0, int(entry[2]))
            elif row and row[0] in entry[3].split(","):
                gids.append(int(entry[2]))
    if group.isdigit() and int(group) not in gids:
        gids.insert(0, int(group))
    return _Login(uid, tuple(dict.fromkeys(gids)), row[0] if row else "", row[5] if row else "/")


def _colons(port: Port, path: str) -> list[list[str]]:
    try:
        return [line.split(":") for line in text(port, path).splitlines() if line and line[0] not in "#+-"]
    except OSError:
        return []


def _may(info: FileInfo, login: _Login, bit: int) -> bool:
    """`bit`: 4 read, 2 write, 1 search."""
    if login.uid == 0:
        return True
    if info.uid == login.uid:
        return bool(info.mode >> 6 & bit)
    return bool(info.mode >> 3 & bit) if info.gid in login.gids else bool(info.mode & bit)


def _reachable(port: Port, path: str, login: _Login) -> bool:
    """All folders above a path, its links resolved, may be passed through."""
    folder = port.realpath(path).rpartition("/")[0]
    while folder:
        try:
            if not _may(port.stat(folder), login, 1):
                return False
        except OSError:
            return False
        folder = folder.rpartition("/")[0]
    return True


def _writable(port: Port, path: str, login: _Login) -> bool:
    """It can be written, or be made in the nearest folder above it that exists."""
    place = port.realpath(path)
    while place and not exists(port, place):
        place = place.rpartition("/")[0]
    try:
        info = port.stat(place or "/")
    except OSError:
        return False
    return (
        info.kind == "dir"
        and _may(info, login, 2)
        and _may(info, login, 1)
        and _reachable(port, place, login)
    )


def _unreadable(port: Port, login: _Login) -> tuple[str, ...]:
    if login.uid == 0:
        return ()
    from gpudoctor.probes.libraries import FIELDS as LIBRARIES

    paths = [load.path for load in value_of(LIBRARIES["loads"](port), ()) if load.path]
    paths += [python.path for python in _pythons(port)]
    found = []
    for path in dict.fromkeys(paths):
        try:
            readable = _may(port.stat(path), login, 4) and _reachable(port, path, login)
        except OSError:
            continue
        if not readable:
            found.append(path)
    return tuple(found)


# ---------------------------------------------------------------- wheels


def _pythons(port: Port) -> Iterable[Interpreter]:
    from gpudoctor.probes.libraries import interpreters

    return value_of(interpreters(port), ())


def wheels(port: Port) -> Observed[tuple[WheelTag, ...]]:
    found = []
    for python in _pythons(port):
        listed: dict[str, dict[str, str]] = {}
        for package in value_of(python.packages, ()):
            folder = package.location
            if folder not in listed:
                listed[folder] = {
                    _plain(name): name for name in names(port, folder) if name.endswith(".dist-info")
                }
            name = listed[folder].get(_plain(f"{package.name}-{package.version}.dist-info"))
            tags = _tags(port, f"{folder}/{name}/WHEEL") if name else ()
            if tags:
                found.append(WheelTag(package.name, package.version, python.path, tags))
    return Known(tuple(found), "WHEEL of each dist-info")


def _plain(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _tags(port: Port, path: str) -> tuple[str, ...]:
    try:
        lines = text(port, path, 1 << 16).splitlines()
    except OSError:
        return ()
    return tuple(line[5:].strip() for line in lines if line.startswith("Tag: "))


FIELDS: dict[str, Callable[[Port], Observed[Any]]] = {
    "config": config,
    "layers": layers,
    "driver_files": driver_files,
    "account": account,
    "wheels": wheels,
    "waste": waste,
}
