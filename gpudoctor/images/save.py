"""An image of a local engine as an archive in a temporary file that has no name, so that nothing can be left behind."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from typing import Any

from gpudoctor.errors import GpudoctorError

#: How long podman may take to begin and to end (seconds).
_PODMAN_GRACE = 10.0


def save(name: str, engine: str, timeout: float) -> int:
    """A descriptor of the archive, at its start, of "docker" or "podman".

    Raises GpudoctorError where the engine does not answer or has no such image, or the disk is full."""
    return _into_file(name, (_docker if engine == "docker" else _podman)(name, timeout))


def _into_file(name: str, pieces: Iterable[bytes]) -> int:
    with tempfile.TemporaryFile(prefix="gpudoctor-") as file:
        try:
            for piece in pieces:
                file.write(piece)
            file.flush()
        except OSError as error:
            raise GpudoctorError(
                f"{name} could not be saved for examination: {error.strerror or error}",
                context=tempfile.gettempdir(),
                note="nothing was judged, and nothing is left there",
                hint="set TMPDIR to a folder with room for the whole image",
            ) from None
        file.seek(0)
        return os.dup(file.fileno())


def docker_client(timeout: float) -> Any:
    """The daemon that `docker` itself talks to. Raises GpudoctorError where none answers."""
    import docker
    from docker.errors import DockerException

    from gpudoctor.probes.container_engines import selected
    from gpudoctor.system.live import Live

    endpoint, by = selected(Live())
    if not endpoint:
        raise GpudoctorError(f"Docker's {by} names no daemon", note="nothing was judged")
    try:
        client: Any = docker.from_env(
            timeout=timeout, version="auto", environment={**os.environ, "DOCKER_HOST": endpoint}
        )
    except DockerException as error:
        raise GpudoctorError(
            f"Docker's daemon does not answer: {_short(error)}",
            context=f"{endpoint} ({by})",
            note="nothing was judged",
            hint="start it, set DOCKER_HOST, or give a file instead of an image's name",
        ) from None
    return client


def _docker(name: str, timeout: float) -> Iterator[bytes]:
    from docker.errors import APIError, DockerException, ImageNotFound

    client = docker_client(timeout)
    try:
        image = client.images.get(name)
        pieces: Iterator[bytes] = image.save(chunk_size=4 << 20, named=name if ":" in name else False)
        first = next(pieces, b"")
    except ImageNotFound:
        raise GpudoctorError(
            f"Docker has no image {name}",
            note="nothing was judged, and nothing is pulled",
            hint=f"docker pull {name}",
        ) from None
    except (APIError, DockerException, OSError) as error:
        raise GpudoctorError(
            f"Docker does not give {name}: {_short(error)}", note="nothing was judged"
        ) from None
    return _rest(first, pieces, name, client)


def _rest(first: bytes, pieces: Iterator[bytes], name: str, client: Any) -> Iterator[bytes]:
    try:
        yield first
        yield from pieces
    except OSError:
        raise
    except Exception as error:  # requests and urllib3 have types of their own for a connection that breaks
        raise GpudoctorError(
            f"the daemon stopped in the middle of {name}: {_short(error)}", note="nothing was judged"
        ) from None
    finally:
        client.close()


def _short(error: Exception) -> str:
    return (
        str(getattr(error, "explanation", "") or error).strip().splitlines()[0][:300] if str(error) else "?"
    )


def _podman(name: str, timeout: float) -> Iterator[bytes]:
    program = shutil.which("podman")
    if program is None:
        raise GpudoctorError("podman is not on PATH", note="nothing was judged")
    from gpudoctor.system.live import Live

    live = Live(timeout)
    there = live.run((program, "image", "exists", name), min(_PODMAN_GRACE, timeout))
    if there.code != 0:
        reason = there.stderr.strip().splitlines()[-1:] or ["it is not there"]
        raise GpudoctorError(
            f"podman has no image {name}"
            if there.code == 1
            else f"podman does not answer: {reason[0][:300]}",
            note="nothing was judged, and nothing is pulled",
            hint=f"podman pull {name}",
        )
    return _podman_saved(live, program, name, timeout)


def _podman_saved(live: Any, program: str, name: str, timeout: float) -> Iterator[bytes]:
    with tempfile.TemporaryDirectory(prefix="gpudoctor-") as folder:
        path = f"{folder}/image.tar"
        started = time.monotonic()
        ran = live.run((program, "save", "--format", "docker-archive", "-o", path, name), timeout)
        if ran.code != 0:
            said = (ran.stderr.strip().splitlines() or ["no reason given"])[-1][:300]
            if ran.timed_out:
                said = f"no end within {time.monotonic() - started:.0f} s"
            raise GpudoctorError(f"podman does not give {name}: {said}", note="nothing was judged")
        with open(path, "rb") as file:
            os.unlink(path)
            while piece := file.read(4 << 20):
                yield piece
