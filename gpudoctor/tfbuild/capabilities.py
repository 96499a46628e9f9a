"""Compute capabilities: what the tree accepts (its own function says), what the GPUs here need, what a value compiles to."""

from __future__ import annotations

from collections.abc import Sequence

from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.observed import Known, Observed, Unknown
from gpudoctor.facts.record import Record
from gpudoctor.tfbuild import starlark
from gpudoctor.tfbuild.tree import Tree
from gpudoctor.versions import capability

#: The default that configure.py falls back to, and that no CUDA 12 compiles.
CONFIGURE_DEFAULT = "3.5,7.0"


class Compiled(Record):
    """What a value means to the tree. `accepted`: what the rules make of it ("sm_80" is machine code, "compute_86" machine code
    and PTX). `refused`: fail()'s words, "" where it is accepted."""

    accepted: tuple[str, ...]
    refused: str

    @property
    def ptx(self) -> tuple[str, ...]:
        return tuple(c for c in self.accepted if c.startswith("compute_"))


def compiled(tree: Tree, value: str) -> Observed[Compiled]:
    """Ask the tree's own function what it makes of `value` ("sm_86,compute_90"). Unknown where the function is in a
    repository that Bazel fetches, or can't be evaluated."""
    path = rule_file(tree)
    if not path:
        return Unknown(
            "the function that reads capabilities is in a repository that Bazel fetches, not in this tree"
        )
    try:
        with open(f"{tree.path}/{path}", "rb") as file:
            module = starlark.parse(file.read(starlark.LIMIT).decode("utf-8", "replace"))
    except (OSError, starlark.NotStarlark) as error:
        return Unknown(f"{path}: {error}")
    name = next(
        (n for n in ("_compute_capabilities", "compute_capabilities") if n in starlark.functions(module)), ""
    )
    if not name:
        return Unknown(f"{path}: no function that reads capabilities")

    def environ(_: object, key: str, default: object = None, *__: object) -> object:
        return value if str(key).endswith("CUDA_COMPUTE_CAPABILITIES") else default

    def fail(message: str, *_: object) -> None:
        raise starlark.Failed(message)

    given: dict[str, object] = dict.fromkeys(("get_host_environ", "get_env_var", "_get_env_var"), environ)
    given |= dict.fromkeys(("_auto_configure_fail", "auto_configure_fail"), fail)
    try:
        made = starlark.evaluate(module, name, [starlark.Ctx()], given)
        return Known(Compiled(tuple(map(str, made)), ""), path)
    except starlark.Failed as error:
        return Known(Compiled((), " ".join(str(error).split())), path)
    except Exception as error:  # the tree's code: whatever it raises, we could not ask it
        return Unknown(f"{path}: {name} could not be evaluated ({type(error).__name__}: {error})")


def rule_file(tree: Tree) -> str:
    """The cuda_configure.bzl that the build uses, relative; "" where it is not in the tree."""
    if tree.rules:
        return f"{tree.rules}/cuda_configure.bzl"
    if isinstance(tree.cuda, Known) and tree.cuda.value == "classic":
        return tree.cuda.via
    return ""


def for_gpus(gpus: Sequence[str]) -> str:
    """The value for GPUs of these capabilities ("8.6"): machine code for each, and PTX of the newest (compute_86 is
    both), so that a later GPU can use the wheel too. Empty for no GPU.

    >>> for_gpus(["8.6", "7.5", "8.6"])
    'sm_75,compute_86'
    """
    numbers = sorted({capability(g) for g in gpus})
    if not numbers:
        return ""
    names = [f"{a}{b}" for a, b in numbers]
    return ",".join([f"sm_{n}" for n in names[:-1]] + [f"compute_{names[-1]}"])


def runs_on(accepted: Sequence[str], gpu: str) -> str:
    """How a GPU of capability "8.6" would run code compiled so: "exact", "same-major", "ptx" or "no"."""
    wanted = capability(gpu)
    best = "no"
    for item in accepted:
        try:
            have = capability(item)
        except ValueError:
            continue
        special = item[-1] in "af"
        if have == wanted:
            return "exact"
        if not special and have[0] == wanted[0] and have[1] < wanted[1]:
            best = "same-major"
        elif item.startswith("compute_") and not special and have < wanted and best == "no":
            best = "ptx"
    return best


def tidy(value: str) -> str:
    """ "sm_86 , 9.0" -> "sm_86,9.0". Raises GpudoctorError for what can't be a capability in any tree."""
    parts = [part.strip() for part in value.split(",") if part.strip()]
    for part in parts:
        try:
            capability(part)
        except ValueError:
            raise GpudoctorError(
                f"{part!r} is no compute capability",
                context="--capabilities",
                note="sm_86 is machine code for 8.6; compute_86 is machine code and PTX; 8.6 is allowed too",
                hint="--capabilities auto takes those of the GPUs here",
            ) from None
    if not parts:
        raise GpudoctorError("no compute capability was given", context="--capabilities")
    return ",".join(parts)
