"""Editing one line of a start-up file that sets a variable. Text only: nothing is evaluated, and a line that is not wholly
understood is left to a person (None).

    export LD_LIBRARY_PATH=/usr/local/cuda/lib64:$LD_LIBRARY_PATH      bash, zsh, sh (also without export)
    export PATH="/opt/cuda/bin${PATH:+:${PATH}}"
    LD_LIBRARY_PATH="/usr/local/cuda/lib64:/opt/lib"                    /etc/environment
    set -gx LD_LIBRARY_PATH /usr/local/cuda/lib64 $LD_LIBRARY_PATH      fish
    PATH DEFAULT=/usr/local/cuda/bin:/usr/bin                           ~/.pam_environment
"""

from __future__ import annotations

import re
from collections.abc import Callable

from gpudoctor.facts.record import Record

_SH = re.compile(r"^(?P<head>[ \t]*(?:(?:export|declare -x|typeset -x)[ \t]+)?(?P<name>\w+)=)(?P<value>.*)$")
_FISH = re.compile(r"^(?P<head>[ \t]*set(?:[ \t]+-[-\w]+)+[ \t]+(?P<name>\w+)[ \t]+)(?P<value>.*)$")
_PAM = re.compile(r"^(?P<head>[ \t]*(?P<name>\w+)[ \t]+(?:DEFAULT|OVERRIDE)=)(?P<value>.*)$")
#: One word, plain or wholly quoted, and perhaps a comment: nothing that runs, nothing after it.
_WORD = re.compile(
    r"""^(?P<quote>["']?)(?P<word>[^"'`;&|<>()\s]*)(?P=quote)(?P<rest>[ \t]*;?[ \t]*(?:#.*)?)$"""
)


class _Line(Record):
    head: str
    name: str
    quote: str
    elements: tuple[str, ...]
    rest: str
    separator: str


def without_element(line: str, name: str, wanted: Callable[[str], bool]) -> str | None:
    """The line without the elements of the path `name` for which `wanted` holds; "" when it then says nothing. None when the
    line is not understood, or holds none of them.

    >>> without_element('export LD_LIBRARY_PATH=/a:/b:$LD_LIBRARY_PATH', 'LD_LIBRARY_PATH', '/a'.__eq__)
    'export LD_LIBRARY_PATH=/b${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}'
    >>> without_element('export LD_LIBRARY_PATH=/a:$LD_LIBRARY_PATH', 'LD_LIBRARY_PATH', '/a'.__eq__)
    ''
    """
    parsed = _parse(line, name)
    if parsed is None:
        return None
    kept = tuple(e for e in parsed.elements if _own(e, name) or not wanted(e))
    if len(kept) == len(parsed.elements):
        return None
    if all(_own(e, name) or not e for e in kept):
        return ""
    return _written(parsed.replace(elements=kept))


def without_empty(line: str, name: str) -> str | None:
    """The line written so that it never makes an empty element; None when it is not understood or makes none.

    >>> without_empty('export LD_LIBRARY_PATH=/a:$LD_LIBRARY_PATH', 'LD_LIBRARY_PATH')
    'export LD_LIBRARY_PATH=/a${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}'
    >>> without_empty('LD_LIBRARY_PATH="/a::/b:"', 'LD_LIBRARY_PATH')
    'LD_LIBRARY_PATH="/a:/b"'
    """
    parsed = _parse(line, name)
    if parsed is None:
        return None
    new = _written(parsed.replace(elements=tuple(e for e in parsed.elements if e)))
    return None if new == line else new


def with_value(line: str, name: str, value: str) -> str | None:
    """The line with another value, quoted as it was; None when it is not understood.

    >>> with_value("export CUDA_HOME=':/usr/local/cuda'  # mine", "CUDA_HOME", "/usr/local/cuda")
    "export CUDA_HOME='/usr/local/cuda'  # mine"
    """
    parsed = _parse(line, name)
    return None if parsed is None else f"{parsed.head}{parsed.quote}{value}{parsed.quote}{parsed.rest}"


def understood(line: str, name: str) -> bool:
    """The line sets this variable and does nothing else."""
    return _parse(line, name) is not None


def _parse(line: str, name: str) -> _Line | None:
    for pattern in (_SH, _PAM, _FISH):
        match = pattern.match(line)
        if match is None or match["name"] != name:
            continue
        if pattern is _FISH:
            return _parse_fish(match, name)
        word = _WORD.match(match["value"])
        if word is None or "\\" in word["word"]:
            return None
        elements = _split(word["word"], name)
        return (
            None
            if elements is None
            else _Line(match["head"], name, word["quote"], elements, word["rest"], ":")
        )
    return None


def _parse_fish(match: re.Match[str], name: str) -> _Line | None:
    value = match["value"]
    if re.search(r"[;&|<>()`\\'\"#]", value):
        return None
    words = value.split()
    if len(words) == 1 and ":" in words[0]:
        return _Line(match["head"], name, "", tuple(words[0].split(":")), "", ":")
    return _Line(match["head"], name, "", tuple(words), "", " ")


def _split(word: str, name: str) -> tuple[str, ...] | None:
    """At the colons that part elements. "${X:+:$X}" after an element is an element of its own here; None for braces that are
    not understood.

    >>> _split("/a:${Y:-/b:/c}${X:+:${X}}", "X")
    ('/a', '${Y:-/b:/c}', '${X:+:${X}}')
    """
    own = rf"\$\{{{name}:?\+(?::\$(?:{name}|\{{{name}\}})|\$(?:{name}|\{{{name}\}}):)\}}"
    elements: list[str] = []
    current, glued, colon = "", False, False
    for token in re.findall(rf"{own}|\$\{{[^{{}}]*\}}|[^:${{}}]+|\$|:|[{{}}]", word):
        if token in "{}":
            return None
        if re.fullmatch(own, token):
            elements += [current, token] if current else [token]
            current, glued, colon = "", True, False
        elif token == ":":
            if not glued:
                elements.append(current)
            current, glued, colon = "", False, True
        else:
            current, glued, colon = current + token, False, False
    return tuple([*elements, current] if current or colon or not elements else elements)


def _own(element: str, name: str) -> bool:
    """A reference to the variable's old value, in any of its forms."""
    return re.fullmatch(rf"\$(?:{name}|\{{{name}[^{{}}]*(?:\{{{name}\}}[^{{}}]*)?\}})", element) is not None


def _written(line: _Line) -> str:
    if line.separator == " ":
        return line.head + " ".join(line.elements)
    return f"{line.head}{line.quote}{_joined(line)}{line.quote}{line.rest}"


def _joined(line: _Line) -> str:
    """The old value is added only where there is one, so that nothing is appended to nothing."""
    name = line.name
    if line.quote == "'" or not any(_own(e, name) for e in line.elements) or name == "PATH":
        plain = [("$" + name if ":+" in e else e) if _own(e, name) else e for e in line.elements]
        return ":".join(plain)
    said = ""
    for element in line.elements:
        if not _own(element, name):
            said += (":" if said and not said.endswith(":}") else "") + element
        elif said:
            said += f"${{{name}:+:${name}}}"
        else:
            said = f"${{{name}:+${name}:}}"
    return said
