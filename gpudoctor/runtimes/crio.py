"""CRI-O's settings: /etc/crio/crio.conf and, applied over it in order of name, /etc/crio/crio.conf.d/*. A drop-in adds its
runtimes to those that are there, so a small file of its own is enough. A sample:

    [crio.runtime.runtimes.nvidia]
    runtime_path = "/usr/bin/nvidia-container-runtime"
    runtime_type = "oci"
"""

from __future__ import annotations

from collections.abc import Mapping

from gpudoctor.facts.record import Record
from gpudoctor.runtimes.edited import Edited
from gpudoctor.runtimes.toml_text import Document, get, read

MAIN = "/etc/crio/crio.conf"
FOLDER = "/etc/crio/crio.conf.d"
DROP_IN = f"{FOLDER}/99-nvidia.toml"
_RUNTIME = ("crio", "runtime")


class Wanted(Record):
    """As docker's. CRI-O always has CDI on."""

    path: str = ""
    runtime: str = "nvidia"
    default: bool = False
    repoint: bool = False


def target(files: Mapping[str, str], runtime: str) -> str:
    """The file that defines the runtime (the last one, which counts), else our own drop-in. `files` in CRI-O's order."""
    where = [
        path for path, text in files.items() if get(read(text), (*_RUNTIME, "runtimes", runtime)) is not None
    ]
    return where[-1] if where else DROP_IN


def configure(text: str, wanted: Wanted) -> Edited:
    """Raises Refused."""
    document = Document(text)
    changed: list[str] = []
    notes: list[str] = []
    where = (*_RUNTIME, "runtimes", wanted.runtime)
    existing = document.get(*where)
    if existing is None:
        document.add_table(
            where, {"runtime_path": wanted.path, "runtime_type": "oci"}, (*_RUNTIME, "runtimes")
        )
        changed.append(f"runtimes.{wanted.runtime}")
    elif existing.get("runtime_path") != wanted.path:
        if wanted.repoint or not existing.get("runtime_path"):
            document.put((*where, "runtime_path"), wanted.path)
            changed.append(f"runtimes.{wanted.runtime}.runtime_path")
        else:
            notes.append(
                f'the runtime "{wanted.runtime}" is there already and keeps {existing["runtime_path"]}'
            )
    default = document.get(*_RUNTIME, "default_runtime")
    if wanted.default and default != wanted.runtime:
        if default:
            notes.append(f'the default runtime was "{default}"')
        document.put((*_RUNTIME, "default_runtime"), wanted.runtime)
        changed.append("default_runtime")
    return Edited(document.text, tuple(changed), tuple(notes))


def unconfigure(text: str, wanted: Wanted) -> Edited:
    document = Document(text)
    changed: list[str] = []
    if document.get(*_RUNTIME, "default_runtime") == wanted.runtime:
        document.drop((*_RUNTIME, "default_runtime"))
        changed.append("default_runtime")
    if document.get(*_RUNTIME, "runtimes", wanted.runtime) is not None:
        document.drop_table((*_RUNTIME, "runtimes", wanted.runtime))
        changed.append(f"runtimes.{wanted.runtime}")
    return Edited(document.text, tuple(changed))
