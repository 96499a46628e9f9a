"""A policy's requirements against what is there. Whoever can't be asked makes a requirement undecided, never met."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpudoctor.facts.driver import Driver
from gpudoctor.facts.frameworks import Build, Frameworks, Interpreter
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.machine import Expectation, Requirement, Smoked
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown, known, value_of
from gpudoctor.findings import Verdict
from gpudoctor.rules.judging import CUDA_NOTHING, devices, driver_cuda, driver_version, gpu_ruled_out
from gpudoctor.versions import satisfies


def verdicts(
    expectation: Expectation, host: Host, driver: Driver, gpu: Gpu, frameworks: Frameworks
) -> Iterator[Verdict]:
    for requirement in expectation.requirements:
        if requirement.name == "driver":
            yield _version(requirement, driver_version(driver, gpu))
        elif requirement.name == "cuda":
            yield _cuda(requirement, host, gpu)
        elif requirement.name == "gpus":
            yield _count(requirement, host, gpu)
        elif requirement.name in ("compute-capability", "memory"):
            yield _each(requirement, host, gpu)
        elif requirement.name == "smoke":
            yield _smoke(expectation)
        else:
            yield _framework(requirement, expectation, frameworks)


def _version(requirement: Requirement, observed: Observed[str]) -> Verdict:
    name, wanted = requirement.name, requirement.wanted
    if isinstance(observed, Unknown):
        return Verdict(name, wanted, observed.reason, None)
    if isinstance(observed, Absent):
        return Verdict(name, wanted, "", False, via=observed.looked_in)
    return Verdict(name, wanted, observed.value, satisfies(observed.value, wanted), via=observed.via)


def _cuda(requirement: Requirement, host: Host, gpu: Gpu) -> Verdict:
    observed = driver_cuda(gpu)
    if isinstance(observed, Unknown) and gpu_ruled_out(gpu, known(host.wsl)):
        observed = Absent(observed.reason)
    return _version(requirement, observed)


def usable(host: Host, gpu: Gpu) -> Observed[int]:
    """How many GPUs a CUDA program gets: libcuda's count, after CUDA_VISIBLE_DEVICES; NVML's where libcuda is not there
    to be asked. A libcuda that answers with an error gives none."""
    if isinstance(gpu.cuda, Known):
        cuda = gpu.cuda.value
        if cuda.code == 0:
            return Known(len(cuda.devices), "libcuda")
        if cuda.code in CUDA_NOTHING or cuda.state == "answered":
            return Known(0, f"cuInit {cuda.code}")
    if gpu_ruled_out(gpu, known(host.wsl)):
        return Known(0, "/sys/bus/pci/devices")
    if isinstance(gpu.nvml, Known) and gpu.nvml.value.code == 0 and not isinstance(gpu.cuda, Known):
        return Known(len(gpu.nvml.value.devices), "NVML")
    return Unknown("neither libcuda nor NVML told how many GPUs there are")


def _count(requirement: Requirement, host: Host, gpu: Gpu) -> Verdict:
    observed = usable(host, gpu)
    if not isinstance(observed, Known):
        reason = observed.reason if isinstance(observed, Unknown) else "not there"
        return Verdict("gpus", requirement.wanted, reason, None)
    found = str(observed.value) if observed.value else ""
    return Verdict(
        "gpus",
        requirement.wanted,
        found,
        satisfies(str(observed.value), requirement.wanted),
        via=observed.via,
    )


def _each(requirement: Requirement, host: Host, gpu: Gpu) -> Verdict:
    """Every GPU must have it: a job may land on any of them."""
    name, wanted = requirement.name, requirement.wanted
    found: list[str] = []
    met: bool | None = True
    via = ""
    for one in devices(gpu):
        observed: Observed[str]
        if name == "memory":
            total = one.nvml.memory_total if one.nvml else Unknown("NVML did not describe this GPU")
            observed = (
                Known(gib(total.value), total.via) if isinstance(total, Known) else Unknown(_why(total))
            )
        else:
            observed = one.compute_capability
        if not isinstance(observed, Known):
            return Verdict(name, wanted, f"{one.subject.label}: {_why(observed)}", None)
        found.append(observed.value)
        via = observed.via
        ok = at_least_bytes(total.value, wanted) if name == "memory" and isinstance(total, Known) else None
        if not (satisfies(observed.value, wanted) if ok is None else ok):
            met = False
    if not found:
        none = gpu_ruled_out(gpu, known(host.wsl)) or value_of(usable(host, gpu), 1) == 0
        return Verdict(
            name, wanted, "" if none else "no driver library described a GPU", False if none else None
        )
    return Verdict(name, wanted, ", ".join(dict.fromkeys(found)), met, via=via)


def _why(observed: Observed[object]) -> str:
    return observed.reason if isinstance(observed, Unknown) else "does not tell"


_UNITS = {"B": 1, "MB": 10**6, "GB": 10**9, "TB": 10**12, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
_AMOUNT = re.compile(r"\s*(>=|<=|==|!=|>|<)\s*(\d+(?:\.\d+)?)\s*([KMGT]?i?B)\s*", re.I)


def amount(wanted: str) -> tuple[str, float]:
    """ ">=16 GiB" -> (">=", 17179869184.0), in bytes. Raises ValueError."""
    match = _AMOUNT.fullmatch(wanted)
    if match is None or match.group(3).upper() not in _UNITS:
        raise ValueError(f"{wanted!r} is no amount of memory such as '>=16 GiB'")
    return match.group(1), float(match.group(2)) * _UNITS[match.group(3).upper()]


def at_least_bytes(total: int, wanted: str) -> bool:
    operator, limit = amount(wanted)
    return {
        ">=": total >= limit,
        "<=": total <= limit,
        ">": total > limit,
        "<": total < limit,
        "==": total == limit,
        "!=": total != limit,
    }[operator]


def gib(total: int) -> str:
    return f"{total / 2**30:.1f} GiB"


# ---------------------------------------------------------------- frameworks


def _framework(requirement: Requirement, expectation: Expectation, frameworks: Frameworks) -> Verdict:
    name, wanted = framework_of(requirement.wanted), requirement.wanted
    for run in expectation.smoked:
        if run.framework == name:
            met = {"pass": True, "fail": False}.get(run.verdict)
            return Verdict("framework", wanted, _words(run), met, "smoke")
    if isinstance(frameworks.interpreters, Unknown):
        return Verdict("framework", wanted, frameworks.interpreters.reason, None, "static")
    answers = [
        _installed(wanted, interpreter, build)
        for interpreter in jobs(value_of(frameworks.interpreters, ()))
        for build in interpreter.builds
        if build.framework == name
    ]
    if not answers:
        return Verdict("framework", wanted, "", False, "static")
    order: dict[bool | None, int] = {True: 0, None: 1, False: 2}
    return min(answers, key=lambda answer: order[answer.met])


def _smoke(expectation: Expectation) -> Verdict:
    """Every framework on every GPU must pass; one that could not be tried leaves it open."""
    runs = expectation.smoked
    words = "; ".join(_words(run) for run in runs if run.verdict != "pass") or f"{len(runs)} passed"
    met: bool | None = bool(runs) and all(run.verdict == "pass" for run in runs)
    if not met and not any(run.verdict == "fail" for run in runs):
        met = None
    return Verdict("smoke", "PASS", words if runs else "nothing was tried", met, "smoke")


def _words(run: Smoked) -> str:
    return " ".join(part for part in (run.framework, f"{run.verdict.upper()}:", run.detail) if part).rstrip(
        ": "
    )


def framework_of(wanted: str) -> str:
    """ "torch>=2.5" -> "torch"."""
    match = re.match(r"[A-Za-z0-9._-]+", wanted)
    return match.group().lower().replace("_", "-") if match else ""


def jobs(interpreters: tuple[Interpreter, ...]) -> tuple[Interpreter, ...]:
    """The interpreters that a job would use: those named by --python, else all that were found."""
    named = tuple(i for i in interpreters if i.selected_by == "--python")
    return named or interpreters


def _installed(wanted: str, interpreter: Interpreter, build: Build) -> Verdict:
    from packaging.requirements import Requirement as Pep508

    found = f"{build.framework} {build.version} in {interpreter.path}"
    if not Pep508(wanted).specifier.contains(build.version, prereleases=True):
        return Verdict("framework", wanted, found, False, "static", build.location)
    imported = value_of(build.imported, None)
    if imported is not None:
        if imported.state != "ok":
            return Verdict("framework", wanted, f"{found}: import {imported.state}", False, "import")
        sees = value_of(imported.available, None)
        words = {True: "sees a GPU", False: "sees no GPU", None: "does not say whether it sees a GPU"}[sees]
        return Verdict("framework", wanted, f"{found}: {words}", sees, "import", imported.path)
    if isinstance(build.cuda, Unknown):
        return Verdict("framework", wanted, f"{found}: {build.cuda.reason}", None, "static", build.location)
    if isinstance(build.cuda, Absent):
        return Verdict("framework", wanted, f"{found}: a CPU build", False, "static", build.location)
    return Verdict("framework", wanted, f"{found}, CUDA {build.cuda.value}", True, "static", build.location)
