"""What is installed in a Python, as its package managers list it: `pip list`, `pip freeze`, `pip show`, `uv pip list`, `conda list`,
and the lines that collect_env quotes of them.

    Package            Version                  # packages in environment at /opt/conda:
    ------------------ ------------             # Name          Version   Build                          Channel
    torch              2.5.1+cu124              pytorch         2.5.1     py3.11_cuda12.4_cudnn9.1.0_0   pytorch
                                                numpy           2.1.3     pypi_0                         pypi
    torch==2.5.1+cu124
    [pip3] torch==2.5.1+cu124                   [conda] torch   2.5.1     pypi_0                         pypi

Blanks may be one or many. A file of requirements looks like `pip freeze` and is none: lines with "==" count only where
several stand together, or where the command that printed them is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpudoctor.facts.frameworks import Package

_HEADER = re.compile(r"Package\s+Version\b")
_RULE = re.compile(r"-{3,}\s+-{3,}")
_COLUMNS = re.compile(r"(?P<name>[A-Za-z0-9][\w.-]*)\s+(?P<version>\d[\w.+!-]*)(?:\s+\S.*)?$")
_FROZEN = re.compile(r"(?:\[pip3?\]\s*)?(?P<name>[A-Za-z0-9][\w.-]*)==(?P<version>\d[\w.+!-]*)$")
_QUOTED = re.compile(r"\[pip3?\]\s*(?P<name>[A-Za-z0-9][\w.-]*)(?:==|\s+)(?P<version>\d[\w.+!-]*)$")
_CONDA = re.compile(
    r"(?:\[conda\]\s*)?(?P<name>[a-z0-9_][\w.-]*)\s+(?P<version>\d[\w.+!]*)\s+"
    r"(?P<build>pypi_0|<pip>|py\d\w*_\d+|py[23]\.\d+_\S+|\w*h[0-9a-f]{7}_\w+|(?:cuda|cpu|gpu|nompi)\w*_\S+|\d)(?:\s+(?P<channel>\S+))?$"
)
_SHOWN = re.compile(r"^Name: (?P<name>[\w.-]+)\nVersion: (?P<version>\d\S*)$", re.M)
_COMMAND = re.compile(r"\bpip3? (?:list|freeze)\b|\buv pip (?:list|freeze)\b|\bconda list\b|\bpip3? show\b")
#: So many lines with "==" in a row are what `pip freeze` prints, where no command says so.
_ENOUGH = 3


def packages(text: str, location: str = "the text") -> tuple[Package, ...]:
    """Each once; a list's own columns before what is quoted elsewhere. `installer` is "conda" where a build string says so,
    which then is `build`."""
    found: dict[str, Package] = {}
    for one in (*_listed(text, location), *_shown(text, location)):
        found.setdefault(one.name, one)
    return tuple(found.values())


def normal(name: str) -> str:
    """PEP 503: "Nvidia_cuDNN.cu12" -> "nvidia-cudnn-cu12"."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _shown(text: str, location: str) -> Iterator[Package]:
    for match in _SHOWN.finditer(text):
        yield Package(normal(match["name"]), match["version"], location)


def _listed(text: str, location: str) -> Iterator[Package]:
    lines = [line.strip() for line in text.splitlines()]
    asked = _COMMAND.search(text) is not None
    columns = False
    for index, line in enumerate(lines):
        if _HEADER.match(line):
            columns = True
            continue
        if _RULE.match(line):
            continue
        conda = _CONDA.match(line)
        if conda:
            installer = "pip" if conda["build"] in ("pypi_0", "<pip>") else "conda"
            build = conda["build"] if installer == "conda" else ""
            yield Package(normal(conda["name"]), conda["version"], location, build=build, installer=installer)
            continue
        quoted = _QUOTED.match(line)
        if quoted:
            yield Package(normal(quoted["name"]), quoted["version"], location)
            continue
        frozen = _FROZEN.match(line)
        if frozen:
            if asked or _run(lines, index) >= _ENOUGH:
                yield Package(normal(frozen["name"]), frozen["version"], location)
            continue
        row = _COLUMNS.match(line) if columns or asked else None
        if row and (columns or _pair(line)):
            yield Package(normal(row["name"]), row["version"], location)
        elif columns and line:
            columns = False


def _pair(line: str) -> bool:
    """Two words and nothing more: what `pip list | grep torch` leaves."""
    return len(line.split()) == 2 and re.fullmatch(r"\S+\s+\d+(?:\.\d+)+[\w.+-]*", line) is not None


def _run(lines: list[str], index: int) -> int:
    first = last = index
    while first > 0 and _FROZEN.match(lines[first - 1]):
        first -= 1
    while last + 1 < len(lines) and _FROZEN.match(lines[last + 1]):
        last += 1
    return last - first + 1
