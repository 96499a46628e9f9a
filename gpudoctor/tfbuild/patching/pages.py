"""The patches as `bazel_patches/` has them: a TOML file each, which says what, why, for which trees, and how it is verified."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any

from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.record import Record

#: All of them, in the order in which they are applied.
NAMES = ("mirrors", "lib64", "cupti", "clang-path", "capabilities")


class Patch(Record):
    """A file of `bazel_patches/`. `edits`: as TOML has them."""

    id: str
    title: str
    what: str
    why: str
    trees: str
    recognised: str
    verified: str
    better: str
    limits: str
    edits: tuple[Mapping[str, Any], ...]


def load(name: str) -> Patch:
    """Raises GpudoctorError for a name that is no patch."""
    if name not in NAMES:
        raise GpudoctorError(
            f"there is no patch {name!r}", context="--patch", hint=f"the patches are {', '.join(NAMES)}"
        )
    from gpudoctor.codec import toml_loads

    data = toml_loads(_read(name))
    texts = {key: " ".join(data[key].split()) for key in Patch.record_fields if key != "edits"}
    return Patch(**texts, edits=tuple(data["edits"]))


def pages() -> Iterator[Patch]:
    yield from map(load, NAMES)


def _read(name: str) -> str:
    from importlib.resources import files

    package = files("gpudoctor").joinpath(f"bazel_patches/{name}.toml")
    if package.is_file():
        return package.read_text("utf-8")
    # A checkout: there the folder lies beside the package, the build puts it into the wheel.
    with open(
        os.path.join(os.path.dirname(__file__), "..", "..", "..", "bazel_patches", f"{name}.toml"),
        encoding="utf-8",
    ) as file:
        return file.read()
