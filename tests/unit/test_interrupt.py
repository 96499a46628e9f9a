"""Ctrl-C is never lost: not even in the middle of an import's own steps, where an exception can get swallowed and a lock stay taken."""

from __future__ import annotations

import _signal
import importlib
import signal
import subprocess
import sys
from types import FrameType
from typing import Any

import pytest

from gpudoctor.__main__ import _interrupt


def _frame_of_importlib() -> FrameType:
    seen: list[FrameType] = []

    class Finder:
        @staticmethod
        def find_spec(name: str, path: Any = None, target: Any = None) -> None:
            seen.append(sys._getframe(1))

    sys.meta_path.insert(0, Finder)  # type: ignore[arg-type]
    try:
        with pytest.raises(ModuleNotFoundError):
            importlib.import_module("no_such_module_of_ours")
    finally:
        sys.meta_path.remove(Finder)  # type: ignore[arg-type]
    return seen[0]


def test_within_an_import_it_is_heard_again_a_step_later(monkeypatch: pytest.MonkeyPatch) -> None:
    again: list[int] = []
    monkeypatch.setattr(_signal, "raise_signal", again.append)
    _interrupt(signal.SIGINT, _frame_of_importlib())
    assert again == [signal.SIGINT]


@pytest.mark.parametrize("frame", [None, sys._getframe()])
def test_elsewhere_it_is_an_exception(frame: FrameType | None) -> None:
    with pytest.raises(KeyboardInterrupt):
        _interrupt(signal.SIGINT, frame)


def test_one_that_the_parent_ignores_stays_ignored() -> None:
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); from gpudoctor import __main__ as m;"
        "m._hear_interrupts(); signal.raise_signal(signal.SIGINT); print('here')"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert ran.stdout == "here\n"
