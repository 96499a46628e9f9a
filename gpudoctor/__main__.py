"""The program's entry: `gpudoctor` and `python -m gpudoctor`."""

from __future__ import annotations

import sys

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType


def main() -> None:
    """Run the command line and leave at once: threads of probes that never answered are not waited for."""
    import gc

    # One short run makes little garbage; the collector's passes over freshly imported code cost 7 % of a start.
    gc.disable()
    _hear_interrupts()
    try:
        from gpudoctor.cli.entry import run

        code = run(sys.argv[1:])
    except KeyboardInterrupt:  # before a command had begun: in the imports
        sys.stderr.write("\ninterrupted\n")
        code = 130
    leave(code)


def _hear_interrupts() -> None:
    import _signal  # type: ignore[import-not-found]  # the module "signal" costs a millisecond

    if (
        _signal.getsignal(_signal.SIGINT) is _signal.default_int_handler
    ):  # ignored by nohup and the like: so it stays
        _signal.signal(_signal.SIGINT, _interrupt)


def _interrupt(number: int, frame: FrameType | None) -> None:
    """Ctrl-C, but not in the middle of an import's own steps: there the exception can get lost in a callback of importlib, whose
    lock then stays taken, and every thread hangs at its next import. A timer brings it back a millisecond later, for as long as
    that lasts; raising the signal anew would call this at once, within the same step."""
    if frame is not None and frame.f_code.co_filename.startswith("<frozen importlib"):
        import _signal

        _signal.signal(_signal.SIGALRM, _interrupt)
        _signal.setitimer(_signal.ITIMER_REAL, 0.001)
        return
    raise KeyboardInterrupt


def leave(code: int) -> None:
    import os
    import threading

    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except OSError:
            code = code or 2
    if threading.active_count() > 1:
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    main()
