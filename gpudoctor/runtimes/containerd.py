"""containerd's config.toml, versions 1, 2 and 3, and its drop-ins.

The nvidia runtime is a copy of runc's table with another program, so that SystemdCgroup and whatever else was set for runc holds
for it too. A sample (version 2), after `configure`:

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.nvidia]
    runtime_type = "io.containerd.runc.v2"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.nvidia.options]
    BinaryName = "/usr/bin/nvidia-container-runtime"
    SystemdCgroup = true

Which file has to hold it (`target`): with containerd 1.6 and 1.7 a drop-in that names the CRI plugin at all replaces that plugin's
whole section of the main file (measured), so the last imported file that names it is the only one that counts.
"""

from __future__ import annotations

import copy
import fnmatch
from collections.abc import Mapping
from typing import Any

from gpudoctor.facts.record import Record
from gpudoctor.runtimes.edited import Edited, Refused
from gpudoctor.runtimes.toml_text import Document, get, read

#: The CRI plugin's name in each version of the file.
CRI = {1: "cri", 2: "io.containerd.grpc.v1.cri", 3: "io.containerd.cri.v1.runtime"}
RUNC = "io.containerd.runc.v2"
#: Stands above a runc table that `configure` added, and says why; `unconfigure` knows it by this.
RUNC_NOTE = "# In containerd 1.x a file that names any runtime has to name runc too."


class Wanted(Record):
    """As docker's; `enable_cri`: take the CRI plugin off `disabled_plugins`. `new_version`: of a file that is still empty."""

    path: str = ""
    runtime: str = "nvidia"
    default: bool = False
    cdi: bool = False
    repoint: bool = False
    enable_cri: bool = False
    new_version: int = 2


class CriDisabled(Refused):
    """The CRI plugin is switched off: a runtime in this file would have no effect."""


def version_of(data: Mapping[str, Any]) -> int:
    """Raises Refused for a version that is none of the three."""
    version = data.get("version", 1)
    if isinstance(version, bool) or version not in CRI:
        raise Refused(f"version = {version!r} is not one that containerd has had (1, 2, 3)")
    return int(version)


def cri_disabled(data: Mapping[str, Any]) -> bool:
    disabled = data.get("disabled_plugins")
    return isinstance(disabled, list) and any(name in _cri_names() for name in disabled)


def _cri_names() -> tuple[str, ...]:
    return (*CRI.values(), "io.containerd.grpc.v1.cri")


def plugin_of(data: Mapping[str, Any]) -> str:
    """The CRI plugin as this file spells it. A version 2 file may hold no other than its own."""
    return CRI[version_of(data)]


def imported(main: str, folder: str, names: Mapping[str, tuple[str, ...]]) -> tuple[str, ...]:
    """The files that the main file imports, in containerd's order: patterns as listed, files of one pattern sorted.

    `names`: folder -> the names in it, for every folder that a pattern may point to.
    """
    found: dict[str, None] = {}
    for pattern in read(main).get("imports") or ():
        if not isinstance(pattern, str):
            continue
        pattern = pattern if pattern.startswith("/") else f"{folder}/{pattern}"
        place, _, last = pattern.rpartition("/")
        for name in sorted(names.get(place, ())):
            if fnmatch.fnmatchcase(name, last):
                found[f"{place}/{name}"] = None
    return tuple(found)


def target(main_path: str, main: str, drop_ins: Mapping[str, str]) -> str:
    """The file to edit: the last imported one that names the CRI plugin, else the main file."""
    chosen = main_path
    for path, text in drop_ins.items():
        try:
            data = read(text)
        except Refused:
            continue  # containerd says of it what is wrong
        if any(get(data, ("plugins", plugin)) is not None for plugin in CRI.values()):
            chosen = path
    return chosen


def runtime_table(data: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    found = get(data, ("plugins", plugin_of(data), "containerd", "runtimes", name))
    return found if isinstance(found, dict) else None


def configure(text: str, wanted: Wanted, runc: Mapping[str, Any] | None = None) -> Edited:
    """Register the runtime. `runc`: the table that holds now, for a file that has none. Raises Refused, CriDisabled."""
    document = Document(text)
    changed: list[str] = []
    notes: list[str] = []
    _prepare(document, wanted, changed)
    plugin = plugin_of(document.data)
    base = ("plugins", plugin, "containerd")
    where = (*base, "runtimes", wanted.runtime)
    existing = document.get(*where)
    program = get(existing, ("options", "BinaryName")) if isinstance(existing, dict) else None
    if existing is None:
        _name_runc(document, base, runc)
        own = document.get(*base, "runtimes", "runc")
        document.add_table(where, _cloned(own or runc, wanted.path), (*base, "runtimes", "runc"))
        changed.append(f"runtimes.{wanted.runtime}")
    elif program != wanted.path and (wanted.repoint or not program):
        document.put((*where, "options", "BinaryName"), wanted.path)
        changed.append(f"runtimes.{wanted.runtime}.options.BinaryName")
    elif program != wanted.path:
        notes.append(f'the runtime "{wanted.runtime}" is there already and keeps its program {program}')
    default = document.get(*base, "default_runtime_name")
    if wanted.default and default != wanted.runtime:
        if default not in (None, "runc"):
            notes.append(f'the default runtime was "{default}"')
        document.put((*base, "default_runtime_name"), wanted.runtime)
        changed.append("default_runtime_name")
    if wanted.cdi and document.get("plugins", plugin, "enable_cdi") is not True:
        document.put(("plugins", plugin, "enable_cdi"), True)
        changed.append("enable_cdi")
    return Edited(document.text, tuple(changed), tuple(notes))


def _prepare(document: Document, wanted: Wanted, changed: list[str]) -> None:
    """Give an empty file its version, and the CRI plugin its life back, where that was asked for."""
    disabled = document.get("disabled_plugins") or []
    if cri_disabled(document.data):
        if not wanted.enable_cri:
            raise CriDisabled(
                f"the CRI plugin is off (disabled_plugins = {disabled}): a runtime in this file would have no effect",
                hint="Docker needs nothing here (configure docker instead); Kubernetes does: --enable-cri",
            )
        document.put(("disabled_plugins",), [name for name in disabled if name not in _cri_names()])
        changed.append("disabled_plugins")
    if "version" not in document.data and not document.get("plugins"):
        document.put(("version",), wanted.new_version)
        changed.append("version")


def _name_runc(document: Document, base: tuple[str, ...], runc: Mapping[str, Any] | None) -> None:
    """Measured with 1.6.20 and 1.7.24: the runtimes of a file take the place of the built-in ones, and without runc, their
    default, the CRI plugin does not come up. 2.x adds them up."""
    if document.get(*base, "runtimes") or document.get("version") == 3:
        return
    table = copy.deepcopy(dict(runc)) if runc else {}
    document.add_table(
        (*base, "runtimes", "runc"), {"runtime_type": RUNC, **table}, (*base,), comment=RUNC_NOTE
    )


def _cloned(runc: Mapping[str, Any] | None, path: str) -> dict[str, Any]:
    table = copy.deepcopy(dict(runc)) if runc else {"runtime_type": RUNC}
    table.setdefault("runtime_type", RUNC)
    options = table.pop("options", None)
    table["options"] = {**(options if isinstance(options, dict) else {}), "BinaryName": path}
    return table


def unconfigure(text: str, wanted: Wanted) -> Edited:
    """Take out the runtime, and the default where it names that runtime. `enable_cdi` goes only where `wanted` asks for it."""
    document = Document(text)
    changed: list[str] = []
    base = ("plugins", plugin_of(document.data), "containerd")
    if document.get(*base, "default_runtime_name") == wanted.runtime:
        document.drop((*base, "default_runtime_name"))
        changed.append("default_runtime_name")
    if document.get(*base, "runtimes", wanted.runtime) is not None:
        document.drop_table((*base, "runtimes", wanted.runtime))
        changed.append(f"runtimes.{wanted.runtime}")
        if list(document.get(*base, "runtimes") or ()) == ["runc"]:
            document.drop_table((*base, "runtimes", "runc"), comment=RUNC_NOTE)
    if wanted.cdi and document.get(*base[:2], "enable_cdi") is not None:
        document.drop((*base[:2], "enable_cdi"))
        changed.append("enable_cdi")
    return Edited(document.text, tuple(changed))
