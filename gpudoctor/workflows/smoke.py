"""`smoke`: choose interpreter and devices, let children work, watch, judge, and come to an exit code."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from gpudoctor.engine import Asking, judge
from gpudoctor.errors import EXIT_CANNOT_TELL, GpudoctorError
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.facts.record import Record
from gpudoctor.facts.smoke import Run, Smoke, Trial
from gpudoctor.findings import Evidence, Finding, Judgement, package
from gpudoctor.rules.registry import causes, find
from gpudoctor.smoke import target, trial, watch, where
from gpudoctor.smoke.child import Event
from gpudoctor.smoke.target import Target

if TYPE_CHECKING:
    from gpudoctor.logs.diagnosis import Diagnosis

#: For the facts that are needed before anything runs, and for those that explain a failure (seconds).
FACTS_TIMEOUT = 30.0
#: A driver that has not answered the watching process by then is not waited for (seconds).
WATCH_TIMEOUT = 10.0
#: A look after a child has ended is waited for so long (seconds).
LOOK_TIMEOUT = 1.0
#: How sure `diagnose` must be of what it reads in a child's output.
SURE = 0.6
#: Consequences of what `diagnose` finds in the output; wrong results and slowness are nobody's consequence.
_EXPLAINED = frozenset(
    {
        "smoke-ran-on-cpu",
        "smoke-import-failed",
        "smoke-phase-failed",
        "smoke-phase-crashed",
        "smoke-phase-hung",
        "smoke-out-of-memory",
        "smoke-compile-failed",
        "smoke-shared-memory-full",
    }
)

Heard = Callable[[Target, str, Event], None]


class Request(Record):
    """What the user asked for. `frameworks` and `gpus` empty: all; `timeout` of one child in all, 0: ours (seconds)."""

    frameworks: tuple[str, ...] = ()
    python: str = ""
    gpus: tuple[str, ...] = ()
    allow_cpu: bool = False
    full: bool = False
    burn: float = 0.0
    timeout: float = 0.0
    tensorboard: str = ""


class Result(Record):
    machine: Machine
    judgement: Judgement
    run: Run
    exit_code: int


def smoke(request: Request, heard: Heard = lambda where, framework, event: None) -> Result:
    """Raises GpudoctorError for interpreters, frameworks and GPUs that are not there."""
    from gpudoctor.system.port import Options
    from gpudoctor.workflows.check import Request as CheckRequest
    from gpudoctor.workflows.check import open_port

    pythons = (request.python,) if request.python else ()
    port = open_port(CheckRequest(timeout=FACTS_TIMEOUT, options=Options(wake=True, pythons=pythons)))
    try:
        interpreter = where.choose(port, request.python, request.frameworks)
        machine = Asking(port, ("gpu", "host", "containers")).machine()
    finally:
        _close(port)
    found = target.targets(machine, request.gpus, os.environ.get("CUDA_VISIBLE_DEVICES"))
    if not found and request.allow_cpu:
        found = (target.CPU,)
    names = [n for n in interpreter.frameworks if not request.frameworks or n in request.frameworks]
    if request.burn and "torch" not in names:
        raise GpudoctorError(
            f"--burn works with torch, and {', '.join(names)} would run",
            context="--burn",
            note="nothing was run",
        )
    if not found:
        trials = tuple(_no_gpu(interpreter, name) for name in names)
    else:
        trials = _tried(request, interpreter, names, found, machine, heard)
    run = Run("full" if request.full else "quick", request.allow_cpu, request.burn, trials)
    machine, judgement = _judged(machine, run, interpreter.path)
    return Result(machine, judgement, run, exit_code(run, judgement))


def exit_code(run: Run, judgement: Judgement) -> int:
    """0: PASS everywhere (with --allow-cpu: or clean on the CPU); 1: any FAIL; 2: otherwise."""
    words = {t.verdict for t in run.trials}
    if "fail" in words or any(f.severity == "failure" and f.id == "smoke-slow" for f in judgement.findings):
        return 1
    good = {"pass", "cpu"} if run.allow_cpu else {"pass"}
    return 0 if words and words <= good else EXIT_CANNOT_TELL


def _no_gpu(interpreter: where.Interpreter, name: str) -> Trial:
    return Trial(
        name,
        interpreter.frameworks[name],
        interpreter.path,
        "",
        "no GPU",
        "skipped",
        "this machine has no NVIDIA GPU (--allow-cpu trains on the CPU all the same, which proves nothing of a GPU)",
    )


# ---------------------------------------------------------------- running


def _tried(
    request: Request,
    interpreter: where.Interpreter,
    names: Sequence[str],
    found: Sequence[Target],
    machine: Machine,
    heard: Heard,
) -> tuple[Trial, ...]:
    with tempfile.TemporaryDirectory(prefix="gpudoctor-watch-", ignore_cleanup_errors=True) as folder:
        watcher = _watcher(machine, folder) if any(not t.cpu for t in found) else None
        if watcher is not None:
            watcher.wait_for_first(WATCH_TIMEOUT)
            found = tuple(target.with_tenants(t, watcher.so_far().of(t.uuid)) for t in found)
        done: list[trial.Done] = []
        samples = watch.NOTHING
        try:
            for name in names:  # frameworks one after the other: two on one GPU would disturb each other
                orders = [_order(request, interpreter, name, t) for t in found]
                done += _side_by_side(orders, heard)
                all_of_them = together(found)
                if request.full and name == "torch" and all_of_them is not None:
                    done.append(_run(_order(request, interpreter, name, all_of_them), heard))
                if watcher is not None and any(t.tenants for t in found):
                    watcher.look_after(LOOK_TIMEOUT)
        finally:
            if watcher is not None:
                samples = watcher.stop()
    return tuple(trial.judged(one, samples) for one in done)


def _watcher(machine: Machine, folder: str) -> watch.Watcher | None:
    from gpudoctor.probes.gpu import pynvml_folder

    nvml = value_of(machine.gpu.nvml, None)
    if nvml is None or nvml.state != "answered":
        return None
    pynvml = pynvml_folder()
    return watch.Watcher(pynvml, value_of(nvml.library, ""), folder) if pynvml else None


def _order(request: Request, interpreter: where.Interpreter, name: str, one: Target) -> trial.Order:
    return trial.Order(
        name,
        interpreter.frameworks[name],
        interpreter.path,
        one,
        request.full,
        request.burn,
        request.allow_cpu,
        request.timeout,
        os.path.abspath(request.tensorboard) if request.tensorboard else "",
    )


def together(found: Sequence[Target]) -> Target | None:
    """All whole GPUs at once, for what they do with each other. Shared and full ones are left out of it."""
    whole = [t for t in found if t.uuid and "mig" not in t.platform and not t.tenants]
    whole = [t for t in whole if not 0 <= t.free < target.FULL_NEEDS]
    if len(whole) < 2:
        return None
    return Target(
        "", f"{len(whole)} GPUs together", platform=whole[0].platform, uuids=tuple(t.uuid for t in whole)
    )


def _run(order: trial.Order, heard: Heard, stop: Callable[[], bool] = lambda: False) -> trial.Done:
    try:
        return trial.run(order, os.environ, lambda event: heard(order.target, order.framework, event), stop)
    except OSError as error:
        raise GpudoctorError(
            f"{order.python} can't be started: {error.strerror or error}", note="nothing was run"
        ) from None


def _side_by_side(orders: Sequence[trial.Order], heard: Heard) -> list[trial.Done]:
    """The GPUs of one machine at the same time: neighbours heat each other, and one that hangs holds up nobody."""
    if len(orders) == 1:
        return [_run(orders[0], heard)]
    room = threading.Semaphore(max(1, min(len(orders), (os.cpu_count() or 2) // 2)))
    stopped = threading.Event()
    found: dict[int, trial.Done | BaseException] = {}

    def one(number: int) -> None:
        with room:
            try:
                if not stopped.is_set():
                    found[number] = _run(orders[number], heard, stopped.is_set)
            except BaseException as error:
                found[number] = error

    threads = [threading.Thread(target=one, args=(n,)) for n in range(len(orders))]
    for thread in threads:
        thread.start()
    try:
        for thread in threads:
            thread.join()
    finally:  # an interrupt reaches this thread alone
        stopped.set()
        for thread in threads:
            thread.join()
    for result in found.values():
        if isinstance(result, BaseException):
            raise result
    return [r for _, r in sorted(found.items()) if isinstance(r, trial.Done)]


# ---------------------------------------------------------------- judging


def _judged(machine: Machine, run: Run, python: str) -> tuple[Machine, Judgement]:
    """Where all is well the causes of smoke alone; else all causes, so that the one behind it is named."""
    seen = Smoke(Known(run, "gpudoctor smoke"))
    own = [c for c in causes() if c.family == "smoke"]
    judgement = judge(machine.replace(smoke=seen), own)
    if not any(f.severity in ("failure", "warning") for f in judgement.findings):
        return machine.replace(smoke=seen), judgement
    machine = _all_facts(python).replace(smoke=seen)
    judgement = judge(machine)
    kept = [f for f in judgement.findings if f.id.startswith("smoke-") or f.severity == "failure"]
    kept = _with_diagnoses(kept, run)
    return machine, judgement.replace(findings=tuple(kept))


def _all_facts(python: str) -> Machine:
    from gpudoctor.system.port import Options
    from gpudoctor.workflows.check import Request as CheckRequest
    from gpudoctor.workflows.check import open_port

    port = open_port(CheckRequest(timeout=FACTS_TIMEOUT, options=Options(pythons=(python,))))
    try:
        return Asking(port).machine()
    finally:
        _close(port)


def _with_diagnoses(findings: Sequence[Finding], run: Run) -> list[Finding]:
    """What `diagnose` reads in the output of a child that failed, and the findings that this explains folded under it."""
    added: list[Finding] = []
    explained: dict[tuple[str, str], str] = {}
    known = {f.id for f in findings}
    for one in run.trials:
        if one.verdict not in ("fail", "unkillable"):
            continue
        for answer in _read(one)[:1]:
            explained[one.interpreter, one.framework] = answer.id
            if answer.id not in known:
                known.add(answer.id)
                added.append(_finding(answer, one))
    marked = []
    for finding in (*findings, *added):
        name = finding.subject.name if finding.subject.kind == "package" else ""
        root = next((i for (python, fw), i in explained.items() if name == f"{python}:{fw}"), "")
        if root and finding.id in _EXPLAINED and finding.caused_by is None:
            finding = finding.replace(caused_by=root)
        marked.append(finding)
    return sorted(marked, key=lambda f: (f.caused_by is not None, f.severity != "failure"))


def _read(one: Trial) -> list[Diagnosis]:
    """Surest first; only causes of the catalogue that are not our own family's."""
    from gpudoctor.workflows.diagnose import diagnose_text

    messages = "\n".join(p.message for p in one.phases if p.state in ("failed", "crashed") and p.message)
    text = f"{one.output}\n{messages}"
    if not text.strip():
        return []
    answers = diagnose_text(text, f"the output of {one.framework}").known
    return [a for a in answers if a.confidence >= SURE and _catalogued(a.id)]


def _catalogued(name: str) -> bool:
    cause = find(name)
    return cause is not None and cause.family != "smoke"


def _finding(answer: Diagnosis, one: Trial) -> Finding:
    return Finding(
        answer.id,
        "failure",
        answer.title,
        package(one.interpreter, one.framework),
        tuple(Evidence(f"line {e.line}", e.text.strip()[:300], e.file) for e in answer.evidence[:4]),
        answer.explanation,
        answer.fix,
        None,
        answer.sources,
    )


def _close(port: object) -> None:
    close = getattr(port, "close", None)
    if close is not None:
        close()
