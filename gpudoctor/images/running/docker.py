"""Docker's throwaway container, through the SDK."""

from __future__ import annotations

import io
import os
import tarfile
import time
import uuid
from typing import Any

from gpudoctor.errors import GpudoctorError
from gpudoctor.images.daemon import client, why
from gpudoctor.images.running.order import LABEL, LABELLED, OUTPUT_LIMIT, SHM, ZIPAPP, Ended, Order

#: For what the daemon answers at once (seconds).
_ASK = 30


class Docker:
    """See `order.Runner`."""

    engine = "docker"

    def __init__(self, endpoint: str, image: str) -> None:
        """Raises GpudoctorError where the daemon does not answer, or has no such image."""
        import docker
        import docker.errors
        import requests

        self._memlock = True
        self.mounts = endpoint.startswith("unix://")
        self._errors = (docker.errors.DockerException, requests.exceptions.RequestException, OSError)
        try:
            self._client: Any = client(endpoint, _ASK)
            self.version = str(self._client.version().get("Version", ""))
            self._client.images.get(image)
        except docker.errors.ImageNotFound:
            self._client.close()
            raise GpudoctorError(
                f"Docker has no image {image}",
                note="nothing was run, and nothing is pulled",
                hint=f"docker pull {image}, or build it: gpudoctor image build",
            ) from None
        except (*self._errors, ValueError) as error:
            raise GpudoctorError(
                f"Docker's daemon does not answer: {why(error)}",
                context=endpoint,
                note="nothing was run",
                hint="start it, set DOCKER_HOST, or name another with --engine",
            ) from None

    def close(self) -> None:
        self._client.close()

    def run(self, order: Order) -> Ended:
        ended = self._run(order)
        if self._memlock and not ended.started and "rlimit" in ended.error:
            self._memlock = False  # an engine that is itself in a container may not raise it
            ended = self._run(order)
        return ended

    def _run(self, order: Order) -> Ended:
        name = f"gpudoctor-run-{uuid.uuid4().hex[:12]}"
        try:
            container = self._client.containers.create(
                order.image, list(order.words[1:]), name=name, **self._settings(order)
            )
            if order.zipapp and not self.mounts:
                container.put_archive("/", _archive(order.zipapp))
            container.start()
            return self._heard(container, order.timeout)
        except self._errors as error:
            return Ended(None, error=_words(error))
        finally:
            # By the name that was given beforehand: an interrupt may come between the daemon's answer and ours.
            self._remove(name)

    def _settings(self, order: Order) -> dict[str, Any]:
        import docker.types as types

        gpus = order.gpus
        settings: dict[str, Any] = {
            "entrypoint": [order.words[0]],
            "network_mode": "none",
            "labels": {LABEL: LABELLED},
            "environment": gpus.environment,
            "shm_size": SHM,
            "ulimits": [types.Ulimit(name="memlock", soft=-1, hard=-1)] if self._memlock else [],
            "healthcheck": {"test": ["NONE"]},
            # Whatever the daemon's default is, its output can then be read back.
            "log_config": types.LogConfig(type="json-file"),
        }
        if order.zipapp and self.mounts:
            settings["mounts"] = [types.Mount(ZIPAPP, order.zipapp, type="bind", read_only=True)]
            settings["security_opt"] = ["label=disable"]  # else SELinux keeps the file from the container
        if gpus.how == "runtime" and gpus.runtime:
            settings["runtime"] = gpus.runtime
        elif gpus.how == "gpus":
            which: dict[str, Any] = (
                {"count": -1} if gpus.devices == ("all",) else {"device_ids": list(gpus.devices)}
            )
            settings["device_requests"] = [types.DeviceRequest(capabilities=[["gpu"]], **which)]
        elif gpus.how == "cdi":
            settings["device_requests"] = [types.DeviceRequest(driver="cdi", device_ids=list(gpus.cdi))]
        return settings

    def _heard(self, container: Any, timeout: float) -> Ended:
        import requests

        began = time.monotonic()
        code: int | None = None
        try:
            code = int(container.wait(timeout=timeout)["StatusCode"])
        except requests.exceptions.RequestException:
            # The read's end and a daemon that is gone look alike: the clock tells them apart.
            if time.monotonic() - began < timeout - 0.5:
                raise
            container.kill()
        return Ended(
            code,
            self._log(container, stdout=True, stderr=False),
            self._log(container, stdout=False, stderr=True),
            timed_out=code is None,
        )

    def _log(self, container: Any, **which: bool) -> str:
        pieces, size = [], 0
        for piece in container.logs(stream=True, follow=False, **which):
            pieces.append(piece)
            size += len(piece)
            if size > OUTPUT_LIMIT:
                break
        return b"".join(pieces).decode("utf-8", "replace")

    def _remove(self, name: str) -> None:
        try:
            self._client.api.remove_container(name, force=True, v=True)
        except self._errors:
            pass  # it was never made, or the daemon is gone


def _archive(path: str) -> bytes:
    """For a daemon on another machine: the file goes into the container's own layer, which is removed with it."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar, open(path, "rb") as file:
        info = tarfile.TarInfo(ZIPAPP.lstrip("/"))
        info.size, info.mode = os.path.getsize(path), 0o444
        tar.addfile(info, file)
    return buffer.getvalue()


def _words(error: Exception) -> str:
    return " ".join(str(getattr(error, "explanation", None) or error).split())
