"""Findings: what a rule says of a machine."""

from __future__ import annotations

from typing import Literal

from gpudoctor.facts.observed import Absent, Known, Observed
from gpudoctor.facts.record import Record

Severity = Literal["failure", "warning", "note"]
Applicability = Literal["safe", "unsafe", "manual"]
SubjectKind = Literal[
    "machine",
    "device",
    "mig-instance",
    "interpreter",
    "package",
    "daemon",
    "container",
    "toolkit",
    "library",
    "file",
    "variable",
]


class Subject(Record):
    """What a finding is about. `name` identifies it (a UUID, a path); `label` is for people ("GPU 1, A100").

    Subjects contain each other: machine ⊃ everything, device ⊃ mig-instance, interpreter ⊃ package.
    """

    kind: SubjectKind
    name: str = ""
    label: str = ""
    parent: Subject | None = None

    def contains(self, other: Subject) -> bool:
        """True if `other` is this subject or lies within it."""
        if self.kind == "machine":
            return True
        at: Subject | None = other
        while at is not None:
            if (at.kind, at.name) == (self.kind, self.name):
                return True
            at = at.parent
        return False


#: The whole machine; contains every other subject.
MACHINE = Subject("machine")


def device(name: str, label: str = "") -> Subject:
    """A GPU by UUID, or by PCI address where no UUID is known."""
    return Subject("device", name, label or name, MACHINE)


def interpreter(path: str) -> Subject:
    return Subject("interpreter", path, path, MACHINE)


def package(path: str, name: str) -> Subject:
    """A package `name` in the interpreter at `path`."""
    return Subject("package", f"{path}:{name}", name, interpreter(path))


class Evidence(Record):
    """One thing seen: `what` ("module in memory"), `value` ("550.54.14"), `via` ("/sys/module/nvidia/version")."""

    what: str
    value: str
    via: str = ""


def seen(what: str, observed: Observed[object], via: str = "") -> Evidence:
    """Evidence from an observation; ignorance and absence are evidence too, and say so."""
    if isinstance(observed, Known):
        return Evidence(what, str(observed.value), via or observed.via)
    if isinstance(observed, Absent):
        return Evidence(what, "not there", via or observed.looked_in)
    return Evidence(what, f"could not look: {observed.reason}", via)


class Fix(Record):
    """How to mend it. `commands` are exact and in order, for a POSIX shell. `applicability`: safe (the tool may do
    it unasked), unsafe (it asks first), manual (only a person can). `id` is the cause's, filled in by the engine."""

    summary: str
    commands: tuple[str, ...] = ()
    applicability: Applicability = "manual"
    id: str = ""


class Problem(Record):
    """What a rule yields: a finding without the parts that the engine knows (id, sources, folding).

    `explanation` may be left empty: the cause's page then speaks (its *Why it hurts*)."""

    title: str
    subject: Subject = MACHINE
    severity: Severity = "failure"
    evidence: tuple[Evidence, ...] = ()
    explanation: str = ""
    fix: Fix | None = None


class CouldNotTell(Record):
    """What a rule yields for a part of the machine that it could not judge (one device of two, say). `minor` as in `Skip`."""

    reason: str
    would_help: str = ""
    subject: Subject = MACHINE
    minor: bool = False


class Finding(Record):
    """A judged illness. `caused_by`: the id of the finding that explains this one (it is folded under that).

    `sources`: where the knowledge comes from. A sample, shortened:

        {"id": "driver-library-mismatch", "severity": "failure", "title": "...", "subject": {"kind": "machine"},
         "evidence": [{"what": "module in memory", "value": "550.54.14", "via": "/sys/module/nvidia/version"}],
         "fix": {"id": "driver-library-mismatch", "applicability": "manual", ...}, "caused_by": null}
    """

    id: str
    severity: Severity
    title: str
    subject: Subject
    evidence: tuple[Evidence, ...]
    explanation: str
    fix: Fix | None
    caused_by: str | None
    sources: tuple[str, ...]


class Skip(Record):
    """A rule that could not look. `would_help`: root, host, wake, or empty. `minor`: what it would have told is of the past, or
    nobody's who asked, while the state of now was read and is well (docs/decisions/0005-what-was-not-looked-at.md)."""

    id: str
    reason: str
    would_help: str = ""
    minor: bool = False


class Crash(Record):
    """A rule that broke: a bug of ours, reported and never hidden."""

    id: str
    error: str


class NotApplicable(Record):
    id: str
    reason: str


class Judgement(Record):
    """All that the rules say of a machine."""

    findings: tuple[Finding, ...] = ()
    skipped: tuple[Skip, ...] = ()
    crashed: tuple[Crash, ...] = ()
    passed: tuple[str, ...] = ()
    not_applicable: tuple[NotApplicable, ...] = ()

    def undecided(self, strict: bool = False) -> bool:
        """Whether something that counts could not be judged; with `strict` what is minor counts too."""
        return bool(self.crashed) or any(strict or not skip.minor for skip in self.skipped)


class DoesNotApply(Exception):
    """Raised by a rule: nothing here for it to judge. The reason is shown with -v."""


class CannotLook(Exception):
    """Raised by a rule that lacks a fact: the rule is skipped, and never counts as passed. `minor` as in `Skip`."""

    def __init__(self, reason: str, would_help: str = "", minor: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.would_help = would_help
        self.minor = minor


class Verdict(Record):
    """How a policy's requirement was judged. `met`: null where it could not be looked at, and then `found` says why. `found`: "" where there is nothing at all.
    `by`: what a framework was judged by: its files, its import, or a smoke run; "facts" for the rest."""

    name: str
    wanted: str
    found: str
    met: bool | None
    by: Literal["facts", "static", "import", "smoke"] = "facts"
    via: str = ""
