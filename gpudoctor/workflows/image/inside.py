"""What is said in the container: by the image's own gpudoctor, by the zipapp, or by the image's files alone."""

from __future__ import annotations

import json
import os
import re
import tempfile
import time
from typing import TYPE_CHECKING, Any

from gpudoctor.codec import CodecError, decode
from gpudoctor.errors import EXIT_CANNOT_TELL, GpudoctorError
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.record import Record
from gpudoctor.findings import Crash, Finding, Judgement, Skip
from gpudoctor.images.running.gpus import none
from gpudoctor.images.running.order import ZIPAPP, Ended, Gpus, Order, Runner
from gpudoctor.images.running.result import How, Inside, SmokeInside, SmokeTrial

if TYPE_CHECKING:
    from gpudoctor.workflows.image.run import Request

#: What `check` inside is given, and what its container may take beyond that (seconds).
CHECK, BEYOND = 20.0, 20.0
#: A program that only says its version (seconds).
ASK = 30.0
#: The names that an image's Python may have.
PYTHONS = ("python3", "python", *(f"python3.{minor}" for minor in range(14, 9, -1)))
_VERSION = "import sys; print('%d.%d.%d' % sys.version_info[:3])"


class _Program(Record):
    how: How
    words: tuple[str, ...] = ()
    python: str = ""
    tool: str = ""
    why: str = ""
    zipapp: str = ""


class _Clock:
    def __init__(self, deadline: float) -> None:
        self._deadline = deadline

    def left(self, most: float) -> float:
        """At least a second: an engine takes that to say anything at all."""
        return max(1.0, min(most, self._deadline - time.monotonic()))


def look_inside(
    request: Request, runner: Runner, gpus: Gpus, host: Machine, deadline: float, visible: bool
) -> tuple[Inside, SmokeInside, str]:
    """The third: the engine's words where it did not start the container with its GPUs. It then ran without them."""
    if not visible:
        runner.mounts = False
    with tempfile.TemporaryDirectory(prefix="gpudoctor-") as folder:
        os.chmod(folder, 0o755)  # the image's user reads it, whoever that is
        visit = _Visit(request, runner, gpus, _Clock(deadline))
        program = visit.program(folder)
        if program.how in ("own", "zipapp"):
            inside = visit.asked(program)
            smoke = visit.smoke(program) if request.smoke else SmokeInside(None, "not asked for (--smoke)")
            return inside, smoke, visit.refused
    if program.how == "none":
        smoke = SmokeInside(None, "no container started")
        return Inside("none", (), "", "", program.why, EXIT_CANNOT_TELL, error=program.why), smoke, ""
    smoke = SmokeInside(None, f"nothing runs in this image: {program.why}")
    return _files(request, runner, host, program, deadline), smoke, ""


class _Visit:
    def __init__(self, request: Request, runner: Runner, gpus: Gpus, clock: _Clock) -> None:
        self._request, self._runner, self._gpus, self._clock = request, runner, gpus, clock
        self.refused = ""

    def _run(self, words: tuple[str, ...], zipapp: str, limit: float, gpus: Gpus | None = None) -> Ended:
        order = Order(self._request.image, words, gpus or self._gpus, zipapp, self._clock.left(limit))
        ended = self._runner.run(order)
        if not ended.started and not ended.lacks(words[0]) and order.gpus.how != "none":
            self.refused, self._gpus = ended.error, none("the engine refused it")
            return self._run(words, zipapp, limit)
        return ended

    # ------------------------------------------------------------ which program

    def program(self, folder: str) -> _Program:
        """What of ours runs in the image. Asked without GPUs, so that what the engine says is of the image alone."""
        nothing = none("only asked for its version")
        ended = self._run(("gpudoctor", "--version"), "", ASK, nothing)
        version = re.search(r"(\d+\.\d+\S*)", ended.stdout) if ended.code == 0 else None
        if version:
            return _Program("own", ("gpudoctor",), "", version[1], "the image has a gpudoctor of its own")
        if not ended.started and not ended.lacks("gpudoctor"):
            return _Program("none", why=f"no container starts: {ended.error[-600:]}")
        passed = [] if ended.lacks("gpudoctor") else [f"its gpudoctor does not answer ({_last(ended)})"]
        zipapp = self._zipapp(folder)
        from gpudoctor.images.zipapp import oldest_python

        oldest = oldest_python(zipapp)
        for name in PYTHONS:
            ended = self._run((name, "-c", _VERSION), "", ASK, nothing)
            if ended.lacks(name):
                continue
            found = re.fullmatch(r"(\d+)\.(\d+)\.(\d+)", ended.stdout.strip())
            if not found or ended.code != 0:
                passed.append(f"its {name} does not answer ({_last(ended)})")
            elif (int(found[1]), int(found[2])) < oldest:
                passed.append(f"its {name} is {found[0]}; {oldest[0]}.{oldest[1]} is needed")
            else:
                why = "; ".join([*passed, f"the image has {name} {found[0]} and no gpudoctor"])
                return _Program("zipapp", (name, ZIPAPP), found[0], "", why, zipapp)
        return _Program("files", why="; ".join(passed) or "it has neither gpudoctor nor Python")

    def _zipapp(self, folder: str) -> str:
        from gpudoctor.images import zipapp

        path = os.path.join(folder, "gpudoctor.pyz")
        if not self._request.zipapp:
            zipapp.made_of_installed(path)
            return path
        zipapp.oldest_python(self._request.zipapp)
        import shutil

        shutil.copyfile(self._request.zipapp, path)
        os.chmod(path, 0o644)
        return path

    # ------------------------------------------------------------ check, smoke

    def asked(self, program: _Program) -> Inside:
        inner = min(CHECK, max(2.0, self._clock.left(CHECK + BEYOND) / 2))
        limits = ("--timeout", f"{inner:.0f}")
        checked = self._run(
            (*program.words, "check", "--format", "json", *limits), program.zipapp, inner + BEYOND
        )
        report, problem = _json(checked, "check")
        if problem:
            return self._inside(program, EXIT_CANNOT_TELL, None, None, problem)
        judgement, odd = _judgement(report)
        recorded = self._run(
            (*program.words, "snapshot", "--no-redact", *limits), program.zipapp, inner + BEYOND
        )
        machine, lost = _machine(recorded)
        tool = report.get("tool")
        told = str(tool.get("version", "")) if isinstance(tool, dict) else ""
        program = program.replace(tool=told or program.tool)
        code = report.get("exit_code")
        problem = "; ".join(p for p in (odd, lost) if p)
        return self._inside(
            program, code if isinstance(code, int) else EXIT_CANNOT_TELL, judgement, machine, problem
        )

    def _inside(
        self, program: _Program, code: int, judgement: Judgement | None, machine: Machine | None, problem: str
    ) -> Inside:
        return Inside(
            program.how,
            program.words,
            program.python,
            program.tool,
            program.why,
            code if code or not problem else EXIT_CANNOT_TELL,
            judgement,
            machine,
            problem,
        )

    def smoke(self, program: _Program) -> SmokeInside:
        ended = self._run((*program.words, "smoke", "--format", "json"), program.zipapp, 1e6)
        report, problem = _json(ended, "smoke")
        if problem:
            return SmokeInside(EXIT_CANNOT_TELL, problem)
        run = report.get("smoke")
        trials = run.get("trials") if isinstance(run, dict) else None
        found = tuple(
            SmokeTrial(*(str(one.get(key, "")) for key in ("framework", "version", "verdict", "why")))
            for one in (trials if isinstance(trials, list) else [])
            if isinstance(one, dict)
        )
        code = report.get("exit_code")
        return SmokeInside(code if isinstance(code, int) else EXIT_CANNOT_TELL, "", found)


def _last(ended: Ended) -> str:
    if ended.timed_out:
        return "no end in time"
    said = (ended.error or ended.stderr or ended.stdout).strip().splitlines()
    status = f"exit status {ended.code}" if ended.code is not None else "it did not start"
    return f"{status}: {said[-1][:200]}" if said else status


# ---------------------------------------------------------------- what it said


def _json(ended: Ended, what: str) -> tuple[dict[str, Any], str]:
    """The report and "", or why there is none. The exit status is the report's own business."""
    if ended.timed_out:
        return {}, f"{what} did not end in time, and was ended"
    try:
        report = json.loads(ended.stdout)
    except ValueError:
        return {}, f"{what} gave no report ({_last(ended)})"
    return (report, "") if isinstance(report, dict) else ({}, f"{what} gave no report")


def _judgement(report: dict[str, Any]) -> tuple[Judgement, str]:
    """The findings of a gpudoctor of any version; what this one can't read is counted and told."""
    odd = 0
    found: dict[str, list[Any]] = {"findings": [], "skipped": [], "crashed": []}
    for name, kind in (("findings", Finding), ("skipped", Skip), ("crashed", Crash)):
        items = report.get(name)
        for item in items if isinstance(items, list) else []:
            try:
                found[name].append(decode(kind, item))
            except CodecError:
                odd += 1
    judgement = Judgement(tuple(found["findings"]), tuple(found["skipped"]), tuple(found["crashed"]))
    return judgement, f"{odd} of its findings are of a form that is not known here" if odd else ""


def _machine(ended: Ended) -> tuple[Machine | None, str]:
    report, problem = _json(ended, "snapshot")
    if problem:
        return None, f"facts can't be compared: {problem}"
    try:
        return decode(Machine, report.get("machine")), ""
    except CodecError as error:
        return None, f"facts can't be compared: gpudoctor {report.get('tool_version', '?')} writes {error}"


# ---------------------------------------------------------------- files alone


def _files(request: Request, runner: Runner, host: Machine, program: _Program, deadline: float) -> Inside:
    from gpudoctor.workflows.image import verify

    asked = verify.Request(request.image, engine=runner.engine, timeout=max(1.0, deadline - time.monotonic()))
    try:
        found = verify.for_machine(asked, host)
    except GpudoctorError as error:
        return Inside("none", (), "", "", program.why, EXIT_CANNOT_TELL, error=error.what)
    from gpudoctor import __version__

    why = f"{program.why}: its files were read instead"
    return Inside("files", (), "", __version__, why, found.exit_code, found.judgement, found.machine)
