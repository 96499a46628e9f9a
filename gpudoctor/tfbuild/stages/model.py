"""What a stage gets, gives and raises."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property

from gpudoctor.facts.observed import value_of
from gpudoctor.facts.record import Record
from gpudoctor.knowledge.mirrors import Profile
from gpudoctor.knowledge.tfbuild import TfBuild
from gpudoctor.system.port import Port
from gpudoctor.tfbuild import mirrors
from gpudoctor.tfbuild.preflight import cuda, programs, targets
from gpudoctor.tfbuild.preflight.model import Clang, Look, Row
from gpudoctor.tfbuild.request import Machine, Request, jobs_for
from gpudoctor.tfbuild.state import State, Workdir
from gpudoctor.tfbuild.tree import Tree


class Failed(Exception):
    """A stage that failed: its reason in a sentence, what mends it, the catalogue's cause and the log, as far as known."""

    def __init__(self, what: str, *, hint: str = "", cause: str = "", log: str = "") -> None:
        super().__init__(what)
        self.what, self.hint, self.cause, self.log = what, hint, cause, log


class Done(Record):
    """What a stage did, in a sentence; `data`: what later stages need. `skipped`: there was nothing to do for this request."""

    detail: str
    data: Mapping[str, str] = {}
    log: str = ""
    skipped: bool = False


class Progress(Record):
    """Bazel's own count: actions done and known so far; `left` in seconds, 0 while it can't be told."""

    stage: str
    done: int
    total: int
    left: float
    words: str = ""


class Build:
    """One run: request, tree, machine, and what the stages before have found. Nothing in it writes."""

    def __init__(
        self,
        request: Request,
        tree: Tree,
        machine: Machine,
        profile: Profile,
        release: TfBuild | None,
        port: Port,
        workdir: Workdir,
        say: Callable[[str], None],
        progress: Callable[[Progress], None],
    ) -> None:
        self.request, self.tree, self.machine, self.profile, self.release = (
            request,
            tree,
            machine,
            profile,
            release,
        )
        self.port, self.workdir, self.say, self.progress = port, workdir, say, progress
        self.look = Look(tree, request, machine, profile, release, port, workdir.path)
        self.state = State()
        self.rows: tuple[Row, ...] = ()
        #: The work folder's lock. Programs that must not run twice side by side inherit it: pip, configure.py, the smoke test. Not Bazel, whose
        #: server would keep it for hours, and which has a lock of its own.
        self.lock: tuple[int, ...] = ()

    @cached_property
    def python(self) -> str:
        return programs.wanted_python(self.look)

    @cached_property
    def bazel(self) -> str:
        return programs.find_bazel(self.look)

    @cached_property
    def clang(self) -> Clang:
        found = self.look.clang()
        if found is None:
            raise Failed("there is no clang", hint="--clang PATH")
        return found

    @cached_property
    def capabilities(self) -> str:
        found = targets.wanted(self.look)
        if not found:
            raise Failed(
                "which capabilities to build for is not known", hint="--capabilities sm_86,compute_90"
            )
        return found

    @cached_property
    def cuda_version(self) -> str:
        return cuda.cuda_wanted(self.look)

    @cached_property
    def cudnn_version(self) -> str:
        return cuda.cudnn_wanted(self.look)

    @cached_property
    def sources(self) -> mirrors.Sources:
        return mirrors.sources(self.profile, self.request, self.workdir)

    @property
    def jobs(self) -> int:
        asked = self.request.jobs
        return jobs_for(self.machine.cores, self.machine.memory) if asked == "auto" else int(asked)

    @property
    def classic(self) -> bool:
        return value_of(self.tree.cuda, "") == "classic"

    def data(self, stage: str, name: str) -> str:
        found = self.state.stage(stage)
        return found.data.get(name, "") if found is not None else ""

    def in_tree(self, path: str) -> str:
        return os.path.join(self.tree.path, path)


class Step(Record):
    """A stage. `run` does it; `say` yields the lines of --dry-run; `there`: its results are still there. `always`: done in every run."""

    name: str
    run: Callable[[Build], Done]
    say: Callable[[Build], Iterator[str]]
    there: Callable[[Build], bool] = lambda build: True
    always: bool = False
