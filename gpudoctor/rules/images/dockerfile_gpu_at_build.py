"""A step of the build wants a GPU, and builds have none

What it is: A RUN asks for the GPU: nvidia-smi, an assertion that torch.cuda.is_available(), a program that allocates on the
device. BuildKit gives a build no GPU, whatever the daemon's default runtime is.

Why it hurts: The build stops ("nvidia-smi: not found", "Found no NVIDIA driver"), or works only on the one machine whose
old builder used the nvidia runtime, and then bakes empty driver files into the image.

How to tell: Commands of RUN that ask for a device. A check that only compares or prints, followed by `|| true`, is let pass.

How to fix: Move it to the start of the container, or prove the build instead: torch.backends.cuda.is_built(),
tf.test.is_built_with_cuda(). `gpudoctor image verify` judges the image without a GPU.

Sources: https://github.com/moby/buildkit/issues/1436
https://github.com/NVIDIA/nvidia-container-toolkit/issues/221
https://github.com/docker/compose/issues/9681
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpudoctor.facts.image import Image
from gpudoctor.findings import Evidence, Fix, Problem
from gpudoctor.rules.images._recipe import place, runs, the_dockerfile

_PROGRAM = re.compile(
    r"(?:^|[\s(\x60'\"])(?:/usr/bin/)?(nvidia-smi|deviceQuery|nvidia-container-cli)(?=\s|$|[)\x60'\"])"
)
_ASKS = re.compile(
    r"assert\s+(?:torch\.cuda\.is_available\(\)|torch\.cuda\.device_count|tf\.config\.list_physical_devices\(|"
    r"tf\.test\.is_gpu_available|jax\.devices\(\s*['\"](?:gpu|cuda))"
    r"|torch\.cuda\.(?:current_device|get_device_name|get_device_properties|get_device_capability|init|synchronize)\("
    r"|\.cuda\(\)|device=['\"]cuda|\.to\(['\"]cuda"
)
_INSTALLS = re.compile(r"\binstall\b|\bcommand -v\b|\bwhich\b|\btest -\w\b|\bln\b|\becho\b|\bchmod\b|\brm\b")


def check(image: Image) -> Iterator[Problem]:
    dockerfile = the_dockerfile(image)
    for stage in dockerfile.stages:
        for instruction, line, command in runs(stage):
            program = None if _INSTALLS.search(command) else _PROGRAM.search(command)
            found = program or _ASKS.search(command)
            if found is None or any("device=" in flag for flag in instruction.flags):
                continue
            if re.search(re.escape(command[-20:]) + r"\s*\|\|", " ".join(instruction.text.split())):
                continue
            yield Problem(
                f"{found[0].strip()} in a build step: a build has no GPU",
                place(dockerfile.path, line),
                evidence=(Evidence("RUN", command[:200], f"{dockerfile.path}:{line}"),),
                fix=Fix(
                    "Do it when the container starts; at build time check what was built: "
                    "torch.backends.cuda.is_built(), tf.test.is_built_with_cuda()"
                ),
            )
