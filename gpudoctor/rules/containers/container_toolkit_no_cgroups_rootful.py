"""The toolkit's device rules are turned off for a rootful daemon

What it is: no-cgroups = true in the toolkit's configuration tells its hook not to touch the container's device cgroup.
It is meant for rootless daemons, which may not do that; the file counts for every daemon on the machine.

Why it hurts: Containers of the rootful daemon get the driver and the nodes but no right to open them: from the first moment
on they say "Failed to initialize NVML: Unknown Error".

How to tell: no-cgroups in /etc/nvidia-container-runtime/config.toml, and a Docker daemon that runs as root.

How to fix: Set no-cgroups to false again; give rootless daemons their GPUs through CDI.

Sources: https://github.com/NVIDIA/nvidia-container-toolkit/issues/580
https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/install-guide.html#rootless-mode
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem, Subject, seen
from gpudoctor.rules.containers._shared import docker_daemons, the_toolkit
from gpudoctor.rules.judging import need_or
from gpudoctor.signature import Signature

signatures: tuple[Signature | str, ...] = (Signature(r"no-cgroups ?= ?true", 0.6, unless=(r"rootless",)),)


def check(containers: Containers) -> Iterator[Problem]:
    rootful = [d for d in docker_daemons(containers) if d.flavour == "rootful"]
    if not rootful:
        raise DoesNotApply("no rootful Docker")
    toolkit = the_toolkit(containers)
    if not need_or(toolkit.no_cgroups, "no-cgroups in the toolkit's configuration", False):
        return
    if value_of(toolkit.mode, "") == "cdi":
        return  # then the engine sets the rules itself
    file = value_of(toolkit.config_file, "")
    yield Problem(
        "no-cgroups = true, but Docker runs as root: its containers may not open the GPU",
        Subject("file", file, file),
        evidence=(
            seen("no-cgroups", toolkit.no_cgroups),
            seen("mode", toolkit.mode),
            *(Evidence("daemon", d.flavour, d.endpoint) for d in rootful),
        ),
        fix=Fix(
            "Turn the device rules on again",
            ("sudo nvidia-ctk config --set nvidia-container-cli.no-cgroups=false --in-place",),
            "unsafe",
        ),
    )
