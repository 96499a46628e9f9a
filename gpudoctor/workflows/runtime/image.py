"""The image of the throwaway container: this machine's own shell and C library, and nothing else. No registry is asked.

It is an archive as `docker save` writes it, which docker, podman and ctr all load.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import platform
import tarfile

from gpudoctor.errors import GpudoctorError
from gpudoctor.parsers import elf
from gpudoctor.system import loader
from gpudoctor.system.live import Live

NAME = "gpudoctor/prove"
#: The driver's own programs need these beside the shell's libraries; they are not in the driver.
_LIBRARIES = ("libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1")
_LOADERS = (
    "/lib64/ld-linux-x86-64.so.2",
    "/lib/ld-linux-aarch64.so.1",
    "/lib/ld-musl-x86_64.so.1",
    "/lib/ld-musl-aarch64.so.1",
)
_FOLDERS = ("etc", "tmp", "proc", "sys", "dev", "run", "usr/bin", "usr/sbin", "usr/lib", "var")
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


class Image:
    """`tag` is the image's name with a tag of its contents; `archive` its bytes (about 4 MiB)."""

    def __init__(self) -> None:
        layer = _layer()
        digest = hashlib.sha256(layer).hexdigest()
        self.tag = f"{NAME}:{digest[:12]}"
        machine = platform.machine()
        config = json.dumps(
            {
                "architecture": _ARCHITECTURES.get(machine, machine),
                "os": "linux",
                "config": {
                    "Env": ["PATH=/usr/local/nvidia/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
                    "Cmd": ["/bin/sh"],
                },
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
                "history": [{"created_by": "gpudoctor runtime prove"}],
            }
        ).encode()
        name = f"{hashlib.sha256(config).hexdigest()}.json"
        manifest = [{"Config": name, "RepoTags": [self.tag], "Layers": ["layer.tar"]}]
        self.archive = _tar(
            {name: config, "layer.tar": layer, "manifest.json": json.dumps(manifest).encode()}
        )


def _layer() -> bytes:
    port = Live(env={})
    files: dict[str, bytes] = {}
    todo = ["/bin/sh"]
    for soname in _LIBRARIES:
        todo += [found.path for found in loader.find(port, soname)[:1]]
    while todo:
        path = todo.pop()
        if path in files:
            continue
        try:
            with open(path, "rb") as file:
                files[path] = file.read()
            needed = elf.read(io.BytesIO(files[path])).needed
        except (OSError, ValueError) as error:
            raise _cannot(f"{path}: {error}") from None
        for soname in needed:
            found = loader.find(port, soname)
            if found:
                todo.append(found[0].path)
            elif not soname.startswith("ld-"):
                raise _cannot(f"{soname}, which {path} needs, was not found")
    for path in filter(os.path.isfile, _LOADERS):
        with open(path, "rb") as file:
            files[path] = file.read()
    return _tar({path.lstrip("/"): content for path, content in files.items()}, folders=True)


def _cannot(why: str) -> GpudoctorError:
    return GpudoctorError(
        "an image for the throwaway container can't be made of this machine's files",
        context=why,
        hint="--image NAME takes one that the engine has already (it needs /bin/sh)",
    )


def _tar(files: dict[str, bytes], folders: bool = False) -> bytes:
    """The same bytes for the same files: times and owners are zero."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
        for name in _FOLDERS if folders else ():
            info = tarfile.TarInfo(name)
            info.type, info.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            tar.addfile(info)
        for name, content in sorted(files.items()):
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o755
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()
