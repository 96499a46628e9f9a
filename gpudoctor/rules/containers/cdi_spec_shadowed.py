"""A CDI specification is overridden by one in another folder

What it is: /etc/cdi and /var/run/cdi both define the same devices, with different contents. Engines take the one in
/var/run/cdi, which the toolkit's refresh service writes; the one in /etc/cdi is not looked at.

Why it hurts: Changes in /etc/cdi have no effect, and nobody says so.

How to tell: The devices of both folders' files, and in what they differ.

How to fix: Remove the one in /etc/cdi, or, if that is the right one, turn the refresh service off and remove the other.

Sources: https://github.com/cncf-tags/container-device-interface/blob/main/pkg/cdi/doc.go
https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/cdi-support.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import CdiSpec, Containers
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem, Subject
from gpudoctor.rules.containers._cdi import winners
from gpudoctor.rules.containers._shared import nvidia_specs


def check(containers: Containers) -> Iterator[Problem]:
    specs = nvidia_specs(containers)
    if len(specs) < 2:
        raise DoesNotApply("fewer than two CDI specifications")
    for spec in specs:
        for winner in winners(spec, specs):
            difference = _difference(spec, winner)
            if difference:
                yield Problem(
                    f"{winner.path} overrides {spec.path}, and they differ: {difference}",
                    Subject("file", spec.path, spec.path),
                    "note",
                    (
                        Evidence("taken", _words(winner), winner.path),
                        Evidence("not looked at", _words(spec), spec.path),
                    ),
                    fix=Fix(f"Remove {spec.path} if nobody needs it", (f"sudo rm {spec.path}",), "unsafe"),
                )


def _difference(spec: CdiSpec, winner: CdiSpec) -> str:
    mine, other = value_of(spec.driver_version, ""), value_of(winner.driver_version, "")
    if mine != other and mine and other:
        return f"driver {mine} against {other}"
    if set(spec.devices) != set(winner.devices):
        return f"{len(spec.devices)} devices against {len(winner.devices)}"
    return ""


def _words(spec: CdiSpec) -> str:
    return f"driver {value_of(spec.driver_version, '?')}, {len(spec.devices)} devices"
