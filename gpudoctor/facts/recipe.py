"""What an image is built or started by: a Dockerfile's stages, a compose file's services, with their lines."""

from __future__ import annotations

from collections.abc import Mapping

from gpudoctor.facts.record import Record


class Piece(Record):
    """A physical line of an instruction, its variables replaced as far as their values are known."""

    line: int
    text: str


class Instruction(Record):
    """`keyword` in capitals. `raw`: its arguments as written, on one line, without flags and here-documents; `pieces`
    the same by physical line with variables replaced, and with flags; a line of a here-document begins with a newline.
    `flags`: "--mount=type=cache,..."."""

    keyword: str
    line: int
    raw: str
    pieces: tuple[Piece, ...]
    flags: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """All pieces on one line; `line_at` finds the way back."""
        return " ".join(piece.text for piece in self.pieces)

    def line_at(self, offset: int) -> int:
        """The physical line of a place in `text`."""
        for piece in self.pieces:
            if offset <= len(piece.text):
                return piece.line
            offset -= len(piece.text) + 1
        return self.pieces[-1].line if self.pieces else self.line


class Stage(Record):
    """`base` with its variables replaced ("nvidia/cuda:12.4.1-base-ubuntu22.04"; with a "$" in it: not known), or the
    name of an earlier stage: then `of_stage`. `env`: what ENV sets in it and in the stages below it."""

    name: str
    base: str
    line: int
    of_stage: bool = False
    instructions: tuple[Instruction, ...] = ()
    env: Mapping[str, str] = {}


class Dockerfile(Record):
    """`syntax`: the frontend that a `# syntax=` line asks for, and its line. `arguments`: ARGs before the first FROM."""

    path: str
    stages: tuple[Stage, ...]
    syntax: str = ""
    syntax_line: int = 0
    arguments: Mapping[str, str] = {}

    @property
    def last(self) -> Stage:
        return self.stages[-1]

    def lineage(self, stage: Stage) -> tuple[Stage, ...]:
        """The stage and those that it stands on, the lowest last."""
        found = [stage]
        while found[-1].of_stage:
            earlier = self.stages[: self.stages.index(found[-1])]
            below = next((s for s in reversed(earlier) if s.name == found[-1].base.lower()), None)
            if below is None:
                break
            found.append(below)
        return tuple(found)


class Reservation(Record):
    """A device request of a compose service, as written: `keys` that it has, `capabilities`, `count`, `ids`."""

    line: int
    keys: tuple[str, ...]
    driver: str = ""
    capabilities: tuple[str, ...] = ()
    count: str = ""
    ids: tuple[str, ...] = ()
    place: str = ""


class Service(Record):
    """`lines`: key -> line. `problems`: what has the wrong shape, with its line."""

    name: str
    line: int
    image: str = ""
    runtime: str = ""
    gpus: str = ""
    builds: bool = False
    reservations: tuple[Reservation, ...] = ()
    environment: Mapping[str, str] = {}
    lines: Mapping[str, int] = {}
    problems: tuple[tuple[int, str], ...] = ()


class Compose(Record):
    """`version`: of the file's format, "" where it does not say (as it should be)."""

    path: str
    services: tuple[Service, ...]
    version: str = ""
    version_line: int = 0
