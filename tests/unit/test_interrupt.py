"""Ctrl-C is never lost: not even in the middle of an import's own steps, where an exception can get swallowed and a lock stay taken."""

from __future__ import annotations

import signal
import subprocess
import sys
from types import FrameType

import pytest

from gpudoctor.__main__ import _interrupt

STEP_OF_AN_IMPORT = """
import signal, sys
from gpudoctor import __main__ as m

m._hear_interrupts()
said = []
step = compile(
    "try:\\n    signal.raise_signal(signal.SIGINT); said.append('went on')\\n"
    "except KeyboardInterrupt:\\n    said.append('interrupted within the step')",
    sys.argv[1],
    "exec",
)
try:
    exec(step)
    while True:
        pass
except KeyboardInterrupt:
    said.append("interrupted after it")
print(said)
"""


@pytest.mark.parametrize("file", ["<frozen importlib._bootstrap>", "<frozen importlib._bootstrap_external>"])
def test_within_an_import_it_is_heard_when_the_step_is_over(file: str) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", STEP_OF_AN_IMPORT, file],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
    )
    assert ran.stdout == "['went on', 'interrupted after it']\n"


@pytest.mark.parametrize("frame", [None, sys._getframe()])
def test_elsewhere_it_is_an_exception(frame: FrameType | None) -> None:
    with pytest.raises(KeyboardInterrupt):
        _interrupt(signal.SIGINT, frame)


AT_THE_START = """
import signal, sys

class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "gpudoctor.cli.entry":
            exec("signal.raise_signal(signal.SIGINT)", {"signal": signal})

from gpudoctor import __main__ as m
sys.meta_path.insert(0, Finder)
m.main()
"""


def test_before_a_command_has_begun_it_ends_the_program_in_words() -> None:
    ran = subprocess.run([sys.executable, "-c", AT_THE_START], capture_output=True, text=True, timeout=30)
    assert (ran.returncode, ran.stdout, ran.stderr) == (130, "", "\ninterrupted\n")


def test_one_that_the_parent_ignores_stays_ignored() -> None:
    code = (
        "import signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); from gpudoctor import __main__ as m;"
        "m._hear_interrupts(); signal.raise_signal(signal.SIGINT); print('here')"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=30, check=True)
    assert ran.stdout == "here\n"
