"""A rule calls a fix safe or unsafe exactly where a module can make it."""

from __future__ import annotations

import ast
import inspect

from gpudoctor.fixes import registry
from gpudoctor.rules.registry import causes
from gpudoctor.workflows.runtime import mending

DONE_BY_TOOL = {"safe", "unsafe"}


def _grades(source: str) -> set[str]:
    """Every constant "safe" or "unsafe" within a call of Fix(...)."""
    found = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Fix":
            for inner in ast.walk(node):
                if isinstance(inner, ast.Constant) and inner.value in DONE_BY_TOOL:
                    found.add(inner.value)
    return found


def test_each_fix_that_the_tool_may_make_has_a_module_and_each_module_such_a_fix() -> None:
    graded = {c.id for c in causes() if _grades(inspect.getsource(c.load()))}
    made = set(registry.modules()) | set(mending.mends)
    assert graded - made == set(), "graded safe or unsafe, and nothing can make them"
    assert made - graded == set(), "a module mends them, and their rules say that only a person can"


def test_no_cause_has_two_fixes() -> None:
    modules = {*registry.modules().values(), mending}
    mended = [cause for module in modules for cause in module.mends]
    assert len(mended) == len(set(mended))
    assert set(mended) <= {c.id for c in causes()}


def test_the_docs_list_what_is_mended() -> None:
    import re
    from pathlib import Path

    text = (Path(__file__).parents[2] / "docs/fix.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| ((?:`[\w-]+`(?:, )?)+) \|", text, re.M)
    listed = {module: set(re.findall(r"`([\w-]+)`", causes)) for module, causes in rows}
    made: dict[str, set[str]] = {}
    for cause, module in registry.modules().items():
        made.setdefault(module.__name__.rpartition(".")[2], set()).add(cause)
    made["mending"] = set(mending.mends)
    assert listed == made
