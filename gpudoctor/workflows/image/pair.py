"""Host and container as a pair: each fact on both sides, and what differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from gpudoctor.facts.environment import Variable
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown, mapped, value_of
from gpudoctor.findings import Crash, Evidence, Finding, Judgement, Skip
from gpudoctor.images.running.result import Pair, Sided
from gpudoctor.rules.judging import devices, driver_cuda, driver_version

#: Groups of facts whose differences are told in full; the rest is the machine's (its disks, its log).
GROUPS = ("driver.", "gpu.", "cuda.", "libraries.", "environment.", "frameworks.")
#: Where programs lie is each side's own business; the differences have it.
PLACES = ("PATH",)
NOT_THERE, NOT_KNOWN = "not there", "not known"


def pairs(host: Machine, container: Machine) -> tuple[Pair, ...]:
    found = [_pair(what, question(host), question(container)) for what, question in QUESTIONS]
    return (*found, *_variables(host, container))


def _pair(what: str, host: Observed[str], container: Observed[str]) -> Pair:
    same = (
        None if isinstance(host, Unknown) or isinstance(container, Unknown) else _say(host) == _say(container)
    )
    return Pair(what, _say(host), _say(container), same)


def _say(observed: Observed[str]) -> str:
    if isinstance(observed, Known):
        return observed.value or NOT_THERE
    return NOT_THERE if isinstance(observed, Absent) else NOT_KNOWN


def _joined(words: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(words))


def _libcuda(machine: Machine) -> Observed[str]:
    return mapped(
        machine.driver.libraries,
        lambda found: _joined(
            [
                f"{value_of(one.version, one.name)}" + (f" ({one.origin})" if one.origin != "loader" else "")
                for one in found
                if one.name.startswith("libcuda.so")
            ]
        ),
    )


def _gpus(machine: Machine) -> Observed[str]:
    """As a driver library names them. The bus is the host's in a container too, so it bears no witness here."""
    seen = devices(machine.gpu)
    if seen:
        named = [
            f"{value_of(d.name, 'a GPU')} {value_of(d.nvml.uuid, '') if d.nvml else ''}".strip() for d in seen
        ]
        return Known(", ".join(named), "NVML, libcuda")
    for answer in (machine.gpu.nvml, machine.gpu.cuda):
        if isinstance(answer, Known):
            return Absent("NVML, libcuda")
    if isinstance(machine.gpu.nvml, Unknown):
        return machine.gpu.nvml
    return Absent("NVML, libcuda")


def _libraries(machine: Machine) -> Observed[str]:
    return mapped(
        machine.libraries.copies,
        lambda found: _joined(sorted(f"{one.name} {value_of(one.version, '')}".strip() for one in found)),
    )


def _frameworks(machine: Machine) -> Observed[str]:
    return mapped(
        machine.frameworks.interpreters,
        lambda found: _joined([f"{b.framework} {b.version}" for i in found for b in i.builds]),
    )


QUESTIONS: tuple[tuple[str, Callable[[Machine], Observed[str]]], ...] = (
    ("distribution", lambda m: mapped(m.host.distribution, lambda d: d.name)),
    ("C library", lambda m: m.host.libc),
    ("kernel", lambda m: m.host.kernel),
    ("driver", lambda m: driver_version(m.driver, m.gpu)),
    ("libcuda", _libcuda),
    ("CUDA of the driver", lambda m: driver_cuda(m.gpu)),
    ("GPUs", _gpus),
    ("device nodes", lambda m: mapped(m.driver.nodes, lambda found: _joined([n.path for n in found]))),
    (
        "CUDA toolkits",
        lambda m: mapped(
            m.cuda.toolkits, lambda found: _joined([value_of(t.release, t.prefix) for t in found])
        ),
    ),
    ("CUDA libraries", _libraries),
    ("frameworks", _frameworks),
)


def _variables(host: Machine, container: Machine) -> Iterator[Pair]:
    """Each variable that one of them has."""
    left, right = host.environment.variables, container.environment.variables
    names = {v.name: None for side in (left, right) for v in value_of(side, ()) if v.name not in PLACES}
    for name in names:
        yield _pair(name, _variable(left, name), _variable(right, name))


def _variable(side: Observed[tuple[Variable, ...]], name: str) -> Observed[str]:
    if not isinstance(side, Known):
        return side
    return next((Known(v.value or '""', side.via) for v in side.value if v.name == name), Absent(side.via))


# ---------------------------------------------------------------- findings of both


_ORDER = {"failure": 0, "warning": 1, "note": 2}


def together(host: Judgement, container: Judgement | None) -> tuple[Judgement, tuple[Sided, ...]]:
    """One judgement, each finding with the evidence of its side. What passed on the host counts only where the container was
    judged too, and there says nothing else."""
    inside = container or Judgement()
    left = {(f.id, f.subject.name): f for f in host.findings}
    right = {(f.id, f.subject.name): f for f in inside.findings}
    findings, sides = [], []
    for key in dict.fromkeys([*left, *right]):
        side = "both" if key in left and key in right else "host" if key in left else "container"
        one, other = left.get(key) or right[key], right.get(key) or left[key]
        findings.append(_marked(min(one, other, key=lambda f: _ORDER[f.severity]), side))
        sides.append(Sided(*key, side))
    findings.sort(key=lambda f: (f.caused_by is not None, _ORDER[f.severity]))
    doubtful = {f.id for f in inside.findings} | {s.id for s in inside.skipped}
    return (
        Judgement(
            tuple(findings),
            (
                *host.skipped,
                *(Skip(s.id, f"in the container: {s.reason}", s.would_help, s.minor) for s in inside.skipped),
            ),
            (*host.crashed, *(Crash(c.id, f"in the container: {c.error}") for c in inside.crashed)),
            tuple(name for name in host.passed if container is not None and name not in doubtful),
            host.not_applicable,
        ),
        tuple(sides),
    )


def _marked(finding: Finding, side: str) -> Finding:
    where = {"both": "host and container"}.get(side, side)
    return finding.replace(evidence=(*finding.evidence, Evidence("seen on", where)))
