"""The proof of an edit: the function is evaluated before and after it, on what the patch says that matters."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Any

from gpudoctor.tfbuild import starlark


class Refused(Exception):
    """The file has not the shape that the patch knows. Says what differs."""


def verify(edit: Mapping[str, Any], before: ast.Module, after: ast.Module) -> None:
    """`before` and `after`: the file. Raises Refused for what came out otherwise than the patch says."""
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
