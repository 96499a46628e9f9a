"""Packages of a real environment: a wrong keras is replaced by real pip, and comes back from its own files after undo."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpudoctor.changes.plan import Plan
from gpudoctor.changes.restore import undo
from gpudoctor.changes.transaction import apply
from gpudoctor.engine import Asking
from gpudoctor.facts.frameworks import Frameworks
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from gpudoctor.findings import Finding, Fix, package
from gpudoctor.fixes import python_packages
from gpudoctor.fixes.see import Login, Manual, See
from gpudoctor.system.live import Live
from gpudoctor.system.port import Options
from gpudoctor.system.writer import Writer
from tests.changes.mending import ids, plan_for
from tests.machines import healthy

pytestmark = pytest.mark.slow


def _wheel(folder: Path, name: str, version: str, requires: str = "", **files: str) -> Path:
    """A wheel with a module, a command and these files."""
    base = f"{name}-{version}"
    content = {
        f"{name}/__init__.py": f"version = {version!r}\ndef main():\n    print(version)\n",
        f"{base}.dist-info/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{requires}",
        f"{base}.dist-info/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{base}.dist-info/entry_points.txt": f"[console_scripts]\n{name}-cli = {name}:main\n",
        f"{base}.data/data/share/{name}/notes.txt": "data\n",
        **files,
    }
    path = folder / f"{base}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as wheel:
        for inside, text in content.items():
            wheel.writestr(inside, text)
        rows = "".join(f"{inside},,\n" for inside in content)
        wheel.writestr(f"{base}.dist-info/RECORD", f"{rows}{base}.dist-info/RECORD,,\n")
    return path


class Env:
    """A real venv with keras 2.15 beside a TensorFlow that wants 3.5 or newer, and an index of local wheels."""

    def __init__(self, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.place = place
        self.prefix = place / "venv"
        index = place / "wheels"
        index.mkdir()
        subprocess.run([sys.executable, "-m", "venv", self.prefix], check=True, timeout=120)
        self.python = str(self.prefix / "bin/python")
        _wheel(index, "keras", "2.15.0", **{"keras/old.txt": "old\n"})
        _wheel(index, "keras", "3.6.0", "Requires-Dist: rich_dep\n")
        _wheel(index, "rich_dep", "1.0")
        _wheel(index, "tensorflow", "2.18.0")
        monkeypatch.setenv("PIP_NO_INDEX", "1")
        monkeypatch.setenv("PIP_FIND_LINKS", str(index))
        self.state = str(place / "state")
        self.pip("install", "keras==2.15.0", "tensorflow==2.18.0")
        # pip would refuse the pair at once: what a person did with --no-deps
        metadata = next(self.prefix.glob("lib/*/site-packages/tensorflow-2.18.0.dist-info/METADATA"))
        metadata.write_text(metadata.read_text() + "Requires-Dist: keras>=3.5.0\n")

    def pip(self, *arguments: str) -> None:
        subprocess.run([self.python, "-m", "pip", "-q", *arguments], check=True, timeout=120)

    def port(self) -> Live:
        return Live(
            60.0, {"PATH": "/usr/bin:/bin", "HOME": str(self.place)}, Options(pythons=(str(self.prefix),))
        )

    def machine(self) -> Machine:
        frameworks = Asking(self.port(), ("frameworks",)).machine().frameworks
        found = tuple(i for i in frameworks.interpreters.value if i.prefix == str(self.prefix))  # type: ignore[union-attr]
        assert len(found) == 1
        return healthy.rtx3050_laptop().replace(
            frameworks=Frameworks(Known(found, "--python"), frameworks.kernels)
        )

    def files(self) -> dict[str, str]:
        """Contents of all that is installed, but for what an installer stamps: who installed it, and compiled files."""
        found = {}
        for path in sorted(self.prefix.rglob("*")):
            name = str(path.relative_to(self.prefix))
            if (
                path.is_file()
                and "__pycache__" not in name
                and not name.endswith(("/RECORD", "/direct_url.json", "/REQUESTED", "/WHEEL"))
            ):
                found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        return found

    def plan(self) -> Plan:
        return plan_for("keras-tensorflow-mismatch", self.machine(), self.port(), None)


@pytest.fixture(scope="module")
def one_env(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Env]:
    with pytest.MonkeyPatch.context() as patch:
        yield Env(tmp_path_factory.mktemp("env"), patch)


@pytest.fixture
def env(one_env: Env, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Env]:
    """The same for every test, with journals of its own: each test leaves it as it was, or it fails."""
    before = one_env.files()
    one_env.state = str(tmp_path / "state")
    monkeypatch.setenv("GPUDOCTOR_STATE", one_env.state)
    yield one_env
    assert one_env.files() == before


def test_ill_mended_well_and_back_without_an_index(env: Env, monkeypatch: pytest.MonkeyPatch) -> None:
    before = env.files()
    assert "keras-tensorflow-mismatch" in ids(env.machine())
    plan = env.plan()
    assert plan.applicability == "unsafe"
    outcome = apply(plan, Writer("", env.state))
    assert outcome.state == "applied", outcome
    assert "keras-tensorflow-mismatch" not in ids(env.machine())
    assert "lib/python" in " ".join(env.files()) and any("rich_dep" in name for name in env.files())
    monkeypatch.setenv("PIP_FIND_LINKS", "/no/such/place")  # what comes back comes from what was kept
    assert undo(Writer("", env.state)).state == "undone"
    assert env.files() == before
    ran = subprocess.run(
        [env.prefix / "bin/keras-cli"], capture_output=True, text=True, check=True, timeout=60
    )
    assert ran.stdout.strip() == "2.15.0"
    assert "keras-tensorflow-mismatch" in ids(env.machine())
    assert not list(Path(env.state, "wheels").iterdir())  # nothing is kept for longer than it is needed


def test_an_installation_that_fails_leaves_the_environment_as_it_was(
    env: Env, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = env.files()
    plan = env.plan()
    monkeypatch.setenv("PIP_FIND_LINKS", "/no/such/place")
    outcome = apply(plan, Writer("", env.state))
    assert outcome.state == "rolled-back" and "keep what will be replaced" in outcome.why
    assert env.files() == before


def _finding(env: Env, *commands: str) -> Finding:
    python = env.machine().frameworks.interpreters.value[0].path  # type: ignore[union-attr]
    fix = Fix("x", tuple(c.replace("PYTHON", python) for c in commands), "unsafe")
    return Finding("duplicate-distributions", "failure", "x", package(python, "keras"), (), "", fix, None, ())


def test_uninstall_and_install_in_a_row_are_taken_back_together(env: Env) -> None:
    before = env.files()
    found = _finding(env, "PYTHON -m pip uninstall -y keras", "PYTHON -m pip install 'keras>=3.5'")
    plan = python_packages.plan(found, env.machine(), See(env.port(), None))
    outcome = apply(plan, Writer("", env.state))
    assert outcome.state == "applied", outcome
    assert undo(Writer("", env.state)).state == "undone"
    assert env.files() == before


def test_a_second_command_that_fails_takes_the_first_back(env: Env) -> None:
    before = env.files()
    found = _finding(
        env,
        "PYTHON -m pip uninstall -y keras",
        "PYTHON -m pip install 'keras==3.6.0' --no-deps --python-version 3",
    )
    plan = python_packages.plan(found, env.machine(), See(env.port(), None))
    # the index loses the wheel between the look and the installation
    keep, *rest = plan.actions
    plan = plan.replace(
        actions=(keep.replace(argv=(*keep.argv[: keep.argv.index("--")], "--", "uninstall", "keras")), *rest)
    )
    outcome = apply(plan, Writer("", env.state))
    assert outcome.state == "rolled-back", outcome
    assert env.files() == before


def test_what_could_not_be_put_back_is_not_begun(env: Env) -> None:
    record = next(env.prefix.glob("lib/*/site-packages/keras-2.15.0.dist-info/RECORD"))
    aside = record.rename(env.place / "RECORD")
    try:
        before = env.files()
        outcome = apply(env.plan(), Writer("", env.state))
        assert outcome.state == "rolled-back" and "could not be put back" in outcome.why
        assert env.files() == before
    finally:
        aside.rename(record)


def test_an_interpreter_of_the_distribution_is_refused_with_the_way_out(env: Env) -> None:
    machine = env.machine()
    one = machine.frameworks.interpreters.value[0].replace(
        externally_managed=Known(True, "EXTERNALLY-MANAGED")
    )  # type: ignore[union-attr]
    machine = machine.replace(frameworks=Frameworks(Known((one,), "--python"), machine.frameworks.kernels))
    with pytest.raises(Manual, match="externally managed") as caught:
        plan_for("keras-tensorflow-mismatch", machine, env.port(), None)
    assert caught.value.commands[0] == "python3 -m venv ~/gpu-env"
    assert "keras" in caught.value.commands[1]


def test_condas_packages_are_left_to_conda(env: Env) -> None:
    found = _finding(env, f"conda install -p {env.prefix} -c conda-forge pytorch-gpu")
    with pytest.raises(Manual, match="not pip's to do"):
        python_packages.plan(found, env.machine(), See(env.port(), None))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can ask for another user")
def test_under_sudo_the_environments_owner_installs(env: Env, request: pytest.FixtureRequest) -> None:
    os.chown(env.prefix, 12345, 12345)
    request.addfinalizer(lambda: os.chown(env.prefix, 0, 0))
    login = Login("ann", 12345, "/home/ann", "/bin/bash", other=True)
    machine = env.machine()
    found = next(f for f in [_finding(env, "PYTHON -m pip install keras")])
    plan = python_packages.plan(found, machine, See(env.port(), login))
    assert all(action.argv[:4] == ("runuser", "-u", "ann", "--") for action in plan.actions)
    assert any("/home/ann/.local/state/gpudoctor/wheels/" in word for word in plan.actions[0].argv)
