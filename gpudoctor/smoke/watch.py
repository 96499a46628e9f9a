"""The witness outside: NVML, asked in a process that is neither ours nor the framework's, before, during and after."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from typing import IO, Any

from gpudoctor.facts.record import Record
from gpudoctor.system.child import source
from gpudoctor.system.process import kill_group

#: Between two looks (seconds). Energy counters move every 20 to 100 ms.
PAUSE = 0.1
#: How long the watching process may take to end, once it is told to (seconds).
PATIENCE = 1.0


class Samples(Record):
    """By UUID what was seen, each with its time `t` (CLOCK_MONOTONIC). `error`: why there is nothing."""

    by_uuid: Mapping[str, tuple[Mapping[str, Any], ...]]
    error: str = ""

    def of(self, uuid: str) -> tuple[Mapping[str, Any], ...]:
        return self.by_uuid.get(uuid, ())


NOTHING = Samples({}, "NVML was not asked")


class Watcher:
    """Looks on until `stop`. `pynvml`: the folder that it lies in; `library`: the path of libnvidia-ml, or ""."""

    def __init__(self, pynvml: str, library: str, folder: str) -> None:
        self._file: IO[bytes] = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by stop()
        self._process: subprocess.Popen[bytes] | None = None
        self._error = ""
        if not sys.executable:
            self._error = "this Python does not know its own program, so no child can be started"
            return
        helper = ["python", source("nvml_watch"), pynvml, library, str(PAUSE)]
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", "-c", source("unprivileged"), *helper],
                stdin=subprocess.PIPE,
                stdout=self._file,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        except OSError as error:
            self._error = f"the watching process can't be started: {error.strerror}"

    def wait_for_first(self, seconds: float) -> None:
        """Until it has looked once: a child must not begin before. A driver that does not answer is not waited for."""
        deadline = time.monotonic() + seconds
        while self._process is not None and time.monotonic() < deadline and self._process.poll() is None:
            if os.fstat(self._file.fileno()).st_size:
                return
            time.sleep(0.01)

    def look_after(self, seconds: float) -> None:
        """Until it has looked once from now on: what a child held must be free again, which tells it from others' memory."""
        now, deadline = time.monotonic(), time.monotonic() + seconds
        while self._process is not None and time.monotonic() < deadline and self._process.poll() is None:
            if any(looks and looks[-1]["t"] > now for looks in self.so_far().by_uuid.values()):
                return
            time.sleep(0.02)

    def so_far(self) -> Samples:
        """What has been seen until now."""
        size = os.fstat(self._file.fileno()).st_size
        whole = os.pread(self._file.fileno(), size, 0).decode("utf-8", "replace").rpartition("\n")[0]
        return read(whole.splitlines(), self._error)

    def stop(self) -> Samples:
        if self._process is not None:
            assert self._process.stdin is not None
            self._process.stdin.close()
            try:
                self._process.wait(PATIENCE)
            except (
                subprocess.TimeoutExpired
            ):  # it hangs in the driver, perhaps beyond SIGKILL: then it is left behind
                kill_group(self._process, running=True)
        found = self.so_far()
        self._file.close()
        return found


def read(lines: list[str], error: str = "") -> Samples:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for line in lines:
        try:
            look = json.loads(line)
        except ValueError:
            continue
        if not isinstance(look, dict):
            continue
        error = str(look.get("error", error))
        for gpu in look.get("gpus", ()):
            found.setdefault(str(gpu.get("uuid")), []).append({**gpu, "t": look["t"]})
    if not found and not error:
        error = "NVML did not answer the watching process"
    return Samples({uuid: tuple(looks) for uuid, looks in found.items()}, "" if found else error)
