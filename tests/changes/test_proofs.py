"""Every cause that the tool mends has a machine that is ill before, well after, and the same as before after undo."""

from __future__ import annotations

import ast
from pathlib import Path

from gpudoctor.fixes import registry
from gpudoctor.workflows.runtime import mending
from tests.changes import test_pip_fixes, test_start_up_files

HERE = Path(__file__).parents[1]

#: Proofs that are told in a test of their own.
TOLD = {
    "toolkit-not-on-path": "changes/test_fix_command.py::test_nvcc_is_found_in_a_new_login_after_the_fix_and_not_after_undo",
    "container-runtime-not-registered": "engines/test_fix_docker.py::test_a_runtime_that_is_not_registered",
    "docker-default-runtime-undefined": "engines/test_fix_docker.py::test_a_default_runtime_that_nothing_defines",
    "docker-needs-restart-for-gpus": "engines/test_fix_docker.py::test_a_daemon_that_is_older_than_the_toolkit",
    "docker-runtime-path-missing": "engines/test_fix_docker.py::test_a_runtime_whose_program_is_gone",
}


def _functions(path: Path) -> dict[str, ast.FunctionDef]:
    nodes = ast.parse(path.read_text()).body
    return {n.name: n for n in nodes if isinstance(n, ast.FunctionDef) and n.name.startswith("test_")}


def _fixed(function: ast.FunctionDef) -> set[str]:
    """The causes that a test hands to `Sysroot.fixed`, which proves all three."""
    calls = (node for node in ast.walk(function) if isinstance(node, ast.Call))
    return {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and call.func.attr == "fixed"
        and call.args
        and isinstance(call.args[0], ast.Constant)
    }


def test_every_cause_that_is_mended_has_its_proof() -> None:
    system = _functions(HERE / "changes" / "test_system_fixes.py").values()
    proven = {
        *(cause for function in system for cause in _fixed(function)),
        *test_start_up_files.CASES,
        *(test_pip_fixes.cause_of(name) for name in test_pip_fixes.CASES),
        *TOLD,
    }
    mended = {*registry.modules(), *mending.mends}
    assert mended - proven == set(), "mended, and nothing shows it: ill, well, and as before"
    assert proven - mended == set()


def test_the_tests_that_tell_them_are_there() -> None:
    for cause, place in TOLD.items():
        file, _, name = place.partition("::")
        path = HERE / file
        assert name in _functions(path), place
        assert cause in path.read_text(), place
