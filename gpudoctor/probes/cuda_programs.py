"""Following a program's name to the file that really runs, without running anything."""

from __future__ import annotations

import re

from gpudoctor.facts.cuda import NOT_THERE
from gpudoctor.facts.observed import Known, Observed, Unknown
from gpudoctor.facts.record import Record
from gpudoctor.parsers import cuda_version, wrapper
from gpudoctor.system.port import Port, is_dir, is_file, observe

#: More hops than this is a loop of wrappers.
MAX_HOPS = 8
_WINDOWS = re.compile(r"/mnt/[a-z]/")
#: Compiler caches are links under the compiler's name; they run the next one of that name on PATH.
CACHES = ("ccache", "sccache", "distcc", "icecc")


class Followed(Record):
    """Where a program's path leads. `real_path` is "" when it ends nowhere; `problem` then says where it stopped, and
    `understood` is False when a wrapper did something that we can't follow (then nothing is known)."""

    real_path: str
    through: tuple[str, ...] = ()
    problem: str = ""
    understood: bool = True


def follow(port: Port, path: str, program: str) -> Followed:
    """Through links, wrapper scripts and compiler caches, to the file that runs."""
    hops: list[str] = []
    seen: set[str] = set()
    for _ in range(MAX_HOPS):
        real = port.realpath(path)
        if real != path:
            hops.append(f"{path} -> {real}")
        if real in seen:
            return Followed("", tuple(hops), f"{path} leads back to itself")
        seen.add(real)
        if not is_file(port, real):
            return Followed("", tuple(hops), f"{real} {NOT_THERE}")
        name = real.rpartition("/")[2]
        if name in CACHES and program not in CACHES:
            behind = next((p for p in on_path(port, program) if port.realpath(p) != real), None)
            if behind is None:
                return Followed("", tuple(hops), f"{name} finds no {program} behind it on PATH")
            hops.append(f"{name} runs {behind}")
            path = behind
            continue
        target = _script_target(port, real, program)
        if isinstance(target, Known):
            hops.append(f"{real} runs {target.value}")
            path = target.value
            continue
        if isinstance(target, Unknown):
            return Followed("", tuple(hops), target.reason, understood=False)
        return Followed(real, tuple(hops))
    return Followed("", tuple(hops), "too many wrappers")


def _script_target(port: Port, path: str, program: str) -> Observed[str]:
    """Absent when it is no script."""
    from gpudoctor.facts.observed import Absent

    head = observe(lambda: port.read(path, 4096), path)
    if isinstance(head, Unknown):
        return head
    if isinstance(head, Absent) or head.value[:2] != b"#!":
        return Absent(path)
    target = wrapper.handed_to(head.value.decode("utf-8", "replace"), program, port.env)
    return Known(target, path) if target else Unknown(f"{path} is a script that does more than run {program}")


def on_path(port: Port, program: str) -> list[str]:
    """Every executable of that name on PATH, in order, as spelled there; links that lead nowhere are left out."""
    return port.memo(f"on-path {program}", lambda: _on_path(port, program))


def _on_path(port: Port, program: str) -> list[str]:
    found = []
    for folder in port.memo("path-folders", lambda: _path_folders(port)):
        candidate = f"{folder or '.'}/{program}"
        try:
            info = port.stat(candidate)
        except OSError:
            continue
        if info.kind == "file" and info.mode & 0o111:
            found.append(candidate)
    return found


def _path_folders(port: Port) -> list[str]:
    """PATH without Windows' folders on WSL: each look into one costs a millisecond, and no Linux program is there."""
    folders = list(dict.fromkeys(port.env.get("PATH", "").split(":")))
    if any(_WINDOWS.match(f) for f in folders) and is_dir(port, "/usr/lib/wsl"):
        return [f for f in folders if not _WINDOWS.match(f)]
    return folders


def program_version(port: Port, path: str) -> Observed[str]:
    """The CUDA version in a toolkit's program ("13.0.88"), read from its file."""
    return port.memo(f"program-version {path}", lambda: observe(lambda: _version(port, path), path))


def _version(port: Port, path: str) -> str:
    import mmap

    with port.open(path) as file:
        if hasattr(file, "pread"):  # within an image's archive, where nothing can be mapped
            return cuda_version.from_program(file.read())
        try:
            data = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except ValueError:
            raise ValueError("an empty file") from None
        with data:
            return cuda_version.from_program(data)
