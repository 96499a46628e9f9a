"""The classic builder, where there is no buildx: the engine itself builds, asked by the Docker SDK.

    {"stream": "Step 3/4 : RUN pip install torch"}   {"stream": " ---> Using cache"}
    {"errorDetail": {"code": 1, "message": "..."}, "error": "..."}

as dockerd 20.10 to 28 answer POST /build. It takes no secrets: an order that has some is refused.
"""

from __future__ import annotations

import re
import socket
import threading
import time
from typing import Any

from gpudoctor.errors import GpudoctorError
from gpudoctor.images.building.steps import Built, Order, Progress, Watch

_STEP = re.compile(r"^Step (\d+)/(\d+) : (.*)")
#: What a step prints on standard error comes in red.
_COLOUR = re.compile(r"\x1b\[[\d;]*m")


def build(order: Order, watch: Watch, endpoint: str) -> Built:
    """Raises GpudoctorError where the engine does not answer, or where the order asks for what it can't do. When time is
    over the connection is closed: the engine then stops, and removes the containers of the step."""
    _refuse_what_it_cant(order)
    api = _connected(endpoint)
    heard = _Heard(watch)
    clock = _Clock(api, order.timeout)
    started = time.monotonic()
    try:
        _follow(api, order, heard)
    finally:
        clock.stop()
        api.close()
    if clock.rang:
        heard.error = f"no end within {order.timeout:.0f} s"
    heard.finish(clock.rang)
    ok = bool(heard.image) and not heard.error
    return Built(
        "docker",
        ok,
        heard.image if ok else "",
        ("POST", f"{endpoint}/build"),
        heard.progress.steps(),
        heard.error or ("" if ok else "the engine named no image"),
        time.monotonic() - started,
        clock.rang,
    )


def _refuse_what_it_cant(order: Order) -> None:
    for asked, what in ((order.secrets, "secrets"), (order.output, "--output")):
        if asked:
            raise GpudoctorError(
                f"the classic builder knows no {what}",
                note="nothing was built",
                hint="install Docker's buildx plugin (package docker-buildx or docker-buildx-plugin)",
            )


def _connected(endpoint: str) -> Any:
    import docker
    import docker.errors

    try:
        return docker.APIClient(base_url=endpoint, version="auto", timeout=60)
    except docker.errors.DockerException as error:
        raise GpudoctorError(
            f"the engine at {endpoint} does not answer: {error}", note="nothing was built"
        ) from None


def _follow(api: Any, order: Order, heard: _Heard) -> None:
    """Until the engine has no more to say; what goes wrong is the build's error."""
    import docker.errors
    from urllib3.exceptions import HTTPError

    try:
        for event in api.build(
            path=order.context,
            dockerfile=order.dockerfile or None,
            tag=order.tags[0] if order.tags else None,
            buildargs=dict(order.build_args),
            target=order.target or None,
            network_mode=order.network or None,
            nocache=order.no_cache,
            rm=True,
            forcerm=True,
            decode=True,
            timeout=None,
        ):
            heard.event(event)
        if heard.image and not heard.error:
            _tag(api, heard.image, order.tags[1:])
    except docker.errors.APIError as error:
        heard.error = str(error.explanation or error)
    except (docker.errors.DockerException, HTTPError, OSError, ValueError) as error:
        heard.error = str(error)


def _tag(api: Any, image: str, tags: tuple[str, ...]) -> None:
    for tag in tags:
        name, colon, version = tag.rpartition(":")
        if not colon or "/" in version:  # "host:5000/name" has no version
            name, version = tag, "latest"
        api.tag(image, name, version)


class _Clock:
    """Ends the connection when time is over, however silent the engine is. The socket is shut down, for closing it would
    not wake the thread that waits for it."""

    def __init__(self, api: Any, timeout: float) -> None:
        self.rang = False
        self._response: Any = None
        api.hooks["response"].append(self._hear)
        self._timer = threading.Timer(timeout, self._ring)
        self._timer.daemon = True
        self._timer.start()

    def _hear(self, response: Any, **_: object) -> None:
        self._response = response

    def _ring(self) -> None:
        self.rang = True
        connection: Any = getattr(getattr(self._response, "raw", None), "connection", None)
        if connection is not None and connection.sock is not None:
            try:
                connection.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass  # it has ended meanwhile

    def stop(self) -> None:
        self._timer.cancel()


class _Heard:
    """The engine's events as steps."""

    def __init__(self, watch: Watch) -> None:
        self.progress = Progress(watch)
        self.image = ""
        self.error = ""
        self._key = ""
        self._began = time.monotonic()

    def event(self, event: dict[str, Any]) -> None:
        if "error" in event:
            detail = event.get("errorDetail")
            self.error = str(detail.get("message") if isinstance(detail, dict) else event["error"])
            return
        aux = event.get("aux")
        if isinstance(aux, dict) and aux.get("ID"):
            self.image = str(aux["ID"])
        for line in str(event.get("stream", "")).splitlines():
            self._line(_COLOUR.sub("", line).rstrip())

    def _line(self, line: str) -> None:
        step = _STEP.match(line)
        if step:
            self._done("done")
            self._key = step.group(1)
            self._began = time.monotonic()
            self.progress.update(self._key, f"[{step.group(1)}/{step.group(2)}] {step.group(3)}", "running")
        elif line.strip() == "---> Using cache" and self._key:
            self.progress.update(self._key, state="cached")
        elif line.startswith("Successfully built ") and not self.image:
            self.image = line.split()[-1]
        elif (
            line.strip()
            and self._key
            and not line.startswith((" --->", "Removing intermediate", "Successfully "))
        ):
            self.progress.line(self._key, line)

    def _done(self, state: str) -> None:
        for step in self.progress.steps():
            if step.state == "running":
                seconds = time.monotonic() - self._began
                self.progress.update(
                    self._key,
                    state="failed" if state == "failed" else "done",
                    seconds=seconds,
                    error=self.error if state == "failed" else "",
                )

    def finish(self, timed_out: bool) -> None:
        if not timed_out:
            self._done("failed" if self.error else "done")
