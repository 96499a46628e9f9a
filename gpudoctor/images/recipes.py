"""The plain Dockerfiles of `dockerfiles/`: their text, and the same with other defaults."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

#: Those that there are; each builds with `docker build dockerfiles/<name>` alone (smoke: from a checkout).
NAMES = ("cuda-base", "jax", "smoke", "tensorflow", "tensorrt", "tf-builder", "torch")

_MOUNT = re.compile(r"--mount=\S+\s*(?:\\\n\s*)?")


def recipe(name: str) -> str:
    """The text of a Dockerfile. Raises FileNotFoundError for a name that is not in NAMES."""
    from importlib.resources import files

    package = files("gpudoctor").joinpath(f"dockerfiles/{name}/Dockerfile")
    if package.is_file():
        return package.read_text("utf-8")
    # A checkout: there the folder lies beside the package, the build puts it into the wheel.
    folder = os.path.join(os.path.dirname(__file__), "..", "..", "dockerfiles")
    with open(os.path.join(folder, name, "Dockerfile"), encoding="utf-8") as file:
        return file.read()


def with_defaults(text: str, arguments: Mapping[str, str]) -> str:
    """Other defaults for ARGs that the recipe declares. Raises KeyError for one that it does not."""
    for name, value in arguments.items():
        line = re.compile(rf"^ARG {name}=.*$", re.M)
        if not line.search(text):
            raise KeyError(name)
        quoted = value if re.fullmatch(r"[\w./:@+-]+", value) else f'"{value}"'
        text = line.sub(lambda _: f"ARG {name}={quoted}", text)  # noqa: B023 - used at once
    return text


def with_label(text: str, labels: Mapping[str, str]) -> str:
    """Labels for the last stage. Values are put between single quotes, which JSON has none of."""
    lines = [f"LABEL {name}='{value}'" for name, value in labels.items()]
    at = text.index("\n", text.rindex("\nFROM ") + 1) + 1
    return text[:at] + "\n".join(lines) + "\n" + text[at:]


def without_mounts(text: str) -> str:
    """For builders without BuildKit's mounts: the same steps, their caches and secrets left out."""
    return _MOUNT.sub("", text)
