"""What the causes of a smoke run share: trials and their phases as findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from gpudoctor.facts.smoke import Phase, Smoke, Trial
from gpudoctor.findings import Evidence, Subject, device, package
from gpudoctor.rules.judging import need


def trials(smoke: Smoke) -> tuple[Trial, ...]:
    return need(smoke.run, "smoke run").trials


def ill(smoke: Smoke, wanted: Callable[[Phase], bool]) -> Iterator[tuple[Trial, tuple[Phase, ...]]]:
    """The trials that have such phases, each once, with these."""
    for trial in trials(smoke):
        found = tuple(phase for phase in trial.phases if wanted(phase))
        if found:
            yield trial, found


def of_illness(illness: str) -> Callable[[Phase], bool]:
    return lambda phase: phase.state == "failed" and phase.illness == illness


def software(trial: Trial) -> Subject:
    """The framework in its interpreter: what is at fault where the environment is."""
    return package(trial.interpreter, trial.framework)


def hardware(trial: Trial) -> Subject:
    """The device, where one was named; else the framework."""
    uuid = trial.asked or trial.device.uuid
    return device(uuid, trial.label) if uuid else software(trial)


def where(trial: Trial) -> str:
    return f"{trial.framework} {trial.version} on {trial.label}".replace("  ", " ")


def evidence(trial: Trial, phases: tuple[Phase, ...]) -> tuple[Evidence, ...]:
    """What each phase said (its first lines), and what it measured."""
    found = [Evidence("trial", where(trial), trial.interpreter)]
    for phase in phases:
        lines = [line for line in phase.message.splitlines() if line.strip()]
        said = "\n".join(lines[:6]) or phase.state
        found.append(Evidence(phase.name, said, f"after {phase.seconds:.2f} s"))
        if phase.values:
            found.append(Evidence(f"{phase.name}, measured", measured(phase), ""))
    return tuple(found)


def measured(phase: Phase) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in phase.values.items())


def names(phases: tuple[Phase, ...]) -> str:
    return ", ".join(phase.name for phase in phases)
