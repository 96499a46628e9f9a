"""What is built, and what was seen of it: one shape for every builder."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from gpudoctor.facts.record import Record

Builder = Literal["buildx", "docker", "podman", "buildah"]
State = Literal["waiting", "running", "done", "cached", "failed", "cancelled"]

#: So many lines of a step's output are kept; the last ones tell why it failed.
KEPT = 200


class Order(Record):
    """What to build. `context`: a folder; `dockerfile`: a file, "" for the context's own. `build_args`: name, value.
    `secrets`: id, file (never part of the image). `output`: buildx's --output ("type=oci,dest=image.tar"), "" for an
    image in the engine. `timeout` in seconds."""

    context: str
    dockerfile: str = ""
    tags: tuple[str, ...] = ()
    build_args: tuple[tuple[str, str], ...] = ()
    secrets: tuple[tuple[str, str], ...] = ()
    target: str = ""
    network: str = ""
    output: str = ""
    no_cache: bool = False
    timeout: float = 3600.0


class Step(Record):
    """A step of the build: `name` "[builder 3/7] RUN pip install torch". `seconds` it took, 0 where it came from the
    cache. `lines`: the end of its output. `error`: the builder's words."""

    number: int
    name: str
    state: State
    seconds: float = 0.0
    lines: tuple[str, ...] = ()
    error: str = ""


class Built(Record):
    """How a build ended. `image`: its id ("sha256:..."), "" where there is none. `error`: the builder's last words."""

    builder: Builder
    ok: bool
    image: str
    argv: tuple[str, ...]
    steps: tuple[Step, ...]
    error: str = ""
    seconds: float = 0.0
    timed_out: bool = False

    @property
    def failed(self) -> Step | None:
        """The step that failed; where time ran out, the one that was running."""
        for state in ("failed", "running", "cancelled"):
            for step in reversed(self.steps):
                if step.state == state:
                    return step
        return None

    @property
    def text(self) -> str:
        """What there is to read of the failure: the failed step's output, and the builder's words."""
        step = self.failed
        parts = [*(step.lines if step else ()), step.error if step else "", self.error]
        return "\n".join(dict.fromkeys(part for part in parts if part))


#: Told of each change of a step: the step as it is now, and the line that it printed, if that is the news.
Watch = Callable[[Step, str], None]


class Progress:
    """The steps so far, by the builder's own key, in the order in which they were first heard of."""

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._steps: dict[str, Step] = {}

    def steps(self) -> tuple[Step, ...]:
        return tuple(self._steps.values())

    def over(self, key: str) -> bool:
        return key in self._steps and self._steps[key].state not in ("waiting", "running")

    def update(self, key: str, name: str = "", state: State | None = None, **more: object) -> Step:
        old = self._steps.get(key) or Step(len(self._steps) + 1, name or key, "waiting")
        changes: dict[str, object] = dict(more)
        if name:
            changes["name"] = name
        if state is not None:
            changes["state"] = state
        new = old.replace(**changes)
        self._steps[key] = new
        # BuildKit completes a step twice when it looks again at what it has loaded: that is no news.
        if new.state != old.state or old.state == "waiting":
            self._watch(new, "")
        return new

    def line(self, key: str, text: str) -> None:
        old = self._steps.get(key) or Step(len(self._steps) + 1, key, "running")
        new = old.replace(lines=(*old.lines, text)[-KEPT:])
        self._steps[key] = new
        self._watch(new, text)

    def end(self, state: State, error: str = "") -> None:
        """The build has ended: what was still running ends so too."""
        for key, step in list(self._steps.items()):
            if step.state == "running":
                self.update(key, state=state, error=step.error or error)
