"""CDI specifications for NVIDIA devices, in the folders that the engines read."""

from __future__ import annotations

from collections.abc import Iterable

from gpudoctor.facts.containers import CdiSpec
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown
from gpudoctor.system.port import NotHere, Port, observe, text

#: Lowest priority first: what stands in a later folder wins.
DEFAULT_DIRS = ("/etc/cdi", "/var/run/cdi")


def specs(port: Port, folders: Iterable[str]) -> Observed[tuple[CdiSpec, ...]]:
    found: list[CdiSpec] = []
    looked: list[str] = []
    trouble: list[tuple[OSError, str]] = []
    for folder in dict.fromkeys(folders):
        try:
            names = port.listdir(folder)
        except (FileNotFoundError, NotADirectoryError):
            looked.append(folder)
            continue
        except OSError as error:
            trouble.append((error, folder))
            continue
        looked.append(folder)
        found += [
            spec
            for name in names
            if name.endswith((".yaml", ".json")) and (spec := _spec(port, f"{folder}/{name}")) is not None
        ]
    if trouble and not found:
        why, where = trouble[0]
        if isinstance(why, NotHere):  # /run is empty in an image; what lies in /etc is all there is to know
            return Known((), ", ".join(looked)) if looked else Unknown(str(why))
        return Unknown(f"{where}: {why.strerror or why}", "root" if isinstance(why, PermissionError) else "")
    return Known(tuple(found), ", ".join(looked))


def _spec(port: Port, path: str) -> CdiSpec | None:
    """None for another vendor's file. A file that can't be read or understood says so in `error`."""
    from gpudoctor.parsers import cdi_spec

    readable = observe(lambda: bool(port.stat(path).mode & 0o004), path)
    content = observe(lambda: text(port, path), path)
    if not isinstance(content, Known):
        why = content.reason if isinstance(content, Unknown) else "a link to nothing"
        return CdiSpec(path, readable_by_all=readable, error=Known(why, path))
    try:
        document = cdi_spec.parse(content.value, path)
    except ValueError as error:
        return CdiSpec(path, readable_by_all=readable, error=Known(str(error), path))
    if not document.kind.startswith("nvidia.com/"):
        return None
    return CdiSpec(
        path,
        Known(document.version, path),
        document.kind,
        document.devices,
        tuple(place for place in document.host_paths if _missing(port, place)),
        Known(document.driver_version, path) if document.driver_version else Absent(path),
        readable,
        Absent(path),
    )


def _missing(port: Port, path: str) -> bool:
    """Surely not there. What we may not look at is not missing."""
    try:
        port.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return True
    except OSError:
        return False
    return False
