"""What goes wrong while packages are replaced, and who may replace them: real environments, real pip and uv."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpudoctor.changes.journal import journals
from gpudoctor.changes.plan import Plan
from gpudoctor.changes.restore import forget, undo
from gpudoctor.changes.transaction import apply
from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.frameworks import Frameworks
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from gpudoctor.findings import Finding, Fix, package
from gpudoctor.fixes import python_packages
from gpudoctor.fixes.see import Login, Manual, See
from gpudoctor.system.writer import Writer
from tests import fakes, nobody
from tests.changes import box
from tests.changes.environments import Environment, template
from tests.changes.mending import plan_for
from tests.changes.test_pip_fixes import CASES, made, proven
from tests.machines import healthy

pytestmark = pytest.mark.slow

KERAS = "keras-tensorflow-mismatch"
CASE = CASES[KERAS]
#: An environment with pip 20.3 or the like, and one with uv: scripts/fetch-installers makes them.
INSTALLERS = fakes.BUILD.parent / "installers"


@pytest.fixture(scope="module")
def pip(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    yield template(tmp_path_factory.mktemp("pip") / "venv")


@pytest.fixture
def env(tmp_path: Path, pip: Path, monkeypatch: pytest.MonkeyPatch) -> Environment:
    """keras 2.15 beside a TensorFlow that wants 3.5 or newer."""
    return made(tmp_path, CASE, pip, monkeypatch)


def machine(env: Environment) -> Machine:
    return env.machine(healthy.rtx3050_laptop())


def keras(env: Environment) -> Plan:
    return plan_for(KERAS, machine(env), env.port(), None)


def writer(env: Environment) -> Writer:
    return Writer("", env.state)


def _finding(env: Environment, *commands: str) -> Finding:
    fix = Fix("x", tuple(c.replace("PYTHON", env.python) for c in commands), "unsafe")
    subject = package(env.python, "keras")
    return Finding("duplicate-distributions", "failure", "x", subject, (), "", fix, None, ())


def _planned(env: Environment, *commands: str) -> Plan:
    return python_packages.plan(_finding(env, *commands), machine(env), See(env.port(), None))


def test_an_installation_that_fails_leaves_the_environment_as_it_was(
    env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = env.picture()
    plan = keras(env)
    monkeypatch.setenv("PIP_FIND_LINKS", "/no/such/place")
    outcome = apply(plan, writer(env))
    assert outcome.state == "rolled-back" and "keep what will be replaced" in outcome.why
    assert env.picture() == before and not list(Path(env.state, "packages").iterdir())


def test_a_second_command_that_fails_takes_the_first_back(env: Environment) -> None:
    before = env.picture()
    plan = _planned(env, "PYTHON -m pip uninstall -y keras", "PYTHON -m pip install 'keras==3.6.0' --no-deps")
    # the index loses the wheel between the look and the installation
    keep, first, second = plan.actions
    shutil.rmtree(env.house)
    keep = keep.replace(argv=(*keep.argv[: keep.argv.index("--")], "--", "uninstall", "keras"))
    outcome = apply(plan.replace(actions=(keep, first, second)), writer(env))
    assert outcome.state == "rolled-back", outcome
    assert env.picture() == before


def test_what_could_not_be_put_back_is_not_begun(env: Environment) -> None:
    (env.site / "keras-2.15.0.dist-info" / "RECORD").unlink()
    before = env.picture()
    outcome = apply(keras(env), writer(env))
    assert outcome.state == "rolled-back" and "could not be put back" in outcome.why
    assert env.picture() == before


def test_what_was_installed_from_a_place_is_so_again(env: Environment) -> None:
    """An editable installation, an address: `pip freeze` says the same before and after."""
    info = env.site / "keras-2.15.0.dist-info"
    (info / "direct_url.json").write_text('{"url": "file:///src/keras", "dir_info": {"editable": true}}')
    record = info / "RECORD"
    record.write_text(record.read_text() + f"{info.name}/direct_url.json,,\n")
    before = env.picture()
    assert apply(keras(env), writer(env)).state == "applied"
    assert undo(writer(env)).state == "undone"
    assert env.picture() == before


def test_an_undo_that_was_interrupted_goes_on(env: Environment) -> None:
    before = env.picture()
    assert apply(keras(env), writer(env)).state == "applied"
    # as one that was killed leaves it: the new keras gone, the old one back but for its METADATA
    subprocess.run([env.python, "-m", "pip", "uninstall", "-qy", "keras"], check=True, timeout=60)
    kept = next(Path(env.state, "packages").iterdir())
    init = env.site / "keras" / "__init__.py"
    init.parent.mkdir(exist_ok=True)
    shutil.copyfile(next(p for p in kept.iterdir() if b"2.15.0'" in p.read_bytes()), init)
    assert undo(writer(env)).state == "undone"
    assert env.picture() == before


@pytest.mark.skipif(not os.access("/dev/shm", os.W_OK), reason="no second file system here")
def test_where_the_state_lies_on_another_file_system_it_is_copies_that_are_kept(
    env: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    with tempfile.TemporaryDirectory(dir="/dev/shm") as other:
        env.state = f"{other}/state"
        monkeypatch.setenv("GPUDOCTOR_STATE", env.state)
        proven(env, CASE, KERAS, monkeypatch)


def test_where_what_was_kept_is_gone_undo_says_so_and_the_change_stands(env: Environment) -> None:
    assert apply(keras(env), writer(env)).state == "applied"
    after = env.picture()
    shutil.rmtree(Path(env.state, "packages"))
    with pytest.raises(GpudoctorError, match="can't be taken back") as caught:
        undo(writer(env))
    assert "what was kept is gone" in caught.value.context
    assert env.picture() == after and journals(writer(env))[-1].state == "done"


def test_a_change_that_is_forgotten_stands_and_frees_what_was_kept(env: Environment) -> None:
    assert apply(keras(env), writer(env)).state == "applied"
    after = env.picture()
    assert forget(writer(env), "1").state == "forgotten"
    assert env.picture() == after and not list(Path(env.state, "packages").iterdir())
    with pytest.raises(GpudoctorError, match="was forgotten, and stands"):
        undo(writer(env), "1")


def test_an_interpreter_of_the_distribution_is_refused_with_the_way_out(env: Environment) -> None:
    found = machine(env)
    one = found.frameworks.interpreters.value[0].replace(  # type: ignore[union-attr]
        externally_managed=Known(True, "EXTERNALLY-MANAGED")
    )
    found = found.replace(frameworks=Frameworks(Known((one,), "--python"), found.frameworks.kernels))
    with pytest.raises(Manual, match="externally managed") as caught:
        plan_for(KERAS, found, env.port(), None)
    assert caught.value.commands[0] == "python3 -m venv ~/gpu-env"
    assert "keras" in caught.value.commands[1]


def test_condas_packages_are_left_to_conda(env: Environment) -> None:
    with pytest.raises(Manual, match="not pip's to do"):
        _planned(env, f"conda install -p {env.prefix} -c conda-forge pytorch-gpu")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can ask for another user")
def test_under_sudo_the_environments_owner_installs(env: Environment) -> None:
    os.chown(env.prefix, 12345, 12345)
    login = Login("ann", 12345, "/home/ann", "/bin/bash", other=True)
    found = _finding(env, "PYTHON -m pip install keras")
    plan = python_packages.plan(found, machine(env), See(env.port(), login))
    assert all(action.argv[:4] == ("runuser", "-u", "ann", "--") for action in plan.actions)
    assert any("/home/ann/.local/state/gpudoctor/packages/" in word for word in plan.actions[0].argv)


@pytest.mark.skipif(bool(box.missing()), reason=box.missing())
def test_through_sudo_ann_replaces_her_packages_with_her_own_settings(tmp_path: Path, pip: Path) -> None:
    """Her pip.conf names where packages come from; root's is not asked. What is hers stays hers."""
    here = box.Box(tmp_path / "box", "/bin/bash")
    python = nobody.python()
    version = subprocess.run(
        [python, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    env = Environment.__new__(Environment)
    env.prefix, env.house = here.home / "env", here.home / "house"
    env.site = env.prefix / "lib" / f"python{version}" / "site-packages"
    (env.prefix / "bin").mkdir(parents=True)
    (env.prefix / "bin" / "python").symlink_to(python)
    (env.prefix / "pyvenv.cfg").write_text(f"home = {os.path.dirname(python)}\n")
    shutil.copytree(next(pip.glob("lib/python*/site-packages/pip")), env.site / "pip")
    env.installed(CASE.ill)
    env.house.mkdir()
    env.offered(CASE.house)
    (here.home / ".config/pip").mkdir(parents=True)
    (here.home / ".config/pip/pip.conf").write_text(
        "[global]\nno-index = true\nfind-links = /home/ann/house\n"
    )
    here.own()
    before = env.picture()
    words = (KERAS, "--python", "/home/ann/env", "--apply", "--yes")
    code, report = here.fix(*words)
    item = report["changes"]["items"][0]
    assert (code, item["state"], item["recheck"]) == (0, "applied", "mended"), item["why"]
    owners = {path.lstat().st_uid for path in here.home.rglob("*")}
    assert owners == {box.ANN}
    assert here.doctor("undo").returncode == 0
    assert env.picture() == before and {path.lstat().st_uid for path in env.prefix.rglob("*")} == {box.ANN}


# ---------------------------------------------------------------- other installers


def test_without_pip_and_uv_the_way_to_pip_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    env = made(tmp_path, CASE, None, monkeypatch)
    monkeypatch.setenv("PATH", "/usr/bin:/bin")
    with pytest.raises(Manual, match="has no pip, and there is no uv on PATH") as caught:
        keras(env)
    assert caught.value.commands[0].startswith(f"{env.python} -m ensurepip")


@pytest.mark.wheels
@pytest.mark.parametrize("name", ["keras-tensorflow-mismatch", "cpu-only-wheel", "cpu-only-wheel of TensorFlow",
                                  "duplicate-distributions"])  # fmt: skip
def test_uv_mends_an_environment_of_its_own(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No pip in it, and `uv` as the installer in its records."""
    folder = INSTALLERS / "uv" / "bin"
    if not (folder / "uv").exists():
        pytest.skip("no build/installers/uv: run scripts/fetch-installers")
    env = made(tmp_path, CASES[name], None, monkeypatch, installer="uv")
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    proven(env, CASES[name], name.partition(" ")[0], monkeypatch)


@pytest.mark.wheels
def test_a_pip_that_can_not_say_what_it_would_do_has_a_newer_one_say_it(
    tmp_path: Path, pip: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ubuntu 22.04's venvs have pip 22.0.2, without --dry-run; the newer one is fetched and not installed."""
    if sys.version_info >= (3, 12):
        pytest.skip("pip 22.0.2 does not start on Python 3.12 and later")
    old = INSTALLERS / "old-pip"
    if not old.exists():
        pytest.skip("no build/installers/old-pip: run scripts/fetch-installers")
    env = made(tmp_path, CASE, old, monkeypatch)
    outcome = apply(keras(env), writer(env))
    assert outcome.state == "rolled-back" and "install --upgrade pip` comes first" in outcome.why
    shutil.rmtree(env.state)
    _wheel_of_pip(pip, env.house)
    proven(env, CASE, KERAS, monkeypatch)


def _wheel_of_pip(environment: Path, house: Path) -> None:
    """The installed pip as the wheel that it came from."""
    site = next(environment.glob("lib/python*/site-packages"))
    info = next(site.glob("pip-*.dist-info"))
    version = info.name.split("-")[1].removesuffix(".dist")
    with zipfile.ZipFile(house / f"pip-{version}-py3-none-any.whl", "w") as wheel:
        for folder in (site / "pip", info):
            for path in sorted(folder.rglob("*")):
                if path.is_file() and path.suffix != ".pyc":
                    wheel.write(path, str(path.relative_to(site)))
