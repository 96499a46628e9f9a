"""Podman's proof: it has no daemon, so its own command is asked. GPUs come by CDI."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator

from gpudoctor.facts.containers import Engine
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.runtimes.result import ProofStep
from gpudoctor.system.port import Port
from gpudoctor.workflows.runtime import specs
from gpudoctor.workflows.runtime.image import Image
from gpudoctor.workflows.runtime.prove import DEVICE, Asked, Ran, containers


def steps(port: Port, engine: Engine, asked: Asked) -> Iterator[ProofStep]:
    podman = value_of(engine.client, "podman")
    found = [spec for spec in specs.nvidia_specs(port) if DEVICE in spec.devices]
    said = (
        ", ".join(f"{s.path} (CDI {value_of(s.version, '?')})" for s in found)
        or f"no specification has {DEVICE}"
    )
    yield ProofStep(f"a CDI specification has {DEVICE}", bool(found), said)
    for spec in found:
        if spec.missing:
            yield ProofStep(
                f"what {spec.path} names is there", False, f"missing: {', '.join(spec.missing[:5])}"
            )
    if asked.depth != "config" and isinstance(engine.client, Known):
        yield from _containers(port, podman, asked)


def _containers(port: Port, podman: str, asked: Asked) -> Iterator[ProofStep]:
    image = asked.image
    if image:
        yield from containers(port, asked, lambda c: _run(port, podman, image, c, asked), f"with {DEVICE}")
        return
    own = Image()
    with tempfile.NamedTemporaryFile(prefix="gpudoctor-", suffix=".tar") as file:
        file.write(own.archive)
        file.flush()
        loaded = port.run([podman, "load", "-q", "-i", file.name], asked.timeout)
    if loaded.code != 0:
        yield ProofStep("an image of this machine's files can be loaded", False, loaded.stderr.strip()[-600:])
        return
    try:
        tag = f"localhost/{own.tag}"
        yield from containers(port, asked, lambda c: _run(port, podman, tag, c, asked), f"with {DEVICE}")
    finally:
        port.run([podman, "rmi", "-f", own.tag], asked.timeout)


def _run(port: Port, podman: str, image: str, command: str, asked: Asked) -> Ran:
    words = [
        podman,
        "run",
        "--rm",
        "--network=none",
        "--device",
        DEVICE,
        "--entrypoint",
        "/bin/sh",
        image,
        "-c",
        command,
    ]
    ran = port.run(words, asked.timeout)
    return Ran(ran.code, ran.stdout if ran.code == 0 else ran.stderr or ran.stdout)
