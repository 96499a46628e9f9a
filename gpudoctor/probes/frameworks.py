"""Interpreters, the frameworks in them, and Jupyter's kernels: read from files, nothing is imported.

Only `check --import` runs an interpreter for its frameworks, in a child process; and an interpreter whose version no
file tells is asked for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from gpudoctor.facts.frameworks import SUPPORTING, Build, Interpreter, Kernel, Package
from gpudoctor.facts.observed import Known, Observed, Unknown
from gpudoctor.probes.python import select
from gpudoctor.probes.python.layout import Layout, layout, version
from gpudoctor.probes.python.packages import packages
from gpudoctor.system.port import Port, exists, is_dir, is_file, observe

#: How long an interpreter may take to say its version (seconds).
VERSION_TIMEOUT = 2.0
#: Import names that a file or folder before the site folders must not hide.
SHADOWED = ("torch", "tensorflow", "jax", "jaxlib", "numpy", "keras", "onnxruntime", "cupy", "triton")


def interpreters(port: Port) -> Observed[tuple[Interpreter, ...]]:
    """Asked once, whoever asks first: the libraries are looked for in them too."""

    def ask() -> tuple[Interpreter, ...]:
        return tuple(_interpreter(port, one) for one in select.candidates(port))

    return Known(port.memo("frameworks.interpreters", ask), "PATH, VIRTUAL_ENV, CONDA_PREFIX, --python")


def kernels(port: Port) -> Observed[tuple[Kernel, ...]]:
    from gpudoctor.probes.python.kernels import folders
    from gpudoctor.probes.python.kernels import kernels as listed

    return Known(listed(port), ", ".join(f"{folder}/kernels" for folder in folders(port)))


def _interpreter(port: Port, one: select.Candidate) -> Interpreter:
    found = layout(port, one.path)
    base = Interpreter(
        path=one.path,
        real_path=found.real_path,
        selected_by=one.selected_by,
        version=_version(port, found),
        implementation=Known(found.implementation, found.stdlib)
        if found.implementation
        else Unknown(f"{found.base_prefix}/lib holds no standard library"),
        kind=found.kind,  # type: ignore[arg-type]
        prefix=found.prefix,
        base_prefix=found.base_prefix,
        path_order=found.order,
        externally_managed=_externally_managed(port, found),
        shadows=_shadows(port, found),
        python_path=found.python_path,
    )
    installed = observe(lambda: packages(port, found), f"{found.prefix}: site folders")
    if not isinstance(installed, Known):
        return base.replace(packages=installed)
    return base.replace(packages=installed, builds=_builds(port, found, installed.value))


def _builds(port: Port, found: Layout, installed: tuple[Package, ...]) -> tuple[Build, ...]:
    if all(package.name.startswith(SUPPORTING) for package in installed):
        return ()  # nvidia-ml-py, which came with us, among them
    from gpudoctor.probes.python.builds import builds

    result = builds(port, found, installed)
    if port.options.imports and result:
        from gpudoctor.probes.python.imports import with_imports

        result = with_imports(port, found, result)
    return result


def _version(port: Port, found: Layout) -> Observed[str]:
    by_files = version(port, found)
    if isinstance(by_files, Known) or not port.live:
        return by_files
    refused = select.runnable(port, found.path)
    if refused:
        return Unknown(refused)
    code = "import sys; print('.'.join(map(str, sys.version_info[:3])))"
    via = f"{found.path} -c ..."
    ran = observe(lambda: port.run([found.path, "-I", "-S", "-c", code], VERSION_TIMEOUT), via)
    if not isinstance(ran, Known):
        return ran
    said = ran.value.stdout.strip()
    return (
        Known(said, via) if ran.value.code == 0 and said[:1].isdigit() else Unknown(f"{via} did not answer")
    )


def _externally_managed(port: Port, found: Layout) -> Observed[bool]:
    """PEP 668: pip refuses to install here. The marker counts for the base, not for environments made from it."""
    marker = f"{found.stdlib}/EXTERNALLY-MANAGED"
    if not found.stdlib:
        return Unknown("its standard library was not found")
    return Known(found.kind != "venv" and exists(port, marker), marker)


def _shadows(port: Port, found: Layout) -> tuple[str, ...]:
    """Files and folders on PYTHONPATH that an import would take instead of the installed framework. A folder on
    PYTHONPATH that is a whole installation (it has the dist-info too) hides nothing: it is where the framework is."""
    hidden = []
    for folder in found.python_path:
        for name in SHADOWED:
            for path in (f"{folder}/{name}.py", f"{folder}/{name}"):
                if not (is_file(port, path) if path.endswith(".py") else is_dir(port, path)):
                    continue
                if not path.endswith(".py") and _installed_there(port, folder, name):
                    continue
                hidden.append(path)
    return tuple(hidden)


def _installed_there(port: Port, folder: str, name: str) -> bool:
    from gpudoctor.system.port import names

    return any(
        entry.startswith(f"{name}-") and entry.endswith(("-info", ".egg")) for entry in names(port, folder)
    )


def complain(port: Port) -> None:
    """Raises GpudoctorError for the first `--python` that names no interpreter."""
    for wanted in port.options.pythons:
        select.requested(port, wanted)


FIELDS: Mapping[str, Callable[[Port], Observed[object]]] = {"interpreters": interpreters, "kernels": kernels}

__all__ = ["FIELDS", "complain", "interpreters", "kernels"]
