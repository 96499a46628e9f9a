"""Which fixes exist, found by their files. Nothing is registered by hand."""

from __future__ import annotations

import importlib
import importlib.util
import pkgutil
from collections.abc import Mapping
from functools import lru_cache
from types import ModuleType

_PACKAGE = "gpudoctor.fixes"
_NOT_FIXES = ("registry", "see")


@lru_cache(maxsize=1)
def modules() -> Mapping[str, ModuleType]:
    """Cause -> the module that mends it."""
    spec = importlib.util.find_spec(_PACKAGE)
    assert spec is not None and spec.submodule_search_locations is not None
    found: dict[str, ModuleType] = {}
    for one in pkgutil.iter_modules(list(spec.submodule_search_locations)):
        if one.name.startswith("_") or one.name in _NOT_FIXES:
            continue
        module = importlib.import_module(f"{_PACKAGE}.{one.name}")
        found |= dict.fromkeys(module.mends, module)
    return found
