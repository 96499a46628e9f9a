"""`plan`: the machine (this one, a snapshot's, or a described one), the choice, the advice."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gpudoctor import knowledge
from gpudoctor.advice import names
from gpudoctor.advice.choose import choose
from gpudoctor.advice.commands import Planned, advice
from gpudoctor.advice.names import Card
from gpudoctor.advice.question import Question
from gpudoctor.advice.question.reading import read
from gpudoctor.advice.route import Route
from gpudoctor.errors import EXIT_CANNOT_TELL, GpudoctorError
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.rules.judging import devices, driver_version, gpu_ruled_out


def plan(
    target: str, version: str, given: Mapping[str, Any], snapshot: str = "", way: Route | None = None
) -> Planned:
    """`given`: gpu, cc, driver, python, os, machine; a GPU describes another machine, the rest is put in the place of what
    the machine says. Raises GpudoctorError for unknown names and where no GPU can be seen."""
    said = {key: list(value) if isinstance(value, tuple) else value for key, value in given.items() if value}
    described = bool(said.get("gpu") or said.get("cc"))
    if described and snapshot:
        raise GpudoctorError("--snapshot is a machine, and so is --gpu: name one of them")
    if described:
        asked = read(said)
    else:
        asked = changed(of_machine(_machine(snapshot)), said)
    wanted, variant = _version(target, version)
    choices = choose(asked, target, wanted, variant)
    best = choices.best
    return Planned(advice(best, choices.runners_up, way or Route()) if best else None, choices)


def changed(asked: Question, said: Mapping[str, Any]) -> Question:
    """A machine with what was said put in the place of what it says."""
    if not said:
        return asked
    own = read(said)
    changes = {"driver": own.driver, "python": own.python}
    changes |= {"system": own.system} if "os" in said else {}
    changes |= {"machine": own.machine} if "machine" in said else {}
    return asked.replace(**{k: v for k, v in changes.items() if v})


def exit_code(found: Planned) -> int:
    """0 planned, 1 impossible, 2 not known."""
    if found.advice is not None:
        return 0
    return EXIT_CANNOT_TELL if found.choices.possible is None else 1


def _version(target: str, text: str) -> tuple[str, str]:
    """ "2.5.1+cu124" -> ("2.5.1", "cu124"); "2.5" is its newest patch."""
    if not text:
        return "", ""
    plain, _, local = text.partition("+")
    if local and target != "torch":
        raise GpudoctorError(f"{target} has no build named +{local}", context="--version")
    wanted = names.framework(target, plain)
    return wanted, names.variant(wanted, local.lower()) if local else ""


def _machine(snapshot: str) -> Machine:
    from gpudoctor.workflows.check import Request, open_port

    if snapshot:
        from gpudoctor.workflows.snapshot import read_snapshot

        return read_snapshot(snapshot).machine
    from gpudoctor.engine import Asking

    port = open_port(Request())
    try:
        return Asking(port, ("host", "gpu", "driver", "frameworks")).machine()
    finally:
        close = getattr(port, "close", None)
        if close is not None:
            close()


def of_machine(machine: Machine) -> Question:
    """The part of a machine that decides what fits. Raises GpudoctorError where its GPUs can't be told."""
    wsl = isinstance(machine.host.wsl, Known)
    cards = _cards(machine)
    if not cards:
        if gpu_ruled_out(machine.gpu, wsl):
            raise GpudoctorError(
                "this machine has no NVIDIA GPU",
                note="nothing was planned",
                hint="describe another machine with --gpu, --driver and --python",
            )
        raise GpudoctorError(
            "the GPUs of this machine could not be read",
            note="nothing was planned",
            hint="`gpudoctor check` says why; or describe them with --gpu",
        )
    driver = value_of(driver_version(machine.driver, machine.gpu), "")
    loaded = value_of(machine.driver.module, None)
    flavour = value_of(loaded.flavour, "") if loaded is not None else ""
    return Question(
        system="WSL2" if wsl else str(value_of(machine.host.system, "Linux")),
        machine=str(value_of(machine.host.architecture, "x86_64")),
        driver=driver,
        flavour=flavour,
        cards=cards,
        python=_python(machine),
    )


def _cards(machine: Machine) -> tuple[Card, ...]:
    found = [
        Card(
            str(value_of(d.name, "a GPU")),
            str(value_of(d.compute_capability, "")),
            source="this machine's driver",
        )
        for d in devices(machine.gpu)
    ]
    if found:
        return tuple(found)
    # No driver answers: the bus knows which product it is.
    on_bus = [
        knowledge.gpu_by_pci(d.device)
        for d in value_of(machine.gpu.pci, ())
        if d.vendor == 0x10DE and d.is_display
    ]
    return tuple(Card(m.product, m.capability or "", m.kind, source=m.source) for m in on_bus if m)


def _python(machine: Machine) -> str:
    interpreters: Sequence[Any] = value_of(machine.frameworks.interpreters, ())
    known = [str(value_of(i.version, "")) for i in interpreters]
    return ".".join(next((k for k in known if k), "").split(".")[:2])
