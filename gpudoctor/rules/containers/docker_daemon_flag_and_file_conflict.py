"""Docker gets a setting both from a flag and from its file

What it is: The same directive stands on dockerd's command line (in its systemd unit or a drop-in) and in daemon.json. `-H
fd://` of the packaged unit and "hosts" in the file is the usual pair. Only runtimes may be in both.

Why it hurts: dockerd refuses to start: "the following directives are specified both as a flag and in the configuration
file". If it runs, the file was changed since, and the next start fails.

How to tell: The flags of the running process, or of the unit when none runs, against the keys of the file.

How to fix: Keep the directive in one of the two places.

Sources: https://docs.docker.com/engine/daemon/troubleshoot/
https://github.com/moby/moby/blob/master/daemon/config/config.go
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import Evidence, Fix, Problem, Subject
from gpudoctor.rules.containers._shared import config_file, docker_daemons, running
from gpudoctor.signature import Signature

signatures: tuple[Signature | str, ...] = (
    Signature(r"the following directives are specified both as a flag and in the configuration file", 0.97),
)


def check(containers: Containers) -> Iterator[Problem]:
    for engine in docker_daemons(containers):
        both = value_of(engine.conflicts, ())
        if not both:
            continue
        file, up = config_file(engine), running(engine)
        yield Problem(
            f"'{both[0]}' is given to Docker both as a flag and in {file}: it "
            + ("runs, but will not start again" if up else "will not start"),
            Subject("file", file, file),
            "warning" if up else "failure",
            tuple(Evidence("given twice", key, file) for key in both),
            fix=Fix(
                f"Remove {', '.join(both)} from {file}, or from the command line in the unit",
                ("systemctl cat docker.service", "sudo systemctl edit docker.service"),
            ),
        )
