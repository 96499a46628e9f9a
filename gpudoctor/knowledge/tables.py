"""Reading the tables of `gpudoctor/data/`: each file once, when it is first asked for."""

from __future__ import annotations

import os
from functools import cache
from typing import Any

import gpudoctor
from gpudoctor.knowledge.records import Newest


@cache
def table(name: str) -> dict[str, Any]:
    """The table `data/<name>.json`. The package's own loader reads it, so a zipapp works, and `importlib.resources`
    (slower to import than all the tables are to read) is not needed."""
    import json

    loader = gpudoctor.__spec__.loader if gpudoctor.__spec__ is not None else None
    path = os.path.join(gpudoctor.__path__[0], "data", f"{name}.json")
    if loader is not None and hasattr(loader, "get_data"):
        raw: bytes = loader.get_data(path)
    else:
        with open(path, "rb") as file:
            raw = file.read()
    found: dict[str, Any] = json.loads(raw)
    return found


def source(found: dict[str, Any], ids: str | list[str]) -> str:
    """The sources of a row, spelled out: a row names them by the short ids of its file's head."""
    names = [ids] if isinstance(ids, str) else ids
    return "; ".join(found["sources"][name] for name in names)


#: Which file knows the newest version of what.
_NEWEST = {
    "driver": "driver",
    "cuda": "driver",
    "toolkit": "toolkits",
    "compilers": "compilers",
    "ptx": "ptx",
    "torch": "torch",
    "tensorflow": "tensorflow",
    "jax": "jax",
    "cudnn": "cudnn",
    "tfbuild": "tfbuild",
}


def newest(what: str) -> Newest:
    """The newest version that the tables know of "driver" (a branch), "cuda" (with a known driver), "toolkit" (with
    known targets), "compilers", "ptx", "torch", "tensorflow", "jax" or "cudnn". Raises KeyError for another word."""
    found = table(_NEWEST[what])
    return Newest(found["newest"][what], found["checked"])
