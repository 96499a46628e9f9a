"""What pip's own list of versions tells: is it the index that lacks the wheel, or this Python that no wheel is for?

pip lists what the indexes that it asked hold for this Python and this platform:
`Could not find a version that satisfies the requirement torch==1.13.1+cu117 (from versions: 2.0.0, 2.0.0+cu117)`.
"""

from __future__ import annotations

import re

from gpudoctor.logs.lazy import Lazy
from gpudoctor.logs.told import Told

_PYTHON = Lazy(
    r"(?:\b(?:C?Python|py)(?:[ -]?version)?(?: is| 版本(?:是|为)?)?[ :=\n]{0,3}v?|\bcp)(?P<whole>3\.?\d{1,2})(?:\.\d{1,2})?(?![\w.]*[<>=])",
    re.I,
)
_PLACEHOLDERS = Lazy(r"0\.1\.2(?:\.?post\d)?$")
#: PyPI's own torch wheels for Windows begin with 1.7.1; before it the index there held the placeholders alone.
_FIRST_ON_WINDOWS = (1, 7, 1)

Release = tuple[int, ...]


def _release(version: str) -> Release:
    found = re.match(r"\d+(?:\.\d+)*", version.strip())
    if not found:
        return ()
    parts = [int(part) for part in found[0].split(".")]
    while len(parts) > 1 and parts[-1] == 0:
        parts.pop()
    return tuple(parts)


def python_told(told: Told) -> str:
    """The first Python 3 that the text names, "3.10"; "" where it names none."""
    found = _PYTHON.search(told.text)
    if not found:
        return ""
    digits = found["whole"].replace(".", "")[1:]
    return f"3.{int(digits)}"


def supported(name: str, wanted: str) -> tuple[str, ...]:
    """The Pythons that this release of torch, its companions or TensorFlow has wheels for; empty when no table tells."""
    from gpudoctor import knowledge

    version = wanted.partition("+")[0].rstrip(".")
    name = name.lower()
    try:
        if name in ("torchvision", "torchaudio"):
            pin = knowledge.companion_pin(name, version) or ""
            name, version = "torch", pin.removeprefix("==")
        for spelled in (version, f"{version}.0", f"{version}.1"):
            row = None
            if name in ("torch", "pytorch"):
                row = knowledge.torch_build(spelled, "")
            elif name in ("tensorflow", "tensorflow-gpu"):
                row = knowledge.tensorflow_build(spelled)
            if row is not None:
                return row.pythons
    except (KeyError, ValueError):
        pass
    return ()


_INDEX = Lazy(r"download\.pytorch\.org/whl/(?:nightly/|test/)?(?P<variant>cu\d{2,3})\b", re.I)


def index_lacks_release(match: re.Match[str], told: Told) -> bool:
    """PyTorch's index of a CUDA was asked (".../whl/cu131") that no wheel of the wanted release of torch (groups `name`, `wanted`)
    was published for."""
    from gpudoctor import knowledge

    asked = {found["variant"].lower() for found in _INDEX.finditer(told.text)}
    version = match["wanted"].partition("+")[0]
    if not asked or match["name"].lower() != "torch" or knowledge.torch_build(version, "") is None:
        return False
    python, pythons = python_told(told), supported("torch", version)
    if python and pythons and python not in pythons:
        return False
    return all(knowledge.torch_build(version, variant) is None for variant in asked)


def python_lacks_version(match: re.Match[str], told: Told) -> bool:
    """No wheel of the wanted release (group `wanted`) is for this Python: the list that pip found (group `versions`) is
    empty but for placeholders, or begins only after it or ends before it, or the table says so of the Python told."""
    wanted, listed = match["wanted"], match["versions"]
    base, versions = _release(wanted), [v.strip() for v in listed.split(",") if v.strip()]
    if not base or not versions:
        return False
    python, pythons = python_told(told), supported(match["name"], wanted)
    released = [_release(v) for v in versions if not _PLACEHOLDERS.match(v)]
    released = [r for r in released if r]
    if base in released:
        return False
    if python and pythons and not (released and "+" in listed):  # a list with +cu117 in it is PyTorch's own
        return python not in pythons
    if not released:
        return not (told.windows and base < _FIRST_ON_WINDOWS)
    return base < min(released) or base > max(released)


def index_lacks_version(match: re.Match[str], told: Told) -> bool:
    """The wanted version has a local part (+cu118) or is no release of the index, and it is not this Python's fault."""
    if match["versions"].strip() == "none" or python_lacks_version(match, told):
        return False
    local = "+" in match["wanted"] or re.search(r"\.post\d\d", match["wanted"]) is not None
    return local or _release(match["wanted"]) not in map(_release, match["versions"].split(","))
