"""gpudoctor as one file, for any Python: what `scripts/make-zipapp` writes, and what `image run` mounts into a container."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Iterator, Mapping

from gpudoctor.errors import GpudoctorError

#: What the file's first lines start.
_MAIN = b"from gpudoctor.__main__ import main\n\nmain()\n"
#: Of the standard library's no more; in plain Python in every wheel.
_TOML = "tomli"
#: Shared objects can't be loaded from a zip file, and are of one Python: each of these packages has the same in plain Python.
_LEFT_OUT = (".so", ".pyc", ".pyd")


def pack(folder: str, output: str) -> None:
    """The packages of `folder` (as `pip install --target` fills it) as one program. The same sources give the same file."""
    files = {}
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if f not in ("__pycache__", "bin"))
        files.update(
            {
                os.path.relpath(os.path.join(place, name), folder): os.path.join(place, name)
                for name in names
                if not name.endswith(_LEFT_OUT)
            }
        )
    _write(files, output)


def made_of_installed(output: str) -> None:
    """The same of what this program itself is made of: its own package and those that it needs, as they are installed.

    Raises GpudoctorError where one of them is no folder of files."""
    own = itself()
    if own:
        import shutil

        shutil.copyfile(own, output)
        os.chmod(output, 0o755)
        return
    files = dict(_ours())
    for name in _needed("gpudoctor"):
        files.update(_of_distribution(name))
    _write(files, output)


def itself() -> str:
    """The zip file that this program runs from; "" where it does not."""
    import gpudoctor

    archive = getattr(gpudoctor.__loader__, "archive", "")
    return str(archive) if archive else ""


def oldest_python(path: str) -> tuple[int, int]:
    """The oldest Python that starts this file. Without tomli in it the standard library's reader is needed (3.11).

    Raises GpudoctorError for what is no such file."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = set(archive.namelist())
    except (OSError, zipfile.BadZipFile) as error:
        raise GpudoctorError(
            f"{path} is no zipapp: {getattr(error, 'strerror', None) or error}",
            note="nothing was run",
            hint="scripts/make-zipapp writes one",
        ) from None
    if "gpudoctor/__main__.py" not in names:
        raise GpudoctorError(f"{path} holds no gpudoctor", note="nothing was run")
    return (3, 10) if f"{_TOML}/__init__.py" in names else (3, 11)


def _ours() -> Iterator[tuple[str, str]]:
    import gpudoctor

    package = os.path.dirname(os.path.abspath(gpudoctor.__file__))
    yield from _folder(package, "gpudoctor")
    for name in ("bazel_patches", "dockerfiles"):  # in a checkout they lie beside the package
        beside = os.path.join(package, "..", name)
        if not os.path.isdir(os.path.join(package, name)) and os.path.isdir(beside):
            yield from _folder(beside, f"gpudoctor/{name}")


def _folder(folder: str, called: str) -> Iterator[tuple[str, str]]:
    for place, folders, names in os.walk(folder):
        folders[:] = [f for f in folders if f != "__pycache__"]
        for name in names:
            path = os.path.join(place, name)
            if not name.endswith(_LEFT_OUT):
                yield os.path.normpath(os.path.join(called, os.path.relpath(path, folder))), path


def _needed(top: str) -> tuple[str, ...]:
    """What `top` needs, and what that needs, of what is installed; extras are left out."""
    from importlib.metadata import PackageNotFoundError, requires

    from packaging.requirements import Requirement

    found: dict[str, None] = {}
    todo = [top, _TOML]
    while todo:
        name = todo.pop()
        try:
            lines = requires(name) or []
        except PackageNotFoundError:
            continue
        if name != top:
            found[name] = None
        for line in lines:
            wanted = Requirement(line)
            needed = wanted.marker is None or wanted.marker.evaluate({"extra": ""})
            if needed and wanted.name not in found and wanted.name != top:
                todo.append(wanted.name)
    return tuple(found)


def _of_distribution(name: str) -> Iterator[tuple[str, str]]:
    from importlib.metadata import distribution

    for file in distribution(name).files or ():
        text = str(file)
        path = str(file.locate())
        if not text.startswith("..") and not text.endswith(_LEFT_OUT) and os.path.isfile(path):
            yield text, path


def _write(files: Mapping[str, str], output: str) -> None:
    part = output + ".part"
    try:
        with open(part, "wb") as file:
            file.write(b"#!/usr/bin/env python3\n")
            with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
                for name, path in sorted({**files, "__main__.py": ""}.items()):
                    # The same sources give the same file: names in order, one time for all.
                    entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
                    entry.compress_type = zipfile.ZIP_DEFLATED
                    entry.external_attr = 0o644 << 16
                    archive.writestr(entry, _content(path))
        os.chmod(part, 0o755)
        os.replace(part, output)
    except OSError as error:
        try:
            os.unlink(part)
        except OSError:
            pass
        raise GpudoctorError(
            f"{output} can't be written: {error.strerror or error}", note="nothing was run"
        ) from None


def _content(path: str) -> bytes:
    if not path:
        return _MAIN
    with open(path, "rb") as source:
        return source.read()
