"""What a run found: the container, the host, and what differs."""

from __future__ import annotations

from typing import Literal

from gpudoctor import __version__
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.record import Record
from gpudoctor.findings import Judgement
from gpudoctor.images.running.order import Gpus

#: "given": the flags were accepted. "none-here": this machine has none. "not-wanted". "no-way": the engine as it is can't.
#: "refused": it was asked, and did not start the container.
GpuState = Literal["given", "none-here", "not-wanted", "no-way", "refused"]
How = Literal["own", "zipapp", "files", "none"]


class Given(Record):
    """What became of the wish for GPUs. `state`: given, none-here (this machine has none), not-wanted (--gpus none), no-way (the
    engine as it is can't), refused (it did not start the container; `error` has its words, `cause` what they betray, or "")."""

    gpus: Gpus
    state: GpuState
    error: str = ""
    cause: str = ""


class Pair(Record):
    """A fact of both sides in words. `same` null where one of them is not known."""

    what: str
    host: str
    container: str
    same: bool | None


class Difference(Record):
    """A fact that is not the same, in full: `where` as in a snapshot ("driver.module"); "" where there is nothing."""

    where: str
    host: str
    container: str


class Sided(Record):
    """On which side a finding was made: "host", "container" or "both"."""

    id: str
    subject: str
    side: str


class SmokeTrial(Record):
    """A framework on a device, as smoke in the container judged it; `verdict` as in smoke's own report."""

    framework: str
    version: str
    verdict: str
    why: str


class SmokeInside(Record):
    """`exit_code` null where smoke did not run: `why` says the reason."""

    exit_code: int | None
    why: str
    trials: tuple[SmokeTrial, ...] = ()


class Inside(Record):
    """`how`: the image's own gpudoctor, the zipapp under its Python, its files alone, or nothing. `words`: the command in the
    container. `tool`: the version of gpudoctor that judged; `why`: what decided `how`; `error`: why not all was answered."""

    how: How
    words: tuple[str, ...]
    python: str
    tool: str
    why: str
    exit_code: int
    judgement: Judgement | None = None
    machine: Machine | None = None
    error: str = ""


class Result(Record):
    """`judgement`: of both sides. `tool`: the version of gpudoctor on the host."""

    image: str
    engine: str
    engine_version: str
    given: Given
    host: Machine
    host_judgement: Judgement
    host_exit: int
    inside: Inside
    facts: tuple[Pair, ...]
    differences: tuple[Difference, ...]
    smoke: SmokeInside
    judgement: Judgement
    sides: tuple[Sided, ...]
    exit_code: int
    tool: str = __version__
