"""podman and buildah: the same builder, told in lines.

    STEP 2/3: RUN pip install torch
    --> Using cache 3f4b...
    Error: building at STEP "RUN pip install torch": while running runtime: exit status 1

as buildah 1.28 (podman 4.3) to 1.39 print; steps of a stage are "[1/2] STEP 2/3: ...".
"""

from __future__ import annotations

import os
import re
import signal
import tempfile
import time
from collections.abc import Mapping
from typing import Literal

from gpudoctor.images.building.steps import Built, Order, Progress, Watch
from gpudoctor.system import job

_STEP = re.compile(r"^(?:\[(\d+)/(\d+)\] )?STEP (\d+)(?:/(\d+))?: (.*)")
_ERROR = re.compile(r"^(?:Error|error)(?:: | )(.*)")


def build(
    order: Order, watch: Watch, program: Literal["podman", "buildah"], env: Mapping[str, str] | None = None
) -> Built:
    """Raises OSError where the program can't be started."""
    heard = _Heard(watch)
    before = _working(program, env)
    with tempfile.TemporaryDirectory(prefix="gpudoctor-") as folder:
        iid = os.path.join(folder, "iid")
        argv = command(order, program, iid)
        ended = job.run(argv, heard.hear, order.timeout, env, stop=signal.SIGINT)
        try:
            with open(iid, encoding="utf-8") as file:
                image = file.read().strip()
        except OSError:
            image = ""
    ok = ended.code == 0
    error = f"no end within {order.timeout:.0f} s" if ended.timed_out else heard.error
    heard.finish(ok, ended.timed_out)
    words = "" if ok else error or f"{program} gave no reason"
    if not ok:
        words += _tidy(program, before, env)
    return Built(
        program,
        ok,
        image if ok else "",
        tuple(argv),
        heard.progress.steps(),
        words,
        ended.seconds,
        ended.timed_out,
    )


def command(order: Order, program: str, iid: str) -> list[str]:
    argv = [program, "build", f"--iidfile={iid}", "--format=docker", "--force-rm"]
    if order.dockerfile:
        argv += ["--file", order.dockerfile]
    for tag in order.tags:
        argv += ["--tag", tag]
    for name, value in order.build_args:
        argv += ["--build-arg", f"{name}={value}"]
    for name, path in order.secrets:
        argv += ["--secret", f"id={name},src={path}"]
    for option, value in (
        ("--target", order.target),
        ("--network", order.network),
        ("--output", order.output),
    ):
        if value:
            argv += [option, value]
    if order.no_cache:
        argv.append("--no-cache")
    else:
        argv.append("--layers")
    return [*argv, order.context]


def _working(program: str, env: Mapping[str, str] | None) -> tuple[str, ...]:
    """The containers in which builds are under way, or that one has left behind."""
    listing = {
        "podman": ("ps", "--all", "--external", "--quiet", "--no-trunc", "--filter", "status=unknown"),
        "buildah": ("containers", "--quiet"),
    }
    found: list[str] = []
    try:
        job.run([program, *listing[program]], lambda stream, line: found.append(line.strip()), 30.0, env)
    except OSError:
        return ()
    return tuple(name for name in found if re.fullmatch(r"[0-9a-f]{12,64}", name))


def _tidy(program: str, before: tuple[str, ...], env: Mapping[str, str] | None) -> str:
    """Remove the containers that an interrupted build has left (podman 4.3 does, --force-rm or not). Where another
    build may be under way they could be that one's: then they are only told of."""
    left = [name for name in _working(program, env) if name not in before]
    if not left:
        return ""
    if _others_build():
        return f" (left behind, unless another build's: {program} rm {' '.join(name[:12] for name in left)})"
    job.run(
        [program, "rm", *(("--force",) if program == "podman" else ()), *left],
        lambda stream, line: None,
        60.0,
        env,
    )
    return ""


def _others_build() -> bool:
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                with open(f"/proc/{entry}/comm", encoding="utf-8", errors="replace") as file:
                    if file.read().strip() in ("podman", "buildah"):
                        return True
            except OSError:
                continue  # it has ended meanwhile
    return False


class _Heard:
    """The builder's lines as steps: a step runs until the next one begins."""

    def __init__(self, watch: Watch) -> None:
        self.progress = Progress(watch)
        self.error = ""
        self._key = ""
        self._began = 0.0

    def hear(self, stream: job.Stream, line: str) -> None:
        step = _STEP.match(line)
        if step:
            self._close("done")
            stage, stages, number, of, what = step.groups()
            self._key = f"{stage or 1}:{number}"
            self._began = time.monotonic()
            place = f"{number}/{of}" if of else number
            name = f"[{stage}/{stages}: {place}] {what}" if stage else f"[{place}] {what}"
            self.progress.update(self._key, name, "running")
            return
        if line.startswith("--> Using cache") and self._key:
            self.progress.update(self._key, state="cached")
            return
        error = _ERROR.match(line)
        if error and stream == "stderr":
            self.error = error.group(1)
        elif line.strip() and self._key and not line.startswith("--> "):
            self.progress.line(self._key, line)

    def _close(self, state: Literal["done", "failed"]) -> None:
        for step in self.progress.steps():
            if step.state == "running":
                seconds = time.monotonic() - self._began
                error = self.error if state == "failed" else ""
                self.progress.update(self._key, state=state, seconds=seconds, error=error)

    def finish(self, ok: bool, timed_out: bool) -> None:
        if not timed_out:
            self._close("done" if ok else "failed")
