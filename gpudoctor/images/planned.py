"""A plan as files: Dockerfile, requirements, lock, compose, devcontainer; and the line that starts it."""

from __future__ import annotations

import json
import os
import re
import shutil
import tempfile

from gpudoctor import __version__
from gpudoctor.advice.commands import Advice
from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.record import Record
from gpudoctor.findings import Evidence
from gpudoctor.images import recipes

#: Changes with every change of the lock's shape.
LOCK = "gpudoctor-image-lock/1"
#: Frameworks hand batches over in /dev/shm, of which a container has 64 MB; NCCL pins memory.
SHM = "8g"


class Base(Record):
    """`image` with its tag, `digest` "sha256:..." or "". `packages`: what it lacks. `reasons`: why this one."""

    image: str
    digest: str
    packages: str
    reasons: tuple[Evidence, ...]


class PlannedFile(Record):
    path: str
    text: str


class RunLine(Record):
    engine: str
    command: str


class ImagePlan(Record):
    """`name`: of the image to build. `cuda` and `cudnn`: those in it, from the wheels or the base. `label`: what the
    image will say of itself, for `image verify`."""

    name: str
    target: str
    version: str
    variant: str
    python: str
    cuda: str
    cudnn: str
    platform: str
    base: Base
    requirements: tuple[str, ...]
    indexes: tuple[str, ...]
    gpus: tuple[str, ...]
    left_out: tuple[str, ...]
    driver: str
    label: str
    run: tuple[RunLine, ...]
    files: tuple[PlannedFile, ...]
    reasons: tuple[Evidence, ...]


class Wish(Record):
    """What the user wants of the files. `pip_index`: a mirror's, "" for pip's own; `torch_index`: where PyTorch's build is, "" where
    pip's index has it."""

    name: str = ""
    classic: bool = False
    pip_index: str = ""
    torch_index: str = ""
    ubuntu: str = ""
    debian: str = ""


def planned(
    advice: Advice, base: Base, cuda: str, cudnn: str, machine: str, driver: str, wish: Wish
) -> ImagePlan:
    """`driver`: the one that the machine has, "" where nobody said."""
    tag = re.sub(r"[^\w.-]", "-", advice.version)
    name = wish.name or f"{advice.target}-gpu:{tag}"
    label = json.dumps(
        {
            "target": advice.target, "version": advice.version, "cuda": cuda, "cudnn": cudnn, "python": advice.python,
            "gpus": list(dict.fromkeys(advice.gpus)), "driver": driver,
        },
        separators=(",", ":"),
    )  # fmt: skip
    plan = ImagePlan(
        name, advice.target, advice.version, advice.variant, advice.python, cuda, cudnn,
        "linux/arm64" if machine == "aarch64" else "linux/amd64", base, advice.requirements,
        tuple(i for i in (wish.pip_index, wish.torch_index) if i), advice.gpus, advice.left_out, advice.driver, label,
        _run_lines(name), (), (*base.reasons, *advice.reasons),
    )  # fmt: skip
    return plan.replace(files=_files(plan, wish))


def _run_lines(name: str) -> tuple[RunLine, ...]:
    common = f"--shm-size={SHM} --ulimit memlock=-1"
    return (
        RunLine("docker", f"docker run --rm --gpus all {common} {name}"),
        RunLine(
            "podman",
            f"podman run --rm --device nvidia.com/gpu=all --security-opt=label=disable {common} localhost/{name}",
        ),
    )


def _files(plan: ImagePlan, wish: Wish) -> tuple[PlannedFile, ...]:
    return (
        PlannedFile("Dockerfile", _dockerfile(plan, wish)),
        PlannedFile(".dockerignore", "*\n"),
        PlannedFile("image.lock.json", _lock(plan)),
        PlannedFile("compose.yaml", _compose(plan)),
        PlannedFile(".devcontainer/devcontainer.json", _devcontainer(plan)),
    )


def _dockerfile(plan: ImagePlan, wish: Wish) -> str:
    base = plan.base.image + (f"@{plan.base.digest}" if plan.base.digest else "")
    arguments = {
        "BASE_IMAGE": base,
        "SYSTEM_PACKAGES": plan.base.packages,
        "REQUIREMENTS": " ".join(plan.requirements),
        "PIP_INDEX_URL": wish.pip_index,
        "PIP_EXTRA_INDEX_URL": wish.torch_index,
        "APT_MIRROR_UBUNTU": wish.ubuntu,
        "APT_MIRROR_DEBIAN": wish.debian,
    }
    text = recipes.with_defaults(recipes.recipe(plan.target), arguments)
    labels = {
        "org.opencontainers.image.title": plan.name.partition(":")[0],
        "org.opencontainers.image.version": plan.version,
        "org.opencontainers.image.base.name": plan.base.image,
        "org.gpudoctor.plan": plan.label,
    }
    text = recipes.with_label(text, labels)
    text = recipes.without_mounts(text) if wish.classic else text
    gpus = ", ".join(dict.fromkeys(plan.gpus)) or "any GPU"
    first = f"# Planned by gpudoctor {__version__} for {gpus}: docker build -t {plan.name} .\n"
    what, _, rest = text.partition("\n")
    # The recipe's first line is of its own defaults, its second how to build those.
    what = re.sub(r": for drivers from [\d.]+ on\.$", f": CUDA {plan.cuda}.", what)
    return f"{first}{what}\n{rest.partition(chr(10))[2]}"


def _lock(plan: ImagePlan) -> str:
    document = {
        "lock": LOCK,
        "tool": f"gpudoctor {__version__}",
        "name": plan.name,
        "platform": plan.platform,
        "base": {
            "image": plan.base.image,
            "digest": plan.base.digest or None,
            "note": "" if plan.base.digest else "no registry was asked: --base IMAGE@sha256:... pins it",
        },
        "framework": {"name": plan.target, "version": plan.version, "variant": plan.variant},
        "python": plan.python,
        "cuda": plan.cuda,
        "cudnn": plan.cudnn,
        "requirements": list(plan.requirements),
        "indexes": list(plan.indexes),
        "gpus": list(dict.fromkeys(plan.gpus)),
        "driver": plan.driver,
        "run": {line.engine: line.command for line in plan.run},
    }
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _compose(plan: ImagePlan) -> str:
    return f"""\
services:
  {plan.target}:
    build: .
    image: {plan.name}
    init: true
    shm_size: {SHM}
    ulimits: {{memlock: -1}}
    deploy:
      resources:
        reservations:
          devices:
            - driver: nvidia
              count: all
              capabilities: [gpu]
"""


def _devcontainer(plan: ImagePlan) -> str:
    document = {
        "name": plan.name,
        "build": {"dockerfile": "../Dockerfile", "context": ".."},
        "hostRequirements": {"gpu": True},
        "runArgs": ["--gpus", "all", f"--shm-size={SHM}", "--ulimit", "memlock=-1"],
        "remoteUser": "app",
    }
    return json.dumps(document, indent=2) + "\n"


# ---------------------------------------------------------------- writing


def write(plan: ImagePlan, folder: str) -> None:
    """All files or none: they are written beside the folder, which then takes its name. Raises GpudoctorError where the
    folder has something in it, or can't be written."""
    folder = os.path.abspath(folder)
    if os.path.lexists(folder) and (not os.path.isdir(folder) or os.listdir(folder)):
        raise GpudoctorError(
            f"{folder} is there already",
            context="--output",
            note="nothing was written",
            hint="name a folder that does not exist, or an empty one",
        )
    made = ""
    try:
        os.makedirs(os.path.dirname(folder), exist_ok=True)
        made = tempfile.mkdtemp(prefix=f".{os.path.basename(folder)}.", dir=os.path.dirname(folder))
        os.chmod(made, 0o755)
        for file in plan.files:
            path = os.path.join(made, file.path)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as out:
                out.write(file.text)
        os.rename(made, folder)
    except OSError as error:
        if made:
            shutil.rmtree(made, ignore_errors=True)
        raise GpudoctorError(
            f"{folder} can't be written: {error.strerror or error}",
            context="--output",
            note="nothing was written",
        ) from None
