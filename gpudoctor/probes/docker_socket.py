"""Ask a Docker (or Podman) daemon for /info, through its Unix socket, with a deadline for the whole answer.

The `docker` package would do, but costs a quarter of a second to import; one GET needs none of it.
"""

from __future__ import annotations

import time
from typing import Any

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


def _understood(data: bytes, path: str) -> Observed[dict[str, Any]]:
    import json

    try:
        status, reason, body = _response(data)
        answer = json.loads(body)
    except (ValueError, RecursionError) as error:
        return Unknown(f"{path}: not a container engine's answer ({type(error).__name__})")
    if status != 200 or not isinstance(answer, dict):
        return Unknown(f"{path}: the daemon answers {status} {reason}".rstrip())
    return Known(answer, f"GET /info on {path}")


def _response(data: bytes) -> tuple[int, str, bytes]:
    """Status, reason and body of a whole response. Raises ValueError. (http.client would import TLS and e-mail: 16 ms.)"""
    head, blank, body = data.partition(b"\r\n\r\n")
    first, *lines = head.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    status, _, reason = rest.partition(" ")
    if not blank or not version.startswith("HTTP/1.") or not status.isdecimal():
        raise ValueError("no HTTP response")
    headers = {
        name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }
    if headers.get("transfer-encoding", "").lower() == "chunked":
        return int(status), reason, _unchunked(body)
    length = headers.get("content-length", "")
    if length.isdecimal():
        if len(body) < int(length):
            raise ValueError("the answer ends before its end")
        body = body[: int(length)]
    return int(status), reason, body


def _unchunked(data: bytes) -> bytes:
    """RFC 9112, 7.1: a length in hexadecimal, the chunk, until one of length 0."""
    whole = b""
    while True:
        line, _, data = data.partition(b"\r\n")
        size = int(line.partition(b";")[0], 16)
        if size == 0:
            return whole
        if size < 0 or len(data) < size:
            raise ValueError("the answer ends before its end")
        whole, data = whole + data[:size], data[size + 2 :]
