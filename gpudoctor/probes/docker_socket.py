"""Ask a Docker (or Podman) daemon for /info, through its Unix socket, with a deadline for the whole answer.

The `docker` package would do, but costs a quarter of a second to import; one GET needs none of it.
"""

from __future__ import annotations

import io
import time
from typing import IO, Any

from gpudoctor.facts.observed import Absent, Known, Observed, Unknown

#: A daemon that lives answers /info in milliseconds; a busy one in a second.
DEADLINE = 2.0
_LIMIT = 4 << 20


def info(path: str, deadline: float = DEADLINE) -> Observed[dict[str, Any]]:
    """The daemon's own description. Absent: nobody listens. Unknown: denied, hangs, or speaks another language."""
    import socket

    end = time.monotonic() + deadline
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        connection.settimeout(max(deadline, 0.01))
        connection.connect(path)
        # HTTP/1.0: the daemon sends the body whole and hangs up.
        connection.sendall(b"GET /info HTTP/1.0\r\nHost: localhost\r\nAccept: application/json\r\n\r\n")
        return _understood(_all(connection, end), path)
    except (FileNotFoundError, ConnectionRefusedError):
        return Absent(path)
    except PermissionError:
        return Unknown(f"{path}: permission denied", "root")
    except TimeoutError:
        return Unknown(f"{path}: the daemon does not answer within {deadline:g} s")
    except OSError as error:
        return Unknown(f"{path}: {error.strerror or error}")
    finally:
        connection.close()


def _all(connection: Any, end: float) -> bytes:
    """Everything until the other side closes. The deadline is for all of it, not for each piece."""
    chunks: list[bytes] = []
    size = 0
    while size < _LIMIT:
        left = end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        connection.settimeout(left)
        chunk = connection.recv(65536)
        if not chunk:
            break
        chunks.append(chunk)
        size += len(chunk)
    return b"".join(chunks)


class _Answer:
    """What http.client wants of a socket."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, mode: str) -> IO[bytes]:
        return io.BytesIO(self._data)


def _understood(data: bytes, path: str) -> Observed[dict[str, Any]]:
    import json
    from http.client import HTTPException, HTTPResponse

    response = HTTPResponse(_Answer(data))  # type: ignore[arg-type]
    try:
        response.begin()
        body = response.read()
        answer = json.loads(body)
    except (HTTPException, ValueError, RecursionError, AttributeError) as error:
        return Unknown(f"{path}: not a container engine's answer ({type(error).__name__})")
    if response.status != 200 or not isinstance(answer, dict):
        return Unknown(f"{path}: the daemon answers {response.status} {response.reason}")
    return Known(answer, f"GET /info on {path}")
