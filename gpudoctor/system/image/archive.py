"""What an image is made of, as `docker save`, `podman save`, skopeo and BuildKit write it: a configuration and layers.

- docker archive: `manifest.json` names the configuration and the layers (https://github.com/moby/docker-image-spec).
- OCI layout, a folder or its tar: `index.json` leads to manifests under `blobs/` (https://github.com/opencontainers/image-spec).
- anything else that is a tar: one file system, as `docker export` writes it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from typing import Any, Protocol

from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.observed import Absent, Observed
from gpudoctor.system.image.layered import image_of
from gpudoctor.system.image.port import About, FolderImage, LayeredImage
from gpudoctor.system.image.sources import Damaged, File, Part, Source, plain
from gpudoctor.system.image.tar import End, Entry, absolute, entries
from gpudoctor.system.image.tree import Tree
from gpudoctor.system.image.zstd import spooled

#: The annotation that holds an image's name.
_NAME = "io.containerd.image.name"
#: An image's own documents; a manifest of a hundred layers has 20 KB.
_DOCUMENT = 16 << 20
#: A root file system has one of these at the least, however small it was made. Where there is none nothing is said of it: rules
#: that find nothing in a folder of somebody's would call it well.
_MARKERS = (
    "etc/passwd", "etc/group", "etc/os-release", "usr/lib/os-release", "etc/ld.so.cache", "bin/sh", "usr/bin/env", "bin/busybox",
)  # fmt: skip
#: This machine's name for a processor -> an image's.
_ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64", "arm64": "arm64", "AMD64": "amd64"}


class _Parts(Protocol):
    """The files of an archive or of a layout's folder."""

    def get(self, name: str) -> Source | None: ...


class _InTar:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._found: dict[str, Entry] = {}
        self.end = End(0, False)
        for entry in entries(source):
            if isinstance(entry, End):
                self.end = entry
            else:
                self._found[entry.path] = entry

    def has(self, name: str) -> bool:
        return absolute(name) in self._found

    def get(self, name: str) -> Source | None:
        path = absolute(name)
        for _ in range(8):  # older engines write a layer that two images share once, and a link to it
            entry = self._found.get(path)
            if entry is None:
                return None
            if entry.kind == "file":
                return Part(self._source, entry.offset, entry.size, name)
            if entry.kind == "hardlink":
                path = entry.target
            elif entry.kind == "link":
                path = os.path.normpath(f"{path.rpartition('/')[0]}/{entry.target}")
            else:
                return None
        return None


class _InFolder:
    def __init__(self, folder: str) -> None:
        self._folder = folder

    def get(self, name: str) -> Source | None:
        path = self._folder + absolute(name)
        try:
            return File(os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK), path)
        except FileNotFoundError:
            return None


def open_image(
    path: str, platform: str = "", tag: str = "", timeout: float = 120.0
) -> LayeredImage | FolderImage:
    """`path` of an archive or a folder. `platform` "linux/arm64" and `tag` choose where there are several images.

    Raises GpudoctorError for what is no image, is cut short, or holds several images and no choice."""
    try:
        if os.path.isdir(path):
            return _of_folder(path, platform, tag, timeout)
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except OSError as error:
        raise GpudoctorError(f"{path} can't be read: {error.strerror or error}") from None
    return open_descriptor(descriptor, path, platform, tag, timeout)


def open_descriptor(
    descriptor: int, name: str, platform: str = "", tag: str = "", timeout: float = 120.0
) -> LayeredImage:
    """As `open_image`, of an archive that is open already (and may have no name any more)."""
    try:
        source = plain(File(descriptor, name), spooled)
        parts = _InTar(source)
        if parts.get("manifest.json") is not None:
            return _docker(parts, name, "docker-archive", platform, tag, timeout)
        if parts.get("index.json") is not None:
            return _oci(parts, name, "oci-archive", platform, tag, timeout)
        return _flat(source, parts, name, timeout)
    except Damaged as error:
        raise _cut(name, error) from None
    except (AttributeError, KeyError, TypeError) as error:
        raise _misshapen(name, error) from error
    except OSError as error:
        raise GpudoctorError(f"{name} can't be read: {error.strerror or error}") from None


def _cut(name: str, error: Damaged) -> GpudoctorError:
    return GpudoctorError(
        f"{name} is no whole image: {error}",
        note="nothing was judged",
        hint="make it again (`docker save -o image.tar IMAGE`), and compare sizes after copying it",
    )


def _misshapen(name: str, error: Exception) -> GpudoctorError:
    """JSON that is none of an image's: a list where a name belongs."""
    return GpudoctorError(
        f"{name} is no image: a document in it has another shape ({error})", note="nothing was judged"
    )


def _of_folder(path: str, platform: str, tag: str, timeout: float) -> LayeredImage | FolderImage:
    parts = _InFolder(path)
    try:
        if os.path.isfile(f"{path}/index.json") and os.path.isdir(f"{path}/blobs"):
            return _oci(parts, path, "oci-layout", platform, tag, timeout)
        if os.path.isfile(f"{path}/manifest.json") and not os.path.isdir(f"{path}/etc"):
            return _docker(parts, path, "docker-archive", platform, tag, timeout)
    except Damaged as error:
        raise _cut(path, error) from None
    except (AttributeError, KeyError, TypeError) as error:
        raise _misshapen(path, error) from error
    # By their own names: a link to /usr/lib/os-release must not lead out of the folder.
    if not any(os.path.lexists(f"{path}/{marker}") for marker in _MARKERS):
        raise GpudoctorError(
            f"{path} is no image",
            context="neither an OCI layout (index.json, blobs) nor a root file system: it has none of "
            + ", ".join(_MARKERS),
            note="nothing was judged",
            hint="give the top of an unpacked image, a file of `docker save`, or an image's name",
        )
    return FolderImage(path, {}, timeout)


# ---------------------------------------------------------------- documents


def _document(parts: _Parts, name: str) -> Any:
    source = parts.get(name)
    if source is None:
        raise Damaged(f"{name} is not in it")
    try:
        return json.loads(source.pread(_DOCUMENT, 0))
    except ValueError as error:
        raise Damaged(f"{name} is no JSON ({error})") from None


def _docker(parts: _Parts, name: str, kind: str, platform: str, tag: str, timeout: float) -> LayeredImage:
    listed = _document(parts, "manifest.json")
    images = [i for i in listed if isinstance(i, dict)] if isinstance(listed, list) else []
    tags = [", ".join(i.get("RepoTags") or ()) or "without a tag" for i in images]
    if tag:
        images = [i for i in images if tag in (i.get("RepoTags") or ())]
    if len(images) != 1:
        raise _which(name, tags, tag, "--tag")
    one = images[0]
    config = _document(parts, str(one.get("Config", "")))
    wanted = [str(layer) for layer in one.get("Layers") or ()]
    reference = next(iter(one.get("RepoTags") or ()), "")
    layers = [(layer.removesuffix("/layer.tar").rpartition("/")[2], parts.get(layer)) for layer in wanted]
    return image_of(name, kind, reference, config, _there(layers), timeout)


def _oci(parts: _Parts, name: str, kind: str, platform: str, tag: str, timeout: float) -> LayeredImage:
    return _of_index(parts, _document(parts, "index.json"), name, kind, platform, tag, timeout)


def of_blobs(folder: str, digest: str, name: str, platform: str, timeout: float) -> LayeredImage:
    """Of a content store: `digest` is an index or a manifest among the folder's `blobs`. Of an index that is fetched in part
    those images count that are there. Raises Damaged, GpudoctorError."""
    parts = _InFolder(folder)
    document = _document(parts, _blob({"digest": digest}))
    entries = document.get("manifests", [{"digest": digest}])
    there = [entry for entry in entries if parts.get(_blob(entry)) is not None]
    index = {"manifests": [{**entry, "annotations": {_NAME: name}} for entry in there]}
    return _of_index(parts, index, name, "engine", platform, "", timeout)


def _of_index(
    parts: _Parts, index: Any, name: str, kind: str, platform: str, tag: str, timeout: float
) -> LayeredImage:
    found = list(_manifests(parts, index, 0))
    if tag:
        found = [m for m in found if tag in m[0]]
    wanted = platform or f"linux/{_ARCHITECTURES.get(os.uname().machine, os.uname().machine)}"
    if len(found) > 1:
        found = [m for m in found if m[1] == wanted] or (found if not platform else [])
    elif platform and found and found[0][1] not in ("", platform):
        found = []
    if len(found) != 1:
        listed = [
            " ".join(p for p in (reference, its) if p) for reference, its, _ in _manifests(parts, index, 0)
        ]
        raise _which(name, listed, platform or tag, "--platform or --tag")
    manifest = found[0][2]
    config = _document(parts, _blob(manifest.get("config")))
    layers = []
    for layer in manifest.get("layers") or ():
        source = parts.get(_blob(layer))
        size = layer.get("size")
        if source is not None and isinstance(size, int) and getattr(source, "size", size) != size:
            raise Damaged(f"layer {layer.get('digest')} has {getattr(source, 'size', 0)} bytes, not {size}")
        layers.append((str(layer.get("digest", "")), source))
    return image_of(name, kind, found[0][0], config, _there(layers), timeout)


def _manifests(parts: _Parts, index: Any, depth: int) -> list[tuple[str, str, Any]]:
    """(reference, platform, manifest) of every image in an index; attestations are no images."""
    found: list[tuple[str, str, Any]] = []
    for entry in (index.get("manifests") or ()) if isinstance(index, dict) else ():
        platform = entry.get("platform") or {}
        if platform.get("os") == "unknown":
            continue
        document = _document(parts, _blob(entry))
        notes = entry.get("annotations") or {}
        reference = str(notes.get(_NAME) or notes.get("org.opencontainers.image.ref.name") or "")
        if "manifests" in document:
            if depth < 4:
                inner = _manifests(parts, document, depth + 1)
                found += [(own or reference, its, m) for own, its, m in inner]
        elif "config" in document and "layers" in document:
            system, machine = platform.get("os", ""), platform.get("architecture", "")
            found.append((reference, f"{system}/{machine}" if system else "", document))
    return found


def _blob(descriptor: Any) -> str:
    digest = str((descriptor or {}).get("digest", ""))
    algorithm, _, value = digest.partition(":")
    if not algorithm.isalnum() or not value.isalnum():
        raise Damaged(f"{digest[:80]!r} is no digest")
    return f"blobs/{algorithm}/{value}"


def _which(name: str, there: Sequence[str], wanted: str, option: str) -> GpudoctorError:
    if not there:
        return GpudoctorError(f"there is no image in {name}", note="nothing was judged")
    return GpudoctorError(
        f"{name} holds no image {wanted!r}" if wanted else f"{name} holds {len(there)} images",
        context=f"in it: {'; '.join(there[:8])}",
        note="nothing was judged",
        hint=f"choose one with {option}",
    )


def _there(layers: Sequence[tuple[str, Source | None]]) -> list[tuple[str, Source]]:
    missing = [digest for digest, source in layers if source is None]
    if missing:
        raise Damaged(f"layer {missing[0]} is not in it")
    return [(digest, source) for digest, source in layers if source is not None]


# ---------------------------------------------------------------- an exported file system


def _flat(source: Source, parts: _InTar, name: str, timeout: float) -> LayeredImage:
    if not parts.end.marked:
        raise Damaged("it ends without the mark of an archive's end")
    if not any(parts.has(path) for path in _MARKERS):
        raise Damaged("it holds neither manifest.json nor index.json, nor a root file system")
    tree = Tree()
    tree.add(source, [entry for entry in entries(source) if isinstance(entry, Entry)])
    nothing: Observed[Any] = Absent(f"{name}: an exported file system has no configuration")
    return LayeredImage(tree, About(name, "filesystem-archive", nothing, nothing), {}, timeout)
