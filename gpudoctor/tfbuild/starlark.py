"""Reading and evaluating the Starlark of a tree.

TensorFlow's .bzl files parse as Python (every one of the 73 in 2.18's TSL does), so `ast` finds functions and
dictionaries in them exactly, and a function that is pure is simply evaluated: the tree itself says which capabilities it accepts
and which addresses it makes of one. Only what Starlark has is let through: no import, no class, no `while`, no name or
attribute that begins with an underscore pair, and no builtin that reaches outside.
"""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

#: More than any .bzl file of a tree has (bytes).
LIMIT = 4 << 20
#: A pure function of a tree makes a few hundred steps; one that makes so many is not what it seems to be.
STEPS = 200_000


class NotStarlark(ValueError):
    """The text does not parse, or holds what Starlark has not."""


class Failed(Exception):
    """The function called fail(): its words."""


def parse(text: str) -> ast.Module:
    """The file's syntax tree. Raises NotStarlark with the line."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # "\d" in a string is fine in Starlark
            return ast.parse(text.encode("utf-8", "replace"))  # a byte that is no UTF-8 stays one byte
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = f"line {error.lineno}: " if isinstance(error, SyntaxError) and error.lineno else ""
        raise NotStarlark(f"{line}{getattr(error, 'msg', None) or error}") from None


def functions(module: ast.Module) -> Mapping[str, ast.FunctionDef]:
    return {node.name: node for node in module.body if isinstance(node, ast.FunctionDef)}


def literal(module: ast.Module, name: str) -> Any:
    """The value of a top-level `NAME = <literal>`. Raises KeyError where there is none, ValueError where it is computed."""
    for node in module.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == name for t in node.targets
        ):
            try:
                return ast.literal_eval(node.value)
            except (ValueError, TypeError, SyntaxError, RecursionError):
                raise ValueError(f"{name} is computed, not written out") from None
    raise KeyError(name)


def keys(module: ast.Module, name: str) -> tuple[str, ...]:
    """The written-out keys of a top-level dictionary, whatever its values are. Raises KeyError, ValueError."""
    for node in module.body:
        if isinstance(node, ast.Assign) and any(
            isinstance(t, ast.Name) and t.id == name for t in node.targets
        ):
            if not isinstance(node.value, ast.Dict):
                raise ValueError(f"{name} is computed, not written out")
            return tuple(
                k.value for k in node.value.keys if isinstance(k, ast.Constant) and isinstance(k.value, str)
            )
    raise KeyError(name)


def calls(module: ast.AST, name: str) -> Iterator[ast.Call]:
    """Every call of `name`: "load", or "repository_ctx.symlink"."""
    for node in ast.walk(module):
        if isinstance(node, ast.Call) and called(node) == name:
            yield node


def called(node: ast.Call) -> str:
    parts: list[str] = []
    at: ast.expr = node.func
    while isinstance(at, ast.Attribute):
        parts.append(at.attr)
        at = at.value
    if not isinstance(at, ast.Name):
        return ""
    return ".".join(reversed([*parts, at.id]))


def loads(module: ast.Module) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """(label, names) of every load() statement."""
    found = []
    for call in calls(module, "load"):
        words = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
        words += [
            k.value.value
            for k in call.keywords
            if isinstance(k.value, ast.Constant) and isinstance(k.value.value, str)
        ]
        if words:
            found.append((words[0], tuple(words[1:])))
    return tuple(found)


def body(function: ast.FunctionDef) -> list[ast.stmt]:
    """Its statements without the docstring."""
    statements = list(function.body)
    if statements and isinstance(statements[0], ast.Expr) and isinstance(statements[0].value, ast.Constant):
        statements = statements[1:]
    return statements


# ---------------------------------------------------------------- evaluation


class Exists:
    """What ctx.path() gives: as much of it as the functions of a tree ask."""

    def __init__(self, exists: bool, path: str) -> None:
        self.exists = exists
        self._path = path

    def __str__(self) -> str:
        return self._path


class Ctx:
    """A repository context that has no disk: paths that "exist" are named, links are written down, not made."""

    def __init__(self, name: str = "", exists: Sequence[str] = (), environ: Mapping[str, str] = {}) -> None:
        self.name = name
        self.links: dict[str, str] = {}
        self._exists = frozenset(exists)
        self.os = _Os(dict(environ))

    def path(self, path: Any) -> Exists:
        return Exists(str(path) in self._exists, str(path))

    def symlink(self, target: Any, link: Any) -> None:
        self.links[str(link)] = str(target)


class _Os:
    def __init__(self, environ: dict[str, str]) -> None:
        self.environ = environ


def _fail(*words: object, **_: object) -> None:
    raise Failed(" ".join(map(str, words)))


def _range(*bounds: int) -> range:
    made = range(*bounds)
    if len(made) > STEPS:
        raise Failed("range too long")
    return made


BUILTINS: Mapping[str, Any] = {
    "len": len, "all": all, "any": any, "sorted": sorted, "enumerate": enumerate, "dict": dict, "zip": zip, "list": list,
    "tuple": tuple, "str": str, "int": int, "bool": bool, "min": min, "max": max, "reversed": reversed, "range": _range,
    "fail": _fail, "print": lambda *_, **__: None, "True": True, "False": False, "None": None,
}  # fmt: skip
_REFUSED = (
    ast.Import, ast.ImportFrom, ast.ClassDef, ast.While, ast.Try, ast.With, ast.Raise, ast.Global, ast.Nonlocal, ast.Delete,
    ast.Await, ast.AsyncFor, ast.AsyncWith, ast.AsyncFunctionDef, ast.Yield, ast.YieldFrom, ast.Assert, ast.NamedExpr, ast.Pow,
    ast.LShift, ast.JoinedStr, ast.Starred,
)  # fmt: skip


def check(node: ast.AST) -> None:
    """Raises NotStarlark for what Starlark has not, and for what could reach out of the evaluation."""
    for part in ast.walk(node):
        if isinstance(part, _REFUSED):
            raise NotStarlark(f"line {getattr(part, 'lineno', '?')}: {type(part).__name__} is no Starlark")
        name = part.id if isinstance(part, ast.Name) else part.attr if isinstance(part, ast.Attribute) else ""
        if name.startswith("__") or (isinstance(part, ast.Attribute) and name in ("format_map", "mro")):
            raise NotStarlark(f"line {getattr(part, 'lineno', '?')}: {name} is no Starlark")


def evaluate(module: ast.Module, name: str, arguments: Sequence[Any], given: Mapping[str, Any] = {}) -> Any:
    """Call the file's function `name`. The file's other functions and its written-out constants are there, and what
    `given` names goes before them. Raises KeyError, NotStarlark, Failed (it called fail()), or what it raised."""
    import sys

    own = functions(module)
    if name not in own:
        raise KeyError(name)
    chosen: list[ast.stmt] = []
    for reached in _reached(own, name, given):
        check(own[reached])
        chosen.append(_without_defaults(own[reached]))
    for node in module.body:
        if isinstance(node, ast.Assign) and not _computed(node.value):
            chosen.append(node)
    scope: dict[str, Any] = {"__builtins__": dict(BUILTINS)}
    made = ast.Module(body=chosen, type_ignores=[])
    exec(compile(made, "<tree>", "exec"), scope)  # only what `check` let through
    scope.update(given)
    steps = 0

    def count(frame: Any, event: str, argument: Any) -> Any:
        nonlocal steps
        steps += 1
        if steps > STEPS:
            raise Failed("it does not end")
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        return scope[name](*arguments)
    except RecursionError:
        raise Failed("it calls itself") from None
    finally:
        sys.settrace(before)


def _reached(own: Mapping[str, ast.FunctionDef], name: str, given: Mapping[str, Any]) -> list[str]:
    """The file's functions that `name` calls, and it itself."""
    found, todo = [], [name]
    while todo:
        at = todo.pop()
        if at in found or at not in own or at in given:
            continue
        found.append(at)
        todo += [n.id for n in ast.walk(own[at]) if isinstance(n, ast.Name)]
    return found


def _without_defaults(function: ast.FunctionDef) -> ast.FunctionDef:
    """A default may name what another file defines; it is None then, and what uses it fails where it is used."""
    import copy

    made = copy.deepcopy(function)
    made.decorator_list, made.returns = [], None
    made.args.defaults = [ast.Constant(None) if _computed(d) else d for d in made.args.defaults]
    made.args.kw_defaults = [d and (ast.Constant(None) if _computed(d) else d) for d in made.args.kw_defaults]
    return ast.fix_missing_locations(made)


def _computed(value: ast.expr) -> bool:
    try:
        ast.literal_eval(value)
    except (ValueError, TypeError, SyntaxError, RecursionError):
        return True
    return False
