"""Two CDI specifications in one folder define the same device

What it is: Two files in the same folder, /etc/cdi/nvidia.yaml and a copy or backup beside it, say, both define
nvidia.com/gpu=all. Between folders there is an order; within one there is none, so the device counts as undefined.

Why it hurts: "unresolvable CDI devices nvidia.com/gpu=all": the same words as for no specification at all.

How to tell: The devices of all files in one folder, compared.

How to fix: Move one of the files out of the folder. A backup keeps counting as long as it ends in .yaml or .json.

Sources: https://github.com/cncf-tags/container-device-interface/blob/main/pkg/cdi/cache.go (resolveConflict)
https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/cdi-support.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem, Subject
from gpudoctor.rules.containers._cdi import folder
from gpudoctor.rules.containers._shared import nvidia_specs
from gpudoctor.signature import Signature

signatures: tuple[Signature | str, ...] = (Signature(r"conflicting device \"?nvidia\.com/gpu", 0.93),)


def check(containers: Containers) -> Iterator[Problem]:
    specs = nvidia_specs(containers)
    if not specs:
        raise DoesNotApply("no CDI specification for NVIDIA devices")
    for index, one in enumerate(specs):
        for other in specs[index + 1 :]:
            shared = sorted(set(one.devices) & set(other.devices))
            if folder(one) != folder(other) or not shared:
                continue
            name = "nvidia.com/gpu=all" if "nvidia.com/gpu=all" in shared else shared[0]
            yield Problem(
                f"{one.path} and {other.path} both define {name}: engines take neither",
                Subject("file", other.path, other.path),
                evidence=(
                    Evidence("defines", ", ".join(shared[:4]), one.path),
                    Evidence("defines", ", ".join(shared[:4]), other.path),
                ),
                fix=Fix(
                    "Keep one of them: the other must not end in .yaml or .json",
                    (f"sudo mv {other.path} {other.path}.off",),
                    "unsafe",
                ),
            )
