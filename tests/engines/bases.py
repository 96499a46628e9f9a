"""Root file systems for containers, made of this machine's own files: no registry is asked."""

from __future__ import annotations

import io
import os
import re
import subprocess
import sys
import tarfile
from collections.abc import Mapping
from pathlib import Path

#: Of the standard library what no program of ours needs.
_LEFT_OUT = {
    "test",
    "idlelib",
    "tkinter",
    "turtledemo",
    "ensurepip",
    "lib2to3",
    "site-packages",
    "__pycache__",
}
_FOLDERS = ("bin", "dev", "etc", "proc", "sys", "tmp", "usr/bin")


def python_root(busybox: str, more: Mapping[str, str] | None = None) -> bytes:
    """A tar with the interpreter that runs this, its standard library, the shared objects that these need, and busybox's sh.

    `more`: path -> text of further programs, such as /bin/gpudoctor."""
    files: dict[str, bytes] = {}
    interpreter = os.path.realpath(getattr(sys, "_base_executable", sys.executable))
    library = Path(os.__file__).parent
    objects = [interpreter]
    for place, folders, names in os.walk(library):
        folders[:] = [f for f in folders if f not in _LEFT_OUT and not f.startswith("config-")]
        for name in names:
            path = os.path.join(place, name)
            objects += [path] if name.endswith(".so") else []
            files[path] = Path(path).read_bytes()
    for path in (interpreter, *shared(objects)):
        files[path] = Path(path).read_bytes()
    links = {"/usr/bin/python3": interpreter, "/bin/sh": "/bin/busybox", "/bin/sleep": "/bin/busybox"}
    files["/bin/busybox"] = Path(busybox).read_bytes()
    return packed(files, links, more or {})


def busybox_root(busybox: str, more: Mapping[str, str] | None = None) -> bytes:
    links = {f"/bin/{name}": "/bin/busybox" for name in ("sh", "sleep", "cat", "echo")}
    return packed({"/bin/busybox": Path(busybox).read_bytes()}, links, more or {})


def shared(objects: list[str]) -> list[str]:
    """What the loader would map for these, by the paths under which it finds it."""
    said = subprocess.run(["ldd", *objects], capture_output=True, text=True, timeout=120).stdout
    return sorted(set(re.findall(r"(?:=> |^\s+)(/\S+) \(0x", said, re.M)))


def packed(files: Mapping[str, bytes], links: Mapping[str, str], programs: Mapping[str, str]) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for folder in _FOLDERS:
            info = tarfile.TarInfo(folder)
            info.type, info.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(info)
        for path, content in sorted({**files, **{p: t.encode() for p, t in programs.items()}}.items()):
            info = tarfile.TarInfo(path.lstrip("/"))
            info.size, info.mode = len(content), 0o755
            tar.addfile(info, io.BytesIO(content))
        for path, target in links.items():
            info = tarfile.TarInfo(path.lstrip("/"))
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
    return buffer.getvalue()
