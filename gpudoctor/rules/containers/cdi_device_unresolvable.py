"""The container engine knows no CDI device of that name

What it is: GPUs are asked for by a CDI name (nvidia.com/gpu=all), and no specification that the engine reads defines
it: none was generated, its folder is not the engine's, it cannot be read, or CDI is off.

Why it hurts: The container does not start.

How to tell: `nvidia-ctk cdi list` shows what is defined; /etc/cdi and /var/run/cdi hold the specifications; `docker
info` names the folders that the daemon reads.

How to fix: Generate it: `sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml` (and again after each driver
update), readable by all; with Docker before 28.2 switch the feature cdi on.

Sources: https://github.com/NVIDIA/nvidia-container-toolkit/issues/146
https://github.com/NVIDIA/nvidia-container-toolkit/issues/1853
https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/cdi-support.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.driver import Driver
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import DoesNotApply, Fix, Problem, Subject, seen
from gpudoctor.rules.containers._shared import need_a_gpu, nvidia_specs, the_toolkit
from gpudoctor.rules.judging import need
from gpudoctor.signature import Signature

signatures: tuple[Signature | str, ...] = (
    Signature(r"unresolvable CDI devices", 0.95),
    Signature(r"CDI device injection failed", 0.9),
    # `nvidia-ctk cdi list`.
    Signature(r"Found 0 CDI devices", 0.85, needs=(r"nvidia",)),
    # Podman before 4.1, which knows no CDI names: it takes the name for a path.
    Signature(r"stat nvidia\.com/gpu=\S+: no such file or directory", 0.93),
    Signature(r"unresolvable CDI device|CDI device .{0,60}(?:not found|does not exist|could not be)", 0.85),
)


def check(host: Host, driver: Driver, gpu: Gpu, containers: Containers) -> Iterator[Problem]:
    """Where the toolkit's runtime is set to CDI, every request goes by a name that a specification has to define. Engines
    that are asked by name themselves are not judged: nobody knows what they will be asked for."""
    toolkit = the_toolkit(containers)
    need_a_gpu(host, driver, gpu)
    if need(toolkit.mode, "mode of the toolkit's runtime") != "cdi":
        raise DoesNotApply("the toolkit's runtime is not set to CDI")
    if nvidia_specs(containers):
        return
    file = value_of(toolkit.config_file, "/etc/nvidia-container-runtime/config.toml")
    yield Problem(
        "The toolkit's runtime asks for GPUs by CDI names, and no specification defines them",
        Subject("file", file, file),
        evidence=(seen("mode", toolkit.mode), seen("CDI specifications", containers.cdi)),
        fix=Fix(
            "Generate the specification (and again after each driver update)",
            ("sudo nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml", "nvidia-ctk cdi list"),
        ),
    )
