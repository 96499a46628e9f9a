"""Which facts do these rules need; ask for them; judge; fold.

`judge` is pure: the same machine gives the same judgement, whether it is live, recorded or made up.
`Asking` asks a port for the facts under one deadline.
"""

from __future__ import annotations

import importlib
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from types import ModuleType
from typing import Any

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import LATE, UNASKED, Unknown
from gpudoctor.facts.record import Record
from gpudoctor.findings import (
    CannotLook,
    CouldNotTell,
    Crash,
    DoesNotApply,
    Finding,
    Judgement,
    NotApplicable,
    Problem,
    Skip,
)
from gpudoctor.rules.registry import Cause, causes
from gpudoctor.system.port import NotHere, Port

#: Parameter type of a rule -> field of Machine (and name of the probe module). The one table of fact groups.
#: The GPU first: its answers come from child processes and take longest.
GROUPS: Mapping[str, str] = {
    "Gpu": "gpu",
    "Host": "host",
    "Driver": "driver",
    "Cuda": "cuda",
    "Libraries": "libraries",
    "Environment": "environment",
    "Containers": "containers",
    "Frameworks": "frameworks",
    "Expectation": "expectation",
    "Image": "image",
    "Smoke": "smoke",
}
#: Groups that no probe fills: what the user told us, and what a smoke run saw.
TOLD = ("expectation", "smoke")


# ---------------------------------------------------------------- judging


class _Outcome(Record):
    problems: tuple[Problem, ...] = ()
    skipped: tuple[Skip, ...] = ()
    crashed: tuple[Crash, ...] = ()
    not_applicable: tuple[NotApplicable, ...] = ()


def judge(machine: Machine, selected: Sequence[Cause] | None = None) -> Judgement:
    """Run the rules on these facts, and fold consequences under what explains them. Never raises for a rule's sake."""
    findings: list[Finding] = []
    skipped: list[Skip] = []
    crashed: list[Crash] = []
    passed: list[str] = []
    not_applicable: list[NotApplicable] = []
    gates: dict[str, str] = {}
    explains: dict[str, frozenset[str]] = {}
    for cause in causes() if selected is None else selected:
        if only_from_text(cause.family):
            continue
        if cause.family not in gates:
            gates[cause.family] = _gate(cause.family, machine)
        if gates[cause.family] and cause.id not in always(cause.family):
            not_applicable.append(NotApplicable(cause.id, gates[cause.family]))
            continue
        outcome = _run(cause, machine)
        if outcome is None:
            continue
        findings += [_finding(cause, problem) for problem in outcome.problems]
        skipped += outcome.skipped
        crashed += outcome.crashed
        not_applicable += outcome.not_applicable
        if outcome.problems:
            explains[cause.id] = cause.explains
        elif outcome == _Outcome():
            passed.append(cause.id)
    return Judgement(
        tuple(fold(findings, explains)), tuple(skipped), tuple(crashed), tuple(passed), tuple(not_applicable)
    )


def _run(cause: Cause, machine: Machine) -> _Outcome | None:
    """None for a cause that has no `check` (known from text only)."""
    problems: list[Problem] = []
    skipped: list[Skip] = []
    try:
        check = cause.check
        if check is None:
            return None
        for said in check(**arguments(check, machine)) or ():
            if isinstance(said, CouldNotTell):
                skipped.append(Skip(cause.id, said.reason, said.would_help, said.minor))
            else:
                problems.append(said)
    except DoesNotApply as reason:
        return _Outcome(tuple(problems), tuple(skipped), (), (NotApplicable(cause.id, str(reason)),))
    except CannotLook as error:
        skipped.append(Skip(cause.id, error.reason, error.would_help, error.minor))
    except Exception as error:
        # A rule's bug must not take the report with it; it is shown, counted, and changes the exit code.
        return _Outcome(tuple(problems), tuple(skipped), (Crash(cause.id, _where(error)),))
    return _Outcome(tuple(problems), tuple(skipped))


def _where(error: Exception) -> str:
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f"{trace.tb_frame.f_code.co_filename.rpartition('/')[2]}:{trace.tb_lineno}" if trace else "?"
    return f"{type(error).__name__}: {error} ({place})"


@cache
def _family(name: str) -> ModuleType:
    return importlib.import_module(f"gpudoctor.rules.{name}")


def _gate(family: str, machine: Machine) -> str:
    gate = getattr(_family(family), "not_applicable", None)
    if gate is None:
        return ""
    try:
        return str(gate(**arguments(gate, machine)))
    except CannotLook:
        return ""


def gated(family: str) -> bool:
    return hasattr(_family(family), "not_applicable")


def only_from_text(family: str) -> bool:
    """No cause of that family has a `check`."""
    return getattr(_family(family), "only_from_text", False) is True


def always(family: str) -> tuple[str, ...]:
    """The causes of a family that are judged whatever its gate says."""
    names: tuple[str, ...] = getattr(_family(family), "judged_always", ())
    return names


def needs(function: Callable[..., Any]) -> tuple[str, ...]:
    """The machine's fields that a rule reads, by its parameters' types."""
    notes = {k: v for k, v in function.__annotations__.items() if k != "return"}
    return tuple(GROUPS[str(note)] for note in notes.values())


def reads(causes: Iterable[Cause], machine: Machine, group: str) -> bool:
    """Some of these rules will read that group of facts, on a machine of which the other groups are known."""
    gates: dict[str, str] = {}
    for cause in causes:
        if only_from_text(cause.family):
            continue
        if cause.family not in gates:
            gates[cause.family] = _gate(cause.family, machine)
        if gates[cause.family] and cause.id not in always(cause.family):
            continue
        if cause.check is not None and group in needs(cause.check):
            return True
    return False


def arguments(function: Callable[..., Any], machine: Machine) -> dict[str, Any]:
    notes = {k: v for k, v in function.__annotations__.items() if k != "return"}
    return {name: getattr(machine, GROUPS[str(note)]) for name, note in notes.items()}


def _finding(cause: Cause, problem: Problem) -> Finding:
    from gpudoctor.rules.page import page_of

    page = page_of(cause)
    fix = problem.fix.replace(id=cause.id) if problem.fix else None
    return Finding(
        cause.id,
        problem.severity,
        problem.title,
        problem.subject,
        problem.evidence,
        problem.explanation or page.why,
        fix,
        None,
        page.sources,
    )


# ---------------------------------------------------------------- folding

_RANK = {"failure": 0, "warning": 1, "note": 2}


def fold(findings: Sequence[Finding], explains: Mapping[str, frozenset[str]]) -> list[Finding]:
    """Worst first; each consequence marked `caused_by` the finding that explains it, directly or through others.

    A finding folds under another when that one explains it and that one's subject contains its subject. The root of
    a chain is named, not the link before it.
    """
    closure = _closure(explains)
    folded = []
    for finding in findings:
        roots = [
            other
            for other in findings
            if other.id != finding.id
            and finding.id in closure.get(other.id, frozenset())
            and other.subject.contains(finding.subject)
        ]
        top = [r for r in roots if not any(r.id in closure.get(o.id, frozenset()) for o in roots)]
        folded.append(finding.replace(caused_by=top[0].id) if top else finding)
    return sorted(folded, key=lambda f: (f.caused_by is not None, _RANK[f.severity], f.id))


def _closure(explains: Mapping[str, frozenset[str]]) -> dict[str, frozenset[str]]:
    """What each finding that is present explains, directly or through another finding that is present."""
    result: dict[str, frozenset[str]] = {}
    for start in explains:
        reached: set[str] = set()
        todo = list(explains[start])
        while todo:
            name = todo.pop()
            if name not in reached and name != start:
                reached.add(name)
                todo += explains.get(name, frozenset())
        result[start] = frozenset(reached)
    return result


# ---------------------------------------------------------------- asking


class Asking:
    """The questions under way: every field of the groups by itself, side by side, all under the port's deadline.

    A worker takes the fields one after the other: most answers come from small files, and threads that compete for the
    interpreter take longer together than one alone (measured: 29 ms with three, 22 ms with one). A worker that starts
    a program is replaced at once (`Live.waiting`), and while the answers stop coming workers are added: one that hangs
    on a dead file system holds up nobody.
    """

    #: A worker is added when so long nothing was answered (seconds).
    PATIENCE = 0.01
    #: So long at the most it is waited until the driver's programs run (seconds).
    START = 0.1

    def __init__(
        self,
        port: Port,
        groups: Iterable[str] = tuple(GROUPS.values()),
        last: str = "",
        wanted: Callable[[Machine], bool] | None = None,
    ) -> None:
        """`last`: the group that comes last, and is asked only if `wanted` says so of all the others' answers; while one of
        them is missing it is asked too, so that a hanging driver keeps nothing from being asked."""
        import threading

        self._last, self._wanted = last, wanted
        self._port = port
        self._news = threading.Condition()
        self._answers: dict[tuple[str, str], Any] = {}
        self._asked: list[tuple[str, str, Callable[[Port], Any]]] = []
        self._left: deque[tuple[str, str, Callable[[Port], Any]]] = deque()
        #: Workers that ask, and wait for no program.
        self._busy: set[threading.Thread] = set()
        if hasattr(port, "waiting"):
            port.waiting = self._go_on
        for group in sorted(groups, key=lambda group: group == last):
            if group not in TOLD and (group != "image" or hasattr(port, "image")):
                fields = importlib.import_module(f"gpudoctor.probes.{group}").FIELDS
                told = [(group, field, probe) for field, probe in fields.items()]
                self._asked += told
                self._left += told
                if group == "gpu":  # its programs run while the other probes are still being imported
                    self._one_worker()
                    self._until_they_wait()
        self._one_worker()

    def _one_worker(self) -> None:
        """One that asks, if there is something to ask and all others wait for programs or have gone."""
        with self._news:
            if self._left and not self._busy:
                self._add_worker()

    def _until_they_wait(self) -> None:
        """Importing beside a worker that starts programs, this thread would hold them up by as long as that takes."""
        with self._news:
            self._news.wait_for(lambda: not self._left and not self._busy, self.START)

    def _go_on(self) -> None:
        """A worker begins to wait for a program: another takes its place."""
        import threading

        with self._news:
            self._busy.discard(threading.current_thread())
            self._news.notify()
        self._one_worker()

    def _add_worker(self) -> None:
        import threading

        worker = threading.Thread(target=self._work, daemon=True)
        self._busy.add(worker)
        worker.start()

    def _work(self) -> None:
        import threading

        while True:
            with self._news:
                if not self._left:
                    self._busy.discard(threading.current_thread())
                    self._news.notify()
                    return
                group, field, probe = self._left.popleft()
            answer = _ask(self._port, field, probe) if self._is_wanted(group) else UNASKED
            with self._news:
                self._answers[group, field] = answer
                self._news.notify()

    def _is_wanted(self, group: str) -> bool:
        wanted = self._wanted
        if group != self._last or wanted is None:
            return True
        with self._news:
            known = dict(self._answers)
        if any((asked, field) not in known for asked, field, _ in self._asked if asked != group):
            return True  # what is not answered yet may turn out to want it
        try:
            return self._port.memo(f"engine.{group}", lambda: wanted(self._made(known)))
        except Exception:  # a bug of ours must not cost the facts
            return True

    def machine(self, meanwhile: Iterable[Callable[[], Any]] = ()) -> Machine:
        """What has been answered when all is, or when the deadline passes. A field that has no answer by then is
        Unknown and says so; its worker is left behind. `meanwhile`: what to do while the driver's answers are waited for."""
        self._use_wait(iter(meanwhile))
        with self._news:
            while len(self._answers) < len(self._asked) and (left := self._port.remaining()) > 0:
                heard = len(self._answers)
                self._news.wait(min(left, self.PATIENCE) if self._left else left)
                if self._left and len(self._answers) == heard:
                    self._add_worker()
            done = dict(self._answers)
        return self._made(done)

    def _use_wait(self, tasks: Iterator[Callable[[], Any]]) -> None:
        """Do these while programs run that speak for the GPU, and time is left."""
        gpu = [field for group, field, _ in self._asked if group == "gpu"]
        while getattr(self._port, "programs_run", False) and self._port.remaining() > 1:
            if all(("gpu", field) in self._answers for field in gpu):
                return
            task = next(tasks, None)
            if task is None:
                return
            task()

    def _made(self, done: Mapping[tuple[str, str], Any]) -> Machine:
        machine = Machine()
        for group in dict.fromkeys(group for group, _, _ in self._asked):
            fields = {field: done.get((group, field), LATE) for g, field, _ in self._asked if g == group}
            machine = machine.replace(**{group: getattr(machine, group).replace(**fields)})
        return machine


def _ask(port: Port, field: str, probe: Callable[[Port], Any]) -> Any:
    try:
        return probe(port)
    except NotHere as error:
        return Unknown(str(error))
    except Exception as error:
        # A probe that meets what nobody foresaw must not take the report with it.
        return Unknown(f"the probe of {field} broke: {_where(error)}")
