"""Docker's daemon.json can't be read

What it is: The file that this daemon reads is not JSON: a comment, a comma too many, text after the end, or a value of the
wrong type. A daemon that runs keeps the settings it started with and only writes an error to its log.

Why it hurts: At its next start, after an update or a reboot, Docker will not come up, with all its containers. Until then
every change in the file is silently ignored, an nvidia runtime among them.

How to tell: The file is parsed as strictly as dockerd does; the line and the column are in the evidence.

How to fix: Correct that place, and let the daemon check the file before the next start: `dockerd --validate`.

Sources: https://docs.docker.com/engine/daemon/troubleshoot/
https://docs.docker.com/reference/cli/dockerd/#daemon-configuration-file
https://github.com/NVIDIA/nvidia-docker/issues/749
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.observed import Known, Unknown
from gpudoctor.findings import CouldNotTell, Evidence, Fix, Problem, Subject, seen
from gpudoctor.rules.containers._shared import config_file, daemon, engines, not_this_users, running
from gpudoctor.signature import Signature

explains = (
    "container-runtime-not-registered",
    "docker-default-runtime-undefined",
    "docker-runtime-path-missing",
)

signatures: tuple[Signature | str, ...] = (
    Signature(
        r"unable to configure the Docker daemon with file \S*daemon\.json",
        0.9,
        unless=(r"specified both as a flag",),
    ),
    Signature(
        r"invalid character .{0,40}daemon\.json|daemon\.json.{0,80}invalid character",
        0.85,
        needs=(r"daemon\.json",),
    ),
)


def check(containers: Containers) -> Iterator[Problem | CouldNotTell]:
    for engine in engines(containers, "docker"):
        if isinstance(engine.config_error, Unknown):
            if engine.flavour in ("rootful", "rootless", "snap"):
                reason = getattr(engine.config_file, "reason", engine.config_error.reason)
                said = f"{config_file(engine)}: {reason}"
                yield CouldNotTell(said, "root", daemon(engine), not_this_users(engine))
            continue
        if not isinstance(engine.config_error, Known):
            continue
        file, up = config_file(engine), running(engine)
        yield Problem(
            f"{file} is broken ({engine.config_error.value}): "
            + ("Docker runs, but will not start again" if up else "Docker will not start"),
            Subject("file", file, file),
            "warning" if up else "failure",
            (
                seen("error", engine.config_error),
                Evidence("the daemon runs", "yes" if up else "no", engine.endpoint),
                seen("started", engine.started),
            ),
            fix=Fix(
                "Correct the file and let the daemon check it", (f"dockerd --validate --config-file={file}",)
            ),
        )
