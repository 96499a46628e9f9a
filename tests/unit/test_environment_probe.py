"""The environment probe: exact names only, the file and line that set each, and no cost for a huge environment."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpudoctor.facts.environment import PathEntry, Variable
from gpudoctor.facts.observed import Absent, Known, Unknown, value_of
from gpudoctor.parsers.shellrc import settings
from gpudoctor.probes.environment import FIELDS
from gpudoctor.system.live import Live
from gpudoctor.system.root import Root
from tests.sysroot import build

CUDA = "/usr/local/cuda/lib64"


def asked(tmp_path: Path, env: dict[str, str], files: dict[str, bytes | str] | None = None) -> Root:
    return Root(build(tmp_path, {"/home/u/.profile": "", **(files or {})}), env={"HOME": "/home/u", **env})


def variables(port: Root) -> dict[str, Variable]:
    return {v.name: v for v in value_of(FIELDS["variables"](port), ())}


def paths(port: Root) -> list[PathEntry]:
    return list(value_of(FIELDS["paths"](port), ()))


def test_nothing_that_is_not_on_the_list_is_read(tmp_path: Path) -> None:
    secrets = {"NVIDIA_API_KEY": "nvapi-x", "NGC_API_KEY": "x", "HF_TOKEN": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    port = asked(tmp_path, {**secrets, "NCCL_DEBUG": "INFO", "CUDA_VISIBLE_DEVICES": ""})
    assert set(variables(port)) == {"NCCL_DEBUG", "CUDA_VISIBLE_DEVICES"}
    assert not any(secret in repr([f(port) for f in FIELDS.values()]) for secret in ("nvapi", "HF_TOKEN"))


def test_a_huge_environment_costs_nothing(tmp_path: Path) -> None:
    env = {f"X{n}": "y" * 100_000 for n in range(1000)} | {"LD_LIBRARY_PATH": ":".join(["/a"] * 1_000_000)}
    port = asked(tmp_path, env)
    started = time.process_time()
    found = [probe(port) for probe in FIELDS.values()]
    assert time.process_time() - started < 0.5
    assert len(repr(found)) < 500_000


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("/etc/environment", f"LD_LIBRARY_PATH={CUDA}"),
        ("/etc/profile.d/cuda.sh", f"export LD_LIBRARY_PATH={CUDA}:$LD_LIBRARY_PATH"),
        ("/home/u/.bashrc", f'  export LD_LIBRARY_PATH="{CUDA}${{LD_LIBRARY_PATH:+:${{LD_LIBRARY_PATH}}}}"'),
        ("/home/u/.zshrc", f"LD_LIBRARY_PATH={CUDA}:$LD_LIBRARY_PATH"),
        ("/home/u/.config/fish/config.fish", f"set -gx LD_LIBRARY_PATH {CUDA}"),
        ("/home/u/.pam_environment", f"LD_LIBRARY_PATH DEFAULT={CUDA}"),
    ],
)
def test_the_line_that_sets_it(tmp_path: Path, path: str, line: str) -> None:
    port = asked(tmp_path, {"LD_LIBRARY_PATH": CUDA}, {path: f"# LD_LIBRARY_PATH=no\nif true\n{line}\n"})
    assert variables(port)["LD_LIBRARY_PATH"].set_by == Known(f"{path}:3", path)


def test_each_element_names_its_own_line(tmp_path: Path) -> None:
    files: dict[str, bytes | str] = {
        "/etc/profile.d/a.sh": "export LD_LIBRARY_PATH=/a:$LD_LIBRARY_PATH\n",
        "/home/u/.bashrc": "\nexport LD_LIBRARY_PATH=$HOME/b:$LD_LIBRARY_PATH\n",
        "/home/u/b/x": "",
    }
    found = {e.value: e for e in paths(asked(tmp_path, {"LD_LIBRARY_PATH": "/home/u/b:/a:/c"}, files))}
    assert value_of(found["/a"].set_by, "") == "/etc/profile.d/a.sh:1"
    assert value_of(found["/home/u/b"].set_by, "") == "/home/u/.bashrc:2"
    assert found["/c"].set_by == Absent("the shells' start-up files")
    assert value_of(found["/home/u/b"].exists, None) is True and value_of(found["/a"].exists, None) is False


def test_an_empty_element_stays_one(tmp_path: Path) -> None:
    assert [e.value for e in paths(asked(tmp_path, {"LD_LIBRARY_PATH": "/a:"}))] == ["/a", ""]
    assert paths(asked(tmp_path, {"LD_LIBRARY_PATH": ""})) == []


def test_folders_of_windows_are_not_asked_for(tmp_path: Path) -> None:
    (entry,) = paths(asked(tmp_path, {"PATH": "/mnt/c/Windows"}))
    assert isinstance(entry.exists, Unknown)


def test_conda_and_venv_are_start_up_files_too(tmp_path: Path) -> None:
    script = "/opt/conda/etc/conda/activate.d/cuda.sh"
    port = asked(
        tmp_path, {"CONDA_PREFIX": "/opt/conda", "CUDA_HOME": "/c"}, {script: "export CUDA_HOME=/c\n"}
    )
    assert value_of(variables(port)["CUDA_HOME"].set_by, "") == f"{script}:1"
    assert FIELDS["conda_prefix"](port) == Known("/opt/conda", "CONDA_PREFIX")
    assert FIELDS["virtual_env"](port) == Absent("VIRTUAL_ENV")


def test_another_root_has_no_environment(tmp_path: Path) -> None:
    port = Root(build(tmp_path, {"/x": ""}))
    assert all(isinstance(probe(port), Unknown) for probe in FIELDS.values())


def test_a_process_without_any_variable_is_known_to_have_none() -> None:
    assert FIELDS["variables"](Live(env={})) == Known((), "environ")


@given(st.text(), st.lists(st.sampled_from(["A", "LD_LIBRARY_PATH", "X.Y"]), max_size=3))
def test_any_text_is_read_without_an_error(text: str, names: list[str]) -> None:
    assert all(found.name in names for found in settings(text, names))
