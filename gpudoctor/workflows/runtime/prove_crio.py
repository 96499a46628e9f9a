"""CRI-O's proof ends at its files: it starts containers for a kubelet, not for us."""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Engine
from gpudoctor.facts.observed import value_of
from gpudoctor.runtimes.result import ProofStep
from gpudoctor.system.port import Port, is_file
from gpudoctor.workflows.runtime.prove import Asked


def steps(port: Port, engine: Engine, asked: Asked) -> Iterator[ProofStep]:
    named = dict(value_of(engine.file_runtimes, {}))
    program = named.get(asked.runtime, "")
    yield ProofStep(
        f"its files name the runtime {asked.runtime}", asked.runtime in named, ", ".join(named) or "none"
    )
    yield ProofStep("the runtime's program is there", is_file(port, program), program)
    if asked.default:
        default = value_of(engine.file_default_runtime, "")
        yield ProofStep(
            f"{asked.runtime} is the default runtime", default == asked.runtime, default or "not set"
        )
    if asked.depth != "config":
        yield ProofStep(
            "a container starts with it", None, "CRI-O starts containers for Kubernetes only: try a pod"
        )
