"""containerd's CRI plugin is off, so its nvidia runtime has no effect

What it is: Docker's containerd.io package ships a config.toml with disabled_plugins = ["cri"], because Docker does not need
that plugin. `nvidia-ctk runtime configure --runtime=containerd` on such a file reports success, and changes nothing:
runtimes belong to the plugin, and its drop-in is not even imported.

Why it hurts: Kubernetes on this node finds no nvidia runtime ("no runtime for nvidia is configured"), or no CRI at all.
For Docker alone nothing is wrong.

How to tell: disabled_plugins in /etc/containerd/config.toml, with an nvidia runtime there or in a drop-in.

How to fix: Take cri out of disabled_plugins, run nvidia-ctk again, restart containerd. If only Docker is used here,
remove the drop-in: it is not needed.

Sources: https://github.com/NVIDIA/nvidia-container-toolkit/issues/1430
https://kubernetes.io/docs/setup/production-environment/container-runtimes/#containerd
https://github.com/containerd/containerd/blob/main/docs/man/containerd-config.toml.5.md
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import Fix, Problem, Subject, seen
from gpudoctor.rules.containers._shared import engines, names_nvidia, restart
from gpudoctor.rules.judging import need_or
from gpudoctor.signature import Signature

explains = ("containerd-config-version",)

signatures: tuple[Signature | str, ...] = (
    Signature(r"unknown service runtime\.v1\S*\.RuntimeService", 0.75),
    Signature(r"disabled_plugins = \[\"cri\"\]", 0.85),
)


def check(containers: Containers) -> Iterator[Problem]:
    for engine in engines(containers, "containerd"):
        off = need_or(engine.cri_disabled, "containerd's disabled plugins", False)
        if not off or not (names_nvidia(engine) or value_of(engine.drop_ins, {})):
            continue
        file = value_of(engine.config_file, "/etc/containerd/config.toml")
        yield Problem(
            f"{file} turns the CRI plugin off: the nvidia runtime for containerd has no effect",
            Subject("file", file, file),
            "warning",
            (
                seen("CRI plugin disabled", engine.cri_disabled),
                seen("runtimes", engine.file_runtimes),
                seen("drop-ins with an nvidia runtime", engine.drop_ins),
                seen("of these, not imported", engine.drop_ins_ignored),
            ),
            fix=Fix(
                "For Kubernetes: turn the plugin on and configure the runtime again (for Docker alone: nothing needed)",
                (
                    f"sudo sed -i -E '/^disabled_plugins/s/\"cri\" *,? *//' {file}",
                    "sudo nvidia-ctk runtime configure --runtime=containerd",
                    restart(engine),
                ),
            ),
        )
