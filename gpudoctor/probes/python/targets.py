"""The GPU code in a library's binary, remembered between runs by path, size and time of change.

The memory is a file of a few kilobytes in the user's cache folder. It is a convenience: whatever is wrong with it (not
writable, damaged, of another format), the library is read again.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from gpudoctor.facts.frameworks import Targets
from gpudoctor.facts.observed import Known, Observed
from gpudoctor.system.port import Port, observe

FORMAT = 1
#: More libraries than this are forgotten, oldest first: the file stays small.
MOST_ENTRIES = 64
#: A library smaller than this is read faster than the cache (bytes).
WORTH_REMEMBERING = 32 << 20


def fatbin_targets(port: Port, path: str) -> Observed[Targets]:
    """Absent when the file is not there; Unknown when it is no readable ELF file."""
    return port.memo(f"fatbin:{path}", lambda: observe(lambda: _targets(port, path), path))


def _targets(port: Port, path: str) -> Targets:
    from gpudoctor.parsers import fatbin

    info = port.stat(path)
    store = cache_file(port) if info.size >= WORTH_REMEMBERING else ""
    key = f"{port.realpath(path)}|{info.size}|{info.mtime}"
    if store:
        remembered = _recall(store, key)
        if remembered is not None:
            return remembered.replace(library=path)
    with port.open(path) as file:
        found = fatbin.read(file, path)
    if store:
        _remember(store, key, found)
    return found


def cache_file(port: Port) -> str:
    """Empty where nothing may be remembered: another root, or a user without a home."""
    if not port.live or port.prefix:
        return ""
    folder = port.env.get("XDG_CACHE_HOME", "")
    if not folder.startswith("/"):
        home = port.env.get("HOME", "")
        folder = f"{home}/.cache" if home.startswith("/") else ""
    return f"{folder}/gpudoctor/fatbins.json" if folder else ""


def _load(store: str) -> dict[str, Any]:
    import json

    try:
        with open(store, encoding="utf-8") as file:
            content = json.load(file)
    except (OSError, ValueError, RecursionError):
        return {}
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        return {}
    entries = content.get("entries")
    return entries if isinstance(entries, dict) else {}


def _recall(store: str, key: str) -> Targets | None:
    from gpudoctor.codec import CodecError, decode

    entry = _load(store).get(key)
    if not isinstance(entry, Mapping):
        return None
    try:
        found = decode(Targets, entry)
    except CodecError:
        return None
    # Decoding fills what is missing with defaults; an entry without its counts is not one of ours.
    return found if found.via == "fatbin" and isinstance(found.serving, Known) else None


def _remember(store: str, key: str, found: Targets) -> None:
    import json

    from gpudoctor.codec import encode

    entries = _load(store)
    entries.pop(key, None)
    entries[key] = encode(found)
    for old in list(entries)[:-MOST_ENTRIES]:
        del entries[old]
    temporary = f"{store}.{os.getpid()}"
    try:
        os.makedirs(os.path.dirname(store), mode=0o700, exist_ok=True)
        with open(temporary, "x", encoding="utf-8") as file:
            json.dump({"format": FORMAT, "entries": entries}, file)
        os.replace(temporary, store)
    except OSError:
        try:
            os.unlink(temporary)
        except OSError:
            pass
