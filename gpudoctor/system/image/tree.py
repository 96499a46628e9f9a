"""The layers of an image as one file system, from their indexes alone: whiteouts, opaque folders, hard links.

https://github.com/opencontainers/image-spec/blob/main/layer.md: a file `.wh.NAME` removes NAME of the layers below, a file
`.wh..wh..opq` removes all that they have in its folder; neither touches what its own layer brings.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gpudoctor.system.image.sources import Damaged, Part, Source
from gpudoctor.system.image.tar import Entry, Kind

WHITEOUT, OPAQUE = ".wh.", ".wh..wh..opq"
#: A folder that no layer mentions, and the root where none does.
_FOLDER = Entry("/", "dir", 0o755, 0, 0, 0, 0.0, "", 0)


class Node:
    """A file, folder or link. `layer`: the number of the layer that brought it."""

    __slots__ = ("children", "entry", "layer", "source")

    def __init__(self, entry: Entry, layer: int, source: Source | None) -> None:
        self.entry, self.layer, self.source = entry, layer, source
        self.children: dict[str, Node] = {}

    @property
    def kind(self) -> Kind:
        return self.entry.kind

    def bytes(self) -> Part:
        assert self.source is not None
        return Part(self.source, self.entry.offset, self.entry.size, self.entry.path)

    def walk(self, path: str = "") -> Iterator[tuple[str, Node]]:
        """Everything below, in the order of names, with its path. Without recursion: an archive nests as deep as it likes."""
        todo = [(f"{path}/{name}", self.children[name]) for name in sorted(self.children, reverse=True)]
        while todo:
            at, node = todo.pop()
            yield at, node
            todo += [(f"{at}/{name}", node.children[name]) for name in sorted(node.children, reverse=True)]


class Content:
    """What one layer holds: files counted, their bytes, and of these what later layers hide."""

    def __init__(self) -> None:
        self.files = self.size = self.hidden = 0


class Tree:
    """The merged file system. Layers are added from the lowest."""

    def __init__(self) -> None:
        self.root = Node(_FOLDER, -1, None)
        self.layers: list[Content] = []

    def add(self, source: Source, found: Sequence[Entry]) -> None:
        """`found`: the entries of `source`. Raises Damaged."""
        number = len(self.layers)
        self.layers.append(Content())
        for entry in found:
            self._white_out(entry)
        for entry in found:
            if not entry.path.rpartition("/")[2].startswith(WHITEOUT):
                self._put(entry, number, source)

    def _white_out(self, entry: Entry) -> None:
        folder, _, name = entry.path.rpartition("/")
        if not name.startswith(WHITEOUT):
            return
        parent = self.find(folder)
        if parent is None:
            return
        if name == OPAQUE:
            for child in list(parent.children):
                self._remove(parent, child)
        elif name[len(WHITEOUT) :] in parent.children:
            self._remove(parent, name[len(WHITEOUT) :])

    def _remove(self, parent: Node, name: str) -> None:
        gone = parent.children.pop(name)
        for node in [gone, *(n for _, n in gone.walk())]:
            if node.kind == "file" and node.layer >= 0:
                self.layers[node.layer].hidden += node.entry.size

    def _put(self, entry: Entry, number: int, source: Source) -> None:
        if entry.path == "/":
            self.root.entry = entry.replace(kind="dir")
            return
        folder, _, name = entry.path.rpartition("/")
        parent = self._folder(folder)
        if entry.kind == "hardlink":
            target = self.find(entry.target)
            if target is None or target.kind != "file":
                raise Damaged(
                    f"{source.name}: {entry.path} is a hard link to {entry.target}, which is not there"
                )
            node = Node(target.entry, number, target.source)
        else:
            node = Node(entry, number, source)
            content = self.layers[number]
            if entry.kind == "file":
                content.files, content.size = content.files + 1, content.size + entry.size
        old = parent.children.get(name)
        if old is not None and old.kind == "dir" and node.kind == "dir":
            old.entry = entry
            return
        if old is not None:
            self._remove(parent, name)
        parent.children[name] = node

    def _folder(self, path: str) -> Node:
        """The folder of that path, made where it is missing. A layer's own link on the way was there first: some tools
        write "lib/x" below the link "lib -> usr/lib" of a lower layer, and mean the folder that it shows to."""
        node, at = self.root, ""
        for name in path.split("/")[1:] if path else ():
            at = f"{at}/{name}"
            child = node.children.get(name)
            if child is not None and child.kind == "link":
                child = self._linked(node, at, child)
            if child is None or child.kind != "dir":
                if name in node.children:
                    self._remove(node, name)
                child = Node(_FOLDER, -1, None)
                node.children[name] = child
            node = child
        return node

    def _linked(self, parent: Node, path: str, link: Node) -> Node | None:
        target = link.entry.target
        whole = target if target.startswith("/") else f"{path.rpartition('/')[0]}/{target}"
        parts: list[str] = []
        for part in whole.split("/"):
            if part == "..":
                parts = parts[:-1]
            elif part not in ("", "."):
                parts.append(part)
        return self.find("/" + "/".join(parts)) if parts else self.root

    def find(self, path: str) -> Node | None:
        """By its own name: no link is followed."""
        node = self.root
        for name in path.split("/"):
            if name:
                found = node.children.get(name)
                if found is None:
                    return None
                node = found
        return node
