"""`fix`: judge, plan, show, ask, apply, judge again. `undo`: take back."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from types import ModuleType
from typing import Any, Literal

from gpudoctor.changes.outcome import Outcome, run_program
from gpudoctor.changes.plan import Plan
from gpudoctor.changes.restore import recover
from gpudoctor.changes.transaction import apply
from gpudoctor.engine import Asking, judge
from gpudoctor.errors import EXIT_CANNOT_TELL, GpudoctorError
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.record import Record
from gpudoctor.findings import Finding, Judgement
from gpudoctor.fixes import registry
from gpudoctor.fixes.see import Login, Manual, See, login_of
from gpudoctor.system.port import Options, Port
from gpudoctor.system.writer import Writer
from gpudoctor.workflows.check import DEFAULT_TIMEOUT, Request, choose, exit_code, open_port

#: pending: shown, not done. declined: unsafe, and nobody consented. refused: the system, or the file's owner, says no.
State = Literal["pending", "applied", "unchanged", "rolled-back", "declined", "refused", "open", "manual"]
#: After the change: the cause is gone, is still there, or could not be judged.
Recheck = Literal["", "mended", "still-ill", "not-judged"]


#: A choice that is the user's, and the command that carries it out.
CHOICES: Mapping[str, str] = {
    "containerd-cri-disabled": "Docker alone needs nothing; for Kubernetes `gpudoctor runtime configure containerd --enable-cri` "
    "does this as a change that can be taken back, and proves it",
}


class Ask(Record):
    """What the user asked for. `select`: causes and families; `act`: --apply; `consent`: --yes."""

    select: tuple[str, ...] = ()
    act: bool = False
    consent: bool = False
    root: str = ""
    timeout: float = DEFAULT_TIMEOUT
    options: Options = Options()


class Item(Record):
    """One finding and what is done about it. `plan` is None where only a person can mend it: `why` says why, and the
    commands are `manual`."""

    finding: Finding
    plan: Plan | None
    state: State
    manual: tuple[str, ...] = ()
    why: str = ""
    hint: str = ""
    outcome: Outcome | None = None
    recheck: Recheck = ""


class Fixed(Record):
    """`notes`: what was taken back first, and the like."""

    items: tuple[Item, ...]
    judgement: Judgement
    exit_code: int
    notes: tuple[str, ...] = ()


def run(
    ask: Ask,
    consents: Callable[[Item], bool],
    writer: Writer | None = None,
    tell: Callable[[str], None] = lambda what: None,
) -> Fixed:
    """`consents` is asked for each unsafe change where nobody said --yes; `tell` hears what is being done. Raises GpudoctorError as `check` does, and where
    an interrupted change can't be taken back."""
    if ask.select:
        choose(ask.select, ())  # names that don't exist are an error before anything else
    door = writer or Writer(ask.root, command=f"gpudoctor fix {' '.join(ask.select)}".strip())
    notes = recover(door) if ask.act else _interrupted(door)
    machine, judgement, see, code = _look(ask)
    findings = [f for f in judgement.findings if f.caused_by is None and _selected(f, ask.select)]
    items = [_planned(finding, machine, see) for finding in findings]
    items = [i for i in items if ask.select or i.plan or i.finding.severity != "note" or i.manual]
    if ask.act:
        items = _apply(ask, items, machine, see, door, consents, tell)
        items, judgement = _recheck(ask, items, judgement)
    return Fixed(tuple(items), judgement, _exit_code(items, code, ask), notes)


def _interrupted(writer: Writer) -> tuple[str, ...]:
    from gpudoctor.changes.journal import unfinished

    return tuple(
        f"change {j.id} ({j.title}) was interrupted; `gpudoctor undo {j.id}`, or --apply, takes it back first"
        for j in unfinished(writer)
    )


def _selected(finding: Finding, select: Sequence[str]) -> bool:
    from gpudoctor.rules.registry import find

    cause = find(finding.id)
    return not select or finding.id in select or (cause is not None and cause.family in select)


def _look(ask: Ask, env: Mapping[str, str] | None = None) -> tuple[Machine, Judgement, See, int]:
    """Everything is judged, whatever was selected: a consequence must not be mended in place of its cause."""
    request = Request(root=ask.root, timeout=ask.timeout, options=ask.options)
    port = _port(request, env)
    try:
        login = None if ask.root else login_of(port, os.environ, os.geteuid())
        if login is not None and login.other and env is None:
            # Under sudo the environment is root's: the machine is judged as its user meets it.
            return _look(ask, fresh_environment(login))
        machine = Asking(port).machine()
        judgement = judge(machine)
        code = _of_selected(machine, judgement, ask)
        return machine, judgement, See(port, login), code
    finally:
        close = getattr(port, "close", None)
        if close is not None:
            close()


def _of_selected(machine: Machine, judgement: Judgement, ask: Ask) -> int:
    """What `check --select` would end with."""
    selected = choose(ask.select, ())
    names = {cause.id for cause in selected}
    own = Judgement(
        tuple(f for f in judgement.findings if f.id in names),
        tuple(s for s in judgement.skipped if s.id in names),
        tuple(c for c in judgement.crashed if c.id in names),
        tuple(p for p in judgement.passed if p in names),
    )
    return exit_code(machine, own, selected, strict=False)


def _port(request: Request, env: Mapping[str, str] | None) -> Port:
    if env is None or request.root:
        return open_port(request)
    from gpudoctor.system.live import Live
    from gpudoctor.workflows.check import timeout

    return Live(timeout(request), env, request.options)


def fresh_environment(
    login: Login, run: Any = run_program, activate: Sequence[str] = ()
) -> Mapping[str, str]:
    """What a new login shell of this user has, after it has read the scripts `activate`. Raises GpudoctorError where it does
    not come up."""
    import shlex

    from gpudoctor.fixes._startup import login_argv

    mark = "gpudoctor-environment-begins"
    passed = {k: v for k, v in os.environ.items() if k.startswith("WSL") or k == "LANG"}
    sources = "".join(f". {shlex.quote(path)}; " for path in activate)
    ran = run(login_argv(login, f"{sources}echo; echo {mark}; env -0", passed), 20.0, ())
    _, found, rest = ran.stdout.partition(f"\n{mark}\n")
    if not found:
        raise GpudoctorError(
            f"a login shell of {login.user} ({login.shell}) does not come up",
            context=(ran.stderr.strip() or f"status {ran.code}")[-500:],
            note="nothing more was looked at",
            hint=f"see what `{login.shell} -l -i` says",
        )
    pairs = (one.partition("=") for one in rest.split("\0") if "=" in one)
    return {name: value for name, _, value in pairs}


# ---------------------------------------------------------------- planning


def _module(cause: str) -> ModuleType | None:
    from gpudoctor.workflows.runtime import mending

    return mending if cause in mending.mends else registry.modules().get(cause)


def _planned(finding: Finding, machine: Machine, see: See) -> Item:
    module = _module(finding.id)
    commands = finding.fix.commands if finding.fix else ()
    if module is None:
        return Item(finding, None, "manual", commands, CHOICES.get(finding.id, ""))
    try:
        plan: Plan = module.plan(finding, machine, see)
    except Manual as error:
        return Item(finding, None, "manual", error.commands or commands, error.reason)
    if not any(_changes(change, see) for change in plan.files) and not plan.actions:
        return Item(finding, plan, "unchanged", plan.manual, "the files are so already: start a new shell")
    see.note(plan)
    return Item(finding, plan, "pending", plan.manual)


def _changes(change: Any, see: See) -> bool:
    return bool(change.before != change.after or change.link != change.old_link)


# ---------------------------------------------------------------- acting


def _apply(
    ask: Ask,
    items: list[Item],
    machine: Machine,
    see: See,
    writer: Writer,
    consents: Callable[[Item], bool],
    tell: Callable[[str], None],
) -> list[Item]:
    """One after the other: each is planned again on the files as they now are."""
    see.forget()
    done = []
    for item in items:
        if item.state == "pending":
            item = _planned(item.finding, machine, see)
            see.forget()
        if item.state != "pending" or item.plan is None:
            done.append(item)
            continue
        if item.plan.applicability != "safe" and not (ask.consent or consents(item)):
            done.append(item.replace(state="declined", hint="say --yes, or answer yes, to have it done"))
            continue
        tell(item.plan.title)
        done.append(_applied(item, item.plan, writer))
    return done


def _applied(item: Item, plan: Plan, writer: Writer) -> Item:
    try:
        outcome = apply(plan, writer)
    except GpudoctorError as error:
        parts = [error.what, *error.context.splitlines()]
        return item.replace(state="refused", why="\n".join(parts), hint=error.hint)
    state: State = "applied" if outcome.state in ("undone", "forgotten") else outcome.state  # type: ignore[assignment]
    return item.replace(state=state, outcome=outcome, why=outcome.why)


def _recheck(ask: Ask, items: list[Item], before: Judgement) -> tuple[list[Item], Judgement]:
    """Judge again, in the environment of a new login of the user: what is open now knows nothing of the change. But a daemon is
    judged as it was found: a login may reach another."""
    from gpudoctor.workflows.runtime import mending

    done = [item for item in items if item.state in ("applied", "unchanged")]
    after = before
    for engines in (True, False):
        mine = [item for item in done if (item.finding.id in mending.mends) is engines]
        if mine:
            _, after, _, _ = _look(ask, None if engines or ask.root else _login_environment(ask))
            items = [_verdict(item, after) if item in mine else item for item in items]
    return items, after


def _login_environment(ask: Ask) -> Mapping[str, str] | None:
    from gpudoctor.system.live import Live

    login = login_of(Live(ask.timeout), os.environ, os.geteuid())
    if login is None:
        return None
    kept, scripts = active(login, os.environ)
    return {**kept, **fresh_environment(login, activate=scripts)}


def active(login: Login, env: Mapping[str, str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """The environment that was active is so again: a fix may have been for it. Its variables, and what activating reads."""
    if login.other or login.shell.rpartition("/")[2] == "fish":
        return {}, ()
    scripts: list[str] = []
    if env.get("VIRTUAL_ENV") and os.path.isfile(f"{env['VIRTUAL_ENV']}/bin/activate"):
        scripts.append(f"{env['VIRTUAL_ENV']}/bin/activate")
    folder = f"{env.get('CONDA_PREFIX', '')}/etc/conda/activate.d"
    if env.get("CONDA_PREFIX") and os.path.isdir(folder):
        scripts += [f"{folder}/{name}" for name in sorted(os.listdir(folder)) if name.endswith(".sh")]
    return {n: env[n] for n in ("CONDA_PREFIX", "CONDA_DEFAULT_ENV") if n in env}, tuple(scripts)


def _verdict(item: Item, after: Judgement) -> Item:
    if item.state not in ("applied", "unchanged"):
        return item
    causes = item.plan.recheck if item.plan and item.plan.recheck else (item.finding.id,)
    if any(f.id in causes and f.subject == item.finding.subject for f in after.findings):
        return item.replace(recheck="still-ill")
    unsure = {s.id for s in after.skipped} | {c.id for c in after.crashed}
    return item.replace(recheck="not-judged" if unsure & set(causes) else "mended")


def _exit_code(items: list[Item], checked: int, ask: Ask) -> int:
    """0 nothing to do, or all that was done is well; 1 something is pending or still ill; 2 could not tell. `checked`: the
    exit code of the check before."""
    for item in items:
        if item.recheck == "mended":
            continue
        if item.state == "manual" and item.finding.severity == "note":
            continue
        if item.recheck == "not-judged":
            continue
        return 1
    if any(item.recheck == "not-judged" for item in items):
        return EXIT_CANNOT_TELL
    mended = any(item.recheck == "mended" for item in items)
    return EXIT_CANNOT_TELL if checked == EXIT_CANNOT_TELL and not mended else 0
