"""The three kinds of edits, on a file's text: lines before a statement of a function of known shape, a test rewritten, an option of an
rc file commented out. Marked, so that the second time finds the first; refused where the shape is another."""

from __future__ import annotations

import ast
import fnmatch
import os
from collections.abc import Mapping, Sequence
from typing import Any

from gpudoctor.facts.record import Record
from gpudoctor.tfbuild import starlark
from gpudoctor.tfbuild.bazelrc import read_rc
from gpudoctor.tfbuild.patching.pages import Patch
from gpudoctor.tfbuild.patching.proof import Refused, verify
from gpudoctor.tfbuild.tree import clang_tests

BEGIN, END = "# gpudoctor: begin {}", "# gpudoctor: end {}"


class Edited(Record):
    """What a patch did to a file's text: `state` is edited, already (it was there) or not-needed (nothing of that kind in it)."""

    path: str
    before: str
    after: str
    state: str


def apply(patch: Patch, path: str, text: str) -> Edited:
    """One file through all edits of the patch. Raises Refused."""
    after, states = text, []
    for edit in patch.edits:
        if not any(matches(path, pattern) for pattern in edit["files"]):
            continue
        if "function" in edit:
            after, state = _insert(patch.id, edit, after)
        elif "rewrite" in edit:
            after, state = _rewrite(patch.id, edit, after)
        else:
            after, state = _disable(patch.id, edit, after)
        states.append(state)
    state = "edited" if "edited" in states else "already" if "already" in states else "not-needed"
    return Edited(path, text, after, state)


def matches(path: str, pattern: str) -> bool:
    """`path`: relative to the tree; "**/" stands for any folder, and for none."""
    return fnmatch.fnmatch("/" + path, "/" + pattern) or (
        pattern.startswith("**/") and os.path.basename(path) == pattern[3:]
    )


def _parsed(text: str) -> ast.Module:
    try:
        return starlark.parse(text)
    except starlark.NotStarlark as error:
        raise Refused(f"the file does not parse: {error}") from None


def _kinds(statements: Sequence[ast.stmt]) -> list[str]:
    return [type(s).__name__ for s in statements]


def _insert(name: str, edit: Mapping[str, Any], text: str) -> tuple[str, str]:
    module = _parsed(text)
    function = starlark.functions(module).get(edit["function"])
    if function is None:
        return text, "not-needed"
    marked = _marked(name, text)
    if marked is not None:
        # what is there must be what would be put there: take it out, put it in again, compare
        again, _ = _insert(name, edit, marked)
        if again != text:
            raise Refused(
                f"{edit['function']} has a block of another version, or an edited one: revert it first"
            )
        return text, "already"
    parameters, anchor = _place(edit, function)
    indent = " " * anchor.col_offset
    block = edit["text"].strip("\n")
    for number, parameter in enumerate(parameters):
        block = block.replace("{" + str(number) + "}", parameter)
    ending = "\r\n" if "\r\n" in text else "\n"
    lines = [BEGIN.format(name), *block.split("\n"), END.format(name)]
    inserted = "".join(f"{indent}{line}{ending}" for line in lines)
    split = text.splitlines(keepends=True)
    at = anchor.lineno - 1
    after = "".join([*split[:at], inserted, *split[at:]])
    verify(edit, module, _parsed(after))
    return after, "edited"


def _place(edit: Mapping[str, Any], function: ast.FunctionDef) -> tuple[list[str], ast.stmt]:
    """The function's parameters, and the statement that the lines go before. Raises Refused where the function has another shape."""
    parameters = [a.arg for a in function.args.args]
    if len(parameters) != edit["parameters"]:
        raise Refused(
            f"{edit['function']}({', '.join(parameters)}) has not {edit['parameters']} parameter(s)"
        )
    statements = starlark.body(function)
    if _kinds(statements) != edit["shape"]:
        raise Refused(
            f"{edit['function']} is made of {_said(statements)}, not of {' and '.join(edit['shape'])}"
        )
    if "inner" in edit:
        statements = list(getattr(statements[0], "body", []))
        if _kinds(statements) != edit["inner"]:
            raise Refused(
                f"{edit['function']}'s loop is made of {_said(statements)}, not of {' and '.join(edit['inner'])}"
            )
    return parameters, next(s for s in statements if type(s).__name__ == edit["before"])


def _said(statements: Sequence[ast.stmt]) -> str:
    return " and ".join(_kinds(statements)) or "nothing"


def _marked(name: str, text: str) -> str | None:
    """The text without our marked block; None where it has none. Raises Refused for a block without its end."""
    begin, end = BEGIN.format(name), END.format(name)
    if begin not in text:
        return None
    kept, inside, blocks = [], False, 0
    for line in text.splitlines(keepends=True):
        if line.strip() == begin:
            inside, blocks = True, blocks + 1
        elif line.strip() == end and inside:
            inside = False
        elif not inside:
            kept.append(line)
    if inside or blocks != 1:
        raise Refused(f"the marks of {name} are damaged: a block without its end, or two of them")
    return "".join(kept)


def _rewrite(name: str, edit: Mapping[str, Any], text: str) -> tuple[str, str]:
    module = _parsed(text)
    found = sorted(clang_tests(module), key=lambda c: (c.lineno, c.col_offset), reverse=True)
    mark = f"# gpudoctor: {name}"
    if not found:
        return text, "already" if mark in text else "not-needed"
    lines = text.splitlines(keepends=True)
    variables = set()
    for call in found:
        if call.end_lineno != call.lineno or call.end_col_offset is None:
            raise Refused(f"line {call.lineno}: the test goes over several lines")
        assert isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name)
        variable = call.func.value.id
        variables.add(variable)
        raw = lines[call.lineno - 1].encode("utf-8", "surrogateescape")
        new = (
            raw[: call.col_offset] + edit["to"].replace("{0}", variable).encode() + raw[call.end_col_offset :]
        )
        line = new.decode("utf-8", "surrogateescape")
        bare = line.rstrip("\r\n")
        lines[call.lineno - 1] = line if mark in bare else f"{bare}  {mark}{line[len(bare) :]}"
    after = "".join(lines)
    left = _parsed(after)
    if any(clang_tests(left)) or _differs(module, left, edit["to"]):
        raise Refused("rewriting it would have changed more than the tests")
    for variable in variables:
        made = starlark.parse(f"def test({variable}):\n    return {edit['to'].replace('{0}', variable)}\n")
        for case in edit["verify"]:
            if starlark.evaluate(made, "test", case["arguments"]) != case["returns"]:
                raise Refused(f"the rewritten test is wrong for {case['arguments'][0]}")
    return after, "edited"


def _differs(before: ast.Module, after: ast.Module, to: str) -> bool:
    """True unless the two differ in the tests alone."""

    class Blank(ast.NodeTransformer):
        def visit_Call(self, node: ast.Call) -> ast.AST:
            return ast.Constant("test") if next(clang_tests(node), None) is node else self.generic_visit(node)

        def visit_Compare(self, node: ast.Compare) -> ast.AST:
            names = [n.id for n in ast.walk(node) if isinstance(n, ast.Name)]
            if names and ast.dump(node) == ast.dump(ast.parse(to.replace("{0}", names[0]), mode="eval").body):
                return ast.Constant("test")
            return self.generic_visit(node)

    return ast.dump(Blank().visit(before)) != ast.dump(Blank().visit(after))


def _disable(name: str, edit: Mapping[str, Any], text: str) -> tuple[str, str]:
    rule = edit["disable"]
    mark = f"# gpudoctor: {name}: "

    def wanted(option: str) -> bool:
        return option.startswith(("--repo_env", "--action_env")) and any(
            f"{name}=" in option for name in rule["variables"]
        )

    lines, _ = read_rc(text)
    hits = [
        x for x in lines if (x.command, x.config) == (rule["command"], rule["config"]) and wanted(x.option)
    ]
    if not hits:
        return text, "already" if mark in text else "not-needed"
    split = text.splitlines(keepends=True)
    for hit in hits:
        here = [x for x in lines if x.line == hit.line]
        raw = split[hit.line - 1]
        if len(here) != 1 or raw.rstrip("\r\n").endswith("\\"):
            raise Refused(f"line {hit.line} holds more than that one option")
        split[hit.line - 1] = mark + raw
    after = "".join(split)
    left, _ = read_rc(after)
    if [(x.config, x.option) for x in left] != [(x.config, x.option) for x in lines if x not in hits]:
        raise Refused("commenting it out would have changed other options")
    return after, "edited"
