"""Jupyter's kernels: which interpreter each starts, and whether that is still there."""

from __future__ import annotations

import json

from gpudoctor.facts.frameworks import Kernel
from gpudoctor.facts.observed import Absent, Known, Observed
from gpudoctor.probes.python.layout import layout
from gpudoctor.system.port import Port, exists, is_dir, is_file, names, text, which

#: Import folder -> the name that a kernel's `frameworks` uses.
FRAMEWORKS = ("torch", "tensorflow", "jax")
#: More kernels than this are not looked into.
MOST_KERNELS = 32


def kernels(port: Port) -> tuple[Kernel, ...]:
    """Every kernel that a Jupyter of this user would list; the first of a name wins, as there."""
    return port.memo("kernels", lambda: _kernels(port))


def folders(port: Port) -> list[str]:
    home = port.env.get("HOME", "")
    data = port.env.get("JUPYTER_DATA_DIR", "") or (f"{home}/.local/share/jupyter" if home else "")
    found = [folder for folder in port.env.get("JUPYTER_PATH", "").split(":") if folder.startswith("/")]
    found += [data] if data else []
    found += [
        f"{port.env[variable]}/share/jupyter"
        for variable in ("VIRTUAL_ENV", "CONDA_PREFIX")
        if port.env.get(variable, "").startswith("/")
    ]
    return [*found, "/usr/local/share/jupyter", "/usr/share/jupyter", "/opt/conda/share/jupyter"]


def _kernels(port: Port) -> tuple[Kernel, ...]:
    found: dict[str, Kernel] = {}
    for folder in folders(port):
        for name in names(port, f"{folder}/kernels"):
            path = f"{folder}/kernels/{name}/kernel.json"
            if name in found or len(found) >= MOST_KERNELS or not is_file(port, path):
                continue
            kernel = _kernel(port, name, path, folder)
            if kernel is not None:
                found[name] = kernel
    return tuple(found.values())


def _kernel(port: Port, name: str, path: str, folder: str) -> Kernel | None:
    try:
        spec = json.loads(text(port, path, 1 << 16))
        argv = spec["argv"]
        program = argv[0]
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return None
    if not isinstance(program, str) or "ipykernel" not in " ".join(str(a) for a in argv):
        return None  # a kernel of another language
    interpreter = _interpreter(port, program, folder)
    there = Known(exists(port, interpreter), interpreter)
    shown = str(spec.get("display_name") or name)
    found: Observed[tuple[str, ...]] = Absent(interpreter)
    if there.value:
        found = Known(_frameworks(port, interpreter), interpreter)
    return Kernel(name, path, interpreter, there, shown, found)


def _interpreter(port: Port, program: str, folder: str) -> str:
    if program.startswith("/"):
        return program
    # Jupyter takes a bare "python" for its own interpreter: that of the environment that the spec lies in.
    prefix = folder.rpartition("/share/jupyter")[0]
    own = f"{prefix}/bin/{program}"
    return own if exists(port, own) else which(port, program) or program


def _frameworks(port: Port, interpreter: str) -> tuple[str, ...]:
    sites = layout(port, interpreter).sites
    return tuple(name for name in FRAMEWORKS if any(is_dir(port, f"{site}/{name}") for site in sites))
