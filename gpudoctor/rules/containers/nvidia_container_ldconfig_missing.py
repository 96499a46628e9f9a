"""The toolkit's configuration names an ldconfig that is not there

What it is: The toolkit runs the host's ldconfig to make the driver's libraries known in a container. Its configuration says
where that is: /sbin/ldconfig.real on Ubuntu, /sbin/ldconfig elsewhere. This one names a path that exists in neither form.

Why it hurts: GPU containers don't start: "ldcache error: open failed: /sbin/ldconfig.real: no such file or directory".

How to tell: `ldconfig` in the [nvidia-container-cli] part of config.toml; the @ before it means the host's file system.

How to fix: Set it to the ldconfig of this distribution.

Sources: https://github.com/NVIDIA/nvidia-container-toolkit/issues/147
https://github.com/hekmak/Conf-net/issues/5
https://github.com/NVIDIA/nvidia-docker/issues/587
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import Fix, Problem, Subject, seen
from gpudoctor.rules.containers._shared import the_toolkit
from gpudoctor.rules.judging import need_or
from gpudoctor.signature import Signature

signatures: tuple[Signature | str, ...] = (
    Signature(
        r"ldcache error: open failed: (?P<path>/sbin/ldconfig(?:\.real)?)",
        0.92,
        explanation="The toolkit's configuration names {path}, and it is not there.",
    ),
)


def check(containers: Containers) -> Iterator[Problem]:
    toolkit = the_toolkit(containers)
    if need_or(toolkit.ldconfig_exists, "the ldconfig of the toolkit's configuration", True):
        return
    file = value_of(toolkit.config_file, "")
    yield Problem(
        f"The container toolkit is to run {value_of(toolkit.ldconfig, '')}, which is not on this machine",
        Subject("file", file, file),
        evidence=(seen("ldconfig", toolkit.ldconfig), seen("it exists", toolkit.ldconfig_exists)),
        fix=Fix(
            "Name this machine's ldconfig",
            (
                "ls /sbin/ldconfig.real /sbin/ldconfig",
                "sudo nvidia-ctk config --set nvidia-container-cli.ldconfig=@/sbin/ldconfig --in-place",
            ),
            "unsafe",
        ),
    )
