"""Settings that hurt, in the files of real shells: ill before, well in a new login after, the same to the byte after undo."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from gpudoctor.facts.cuda import Tool
from gpudoctor.facts.libraries import Library, LoaderDir
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known
from gpudoctor.fixes.see import Login, Manual, See
from gpudoctor.system.live import Live
from tests.changes.mending import Home, plan_for
from tests.machines import healthy
from tests.machines.parts import cuda, driver
from tests.machines.parts import libraries as parts

pytestmark = pytest.mark.slow

SHELLS = ("bash", "zsh", "fish")
BASHRC = """case $- in *i*) ;; *) return;; esac
# ann's own
alias ll='ls -l'
{line}
export EDITOR=vi
"""
PROFILE = 'if [ -n "$BASH_VERSION" ]; then . "$HOME/.bashrc"; fi\n'


def _shell(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return found


def _write(home: Path, shell: str, line: str, fish: str) -> None:
    if shell == "fish":
        (home / ".config/fish").mkdir(parents=True)
        (home / ".config/fish/config.fish").write_text(f"# ann's own\n{fish}\nset -gx EDITOR vi\n")
    elif shell == "zsh":
        (home / ".zshrc").write_text(f"# ann's own\n{line}\nexport EDITOR=vi\n")
    else:
        (home / ".profile").write_text(PROFILE)
        (home / ".bashrc").write_text(BASHRC.format(line=line))


# What a login's environment means for the rest of the facts: the loader's and the compilers' choices follow it.


def _laptop(env: Mapping[str, str]) -> Machine:
    return healthy.rtx3050_laptop()


STUBS, COMPAT = "/usr/local/cuda-12.4/lib64/stubs", "/usr/local/cuda-12.2/compat"
OLD_CUDNN = "/opt/cudnn-8/lib"


def _on_path(env: Mapping[str, str], folder: str) -> bool:
    return folder in env.get("LD_LIBRARY_PATH", "").split(":")


def _stub(env: Mapping[str, str]) -> Machine:
    stub = Library("libcuda-stub", "libcuda.so", f"{STUBS}/libcuda.so", f"{STUBS}/libcuda.so", "toolkit")
    search = (LoaderDir(STUBS, "LD_LIBRARY_PATH", Known(True, STUBS)),) if _on_path(env, STUBS) else ()
    return parts.changed(healthy.rtx3050_laptop(), copies=(stub,), search=search)


def _compat(env: Mapping[str, str]) -> Machine:
    node = healthy.h100_node()
    own = node.driver.libraries.value
    compat = driver.library("libcuda.so.1", "535.104.05", COMPAT, origin="compat")
    first = compat if _on_path(env, COMPAT) else own[0]
    told = node.gpu.cuda.value.replace(library=Known(first.real_path, "helper"))
    node = node.replace(
        driver=node.driver.replace(libraries=Known((compat, *own), "loader")),
        gpu=node.gpu.replace(cuda=Known(told, "libcuda")),
    )
    folder = LoaderDir(COMPAT, "LD_LIBRARY_PATH", Known(True, COMPAT))
    return parts.changed(node, search=(folder,)) if _on_path(env, COMPAT) else node


def _cudnn(env: Mapping[str, str]) -> Machine:
    machine = parts.with_framework(healthy.h100_node(), "tensorflow", cudnn="9.1")
    if not _on_path(env, OLD_CUDNN):
        return machine
    sonames = [s for s in parts.WHEELS if s.startswith("libcudnn")]
    loads = [parts.elsewhere(s, OLD_CUDNN, "9.0.0", framework="tensorflow") for s in sonames]
    return parts.changed(
        machine, *loads, copies=tuple(parts.system_copy(s, OLD_CUDNN, "9.0.0") for s in sonames)
    )


def _two_toolkits(env: Mapping[str, str]) -> Machine:
    return cuda.with_cuda(healthy.rtx3050_laptop(), cuda.toolkit("12.4"), cuda.toolkit("11.8"))


def _home(env: Mapping[str, str]) -> Machine:
    value = env.get("CUDA_HOME", "")
    says = (
        cuda.selects("CUDA_HOME", value)
        if value == "/usr/local/cuda-12.4"
        else cuda.selects("CUDA_HOME", value).replace(prefix=Absent(f"{value!r} is no absolute path"))
    )
    chosen = (cuda.selects("PATH", "/usr/local/cuda-12.4"), says)
    return cuda.with_cuda(healthy.rtx3050_laptop(), selections=Known(chosen, "environment"))


def _xla(env: Mapping[str, str]) -> Machine:
    from tests.causes.libraries.test_libdevice_not_found import elsewhere, laptop, tensorflow

    return laptop(elsewhere("/data/cuda1204"), tensorflow())


def _triton(env: Mapping[str, str]) -> Machine:
    from tests.causes.toolkit.test_ptxas_too_old import desktop, tritons

    tools = [tritons("12.4.131")]
    path = env.get("TRITON_PTXAS_PATH", "")
    if path:
        tools.append(Tool("ptxas", path, Known("12.8.93", path), "TRITON_PTXAS_PATH", path))
    machine = desktop(*tools)
    return machine.replace(cuda=machine.cuda.replace(toolkits=Known((cuda.toolkit("12.8"),), "/usr/local")))


def _ptxas(env: Mapping[str, str]) -> Machine:
    """nvcc of 12.4, and the ptxas of a folder that has no nvcc, if that comes first."""
    machine = cuda.with_cuda(healthy.rtx3050_laptop(), cuda.toolkit("12.4"))
    own = "/usr/local/cuda-12.4"
    stray = "/opt/parts/bin" in env.get("PATH", "").split(":")
    tools = (
        cuda.tool("nvcc", "12.4", own, "PATH"),
        cuda.tool("ptxas", "11.8", "/opt/parts", "PATH")
        if stray
        else cuda.tool("ptxas", "12.4", own, "PATH"),
    )
    return machine.replace(cuda=machine.cuda.replace(tools_on_path=Known(tools, "PATH")))


LD = "LD_LIBRARY_PATH"
#: cause -> (machine by environment, the line in a Bourne shell, the line in fish)
CASES: dict[str, tuple[Callable[[Mapping[str, str]], Machine], str, str]] = {
    "ld-library-path-empty-element": (_laptop, f"export {LD}=/opt/lib:${LD}", f"set -gx {LD} /opt/lib:"),
    "path-entry-missing": (
        _laptop,
        'export PATH="$HOME/cuda-11.8/bin:$PATH"',
        "set -gx PATH $HOME/cuda-11.8/bin $PATH",
    ),
    "path-of-another-cuda-major": (
        _two_toolkits,
        f"export {LD}=/usr/local/cuda-11.8/lib64:/opt/mine",
        f"set -gx {LD} /usr/local/cuda-11.8/lib64:/opt/mine",
    ),
    "environment-variable-harmful": (
        _laptop,
        "if true; then\n    export CUDA_LAUNCH_BLOCKING=1\nfi",
        "if true\n    set -gx CUDA_LAUNCH_BLOCKING 1\nend",
    ),
    "ld-preload-cuda": (
        _laptop,
        "export LD_PRELOAD=/no/libcudart.so.12",
        "set -gx LD_PRELOAD /no/libcudart.so.12",
    ),
    "cudnn-shadowed-by-ld-library-path": (
        _cudnn,
        f"export {LD}={OLD_CUDNN}:${LD}",
        f"set -gx {LD} {OLD_CUDNN}",
    ),
    "libcuda-stub-on-path": (_stub, f"export {LD}={STUBS}", f"set -gx {LD} {STUBS}"),
    "cuda-compat-shadows-driver": (
        _compat,
        f"export {LD}={COMPAT}:/opt/mine",
        f"set -gx {LD} {COMPAT}:/opt/mine",
    ),
    "cuda-home-missing": (
        _home,
        "export CUDA_HOME=':/usr/local/cuda-12.4'  # mine",
        "set -gx CUDA_HOME :/usr/local/cuda-12.4",
    ),
    "ptxas-from-another-toolkit": (
        _ptxas,
        "export PATH=/opt/parts/bin:$PATH",
        "set -gx PATH /opt/parts/bin $PATH",
    ),
    "libdevice-not-found": (_xla, "", ""),
    "ptxas-too-old": (_triton, "", ""),
}


@pytest.mark.parametrize("shell", SHELLS)
@pytest.mark.parametrize("cause", CASES)
def test_ill_mended_well_undone(tmp_path: Path, cause: str, shell: str) -> None:
    machine, line, fish = CASES[cause]
    home = Home(tmp_path, _shell(shell), machine)
    _write(home.home, shell, line, fish)
    plan = home.fixed(cause)
    assert all(change.path.startswith(str(home.home)) for change in plan.files)


def test_the_rest_of_the_line_and_of_the_file_stays(tmp_path: Path) -> None:
    home = Home(tmp_path, _shell("bash"), _two_toolkits)
    _write(home.home, "bash", f"export {LD}=/usr/local/cuda-11.8/lib64:/opt/mine:${LD}  # both", "")
    plan = plan_for("path-of-another-cuda-major", home.machine(), Live(20.0, home.environment()), home.login)
    after = (plan.files[0].after or b"").decode()
    assert after == BASHRC.format(line=f"export {LD}=/opt/mine${{{LD}:+:${LD}}}  # both")


def test_the_only_command_of_an_if_leaves_a_command_behind(tmp_path: Path) -> None:
    machine, line, fish = CASES["environment-variable-harmful"]
    home = Home(tmp_path, _shell("bash"), machine)
    _write(home.home, "bash", line, fish)
    plan = plan_for(
        "environment-variable-harmful", home.machine(), Live(20.0, home.environment()), home.login
    )
    assert b"then\n    : # export CUDA_LAUNCH_BLOCKING=1\nfi" in (plan.files[0].after or b"")


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (f"export {LD}=/usr/local/cuda-11.8/lib64:/opt/mine; true", "edit it by hand"),
        (f'eval "{LD}=/usr/local/cuda-11.8/lib64:/opt/mine"; export {LD}', "no start-up file sets"),
    ],
)
def test_a_line_that_does_more_is_left_to_a_person(tmp_path: Path, line: str, words: str) -> None:
    home = Home(tmp_path, _shell("bash"), _two_toolkits)
    _write(home.home, "bash", line, "")
    with pytest.raises(Manual, match=words):
        plan_for("path-of-another-cuda-major", home.machine(), Live(20.0, home.environment()), home.login)


@pytest.mark.parametrize("kind", ["venv", "conda"])
def test_what_an_active_environment_needs_goes_where_it_is_activated(tmp_path: Path, kind: str) -> None:
    """Not into the login's files: other environments have other toolkits."""
    from gpudoctor.changes.restore import undo
    from gpudoctor.changes.transaction import apply
    from gpudoctor.engine import Asking
    from gpudoctor.facts.frameworks import Frameworks
    from gpudoctor.system.writer import Writer
    from gpudoctor.workflows.fix import active, fresh_environment
    from tests.changes.mending import ids

    prefix = tmp_path / "env"
    place = prefix / ("bin/activate" if kind == "venv" else "etc/conda/activate.d/gpudoctor.sh")
    (prefix / "bin").mkdir(parents=True)
    if kind == "venv":
        place.write_text(f"export VIRTUAL_ENV={prefix}\n")
    login = Login("ann", 0, str(tmp_path / "home"), _shell("bash"))
    (tmp_path / "home").mkdir()
    now = {"VIRTUAL_ENV" if kind == "venv" else "CONDA_PREFIX": str(prefix)}

    def machine() -> tuple[Machine, dict[str, str]]:
        kept, scripts = active(login, now)
        env = {**kept, **fresh_environment(login, activate=scripts)}
        found = _xla(env)
        one = found.frameworks.interpreters.value[0].replace(kind=kind, prefix=str(prefix))  # type: ignore[union-attr]
        probed = Asking(Live(20.0, env), ("environment",)).machine().environment
        frameworks = Frameworks(Known((one,), "PATH"), found.frameworks.kernels)
        return found.replace(frameworks=frameworks, environment=probed), env

    ill, env = machine()
    plan = plan_for("libdevice-not-found", ill, Live(20.0, env), login)
    off = str(place).replace("/activate.d/", "/deactivate.d/")
    assert [change.path for change in plan.files] == ([str(place)] if kind == "venv" else [str(place), off])
    assert apply(plan, Writer("", str(tmp_path / "state"))).state == "applied"
    well, env = machine()
    assert env["XLA_FLAGS"] == "--xla_gpu_cuda_data_dir=/data/cuda1204"
    assert "libdevice-not-found" not in ids(well)
    assert undo(Writer("", str(tmp_path / "state"))).state == "undone"
    assert "libdevice-not-found" in ids(machine()[0])
    assert kind == "venv" or sorted(p.name for p in prefix.iterdir()) == ["bin"]


@pytest.mark.parametrize("shell", ["sh", "bash", "zsh"])
@pytest.mark.parametrize("before", ["", "--a", "--a --b=c", "--xla_gpu_cuda_data_dir=/opt/cuda-1"])
def test_what_conda_activates_it_takes_off_again(tmp_path: Path, shell: str, before: str) -> None:
    import subprocess

    from gpudoctor.fixes import _startup

    see = See(Live(5.0, {}), None)
    word = _startup.Assign("XLA_FLAGS", "--xla_gpu_cuda_data_dir=/opt/cuda", add=True)
    on = _startup.block(see, _startup.Place(str(tmp_path / "on.sh"), "sh"), "xla", (word,), "x")
    off = _startup.taken_off(see, str(tmp_path / "off.sh"), "xla", word, "x")
    for change in (on, off):
        Path(change.path).write_bytes(change.after or b"")
    say = 'echo "${XLA_FLAGS-unset}"'
    setting = f"XLA_FLAGS='{before}'; export XLA_FLAGS; " if before else "unset XLA_FLAGS; "
    code = f"set -e; {setting}. {on.path}; . {on.path}; {say}; . {off.path}; {say}; . {off.path}; {say}"
    ran = subprocess.run([_shell(shell), "-c", code], capture_output=True, text=True, timeout=20, check=False)
    wanted = " ".join(filter(None, (before, word.value)))
    assert (ran.stdout.splitlines(), ran.stderr) == ([wanted, before or "unset", before or "unset"], "")


def test_a_shell_that_is_not_known_is_left_alone(tmp_path: Path) -> None:
    from gpudoctor.fixes import _startup

    login = Login("ann", 1, str(tmp_path), "/usr/bin/nu")
    with pytest.raises(Manual, match="not known"):
        _startup.places(See(Live(5.0, {}), login), login)


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        ({".profile": PROFILE}, [".bashrc"]),
        ({".profile": "# no bashrc\n"}, [".bashrc", ".profile"]),
        ({".bash_profile": "export A=1\n", ".profile": PROFILE}, [".bashrc", ".bash_profile"]),
        ({".bash_login": "source ~/.bashrc\n"}, [".bashrc"]),
        ({}, [".bashrc", ".profile"]),
    ],
)
def test_bash_reads_the_block_in_a_login_and_in_a_terminal(
    tmp_path: Path, profile: Mapping[str, str], expected: list[str]
) -> None:
    import subprocess

    from gpudoctor.changes.plan import Plan
    from gpudoctor.changes.transaction import apply
    from gpudoctor.fixes import _startup
    from gpudoctor.system.writer import Writer

    for name, text in profile.items():
        (tmp_path / name).write_text(text)
    login = Login("ann", 0, str(tmp_path), _shell("bash"))
    see = See(Live(5.0, {}), login)
    statement = (_startup.Prepend("PATH", "/opt/the cuda/bin"),)
    changes = _startup.blocks(see, login, "toolkit", statement, "why")
    assert [c.path.rpartition("/")[2] for c in changes] == expected
    apply(Plan("p", "p", "safe", files=changes), Writer("", str(tmp_path / "state")))
    for flags in (["-l"], ["-i"], ["-l", "-i"]):
        ran = subprocess.run(
            [login.shell, *flags, "-c", "echo $PATH"],
            env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
        assert ran.stdout.strip().split(":").count("/opt/the cuda/bin") == 1, flags
    see = See(Live(5.0, {}), login)
    assert all(c.before == c.after for c in _startup.blocks(see, login, "toolkit", statement, "why"))  # once
