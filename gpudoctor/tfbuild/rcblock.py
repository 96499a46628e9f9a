"""The options that a build needs beside configure's own: a marked block of .bazelrc.user, or an rc file of ours.

Why a block: with clang as the CUDA compiler, .bazelrc sets the capabilities under build:cuda_clang, *after* it has expanded build:cuda, where
configure wrote them. .bazelrc.user is read last; so the value stands under both configurations there.
"""

from __future__ import annotations

from collections.abc import Sequence

from gpudoctor.errors import GpudoctorError
from gpudoctor.tfbuild.mirrors import Sources
from gpudoctor.tfbuild.preflight.model import Clang
from gpudoctor.tfbuild.tree import Tree

BEGIN, END = "# gpudoctor: begin build-tf", "# gpudoctor: end build-tf"
#: Under these configurations a tree may set capabilities.
CUDA_CONFIGS = ("cuda", "cuda_clang")


def capability_names(tree: Tree) -> tuple[str, ...]:
    """The variable that the tree's rules read capabilities from: the classic rules have the older name."""
    classic = getattr(tree.cuda, "value", "") == "classic"
    return ("TF_CUDA_COMPUTE_CAPABILITIES",) if classic else ("HERMETIC_CUDA_COMPUTE_CAPABILITIES",)


def lines(tree: Tree, capabilities: str, python: str, clang: Clang, sources: Sources) -> tuple[str, ...]:
    """The block, without its marks."""
    made = []
    for config in CUDA_CONFIGS:
        made += [f"build:{config} --repo_env={name}={capabilities}" for name in capability_names(tree)]
    if python and tree.pythons:
        made.append(f"build --repo_env=HERMETIC_PYTHON_VERSION={python}")
        made.append(f"build --repo_env=TF_PYTHON_VERSION={python}")
    # configure.py follows links and may have written a path that does not end in clang; this one is read after it.
    made.append(f"build --action_env=CLANG_CUDA_COMPILER_PATH={_quoted(clang.path)}")
    made.append(f"build --repo_env=CLANG_CUDA_COMPILER_PATH={_quoted(clang.path)}")
    if clang.major >= 18:  # configure.py adds it for 16 and 17 only
        made += [
            "build --copt=-Wno-gnu-offsetof-extensions",
            "build --host_copt=-Wno-gnu-offsetof-extensions",
        ]
    made += [f"build --repo_env={name}={_quoted(value)}" for name, value in sorted(sources.repo_env.items())]
    made += [f"build {_quoted(option)}" for option in sources.options]
    return tuple(made)


def _quoted(text: str) -> str:
    return f'"{text}"' if " " in text else text


def imported(tree: Tree) -> bool:
    """.bazelrc reads .bazelrc.user, after configure's file."""
    names = [i.rpartition("/")[2] for i in tree.imports]
    if ".bazelrc.user" not in names:
        return False
    return ".tf_configure.bazelrc" not in names or names.index(".bazelrc.user") > names.index(
        ".tf_configure.bazelrc"
    )


def with_block(text: str, block: Sequence[str]) -> str:
    """The user's file with our block at its end, or in the place of our old one. Raises GpudoctorError for damaged marks."""
    kept = without_block(text)
    if kept and not kept.endswith("\n"):
        kept += "\n"
    return kept + "\n".join([BEGIN, *block, END]) + "\n" if block else kept


def without_block(text: str) -> str:
    kept: list[str] = []
    inside, blocks = False, 0
    for line in text.splitlines(keepends=True):
        if line.strip() == BEGIN:
            inside, blocks = True, blocks + 1
        elif line.strip() == END and inside:
            inside = False
        elif not inside:
            kept.append(line)
    if inside or blocks > 1:
        raise GpudoctorError(
            "the block of gpudoctor in .bazelrc.user is damaged: a mark is missing",
            note="nothing was changed",
            hint=f"remove the lines from {BEGIN!r} to {END!r} by hand",
        )
    return "".join(kept)
