"""The machine is not what the policy asks for

What it is: A policy file names what a job needs (a driver, a CUDA release, a number of GPUs, a compute capability,
memory, a framework), and this machine has something else or has none of it. Where another cause explains why it is
missing, that cause is reported and this one is folded under it.

Why it hurts: The job was declared not to run on such a machine: it would stop after it has waited in the queue, or run
on the wrong GPU.

How to tell: `gpudoctor preflight` prints what was wanted, what was found, and who said so.

How to fix: Send the job to a machine that has it, change this one, or change the policy if it asks for too much.

Sources: docs/preflight.md, the policy file's format
https://docs.nvidia.com/health-validation
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.driver import Driver
from gpudoctor.facts.frameworks import Frameworks
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.machine import Expectation
from gpudoctor.findings import CouldNotTell, DoesNotApply, Evidence, Fix, Problem, Subject, Verdict
from gpudoctor.rules.policy._requirements import verdicts

_WORDS = {
    "driver": "a driver",
    "cuda": "a driver for CUDA",
    "gpus": "GPUs:",
    "compute-capability": "every GPU's compute capability",
    "memory": "every GPU's memory",
    "framework": "a GPU build of",
    "smoke": "a smoke run that ends with",
}


def check(
    expectation: Expectation, host: Host, driver: Driver, gpu: Gpu, frameworks: Frameworks
) -> Iterator[Problem | CouldNotTell]:
    if not expectation.requirements:
        raise DoesNotApply("the policy requires nothing")
    for verdict in verdicts(expectation, host, driver, gpu, frameworks):
        if verdict.met is None:
            yield CouldNotTell(f"required {verdict.name} {verdict.wanted}: {verdict.found}")
        elif not verdict.met:
            yield _problem(expectation.policy, verdict)


def subject(policy: str, verdict: Verdict) -> Subject:
    return Subject("file", f"{policy}:{verdict.name} {verdict.wanted}", f"{verdict.name} {verdict.wanted}")


def _problem(policy: str, verdict: Verdict) -> Problem:
    found = verdict.found or "none"
    return Problem(
        f"{policy} wants {_WORDS[verdict.name]} {verdict.wanted}; here: {found}",
        subject(policy, verdict),
        evidence=(
            Evidence("wanted", verdict.wanted, policy),
            Evidence("found", found, verdict.via or verdict.by),
        ),
        fix=Fix("Use a machine that has it, or change the policy if it asks for too much"),
    )
