"""podman's throwaway container: it has no daemon, so its own command is asked."""

from __future__ import annotations

import os
import shutil
import uuid

from gpudoctor.errors import GpudoctorError
from gpudoctor.images.running.order import LABEL, LABELLED, SHM, ZIPAPP, Ended, Order
from gpudoctor.system.live import Live

#: For what podman answers at once (seconds).
_ASK = 30.0
#: podman's own failure, before anything ran; 126 and 127: the program could not be started (podman-run(1)).
_NOT_RUN = (125, 126, 127)


class Podman:
    """See `order.Runner`."""

    engine = "podman"
    mounts = True

    def __init__(self, image: str) -> None:
        """Raises GpudoctorError where there is no podman, or no such image."""
        program = shutil.which("podman")
        if program is None:
            raise GpudoctorError("podman is not on PATH", note="nothing was run")
        self._program = program
        self._memlock = os.geteuid() == 0  # without root the hard limit can't be raised
        there = self._ask("image", "exists", image)
        if there[0] == 1:
            raise GpudoctorError(
                f"podman has no image {image}",
                note="nothing was run, and nothing is pulled",
                hint=f"podman pull {image}, or build it: gpudoctor image build",
            )
        if there[0] != 0:
            raise GpudoctorError(f"podman does not answer: {there[1]}", note="nothing was run")
        self.version = self._ask("version", "--format", "{{.Version}}")[1]

    def close(self) -> None:
        return None

    def run(self, order: Order) -> Ended:
        ended = self._run(order)
        if self._memlock and not ended.started and "rlimit" in ended.error:
            self._memlock = False  # an engine that is itself in a container may not raise it
            ended = self._run(order)
        return ended

    def _run(self, order: Order) -> Ended:
        name = f"gpudoctor-run-{uuid.uuid4().hex[:12]}"
        live = Live(order.timeout + 5.0)
        try:
            ran = live.run(self._command(order, name), order.timeout)
        finally:
            self._ask("rm", "--force", "--ignore", "--volumes", name)
        said = " ".join(ran.stderr.split())
        if ran.code in _NOT_RUN and (ran.code == 125 or "Error:" in ran.stderr):
            return Ended(None, error=said[-1000:])
        return Ended(ran.code, ran.stdout, ran.stderr, timed_out=ran.timed_out)

    def _command(self, order: Order, name: str) -> list[str]:
        words = [
            self._program, "run", "--name", name, "--network=none", "--pull=never", f"--label={LABEL}={LABELLED}",
            f"--shm-size={SHM}", "--no-healthcheck", *order.gpus.flags,
        ]  # fmt: skip
        if self._memlock:
            words.append("--ulimit=memlock=-1:-1")
        if order.zipapp:
            words += [f"--volume={order.zipapp}:{ZIPAPP}:ro", "--security-opt=label=disable"]
        return [*words, f"--entrypoint={order.words[0]}", order.image, *order.words[1:]]

    def _ask(self, *words: str) -> tuple[int | None, str]:
        try:
            ran = Live(_ASK).run((self._program, *words), _ASK)
        except OSError as error:
            return None, error.strerror or str(error)
        return ran.code, (ran.stdout or ran.stderr).strip()[-300:]
