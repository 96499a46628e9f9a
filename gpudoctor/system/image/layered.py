"""An image of its configuration and its layers: indexed side by side, merged, and opened as a port."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from typing import Any

from gpudoctor.facts.image import Config, Layer
from gpudoctor.facts.observed import Known
from gpudoctor.system.image.folders import Folder
from gpudoctor.system.image.port import About, LayeredImage
from gpudoctor.system.image.sources import Damaged, Source, plain
from gpudoctor.system.image.tar import Entry, entries
from gpudoctor.system.image.tree import Tree
from gpudoctor.system.image.zstd import spooled


def image_of(
    name: str, kind: str, reference: str, config: Any, layers: list[tuple[str, Source]], timeout: float
) -> LayeredImage:
    """`layers`: (digest, an archive or a Folder), the lowest first. Raises Damaged, OSError, NotInPlace."""
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
        if isinstance(packed, Folder):
            return packed, packed.entries()
        source = plain(packed, spooled)
        return source, [entry for entry in entries(source) if isinstance(entry, Entry)]

    with ThreadPoolExecutor(min(4, os.cpu_count() or 1)) as pool:
        return list(pool.map(index, layers))


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
