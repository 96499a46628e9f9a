"""An image as a port: its merged layers answer what probes ask; a file's bytes are read where they lie in the archive."""

from __future__ import annotations

import errno
import io
import os
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import IO, cast

from gpudoctor.facts.image import Config, Layer
from gpudoctor.facts.observed import Absent, Observed
from gpudoctor.facts.record import Record
from gpudoctor.system.image.sources import Damaged, Reader
from gpudoctor.system.image.tree import Node, Tree
from gpudoctor.system.live import Memo, file_info
from gpudoctor.system.port import TEXT_LIMIT, FileInfo, NotHere, Options, Ran
from gpudoctor.system.root import MAX_LINKS, VIRTUAL, Root


class About(Record):
    """What is known of an image beside its files; see `gpudoctor.facts.image.Image`."""

    name: str
    kind: str
    config: Observed[Config]
    layers: Observed[tuple[Layer, ...]]
    reference: str = ""


class LayeredImage:
    """The image's own environment is the environment. Links resolve inside it, and nothing is run."""

    live = False

    def __init__(self, tree: Tree, about: About, env: Mapping[str, str], timeout: float = 120.0) -> None:
        self.prefix = about.name
        self.env: Mapping[str, str] = dict(env)
        self.options = Options()
        self.image = about
        self._tree = tree
        self._deadline = time.monotonic() + timeout
        self.memo = Memo()

    def remaining(self) -> float:
        return max(0.0, self._deadline - time.monotonic())

    def walk(self) -> Iterator[tuple[str, FileInfo]]:
        """Every file, link and folder, by its own path."""
        for path, node in self._tree.root.walk():
            yield path, _info(node)

    def _resolve(self, path: str, follow: bool) -> tuple[str, Node | None]:
        """The path without links, and what lies there. Raises OSError for a loop."""
        todo = [part for part in path.split("/") if part not in ("", ".")][::-1]
        at: list[str] = []
        nodes: list[Node | None] = [self._tree.root]
        links = 0
        while todo:
            part = todo.pop()
            if part == "..":
                if at:
                    at.pop()
                    nodes.pop()
                continue
            here = nodes[-1]
            node = here.children.get(part) if here is not None and here.kind == "dir" else None
            if node is not None and node.kind == "link" and (todo or follow):
                links += 1
                if links > MAX_LINKS:
                    raise OSError(errno.ELOOP, "too many levels of symbolic links", path)
                target = node.entry.target
                if target.startswith("/"):
                    at, nodes = [], [self._tree.root]
                todo += [piece for piece in target.split("/") if piece not in ("", ".")][::-1]
                continue
            at.append(part)
            nodes.append(node)
        return "/" + "/".join(at), nodes[-1]

    def _node(self, path: str, follow: bool = True) -> Node:
        resolved, node = self._resolve(path, follow)
        for virtual in VIRTUAL:
            if (resolved + "/").startswith(virtual.folder + "/") and self._tree.find(virtual.marker) is None:
                raise NotHere(f"{resolved}: {virtual.folder} is a running machine's")
        if node is None:
            raise FileNotFoundError(errno.ENOENT, "no such file", path)
        return node

    def read(self, path: str, limit: int = TEXT_LIMIT) -> bytes:
        node = self._file(path)
        try:
            return node.bytes().pread(min(limit, node.entry.size), 0)
        except Damaged as error:
            raise OSError(errno.EIO, str(error), path) from None

    def open(self, path: str) -> IO[bytes]:
        node = self._file(path)
        reader = Reader(node.bytes(), node.entry.size)
        return cast("IO[bytes]", _Buffered(reader, 1 << 14))

    def _file(self, path: str) -> Node:
        node = self._node(path)
        if node.kind != "file":
            raise OSError(errno.EINVAL, "not a regular file", path)
        return node

    def listdir(self, path: str) -> list[str]:
        node = self._node(path)
        if node.kind != "dir":
            raise NotADirectoryError(errno.ENOTDIR, "not a folder", path)
        return sorted(node.children)

    def stat(self, path: str, follow: bool = True) -> FileInfo:
        return _info(self._node(path, follow))

    def readlink(self, path: str) -> str:
        node = self._node(path, follow=False)
        if node.kind != "link":
            raise OSError(errno.EINVAL, "not a link", path)
        return node.entry.target

    def realpath(self, path: str) -> str:
        try:
            return self._resolve(path, follow=True)[0]
        except OSError:
            return path

    def space(self, path: str) -> tuple[int, int]:
        raise NotHere(f"{path}: sizes of file systems are the running machine's")

    def try_open(self, path: str) -> str:
        raise NotHere("an image has no devices")

    def run(
        self,
        argv: Sequence[str],
        timeout: float,
        env: Mapping[str, str] | None = None,
        stdin: bytes = b"",
        cwd: str | None = None,
    ) -> Ran:
        raise NotHere("nothing is executed in an image that is verified")


class _Buffered(io.BufferedReader):
    """With `pread`, past the buffer: headers of GPU code lie far apart."""

    raw: Reader

    def pread(self, size: int, offset: int) -> bytes:
        return self.raw.pread(size, offset)


class FolderImage(Root):
    """An unpacked image: files without a configuration."""

    def __init__(self, folder: str, env: Mapping[str, str], timeout: float = 120.0) -> None:
        super().__init__(folder, timeout, env)
        nothing = Absent(f"{folder}: an unpacked folder has no configuration")
        self.image = About(folder, "folder", nothing, nothing)

    def walk(self) -> Iterator[tuple[str, FileInfo]]:
        for folder, folders, files in os.walk(self.prefix):
            path = folder[len(self.prefix) :]
            if not path:
                folders[:] = [name for name in folders if name not in ("proc", "sys", "dev")]
            for name in sorted((*folders, *files)):
                try:
                    yield f"{path}/{name}", file_info(os.lstat(f"{folder}/{name}"))
                except OSError:
                    continue


def _info(node: Node) -> FileInfo:
    entry = node.entry
    kind = entry.kind if entry.kind not in ("hardlink",) else "file"
    return FileInfo(
        kind, entry.mode, entry.uid, entry.gid, entry.size, entry.mtime, entry.mtime, 0, 0, id(node.entry)
    )
