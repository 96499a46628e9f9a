"""`plan tensorrt` and `plan container-toolkit`: what no table of ours judges, installed as its guide says."""

from __future__ import annotations

import re

from gpudoctor.advice import names
from gpudoctor.advice.doubts import Because
from gpudoctor.advice.software import (
    Installable,
    Setting,
    distribution_mirror,
    fill,
    manager,
    migrated,
    migration_reasons,
    no_repository,
    not_known,
    routed,
)
from gpudoctor.advice.toolkits import base, by_pip, cuda_major, majors
from gpudoctor.findings import Evidence
from gpudoctor.knowledge import install
from gpudoctor.versions import is_version

#: NVIDIA's own Python index: the packages of TensorRT on the public one fetch their libraries from it.
NVIDIA_INDEX = "https://pypi.nvidia.com"


# ---------------------------------------------------------------- TensorRT


def plan_tensorrt(setting: Setting) -> Installable:
    wanted = [cuda_major(setting)] if setting.cuda else majors(setting)
    if setting.version and not is_version(setting.version):
        raise names.bad_version(setting.version, "TensorRT", "11.4.0")
    for number in wanted:
        bounds = install.tensorrt_range(number)
        if bounds is not None and (not setting.version or install.within(setting.version, bounds)):
            return _tensorrt(setting, number, bounds)
    newest = install.tensorrt_range(13)
    end = newest[1] if newest else ""
    return not_known(
        f"TensorRT {setting.version} is in no table for CUDA {' or '.join(map(str, wanted))}: they end at {end}"
    )


def _tensorrt(setting: Setting, number: int, bounds: tuple[str, str, str]) -> Installable:
    method = setting.method or "pip"
    version = setting.version or bounds[1]
    unknown = Because("question", "which GPUs TensorRT serves is in no table of ours: see its support matrix")
    if method == "pip":
        recipe = install.method("tensorrt", "pip", version)
        assert recipe is not None
        full = version if version.count(".") == 3 or version == "10.0.1" else f"{version}.*"
        requirement = recipe.commands[0].format(major=number, version=full)
        found = by_pip(setting, "tensorrt", version, requirement, recipe, (NVIDIA_INDEX,))
    else:
        found = _tensorrt_packages(setting, method)
    one = found.installation
    if one is None:
        return found
    gpus = tuple(c.name for c in setting.asked.cards)
    return found.replace(installation=one.replace(gpus=gpus, caveats=(*one.caveats, unknown)))


def _tensorrt_packages(setting: Setting, method: str) -> Installable:
    on = setting.on
    if method in ("conda", "runfile"):
        return not_known(f"TensorRT by {method} is in no table", "--method pip or apt")
    if on is None or not on.arch:
        return no_repository(setting, "pip")
    recipe = install.recipe("tensorrt", on.repository, on.manager, versioned=bool(setting.version))
    if recipe is None:
        return not_known(
            f"TensorRT {setting.version} from the packages of {on.name} is in no table", "--method pip"
        )
    enable = install.enabling(on.manager)
    commands = (*migrated(setting), *distribution_mirror(setting), *fill((enable, recipe), setting, {}))
    return Installable(
        base("tensorrt", "the newest", on.manager, setting).replace(
            commands=routed(commands, setting.way),
            reasons=tuple(Evidence("commands", on.name, r.source) for r in (enable, recipe)),
            caveats=(
                Because("question", "it brings the newest TensorRT, for the newest CUDA of the repository"),
            ),
        )
    )


# ---------------------------------------------------------------- container toolkit


def plan_container_toolkit(setting: Setting) -> Installable:
    if setting.version and not re.fullmatch(r"1\.\d{1,2}\.\d{1,2}", setting.version):
        raise names.bad_version(setting.version, "the container toolkit", "1.17.8")
    if setting.asked.system == "Windows":
        return not_known("the toolkit runs on Linux: on Windows, inside WSL2", "--os wsl2")
    how = setting.method or manager(setting)
    if how in ("pip", "conda", "runfile"):
        return not_known(f"the container toolkit by {how} is in no table", "--method apt, dnf or zypper")
    if not how:
        return no_repository(setting, "apt, dnf, zypper")
    recipe = install.recipe("container-toolkit", "", how, versioned=bool(setting.version))
    if recipe is None:
        return not_known(f"how it is installed with {how} is in no table", "--method apt, dnf or zypper")
    commands = (
        *migrated(setting),
        *distribution_mirror(setting),
        *fill((recipe,), setting, {"version": setting.version}),
    )
    found = base("container-toolkit", setting.version or "the newest", how, setting).replace(
        commands=routed(commands, setting.way),
        gpus=tuple(c.name for c in setting.asked.cards),
        reasons=(Evidence("commands", how, recipe.source), *migration_reasons(setting)),
        notes=(
            "Then tell the engine of it: `gpudoctor runtime configure`, or "
            "sudo nvidia-ctk runtime configure --runtime=docker and a restart of the engine",
        ),
    )
    return Installable(found)
