"""`docker buildx build`, by its machine-readable progress.

    {"vertexes":[{"digest":"sha256:51..","name":"[2/3] RUN pip install torch","started":"2026-11-21T06:05:25.31Z"}]}
    {"logs":[{"vertex":"sha256:51..","stream":1,"data":"Q29sbGVjdGluZyB0b3JjaAo=","timestamp":"..."}]}

as buildx 0.29 prints on standard error with --progress=rawjson (0.13, the first that does, over many lines); the types are BuildKit's client/graph.go.
"""

from __future__ import annotations

import json
import os
import signal
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any, Literal

from gpudoctor.images.building.steps import Built, Order, Progress, Watch
from gpudoctor.system import job


def build(order: Order, watch: Watch, env: Mapping[str, str] | None = None) -> Built:
    """Raises OSError where docker can't be started. A build that is interrupted leaves nothing behind: buildx is told to
    stop as a terminal would, and cancels what it has begun."""
    progress = _Raw(watch)
    with tempfile.TemporaryDirectory(prefix="gpudoctor-") as folder:
        iid = os.path.join(folder, "iid")
        argv = command(order, iid)
        ended = job.run(argv, progress.hear, order.timeout, env, stop=signal.SIGINT)
        image = _read(iid)
    ok = ended.code == 0
    if not ok:
        progress.progress.end("running" if ended.timed_out else "cancelled")
    error = progress.words()
    if ended.timed_out:
        error = f"no end within {order.timeout:.0f} s"
    return Built(
        "buildx", ok, image if ok else "", tuple(argv), progress.progress.steps(), "" if ok else error,
        ended.seconds, ended.timed_out,
    )  # fmt: skip


def command(order: Order, iid: str) -> list[str]:
    argv = ["docker", "buildx", "build", "--progress=rawjson", f"--iidfile={iid}"]
    if order.dockerfile:
        argv += ["--file", order.dockerfile]
    for tag in order.tags:
        argv += ["--tag", tag]
    for name, value in order.build_args:
        argv += ["--build-arg", f"{name}={value}"]
    for name, path in order.secrets:
        argv += ["--secret", f"id={name},src={path}"]
    for option, value in (
        ("--target", order.target),
        ("--network", order.network),
        ("--output", order.output),
    ):
        if value:
            argv += [option, value]
    if not order.output:
        argv.append("--load")
    if order.no_cache:
        argv.append("--no-cache")
    return [*argv, order.context]


def _read(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read().strip()
    except OSError:
        return ""


class _Raw:
    """Hears rawjson; what is no JSON are buildx's own words, at the end ("ERROR: failed to solve: ...")."""

    def __init__(self, watch: Watch) -> None:
        self.progress = Progress(watch)
        self._words: list[str] = []
        self._rest: dict[str, bytes] = {}
        self._object: list[str] = []

    def words(self) -> str:
        """buildx's last word on it: the line that starts with ERROR, else what it printed last."""
        errors = [line for line in self._words if line.startswith("ERROR:")]
        return (errors or self._words[-1:] or ["buildx gave no reason"])[-1].removeprefix("ERROR: ")

    def hear(self, stream: job.Stream, line: str) -> None:
        message: Any = None
        if self._object or line == "{":
            self._object.append(line)
            if line != "}":
                return
            line, self._object = "".join(self._object), []
        if line.startswith("{"):
            try:
                message = json.loads(line)
            except ValueError:
                pass
        if not isinstance(message, dict):
            if line.strip():
                self._words.append(line)
            return
        for vertex in _objects(message, "vertexes"):
            self._vertex(vertex)
        for log in _objects(message, "logs"):
            self._log(log)

    def _vertex(self, vertex: Mapping[str, Any]) -> None:
        key, name = str(vertex.get("digest", "")), str(vertex.get("name", ""))
        error = str(vertex.get("error", ""))
        if error:
            cancelled = "context canceled" in error
            seconds = _seconds(vertex.get("started"), vertex.get("completed"))
            state: Literal["cancelled", "failed"] = "cancelled" if cancelled else "failed"
            self.progress.update(key, name, state, seconds=seconds, error=error)
        elif vertex.get("cached"):
            self.progress.update(key, name, "cached")
        elif vertex.get("completed"):
            seconds = _seconds(vertex.get("started"), vertex.get("completed"))
            self.progress.update(key, name, "done", seconds=seconds)
        elif vertex.get("started") and not self.progress.over(key):  # it looks twice at what it has loaded
            self.progress.update(key, name, "running")

    def _log(self, log: Mapping[str, Any]) -> None:
        import base64
        import binascii

        key = str(log.get("vertex", ""))
        try:
            data = base64.b64decode(str(log.get("data", "")))
        except binascii.Error:
            return
        *lines, rest = (self._rest.get(key, b"") + data).split(b"\n")
        self._rest[key] = rest[-(1 << 16) :]
        for line in lines:
            self.progress.line(key, line.decode("utf-8", "replace").rstrip("\r"))


def _objects(message: Mapping[str, Any], key: str) -> Sequence[Mapping[str, Any]]:
    found = message.get(key)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _seconds(started: object, completed: object) -> float:
    """Between two of Go's times ("2026-11-21T06:05:25.310022127Z"): nanoseconds are more than Python reads."""
    import datetime
    import re

    try:
        first, last = (
            datetime.datetime.fromisoformat(re.sub(r"(\.\d{6})\d*|Z$", r"\1", str(text)))
            for text in (started, completed)
        )
    except ValueError:
        return 0.0
    return max(0.0, (last - first).total_seconds())
