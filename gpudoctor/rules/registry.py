"""The catalogue: which causes exist, found by their files. Nothing is registered by hand."""

from __future__ import annotations

import importlib
import os
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
        return importlib.import_module(self.module_name)

    @property
    def check(self) -> Callable[..., Iterable[Any]] | None:
        """The judging function; None for a cause that is known from text only."""
        return getattr(self.load(), "check", None)

    @property
    def explains(self) -> frozenset[str]:
        return frozenset(getattr(self.load(), "explains", ()))


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
