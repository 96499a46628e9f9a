"""The two answers that are no cause: nothing is wrong, and something is wrong that is not the GPU's environment."""

from __future__ import annotations

from types import ModuleType

IDS = ("harmless", "not-gpu-environment")


def load(name: str) -> ModuleType:
    import importlib

    return importlib.import_module(f"gpudoctor.logs.verdicts.{name.replace('-', '_')}")
