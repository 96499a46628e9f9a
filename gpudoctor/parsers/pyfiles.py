"""The small files by which Python environments describe themselves.

pyvenv.cfg                      home = /usr/bin
                                include-system-site-packages = false
                                version = 3.11.7
x-1.0.dist-info/METADATA        Name: x / Version: 1.0 / Requires-Dist: torch (==2.5.1)
torch/version.py                __version__ = '2.5.1+cu124' / cuda: Optional[str] = '12.4'
tensorflow/.../build_info.py    build_info = collections.OrderedDict([("cuda_version", "12.5.1"), ...])
conda-meta/pytorch-2.5.1-py3.11_cuda12.4_cudnn9.1.0_0.json
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from gpudoctor.facts.record import Record

_SEPARATORS = re.compile(r"[-_.]+")
_DIST = re.compile(r"(?P<name>[^-]+(?:-[^-0-9][^-]*)*?)-(?P<version>[^-]+)\.(?:dist|egg)-info")
_ASSIGNED = re.compile(r"^(\w+)\s*(?::[^=\n]*)?=\s*(.+?)\s*(?:#.*)?$", re.M)


def normalised(name: str) -> str:
    """PEP 503: "Flash_Attn" -> "flash-attn"."""
    return _SEPARATORS.sub("-", name).lower()


def pyvenv(text: str) -> Mapping[str, str]:
    """The keys of a pyvenv.cfg, lower case."""
    pairs = (line.partition("=") for line in text.splitlines())
    return {key.strip().lower(): value.strip() for key, mark, value in pairs if mark}


def distribution(folder: str) -> tuple[str, str] | None:
    """Name and version by the name of a .dist-info or .egg-info folder; None for another kind of name.

    >>> distribution("nvidia_cudnn_cu12-9.1.0.70.dist-info")
    ('nvidia-cudnn-cu12', '9.1.0.70')
    """
    match = _DIST.fullmatch(re.sub(r"-py\d\.\d+(?=\.egg-info$)", "", folder))
    return (normalised(match["name"]), match["version"]) if match else None


class Metadata(Record):
    name: str
    version: str
    requires: tuple[str, ...]


def metadata(text: str) -> Metadata:
    """The head of a METADATA or PKG-INFO file; its long description is not read."""
    head = re.split(r"\r?\n\r?\n", text, maxsplit=1)[0]
    fields = re.findall(r"^(Name|Version|Requires-Dist):[ \t]*(.*?)\s*$", head, re.M)
    first = dict(reversed([(k, v) for k, v in fields if k != "Requires-Dist"]))
    return Metadata(
        normalised(first.get("Name", "")),
        first.get("Version", ""),
        tuple(v for k, v in fields if k == "Requires-Dist"),
    )


def wheel_glibc(text: str) -> str:
    """The oldest glibc that a WHEEL file's platform tags promise ("2.28"); empty when they promise none."""
    found = re.findall(r"^Tag: .*?manylinux(_(\d+)_(\d+)|1|2010|2014)_", text, re.M)
    named = {"1": "2.5", "2010": "2.12", "2014": "2.17"}
    versions = [named.get(tag, f"{major}.{minor}") for tag, major, minor in found]
    return min(versions, key=lambda v: [int(n) for n in v.split(".")]) if versions else ""


def assignments(text: str) -> Mapping[str, object]:
    """The literals that a module assigns at its top level ("cuda: Optional[str] = '12.4'" too); others are left out."""
    from ast import literal_eval

    found: dict[str, object] = {}
    for name, value in _ASSIGNED.findall(text):
        try:
            found[name] = literal_eval(value)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    return found


def build_info(text: str) -> Mapping[str, object]:
    """TensorFlow's build_info: a dict or OrderedDict of literals. Empty when there is none. Raises ValueError."""
    import ast

    try:
        tree = ast.parse(text)
    except (SyntaxError, RecursionError, MemoryError) as error:
        raise ValueError(f"no Python: {error}") from error
    for node in tree.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == "build_info" for t in node.targets
        ):
            value = node.value.args[0] if isinstance(node.value, ast.Call) and node.value.args else node.value
            try:
                literal = ast.literal_eval(value)
                return dict(literal)
            except (ValueError, TypeError):
                return {}
    return {}


class CondaRecord(Record):
    name: str
    version: str
    build: str


def conda_record(file_name: str) -> CondaRecord | None:
    """By the name of a conda-meta file, which is always name-version-build.json."""
    parts = file_name.removesuffix(".json").rsplit("-", 2)
    if len(parts) != 3 or not file_name.endswith(".json"):
        return None
    return CondaRecord(normalised(parts[0]), parts[1], parts[2])
