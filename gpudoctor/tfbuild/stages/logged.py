"""A stage's programs: every line in the stage's log, after the command that it belongs to."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Mapping, Sequence

from gpudoctor.system.job import Ended, Stream, run
from gpudoctor.tfbuild.stages.model import Failed


def logged(
    argv: Sequence[str],
    log: str,
    timeout: float,
    env: Mapping[str, str],
    cwd: str | None = None,
    *,
    mode: str = "w",
    heard: Callable[[Stream, str], None] = lambda stream, line: None,
    grace: float = 10.0,
    keep: Sequence[int] = (),
) -> Ended:
    """Run it and keep what it says in the file `log` (`mode` "w": a new one, "a": after what is there). `heard` is told each line too;
    `grace`: how long it may take to stop when its time is over (seconds). `keep`: descriptors that it inherits. Raises Failed where it
    can't be started."""
    with open(log, mode, encoding="utf-8", buffering=1) as file:
        file.write(f"$ {shlex.join(argv)}\n")

        def line(stream: Stream, text: str) -> None:
            file.write(text + "\n")
            heard(stream, text)

        try:
            ended = run(argv, line, timeout, env, cwd, grace=grace, keep=keep)
        except OSError as error:
            raise Failed(f"{argv[0]} can't be started: {error.strerror}", log=log) from None
        how = f"signal {ended.signal}" if ended.signal else f"status {ended.code}"
        file.write(f"$ {'no end' if ended.timed_out else f'ended with {how}'} after {ended.seconds:.0f} s\n")
    return ended
