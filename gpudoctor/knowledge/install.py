"""How NVIDIA's software is installed: which repository serves a distribution, and the commands of each method.

Commands have placeholders: `{distro}` and `{arch}` as NVIDIA's repositories spell them ("ubuntu2404", "sbsa"), `{version}`,
`{dashed}` ("12-8"), `{major}`, `{branch}`, `{file}`, `{prefix}`, `{machine}`, `{os}` and `{full}`
(the distribution's version: 9, 9.4)."""

from __future__ import annotations

import re
from typing import Any

from gpudoctor.facts.record import Record
from gpudoctor.knowledge.tables import source, table
from gpudoctor.versions import at_least, compare


class Distro(Record):
    """A distribution that NVIDIA has a repository for. `arch`: the machine's name there ("sbsa"); "" where no source
    names it. `images`: its name in the tags of nvidia/cuda, whose Dockerfiles use the same repository; "" without."""

    id: str
    version: str
    full: str
    repository: str
    manager: str
    arch: str
    images: str
    source: str

    @property
    def name(self) -> str:
        return f"{self.id} {self.full or self.version}"


class Recipe(Record):
    """`newest`: it installs what is newest and takes no version. Not `verified`: not from NVIDIA's own guide."""

    commands: tuple[str, ...]
    source: str
    newest: bool = False
    verified: bool = True


def distro(name: str, version: str, machine: str = "x86_64") -> Distro | None:
    """By the ID and VERSION_ID of os-release: ("rhel", "9.4")."""
    found = table("install")
    for row in found["distributions"]:
        if row["id"] == name and (version == row["version"] or version.startswith(row["version"] + ".")):
            return Distro(
                row["id"],
                row["version"],
                version,
                row["repository"],
                row["manager"],
                row["machines"].get(machine, ""),
                row.get("images", ""),
                source(found, row["source"]),
            )
    return None


def distro_names() -> tuple[str, ...]:
    """ "ubuntu24.04", "rhel9"..."""
    return tuple(f"{row['id']}{row['version']}" for row in table("install")["distributions"])


def enabling(manager: str) -> Recipe:
    """How NVIDIA's CUDA repository is added."""
    found = table("install")
    row = next(r for r in found["enable"] if r["manager"] == manager)
    return Recipe(tuple(row["commands"]), source(found, row["source"]))


def preparing(on: Distro, target: str) -> tuple[Recipe, ...]:
    """What the distribution itself needs first."""
    found = table("install")
    names = {on.id, f"{on.id}{on.version}"}
    return tuple(
        Recipe(tuple(row["commands"]), source(found, row["source"]))
        for row in found["prepare"]
        if names & set(row["for"]) and target in row["targets"]
    )


def recipe(
    target: str,
    repository: str,
    manager: str,
    flavour: str = "",
    pinned: bool = False,
    versioned: bool = True,
) -> Recipe | None:
    """By a package manager. `pinned`: held on a driver branch; `versioned`: a version was asked for."""
    found = table("install")
    for row in found["recipes"]:
        places = repository in row.get("repositories", ()) or manager in row.get("managers", ())
        fits = row.get("flavour", "") == flavour and row.get("pinned", False) is pinned
        ours = "branch" not in row
        if row["target"] == target and places and fits and ours and not (row.get("newest") and versioned):
            return _recipe(found, row)
    return None


def legacy_driver(branch: int, repository: str) -> Recipe | None:
    """Of a branch that NVIDIA's repositories no longer hold: from the distribution's own archive."""
    found = table("install")
    for row in found["recipes"]:
        if row.get("branch") == branch and repository in row["repositories"]:
            return _recipe(found, row)
    return None


def method(target: str, name: str, version: str) -> Recipe | None:
    """Without the distribution: "pip" (a requirement), "conda", "runfile"."""
    found = table("install")
    for row in found["methods"]:
        old = "from" in row and not at_least(version, row["from"])
        if row["target"] == target and row["method"] == name and not old:
            return _recipe(found, row)
    return None


def _recipe(found: dict[str, Any], row: dict[str, Any]) -> Recipe:
    return Recipe(
        tuple(row["commands"]),
        source(found, row["source"]),
        row.get("newest", False),
        row.get("verified", True),
    )


def runfile(version: str) -> str:
    """The name of a toolkit's runfile, which has a driver's version in it; "" where it is in no table."""
    names: list[str] = table("install")["runfiles"]["names"]
    return next((n for n in names if re.match(rf"cuda_{re.escape(version)}_", n)), "")


def holds(on: Distro, cuda: str) -> bool | None:
    """Whether the repository is known to hold the toolkit `cuda` ("12.8.1"): NVIDIA's images are built from it, or the
    guide is of that release. None: not known."""
    from gpudoctor.knowledge.images import cuda_image
    from gpudoctor.versions import release

    if release(cuda) == release(table("install")["newest"]["guide"]):
        return True
    image = cuda_image(cuda)
    if image is None or not on.images:
        return None
    return True if any(tag.endswith(f"-{on.images}") for tag in image.tags) else None


def tensorrt_range(cuda_major: int) -> tuple[str, str, str] | None:
    """The oldest and the newest TensorRT on the Python index for a CUDA major, and the source."""
    found = table("install")
    row = next((r for r in found["tensorrt"] if r["cuda"] == cuda_major), None)
    return (row["from"], row["to"], source(found, row["source"])) if row else None


def within(version: str, bounds: tuple[str, str, str]) -> bool:
    """ "10.9" is within ("10.0.1", "11.4.0.106")."""
    return compare(version, bounds[0]) >= 0 and compare(version, bounds[1]) <= 0
