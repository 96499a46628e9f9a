"""The catalogue: which causes exist, found by their files. Nothing is registered by hand."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import threading
from collections.abc import Callable, Iterable
from functools import lru_cache
from types import ModuleType
from typing import Any

from gpudoctor.facts.record import Record

_PACKAGE = "gpudoctor.rules"


class Cause(Record):
    """A cause by its file: `id` "driver-library-mismatch", `family` "driver"."""

    id: str
    family: str

    @property
    def module_name(self) -> str:
        return f"{_PACKAGE}.{self.family}.{self.id.replace('-', '_')}"

    def load(self) -> ModuleType:
        found = sys.modules.get(self.module_name)
        if found is not None and self.module_name not in _being_loaded:
            return found
        with _loading:
            return sys.modules.get(self.module_name) or _load(self.module_name)

    @property
    def check(self) -> Callable[..., Iterable[Any]] | None:
        """The judging function; None for a cause that is known from text only."""
        return getattr(self.load(), "check", None)

    @property
    def explains(self) -> frozenset[str]:
        return frozenset(getattr(self.load(), "explains", ()))


#: One thread judges while another asks whether a rule reads a fact.
_loading = threading.RLock()
_being_loaded: set[str] = set()


def _load(name: str) -> ModuleType:
    """As an import does it, but for the search: where the file of a cause lies is known. A check with a GPU loads 140 of them,
    and the search through all finders is a fifth of what that costs (11.9 ms instead of 14.5)."""
    folder, _, module = name.rpartition(".")
    package = importlib.import_module(folder)
    path = f"{next(iter(package.__path__))}{os.sep}{module}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None or not os.path.isfile(path):  # in a zipapp
        return importlib.import_module(name)
    found = importlib.util.module_from_spec(spec)
    _being_loaded.add(name)
    sys.modules[name] = found
    try:
        spec.loader.exec_module(found)
    except BaseException:
        del sys.modules[name]
        raise
    finally:
        _being_loaded.discard(name)
    setattr(package, module, found)
    return found


@lru_cache(maxsize=1)
def causes() -> tuple[Cause, ...]:
    """Every cause, by family and name."""
    from gpudoctor import rules

    place = next(iter(rules.__path__))
    found = [
        Cause(name.replace("_", "-"), family)
        for family in _modules(place, folders=True)
        for name in _modules(f"{place}{os.sep}{family}", folders=False)
    ]
    return tuple(sorted(found, key=lambda cause: (cause.family, cause.id)))


def families() -> tuple[str, ...]:
    return tuple(sorted({cause.family for cause in causes()}))


def find(name: str) -> Cause | None:
    return next((cause for cause in causes() if cause.id == name), None)


def _modules(place: str, folders: bool) -> list[str]:
    if not os.path.isdir(place):  # in a zipapp
        import pkgutil

        return [
            m.name for m in pkgutil.iter_modules([place]) if m.ispkg == folders and not m.name.startswith("_")
        ]
    found = []
    for entry in os.scandir(place):
        if folders and entry.is_dir() and not entry.name.startswith("_"):
            found.append(entry.name)
        elif not folders and entry.name.endswith(".py") and not entry.name.startswith("_"):
            found.append(entry.name[:-3])
    return found
