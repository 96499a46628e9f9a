"""Docker's daemon through its SDK: the client for an endpoint, and in words why it does not answer."""

from __future__ import annotations

import os
from typing import Any

_WORDS: tuple[tuple[type[OSError], str], ...] = (
    (FileNotFoundError, "its socket is not there, so no daemon runs"),
    (ConnectionRefusedError, "nobody listens there"),
    (PermissionError, "permission denied: that takes root, or the group of the socket"),
    (TimeoutError, "no answer in time"),
)


def client(endpoint: str, timeout: float) -> Any:
    """A `docker.DockerClient`. On another machine with the certificates that DOCKER_TLS_VERIFY and DOCKER_CERT_PATH name, as
    `docker` itself does. Raises DockerException, OSError, ValueError."""
    import docker

    if not endpoint.startswith("tcp://"):
        return docker.DockerClient(base_url=endpoint, version="auto", timeout=timeout)
    environment = {**os.environ, "DOCKER_HOST": endpoint}
    return docker.from_env(version="auto", timeout=timeout, environment=environment)


def why(error: BaseException) -> str:
    """One line: the SDK wraps the reason in three exceptions of three libraries. `error`: whatever it raised.

    >>> why(Exception("Error while fetching", ("Connection aborted.", FileNotFoundError(2, "No such file"))))
    'its socket is not there, so no daemon runs'
    """
    root = _root(error, 0)
    for kind, words in _WORDS:
        if isinstance(root, kind):
            return words
    if isinstance(root, OSError) and root.strerror and type(root).__module__ == "builtins":
        return root.strerror
    said = " ".join(str(getattr(error, "explanation", None) or error).split())
    return said[:300] or type(error).__name__


def _root(error: object, depth: int) -> BaseException | None:
    """The system's own error in an exception, its causes, or the tuples that they carry."""
    if depth > 8:
        return None
    if isinstance(error, OSError) and type(error).__module__ == "builtins" and error.errno:
        return error
    if isinstance(error, TimeoutError):
        return error
    inside: list[object] = list(error) if isinstance(error, tuple) else []
    if isinstance(error, BaseException):
        inside = [error.__cause__, *error.args]
    for one in inside:
        if isinstance(one, (BaseException, tuple)) and (found := _root(one, depth + 1)) is not None:
            return found
    return None
