"""The declarative edits of `bazel_patches/`: recognised by parsing, verified by evaluating, marked, refused where the shape differs.

`plan` gives a `Plan` with whole files; nothing is written here.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence

from gpudoctor.changes.plan import FileChange, Plan, Validation
from gpudoctor.errors import GpudoctorError
from gpudoctor.tfbuild.patching.edits import apply, matches
from gpudoctor.tfbuild.patching.pages import NAMES, Patch, load
from gpudoctor.tfbuild.patching.proof import Refused
from gpudoctor.tfbuild.tree import Tree


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
            if any(matches(path, pattern) for pattern in patterns):
                found.append(path)
    for path in found:
        real = os.path.realpath(os.path.join(tree.path, path))
        if os.path.commonpath([real, tree.path]) != tree.path:
            raise GpudoctorError(
                f"{path} is a link that leaves the tree", context=real, note="nothing was changed",
                hint="patch the tree that it leads to",
            )  # fmt: skip
    return tuple(sorted(found))


def _bytes(tree: Tree, path: str) -> bytes:
    with open(os.path.join(tree.path, path), "rb") as file:
        return file.read()


def _text(tree: Tree, path: str) -> str:
    return _bytes(tree, path).decode("utf-8", "surrogateescape")


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
