"""`plan tensorrt` and `plan container-toolkit`: what no table of ours judges, installed as its guide says."""

from __future__ import annotations

import re

from gpudoctor import knowledge
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
from gpudoctor.versions import is_version, numbers

#: NVIDIA's own Python index: the packages of TensorRT on the public one fetch their libraries from it.
NVIDIA_INDEX = "https://pypi.nvidia.com"


# ---------------------------------------------------------------- TensorRT


def plan_tensorrt(setting: Setting) -> Installable:
    wanted = [cuda_major(setting)] if setting.cuda else majors(setting)
    if setting.version and not is_version(setting.version):
        raise names.bad_version(setting.version, "TensorRT", "11.4.0")
    tried: list[str] = []
    for number in wanted:
        bounds = install.tensorrt_range(number)
        if bounds is None or (setting.version and not install.within(setting.version, bounds)):
            continue
        version, why = _serving(setting, bounds)
        tried += [why] if why else []
        if version:
            return _tensorrt(setting, number, version, bounds)
    if tried:
        return Installable(
            None, False, (Because("extension-requirements-unmet", tried[0]),), _older_gpus(setting)
        )
    newest = install.tensorrt_range(13)
    end = newest[1] if newest else ""
    return not_known(
        f"TensorRT {setting.version} is in no table for CUDA {' or '.join(map(str, wanted))}: they end at {end}"
    )


def _older_gpus(setting: Setting) -> tuple[str, ...]:
    ends = [
        row
        for end in knowledge.extension_ends("tensorrt")
        if (row := knowledge.extension_demands("tensorrt", end))
    ]
    serving = [
        row.version
        for row in ends
        if all(numbers(c.capability) >= numbers(row.least) for c in setting.asked.cards if c.capability)
    ]
    if not serving:
        return ()
    last = max(serving, key=numbers)
    return (
        f"TensorRT {last} or older, which is the last that serves {', '.join(c.name for c in setting.asked.cards)}",
    )


def _serving(setting: Setting, bounds: tuple[str, str, str]) -> tuple[str, str]:
    """(the newest TensorRT of that CUDA that serves all the GPUs, why the newest of all does not)."""
    why = ""
    candidates = [setting.version] if setting.version else [bounds[1], *_lasts(bounds)]
    for version in candidates:
        row = knowledge.extension_demands("tensorrt", version)
        late = [
            c.name
            for c in setting.asked.cards
            if row is not None and c.capability and row.least and numbers(c.capability) < numbers(row.least)
        ]
        if not late:
            return version, why
        assert row is not None
        why = why or f"TensorRT {version} starts at compute capability {row.least}: {', '.join(late)}"
    return "", why


def _lasts(bounds: tuple[str, str, str]) -> list[str]:
    """The last releases of each range of GPUs, newest first."""
    found = [until for until in knowledge.extension_ends("tensorrt") if install.within(until, bounds)]
    return sorted(found, key=numbers, reverse=True)


def _tensorrt(setting: Setting, number: int, version: str, bounds: tuple[str, str, str]) -> Installable:
    method = setting.method or "pip"
    row = knowledge.extension_demands("tensorrt", version)
    newer = [
        c.name
        for c in setting.asked.cards
        if row and c.capability and numbers(c.capability) > numbers(row.known)
    ]
    doubts = (
        [Because("question", f"whether TensorRT {version} serves {', '.join(newer)} is in no table")]
        if newer
        else []
    )
    held = version != bounds[1] and not setting.version
    if held:
        names_ = ", ".join(c.name for c in setting.asked.cards)
        doubts.append(Because("extension-requirements-unmet", f"newer ones do not serve {names_}"))
    if method == "pip":
        recipe = install.method("tensorrt", "pip", version)
        assert recipe is not None
        full = version if version.count(".") == 3 or version == "10.0.1" else f"{version}.*"
        requirement = recipe.commands[0].format(major=number, version=full)
        found = by_pip(setting, "tensorrt", version, requirement, recipe, (NVIDIA_INDEX,))
    else:
        if held:
            return not_known(
                f"TensorRT {version} by packages is in no table: they bring the newest", "--method pip"
            )
        found = _tensorrt_packages(setting, method)
    one = found.installation
    if one is None:
        return found
    gpus = tuple(c.name for c in setting.asked.cards)
    reason = (
        [Evidence("GPUs", f"{version} is for {row.least} and higher", row.source)] if row and gpus else []
    )
    return found.replace(
        installation=one.replace(gpus=gpus, caveats=(*one.caveats, *doubts), reasons=(*one.reasons, *reason))
    )


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
