"""The declarative edits of `bazel_patches/`: recognised by parsing, verified by evaluating, marked, refused where the shape differs.

A patch is a TOML file. Its edits are of three kinds: lines put before a statement of a function of known shape, an expression
rewritten, an option of an rc file commented out. `plan` gives a `Plan` with whole files; nothing is written here.
"""

from __future__ import annotations

import ast
import fnmatch
import os
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from gpudoctor.changes.plan import FileChange, Plan, Validation
from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.record import Record
from gpudoctor.tfbuild import starlark
from gpudoctor.tfbuild.bazelrc import read_rc
from gpudoctor.tfbuild.tree import Tree, clang_tests

#: All of them, in the order in which they are applied.
NAMES = ("mirrors", "lib64", "cupti", "clang-path", "capabilities")
BEGIN, END = "# gpudoctor: begin {}", "# gpudoctor: end {}"


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


class Edited(Record):
    """What a patch did to a file's text: `state` is edited, already (it was there) or not-needed (nothing of that kind in it)."""

    path: str
    before: str
    after: str
    state: str


class Refused(Exception):
    """The file has not the shape that the patch knows. Says what differs."""


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


def _read(name: str) -> str:
    from importlib.resources import files

    package = files("gpudoctor").joinpath(f"bazel_patches/{name}.toml")
    if package.is_file():
        return package.read_text("utf-8")
    # A checkout: there the folder lies beside the package, the build puts it into the wheel.
    with open(
        os.path.join(os.path.dirname(__file__), "..", "..", "bazel_patches", f"{name}.toml"), encoding="utf-8"
    ) as file:
        return file.read()


def plan(tree: Tree, names: Sequence[str]) -> Plan:
    """All edits of these patches as one change. Raises GpudoctorError where a file has another shape: then nothing is
    changed at all."""
    for name in names:
        load(name)
    texts: dict[str, str] = {}
    reasons: dict[str, list[str]] = {}
    notes: list[str] = []
    for name in sorted(set(names), key=NAMES.index):
        patch = load(name)
        seen = False
        for path in candidates(tree, patch):
            text = texts.get(path) or _text(tree, path)
            try:
                done = apply(patch, path, text)
            except Refused as error:
                raise GpudoctorError(
                    f"the patch {name} does not fit {path}",
                    context=str(error),
                    note=f"nothing was changed; it knows {patch.recognised}",
                    hint=f"the outside means does the same: {patch.better}",
                ) from None
            seen |= done.state != "not-needed"
            if done.state == "edited":
                texts[path] = done.after
                reasons.setdefault(path, []).append(patch.title)
            elif done.state == "already":
                notes.append(f"{name}: {path} has it already")
        if not seen:
            notes.append(f"{name}: nothing in this tree for it ({patch.trees})")
    files = []
    for path, after in texts.items():
        before = _bytes(tree, path)
        if after.encode("utf-8", "surrogateescape") != before:
            files.append(
                FileChange(
                    os.path.join(tree.path, path),
                    before,
                    after.encode("utf-8", "surrogateescape"),
                    "; ".join(reasons[path]),
                )
            )
    return Plan(
        "build-tf-patch",
        f"patch {tree.path}",
        "safe",
        files=tuple(files),
        validations=_second_opinions([f.path for f in files], texts),
        notes=tuple(notes),
    )


def _second_opinions(paths: Sequence[str], texts: Mapping[str, str]) -> tuple[Validation, ...]:
    """Other parsers of Starlark, where they are installed: buildifier is run after the files are written (they are rolled back if it
    objects), starlark-pyo3 reads the texts before. Raises GpudoctorError where that one objects."""
    import importlib.util
    import shutil

    bzl = [p for p in paths if p.endswith(".bzl")]
    if bzl and importlib.util.find_spec("starlark") is not None:
        interpreter = importlib.import_module("starlark")
        for path, text in texts.items():
            if path.endswith(".bzl"):
                try:
                    interpreter.parse(path, text)
                except Exception as error:  # whatever it calls its error
                    raise GpudoctorError(
                        f"the Starlark interpreter refuses {path} as it would be",
                        context=str(error)[:300],
                        note="nothing was changed",
                    ) from None
    if shutil.which("buildifier") is None:
        return ()
    # through standard input: it ends with 1 for a file that does not parse, and says nothing of mere formatting
    read = 'exec buildifier -type=bzl <"$0" >/dev/null'
    return tuple(
        Validation(("sh", "-c", read, path), f"buildifier parses {os.path.basename(path)}") for path in bzl
    )


def candidates(tree: Tree, patch: Patch) -> tuple[str, ...]:
    """The files of the tree that a patch may be for, sorted. A link that leaves the tree is refused."""
    patterns = [pattern for edit in patch.edits for pattern in edit["files"]]
    found = []
    for folder, folders, names in os.walk(tree.path):
        top = folder == tree.path
        folders[:] = sorted(
            f for f in folders if f not in (".git", "node_modules") and not (top and f.startswith("bazel-"))
        )
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), tree.path)
            if any(_matches(path, pattern) for pattern in patterns):
                found.append(path)
    for path in found:
        real = os.path.realpath(os.path.join(tree.path, path))
        if os.path.commonpath([real, tree.path]) != tree.path:
            raise GpudoctorError(
                f"{path} is a link that leaves the tree", context=real, note="nothing was changed",
                hint="patch the tree that it leads to",
            )  # fmt: skip
    return tuple(sorted(found))


def _matches(path: str, pattern: str) -> bool:
    return fnmatch.fnmatch("/" + path, "/" + pattern) or (
        pattern.startswith("**/") and os.path.basename(path) == pattern[3:]
    )


def _bytes(tree: Tree, path: str) -> bytes:
    with open(os.path.join(tree.path, path), "rb") as file:
        return file.read()


def _text(tree: Tree, path: str) -> str:
    return _bytes(tree, path).decode("utf-8", "surrogateescape")


# ---------------------------------------------------------------- the edits


def apply(patch: Patch, path: str, text: str) -> Edited:
    """One file through all edits of the patch. Raises Refused."""
    after, states = text, []
    for edit in patch.edits:
        if not any(_matches(path, pattern) for pattern in edit["files"]):
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
    anchor = next(s for s in statements if type(s).__name__ == edit["before"])
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
    _verify(edit, module, _parsed(after), name)
    return after, "edited"


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


# ---------------------------------------------------------------- verification


def _verify(edit: Mapping[str, Any], before: ast.Module, after: ast.Module, name: str) -> None:
    for case in edit["verify"]:
        new = _outcome(edit["function"], after, case)
        if "returns" in case and new != (case["returns"], {}):
            raise Refused(
                f"after the edit, {edit['function']} answers {new[0]!r} for {case['arguments'][0]!r}"
            )
        if "links" in case and new[1] != dict(case["links"]):
            raise Refused(
                f"after the edit, {edit['function']} links {new[1]!r} where {dict(case['links'])!r} belongs"
            )
        if case.get("same") and new != _outcome(edit["function"], before, case):
            raise Refused(f"the edit would change what {edit['function']} does for {case['arguments'][0]!r}")
        if "at_least" in case and len(new[0]) < case["at_least"]:
            raise Refused(
                f"{edit['function']} gives fewer than {case['at_least']} addresses for {case['arguments'][0]!r}"
            )


def _outcome(function: str, module: ast.Module, case: Mapping[str, Any]) -> tuple[Any, dict[str, str]]:
    """What it returns and which links it makes. What it calls of its own file is called, but for what needs a disk."""
    ctx = starlark.Ctx(case.get("name", ""), case.get("exists", ()))
    arguments = [ctx if a == "@ctx" else a for a in case["arguments"]]

    def use_local_path(_: object, path: str, folders: Sequence[str]) -> None:
        for folder in folders:
            ctx.symlink(f"{path}/{folder}", folder)

    given = {} if function == "use_local_path" else {"use_local_path": use_local_path}
    try:
        return starlark.evaluate(module, function, arguments, given), ctx.links
    except starlark.Failed as error:
        return f"fail: {error}", ctx.links
    except Exception as error:
        raise Refused(f"{function} could not be evaluated ({type(error).__name__}: {error})") from None


def diff(plan: Plan, root: str) -> str:
    """An ordinary unified diff for `patch -p1` and `git apply`, paths relative to the tree."""
    import difflib

    pieces: list[str] = []
    for change in plan.files:
        name = os.path.relpath(change.path, root)
        before = (change.before or b"").decode("utf-8", "surrogateescape").splitlines(keepends=True)
        after = (change.after or b"").decode("utf-8", "surrogateescape").splitlines(keepends=True)
        for line in difflib.unified_diff(before, after, f"a/{name}", f"b/{name}"):
            pieces.append(line if line.endswith("\n") else line + "\n\\ No newline at end of file\n")
    return "".join(pieces)


def pages() -> Iterator[Patch]:
    yield from map(load, NAMES)
