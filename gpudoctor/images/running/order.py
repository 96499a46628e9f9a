"""What is to be run in a container, and what came of it."""

from __future__ import annotations

import re
from typing import Literal, Protocol

from gpudoctor.facts.record import Record

#: Where the zipapp lies in the container.
ZIPAPP = "/gpudoctor.pyz"
#: Of a container's output so much is read (bytes); a snapshot of a large machine has some hundred kilobytes.
OUTPUT_LIMIT = 32 << 20
#: As `image plan` has them in its run lines: frameworks hand batches over in /dev/shm, NCCL pins memory.
SHM = 8 << 30
#: By which containers of ours are told from others.
LABEL = "gpudoctor"
LABELLED = "image-run"

How = Literal["gpus", "runtime", "cdi", "none"]


class Gpus(Record):
    """How the container gets its GPUs. `how`: `--gpus`, the nvidia runtime, CDI devices, or none. `devices`: "all", or
    indices and UUIDs. `runtime`: its name; "" where it is the engine's default. `flags`: as one would type them. `why`: what decided it."""

    how: How
    devices: tuple[str, ...] = ()
    runtime: str = ""
    flags: tuple[str, ...] = ()
    why: str = ""

    @property
    def environment(self) -> dict[str, str]:
        """By which the nvidia runtime is asked for GPUs; the other ways need no variables."""
        if self.how != "runtime":
            return {}
        return {
            "NVIDIA_VISIBLE_DEVICES": ",".join(self.devices),
            "NVIDIA_DRIVER_CAPABILITIES": "compute,utility",
        }

    @property
    def cdi(self) -> tuple[str, ...]:
        return tuple(f"nvidia.com/gpu={name}" for name in self.devices)


class Order(Record):
    """`words`: the program and its arguments; the image's ENTRYPOINT does not run. `zipapp`: a file to be mounted at ZIPAPP."""

    image: str
    words: tuple[str, ...]
    gpus: Gpus
    zipapp: str = ""
    timeout: float = 60.0


class Ended(Record):
    """`code` None: it did not start (`error` has the engine's words), or it was ended when its time was over."""

    code: int | None
    stdout: str = ""
    stderr: str = ""
    error: str = ""
    timed_out: bool = False

    @property
    def started(self) -> bool:
        return self.code is not None or self.timed_out

    def lacks(self, program: str) -> bool:
        """The image has no such program. runc: `exec: "python3": executable file not found in $PATH`; crun: `executable file
        `python3` not found in $PATH`. The name counts: a runtime that the engine lacks is told in the same words."""
        named = rf"(?:exec:?|executable file) [\"'`]?(?:\S*/)?{re.escape(program)}[\"'`]?(?:[:\s]|$)"
        return not self.started and re.search(named, self.error) is not None


class Runner(Protocol):
    """An engine that has the image."""

    engine: str
    version: str
    #: It sees this machine's files, so that the zipapp can be mounted; else it is copied in.
    mounts: bool

    def run(self, order: Order) -> Ended:
        """Start a container, wait for its end, remove it whatever happens. Raises GpudoctorError where the engine is gone."""
        ...

    def close(self) -> None: ...
