"""The program's entry: `gpudoctor` and `python -m gpudoctor`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line and leave at once: threads of probes that never answered are not waited for."""
    import gc

    # One short run makes little garbage; the collector's passes over freshly imported code cost 7 % of a start.
    gc.disable()
    from gpudoctor.cli.entry import run

    leave(run(sys.argv[1:]))


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
