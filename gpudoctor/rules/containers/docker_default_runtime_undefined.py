"""Docker's default runtime is not defined

What it is: daemon.json names a default-runtime, mostly nvidia, that neither its `runtimes` nor the daemon's flags define.
`dockerd --validate` does not notice.

Why it hurts: dockerd refuses to start: "specified default runtime 'nvidia' does not exist". A daemon that already runs
goes on until its next start.

How to tell: default-runtime and runtimes in the file that this daemon reads.

How to fix: Define the runtime (`nvidia-ctk runtime configure`), or take default-runtime out of the file.

Sources: https://docs.docker.com/reference/cli/dockerd/#daemon-configuration-file
https://github.com/NVIDIA/k8s-device-plugin/issues/53
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.findings import Fix, Problem, Subject, seen
from gpudoctor.rules.containers._shared import config_file, engines, running, sudo
from gpudoctor.signature import Signature

#: What dockerd knows without a definition.
BUILT_IN = ("runc", "io.containerd.")


signatures: tuple[Signature | str, ...] = (
    Signature(r"specified default runtime '?\w+'? does not exist", 0.93),
)


def check(containers: Containers) -> Iterator[Problem]:
    for engine in engines(containers, "docker"):
        default = engine.file_default_runtime
        if not isinstance(default, Known) or not isinstance(engine.file_runtimes, Known):
            continue
        name = default.value
        if name in engine.file_runtimes.value or name == BUILT_IN[0] or name.startswith(BUILT_IN[1]):
            continue
        if name in value_of(engine.runtimes, ()):
            continue  # the daemon knows it from a place that we have not seen
        file, up = config_file(engine), running(engine)
        yield Problem(
            f"The default runtime '{name}' is not defined: Docker "
            + ("runs, but will not start again" if up else "will not start"),
            Subject("file", file, file),
            "warning" if up else "failure",
            (seen("default-runtime", default), seen("runtimes", engine.file_runtimes)),
            fix=Fix(
                f"Define the runtime '{name}', or remove default-runtime from the file",
                (f"{sudo(engine)}nvidia-ctk runtime configure --runtime=docker --config={file}",)
                if name == "nvidia"
                else (),
                "unsafe" if name == "nvidia" else "manual",
            ),
        )
