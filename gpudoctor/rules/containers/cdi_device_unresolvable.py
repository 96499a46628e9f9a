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
"""

from __future__ import annotations

from gpudoctor.signature import Signature

signatures: tuple[Signature | str, ...] = (
    Signature(r"unresolvable CDI devices", 0.95),
    Signature(r"CDI device injection failed", 0.9),
    # Podman before 4.1, which knows no CDI names: it takes the name for a path.
    Signature(r"stat nvidia\.com/gpu=\S+: no such file or directory", 0.93),
    Signature(r"unresolvable CDI device|CDI device .{0,60}(?:not found|does not exist|could not be)", 0.85),
)
