"""What somebody wants of this machine: a policy's requirements and exceptions, a baseline."""

from __future__ import annotations

from gpudoctor.facts.machine import Expectation


def not_applicable(expectation: Expectation) -> str:
    if expectation.policy or expectation.baseline or expectation.requirements:
        return ""
    return "no policy and no baseline"
