"""Helpers: foreign native code asked in a child process, where a crash or a hang is only a fact.

See `gpudoctor/helpers/`: the child speaks lines of JSON, {"at": CALL} before what might not return and
{"answer": {...}} when a part is complete, so that a driver that dies on the third GPU leaves us the first two and
the name of the call.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from gpudoctor.facts.gpu import AnswerState
from gpudoctor.facts.record import Record
from gpudoctor.system.port import NotHere, Port, Ran

#: The launcher's own exit status: it could not give up its capabilities, so nothing was asked.
NOT_UNPRIVILEGED = 125
_DETAIL_LIMIT = 600


class Answer(Record):
    """How a helper ended. `data`: its last complete answer, perhaps a part; `at`: what it was doing when it ended
    without one; `detail`: the end of its standard error, and how it ended."""

    state: AnswerState
    data: Mapping[str, Any]
    at: str = ""
    detail: str = ""
    signal: int | None = None


def ask(
    port: Port,
    helper: str,
    arguments: Sequence[str],
    timeout: float,
    env: Mapping[str, str] | None = None,
) -> Answer:
    """Run a helper without privileges and read its answer. Raises NotHere when nothing may be or could be asked."""
    ran = run_unprivileged(port, ("python", source(helper), *arguments), timeout, env)
    data, at, final = _read(ran.stdout)
    detail = ran.stderr.strip()[-_DETAIL_LIMIT:]
    if final:
        return Answer("answered", data, "", detail)
    where = f" in {at}" if at else ""
    if ran.timed_out:
        return Answer("hung", data, at, _joined(f"no answer within {ran.seconds:.0f} s{where}", detail))
    how = f"killed by {signal_name(ran.signal)}" if ran.signal else f"ended with status {ran.code}"
    return Answer("crashed", data, at, _joined(f"{how}{where}", detail), ran.signal)


def run_unprivileged(
    port: Port, what: Sequence[str], timeout: float, env: Mapping[str, str] | None = None
) -> Ran:
    """Run ("program", path, *arguments) or ("python", source, *arguments) as `helpers/unprivileged.py` says."""
    if not port.live:
        raise NotHere("nothing is executed under --root")
    if not sys.executable:
        raise NotHere("this Python does not know its own program, so no child can be started")
    # -S: no site-packages to scan; a helper is told where its one library lies.
    ran = port.run([sys.executable, "-I", "-S", "-c", source("unprivileged"), *what], timeout, env)
    if ran.code == NOT_UNPRIVILEGED:
        raise NotHere(f"not asked: {ran.stderr.strip()[-_DETAIL_LIMIT:]}")
    return ran


def source(helper: str) -> str:
    """A helper's text; its package's own loader reads it, so that a zipapp works too."""
    import gpudoctor.helpers as package

    path = f"{next(iter(package.__path__))}/{helper}.py"
    loader: Any = package.__spec__.loader if package.__spec__ else None
    data: bytes = loader.get_data(path)
    return data.decode("utf-8")


def _read(stdout: str) -> tuple[Mapping[str, Any], str, bool]:
    """The last answer, the last call announced, and whether the answer is final. Foreign lines are passed over. From the end: a
    helper repeats its answer as it grows, and only the last one counts."""
    data: Mapping[str, Any] | None = None
    at, final = "", False
    for line in reversed(stdout.splitlines()):
        if not line.startswith("{"):
            continue
        try:
            message = json.loads(line)
        except ValueError:
            continue
        if data is None and isinstance(message.get("answer"), dict):
            data, final = message["answer"], message.get("final") is True
        if not at and isinstance(message.get("at"), str):
            at = message["at"]
        if data is not None and (at or final):
            break
    return data or {}, at, final


def signal_name(number: int) -> str:
    from signal import Signals

    try:
        return Signals(number).name
    except ValueError:
        return f"signal {number}"


def _joined(*parts: str) -> str:
    return "\n".join(part for part in parts if part)
