"""Docker's proof, through its API."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from gpudoctor.facts.containers import Engine
from gpudoctor.runtimes.result import ProofStep
from gpudoctor.system.port import Port
from gpudoctor.workflows.runtime import daemons
from gpudoctor.workflows.runtime.image import Image
from gpudoctor.workflows.runtime.prove import ASKING, DEVICE, Asked, Ran, containers, until


def steps(port: Port, engine: Engine, asked: Asked) -> Iterator[ProofStep]:
    """Raises GpudoctorError where the daemon does not answer."""
    client = daemons.client(engine.endpoint)
    try:
        info: dict[str, Any] = client.info()

        def named() -> bool:
            info.update(client.info())
            good = asked.runtime in (info.get("Runtimes") or {})
            return good and (not asked.default or info.get("DefaultRuntime") == asked.runtime)

        yield ProofStep(
            "the daemon answers", True, f"Docker {info.get('ServerVersion', '')} at {engine.endpoint}"
        )
        if not asked.cdi:
            good = until(named)
            said = f"runtimes: {', '.join(sorted(info.get('Runtimes') or {}))}; default: {info.get('DefaultRuntime', '')}"
            which = (
                f"{asked.runtime} as its default runtime" if asked.default else f"the runtime {asked.runtime}"
            )
            yield ProofStep(f"the daemon names {which}", good, said)
        if asked.depth != "config":
            how = f"with {DEVICE}" if asked.cdi else f"with the runtime {asked.runtime}"
            yield from _containers(port, client, asked, how)
    finally:
        client.close()


def _containers(port: Port, client: Any, asked: Asked, how: str) -> Iterator[ProofStep]:
    import docker

    image, made = asked.image, ""
    if not image:
        own = Image()
        try:
            client.images.load(own.archive)
        except (docker.errors.DockerException, OSError) as error:
            yield ProofStep("an image of this machine's files can be loaded", False, _words(error))
            return
        image = made = own.tag
    try:
        yield from containers(port, asked, lambda command: _run(client, image, command, asked), how)
    finally:
        if made:
            try:
                client.images.remove(made, force=True)
            except (docker.errors.DockerException, OSError):
                pass  # another proof may still use it; the next one removes it


def _run(client: Any, image: str, command: str, asked: Asked) -> Ran:
    import docker
    import requests

    settings: dict[str, Any] = {"network_mode": "none", "labels": {"gpudoctor": "prove"}}
    if asked.cdi:
        settings["device_requests"] = [docker.types.DeviceRequest(driver="cdi", device_ids=[DEVICE])]
    else:
        settings["environment"] = ASKING
        settings |= {} if asked.default else {"runtime": asked.runtime}
    container = None
    try:
        container = client.containers.create(image, ["/bin/sh", "-c", command], entrypoint="", **settings)
        container.start()
        code = int(container.wait(timeout=asked.timeout)["StatusCode"])
        return Ran(code, container.logs().decode("utf-8", "replace"))
    except (docker.errors.DockerException, requests.exceptions.RequestException) as error:
        return Ran(None, _words(error))
    finally:
        if container is not None:
            try:
                container.remove(force=True)
            except (docker.errors.DockerException, requests.exceptions.RequestException):
                pass


def _words(error: Exception) -> str:
    return str(getattr(error, "explanation", None) or error)
