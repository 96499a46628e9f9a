"""What an image is made of, as `docker save`, `podman save`, skopeo and BuildKit write it: a configuration and layers.

- docker archive: `manifest.json` names the configuration and the layers (https://github.com/moby/docker-image-spec).
- OCI layout, a folder or its tar: `index.json` leads to manifests under `blobs/` (https://github.com/opencontainers/image-spec).
- anything else that is a tar: one file system, as `docker export` writes it.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.image import Config, Layer
from gpudoctor.facts.observed import Absent, Known, Observed
from gpudoctor.system.image.port import About, FolderImage, LayeredImage
from gpudoctor.system.image.sources import Damaged, File, Part, Source, plain
from gpudoctor.system.image.tar import End, Entry, absolute, entries
from gpudoctor.system.image.tree import Tree

#: An image's own documents; a manifest of a hundred layers has 20 KB.
_DOCUMENT = 16 << 20
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
    if not any(os.path.isdir(f"{path}/{name}") for name in ("usr", "bin", "lib", "etc")):
        raise GpudoctorError(
            f"{path} is no image",
            context="neither an OCI layout (index.json, blobs) nor a root file system (usr, bin, etc)",
            note="nothing was judged",
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
    return _image(name, kind, reference, config, _there(layers), timeout)


def _oci(parts: _Parts, name: str, kind: str, platform: str, tag: str, timeout: float) -> LayeredImage:
    index = _document(parts, "index.json")
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
    return _image(name, kind, found[0][0], config, _there(layers), timeout)


def _manifests(parts: _Parts, index: Any, depth: int) -> list[tuple[str, str, Any]]:
    """(reference, platform, manifest) of every image in an index; attestations are no images."""
    found: list[tuple[str, str, Any]] = []
    for entry in (index.get("manifests") or ()) if isinstance(index, dict) else ():
        platform = entry.get("platform") or {}
        if platform.get("os") == "unknown":
            continue
        document = _document(parts, _blob(entry))
        notes = entry.get("annotations") or {}
        reference = str(
            notes.get("io.containerd.image.name") or notes.get("org.opencontainers.image.ref.name") or ""
        )
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


# ---------------------------------------------------------------- the image


def _image(
    name: str, kind: str, reference: str, config: Any, layers: list[tuple[str, Source]], timeout: float
) -> LayeredImage:
    if not isinstance(config, dict):
        raise Damaged("its configuration is no JSON object")
    settings, env = _config(config)
    tree = Tree()
    for source, found in _indexed(layers):
        tree.add(source, found)
    history = [h for h in config.get("history") or () if isinstance(h, dict) and not h.get("empty_layer")]
    lines = (
        [str(h.get("created_by", "")) for h in history] if len(history) == len(layers) else [""] * len(layers)
    )
    described = tuple(
        Layer(digest, content.size, content.files, content.hidden, line[:300])
        for (digest, _), content, line in zip(layers, tree.layers, lines, strict=True)
    )
    about = About(name, kind, Known(settings, "the image's configuration"), Known(described, name), reference)
    return LayeredImage(tree, about, env, timeout)


def _indexed(layers: Sequence[tuple[str, Source]]) -> list[tuple[Source, list[Entry]]]:
    """The entries of every layer, side by side: decompressing leaves the interpreter to the others."""
    from concurrent.futures import ThreadPoolExecutor

    def index(layer: tuple[str, Source]) -> tuple[Source, list[Entry]]:
        digest, packed = layer
        packed.name = f"layer {digest[:19]}"
        source = plain(packed, spooled)
        return source, [entry for entry in entries(source) if isinstance(entry, Entry)]

    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        return list(pool.map(index, layers))


def _flat(source: Source, parts: _InTar, name: str, timeout: float) -> LayeredImage:
    if not parts.end.marked:
        raise Damaged("it ends without the mark of an archive's end")
    if not any(
        parts.get(path) for path in ("etc/passwd", "etc/os-release", "usr/lib/os-release", "etc/group")
    ):
        raise Damaged("it holds neither manifest.json nor index.json, nor a root file system")
    tree = Tree()
    tree.add(source, [entry for entry in entries(source) if isinstance(entry, Entry)])
    nothing: Observed[Any] = Absent(f"{name}: an exported file system has no configuration")
    return LayeredImage(tree, About(name, "filesystem-archive", nothing, nothing), {}, timeout)


def _config(document: Mapping[str, Any]) -> tuple[Config, dict[str, str]]:
    inner = document.get("config") or {}
    pairs = (str(line).partition("=") for line in inner.get("Env") or ())
    env = {key: value for key, equals, value in pairs if equals}
    return (
        Config(
            env=env,
            user=str(inner.get("User") or ""),
            entrypoint=_words(inner.get("Entrypoint")),
            command=_words(inner.get("Cmd")),
            labels={str(k): str(v) for k, v in (inner.get("Labels") or {}).items()},
            working_dir=str(inner.get("WorkingDir") or ""),
            architecture=str(document.get("architecture") or ""),
            system=str(document.get("os") or ""),
            created=str(document.get("created") or ""),
        ),
        env,
    )


def _words(value: Any) -> tuple[str, ...]:
    return tuple(str(word) for word in value) if isinstance(value, list) else (str(value),) if value else ()


# ---------------------------------------------------------------- zstd


def spooled(source: Source) -> Source:
    """What a zstd stream holds, in a temporary file that has no name: its decoder can't be stopped and copied.

    Raises GpudoctorError where no decoder is there, OSError where the disk is full."""
    make = _zstd(source.name)
    decoder, at = make(), 0
    with tempfile.TemporaryFile(prefix="gpudoctor-") as file:
        while data := source.pread(1 << 20, at):
            at += len(data)
            while data:
                if decoder.eof:  # some tools write a frame for each file
                    decoder = make()
                try:
                    out = decoder.decompress(data)
                except Exception as error:
                    raise Damaged(f"{source.name} is damaged: {error}") from None
                file.write(out)
                data = decoder.unused_data if decoder.eof else b""
        if not decoder.eof:
            raise Damaged(f"{source.name} ends early: the zstd stream was cut short")
        file.flush()
        return File(os.dup(file.fileno()), source.name)


def _zstd(name: str) -> Callable[[], Any]:
    if sys.version_info >= (3, 14):
        from compression import zstd

        return zstd.ZstdDecompressor
    try:
        import zstandard
    except ImportError:
        raise GpudoctorError(
            f"{name} is compressed with zstd, which this Python can't read",
            note="nothing was judged",
            hint="install the package zstandard, or use Python 3.14",
        ) from None
    return lambda: zstandard.ZstdDecompressor().decompressobj()
