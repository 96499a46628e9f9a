"""Building TensorFlow from source: the compiler and Bazel that a release is built with, and its archive."""

from __future__ import annotations

from gpudoctor.facts.record import Record
from gpudoctor.knowledge.tables import source, table
from gpudoctor.versions import is_version
from gpudoctor.versions import release as release_of


class TfBuild(Record):
    """`clang`: the major that the table of tested configurations names; `clangs`: those with which wheels were released too.
    Pythons as "3.9", both ends included."""

    release: str
    clang: int
    clangs: tuple[int, ...]
    bazel: str
    python_min: str
    python_max: str
    source: str


class TfArchive(Record):
    version: str
    url: str
    sha256: str
    source: str


def tf_build(version: str) -> TfBuild | None:
    """What release `version` ("2.18", "2.18.1", "2.19.0-dev") is built with; None for one that is not in the table."""
    if not version or not version[0].isdigit():
        return None
    found, wanted = table("tfbuild"), release_of(version)
    for row in found["rows"]:
        if wanted in row["releases"]:
            return TfBuild(
                wanted,
                row["clang"],
                tuple(row["clangs"]),
                row["bazel"],
                row["python_min"],
                row["python_max"],
                source(found, row["source"]),
            )
    return None


def tf_archive(version: str) -> TfArchive | None:
    """The source archive of exactly this version."""
    if not is_version(version):
        return None
    found = table("tfbuild")
    for row in found["archives"]:
        if row["version"] == version:
            return TfArchive(version, row["url"], row["sha256"], source(found, row["source"]))
    return None


def tf_archives() -> tuple[str, ...]:
    """The versions whose archive is known, newest first."""
    return tuple(row["version"] for row in table("tfbuild")["archives"])


def tf_image(minor: str, python: str) -> str:
    """The image that TensorFlow's own builds of a release run in: "2.18", "3.10"."""
    name: str = table("tfbuild")["image"]["name"]
    return name.format(minor=minor, python=python)
