"""Which interpreters are examined: those that the user's commands would run, and those that were asked for."""

from __future__ import annotations

import sys

from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.record import Record
from gpudoctor.system.port import Port, exists, is_dir, is_file, names, text, which

#: PATH where none is given (another root has no environment), and where images like to put theirs.
USUAL_PATH = (
    "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin:/opt/conda/bin:/opt/venv/bin:/venv/bin"
)
#: Environments that tools make for one program: what lies there is not the user's.
OWN_ENVIRONMENTS = ("/pipx/venvs/gpudoctor", "/uv/tools/gpudoctor", "/uv/archive-v", "/uvx/")


class Candidate(Record):
    path: str
    selected_by: str


def candidates(port: Port) -> tuple[Candidate, ...]:
    """Each interpreter once, by the first that selects it. What was asked for and can't be found is left out here:
    `requested` says why."""
    found: list[Candidate] = []
    for variable in ("VIRTUAL_ENV", "CONDA_PREFIX"):
        folder = port.env.get(variable, "")
        path = _in_folder(port, folder) if folder.startswith("/") else None
        if path:
            found.append(Candidate(path, variable))
    found += [Candidate(path, "PATH") for path in _on_path(port)]
    found += _this_process(port)
    for wanted in port.options.pythons:
        try:
            found.append(requested(port, wanted))
        except GpudoctorError:
            continue
    unique: dict[str, Candidate] = {}
    for one in found:
        unique.setdefault(_identity(port, one.path), one)
    return tuple(unique.values())


def requested(port: Port, wanted: str) -> Candidate:
    """What `--python` names: an executable, an environment's folder, or "kernel:NAME". Raises GpudoctorError."""
    if wanted.startswith("kernel:"):
        from gpudoctor.probes.python.kernels import kernels

        name = wanted[7:]
        known = kernels(port)
        kernel = next((k for k in known if k.name == name), None)
        if kernel is None:
            listed = ", ".join(sorted(k.name for k in known)) or "none was found"
            raise GpudoctorError(
                f"there is no Jupyter kernel named {name!r}",
                context=f"--python {wanted}",
                hint=f"kernels: {listed}",
            )
        if not exists(port, kernel.interpreter):
            raise GpudoctorError(
                f"the kernel {name} runs {kernel.interpreter}, which is not there", context=kernel.path
            )
        return Candidate(kernel.interpreter, f"kernel {name}")
    path = _named(port, wanted)
    if path and is_dir(port, path):
        inside = _in_folder(port, path.rstrip("/"))
        if inside is None:
            raise GpudoctorError(
                f"{wanted} holds no bin/python",
                context="--python",
                hint="give an environment's folder or its python",
            )
        return Candidate(inside, "--python")
    if not path or not is_file(port, path):
        raise GpudoctorError(
            f"there is no interpreter at {wanted}",
            context="--python",
            hint="give a path to python, an environment's folder, or kernel:NAME",
        )
    if not _may_be_python(port, path):
        raise GpudoctorError(
            f"{wanted} is no Python interpreter",
            context="--python",
            note="nothing was checked",
            hint="give a path to python, an environment's folder, or kernel:NAME",
        )
    return Candidate(_unshimmed(port, path) or path, "--python")


def _named(port: Port, wanted: str) -> str | None:
    """A bare name is a program on PATH, or an environment's folder beside us: "env" is both, and hardly meant as the first."""
    if wanted.startswith("/"):
        return wanted
    if "/" in wanted:
        return _absolute(port, wanted)
    program, folder = which(port, wanted), _absolute(port, wanted)
    if program is not None and _may_be_python(port, program):
        return program
    return folder if is_dir(port, folder) else program


def _may_be_python(port: Port, path: str) -> bool:
    """An executable whose name, or that of what it links to, begins as an interpreter's does."""
    known = ("python", "pypy", "graalpy")
    named = any(p.rpartition("/")[2].startswith(known) for p in (path, port.realpath(path)))
    return named and bool(port.stat(path).mode & 0o111)


def runnable(port: Port, path: str) -> str:
    """Empty if this interpreter may be run, else why not: another user's code is not run, least of all as root."""
    import os

    if not port.live:
        return "nothing is executed under --root"
    try:
        info = port.stat(path)
    except OSError as error:
        return f"{path}: {error.strerror}"
    if info.uid in (0, os.geteuid()):
        return ""
    return f"{path} belongs to another user (uid {info.uid}): it is read, but not run"


def _absolute(port: Port, path: str) -> str:
    import os

    return os.path.abspath(path) if port.live else f"/{path}"


def _in_folder(port: Port, folder: str) -> str | None:
    for name in ("python", "python3"):
        if is_file(port, f"{folder}/bin/{name}"):
            return f"{folder}/bin/{name}"
    return None


def _on_path(port: Port) -> list[str]:
    search = port.env.get("PATH", "") or (USUAL_PATH if not port.live else "")
    found = []
    for program in ("python3", "python"):
        path = which(port, program, search)
        if path is None or not path.startswith("/"):
            continue
        if "/shims/" in path:
            path = _unshimmed(port, path) or which(port, program, _without_shims(search))
        if path is not None:
            found.append(path)
    return found


def _without_shims(search: str) -> str:
    return ":".join(folder for folder in search.split(":") if not folder.rstrip("/").endswith("/shims"))


def _unshimmed(port: Port, path: str) -> str | None:
    """What a pyenv shim (a shell script) would run: by PYENV_VERSION, .python-version upwards, or the global file."""
    if "/shims/" not in path:
        return None
    root, _, program = path.partition("/shims/")
    for version in _pyenv_versions(port, root):
        for name in (program, "python"):
            real = f"{root}/versions/{version}/bin/{name}"
            if is_file(port, real):
                return real
        # "3.11" stands for the newest 3.11.x that is installed.
        newest = sorted(
            (n for n in names(port, f"{root}/versions") if n.startswith(f"{version}.")),
            key=lambda n: [int(part) if part.isdigit() else -1 for part in n.split(".")],
        )
        if newest and is_file(port, f"{root}/versions/{newest[-1]}/bin/{program}"):
            return f"{root}/versions/{newest[-1]}/bin/{program}"
    return None


def _pyenv_versions(port: Port, root: str) -> list[str]:
    chosen = port.env.get("PYENV_VERSION", "")
    if chosen:
        return [v for v in chosen.split(":") if v != "system"]
    folder = port.env.get("PWD", "")
    places = []
    while folder.startswith("/") and folder != "/":
        places.append(f"{folder}/.python-version")
        folder = folder.rpartition("/")[0] or "/"
    for place in [*places, f"{root}/version"]:
        try:
            lines = text(port, place, 1 << 12).split()
        except OSError:
            continue
        return [v for v in lines if not v.startswith("#") and v != "system"]
    return []


def _this_process(port: Port) -> list[Candidate]:
    if not port.live or not sys.executable or any(part in sys.executable for part in OWN_ENVIRONMENTS):
        return []
    return [Candidate(sys.executable, "this process")]


def _identity(port: Port, path: str) -> str:
    """Two paths into one environment are one interpreter; a venv's python is a link to its base's, so links of the
    last part are not followed there."""
    folder = path.rpartition("/")[0]
    if exists(port, f"{folder.rpartition('/')[0]}/pyvenv.cfg"):
        return port.realpath(folder)
    return port.realpath(path)
