"""A CDI specification can't be read

What it is: The file is no CDI specification (broken YAML or JSON), or it may be read by root only while the engine runs as
an ordinary user.

Why it hurts: Engines leave it out without a word, and then say "unresolvable CDI devices nvidia.com/gpu=all".

How to tell: The file is parsed, and its mode is compared with who runs the engine.

How to fix: `chmod 644` for the mode; generate it again when it is broken.

Sources: https://github.com/NVIDIA/nvidia-container-toolkit/issues/1853
https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/cdi-support.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.findings import CouldNotTell, DoesNotApply, Fix, Problem, Subject, seen
from gpudoctor.rules.containers._shared import on_the_host
from gpudoctor.rules.judging import need_or


def check(containers: Containers) -> Iterator[Problem | CouldNotTell]:
    on_the_host(containers)
    specs = need_or(containers.cdi, "CDI specification", ())
    if not specs:
        raise DoesNotApply("no CDI specification")
    ordinary = [e for e in value_of(containers.engines, ()) if e.flavour == "rootless" or e.name == "podman"]
    for spec in specs:
        subject = Subject("file", spec.path, spec.path)
        closed = value_of(spec.readable_by_all, True) is False
        if isinstance(spec.error, Known) and not (closed and "denied" in spec.error.value):
            yield Problem(
                f"{spec.path} is no CDI specification ({spec.error.value}): engines leave it out",
                subject,
                "failure" if len(specs) == 1 else "warning",
                (seen("error", spec.error),),
                fix=Fix(
                    "Generate it again", (f"sudo nvidia-ctk cdi generate --output={spec.path}",), "unsafe"
                ),
            )
        elif closed and ordinary:
            yield Problem(
                f"{spec.path} may be read by root only, and {ordinary[0].name} runs as an ordinary user",
                subject,
                "failure" if ordinary[0].flavour == "rootless" else "warning",
                (seen("readable by everybody", spec.readable_by_all),),
                fix=Fix("Let everybody read it", (f"sudo chmod 644 {spec.path}",), "safe"),
            )
        elif isinstance(spec.error, Known):
            yield CouldNotTell(f"{spec.path}: {spec.error.value}", "root", subject)
