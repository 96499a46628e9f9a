"""wheel and install: what came out is looked at without importing it, then put into a venv."""

from __future__ import annotations

import glob
import os
import re
import shlex
import zipfile
from collections.abc import Iterator, Mapping

from gpudoctor.facts.observed import Known
from gpudoctor.parsers.pyfiles import build_info
from gpudoctor.tfbuild.capabilities import compiled
from gpudoctor.tfbuild.preflight.programs import venv
from gpudoctor.tfbuild.stages import bazel
from gpudoctor.tfbuild.stages.configure import python_tag
from gpudoctor.tfbuild.stages.logged import logged
from gpudoctor.tfbuild.stages.model import Build, Done, Failed
from gpudoctor.tfbuild.state import sha256

HOUSE = "bazel-bin/tensorflow/tools/pip_package/wheel_house"
_NAME = re.compile(r"tensorflow(?:_cpu|_gpu)?-([^-]+)-([^-]+)-([^-]+)-([^-]+)\.whl")
#: pip, with all that it downloads (seconds).
PIP_TIME = 3600.0


def house(build: Build) -> str:
    return build.in_tree(HOUSE) if bazel.has_wheel_target(build) else build.workdir.file("wheel")


def newest(folder: str) -> str:
    """The newest TensorFlow wheel in a folder; "" for none."""
    found = [f for f in glob.glob(f"{glob.escape(folder)}/*.whl") if _NAME.fullmatch(os.path.basename(f))]
    return max(found, key=lambda f: (os.stat(f).st_mtime_ns, f), default="")


def read_build_info(path: str) -> Mapping[str, object]:
    """tensorflow/python/platform/build_info.py inside the wheel. Raises Failed for a wheel that is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [n for n in archive.namelist() if n.endswith("tensorflow/python/platform/build_info.py")]
            if not names:
                return {}
            return build_info(archive.read(names[0]).decode("utf-8", "replace"))
    except (zipfile.BadZipFile, OSError, ValueError, EOFError) as error:
        raise Failed(f"the wheel can't be read: {error}", hint=f"remove {path} and build again") from None


def wheel(build: Build) -> Done:
    if "wheel" not in build.request.targets:
        return Done("no wheel was asked for", skipped=True)
    if not bazel.has_wheel_target(build):
        _make_by_script(build)
    path = newest(house(build))
    if not path:
        raise Failed(f"there is no wheel in {house(build)}", hint="run the stage build: --from build")
    match = _NAME.fullmatch(os.path.basename(path))
    assert match is not None
    version, tag = match[1], match[2]
    if build.python and tag != python_tag(build):
        raise Failed(
            f"the wheel is for {tag}, the venv and the request want {python_tag(build)}",
            hint="HERMETIC_PYTHON_VERSION decides it: configure again with --python (--from configure)",
            cause="tf-build-configuration",
        )
    info = read_build_info(path)
    wrong = judged(build, info)
    if wrong:
        raise Failed(f"the wheel is not what was asked for: {'; '.join(wrong)}", hint=f"it is {path}")
    said = (
        f"CUDA {info.get('cuda_version', '?')}, cuDNN {info.get('cudnn_version', '?')}"
        if info
        else "its build_info says nothing"
    )
    size = os.path.getsize(path) >> 20
    return Done(
        f"{os.path.basename(path)} ({size} MiB): {said}",
        {"path": os.path.realpath(path), "version": version, "sha256": sha256(path)},
    )


def judged(build: Build, info: Mapping[str, object]) -> list[str]:
    """What build_info says that was not asked for. A field that is not there is not judged."""
    wrong = []
    if info.get("is_cuda_build") is False:
        wrong.append("it is built without CUDA")
    made = str(info.get("cuda_version", ""))
    asked = build.cuda_version
    if made and asked and made.split(".")[:2] != asked.split(".")[: len(made.split(".")[:2])]:
        wrong.append(f"it is built for CUDA {made}, not {asked}")
    have = info.get("cuda_compute_capabilities")
    wanted = compiled(build.tree, build.capabilities)
    if (
        isinstance(have, (list, tuple))
        and isinstance(wanted, Known)
        and set(map(str, have)) != set(wanted.value.accepted)
    ):
        wrong.append(f"it is built for {', '.join(map(str, have))}, not {', '.join(wanted.value.accepted)}")
    return wrong


def _make_by_script(build: Build) -> None:
    """2.16: build_pip_package packs the wheel."""
    script = build.in_tree("bazel-bin/tensorflow/tools/pip_package/build_pip_package")
    log = build.workdir.file("logs", "wheel.log")
    folder = build.workdir.file("wheel")
    os.makedirs(folder, exist_ok=True)
    if not os.access(script, os.X_OK):
        raise Failed(f"{script} is not there", hint="run the stage build: --from build")
    ended = logged((script, folder), log, PIP_TIME, bazel.environment(build), build.tree.path)
    if ended.code != 0:
        raise Failed(
            f"build_pip_package ended with status {ended.code}", hint=f"its words are in {log}", log=log
        )


def say_wheel(build: Build) -> Iterator[str]:
    if "wheel" not in build.request.targets:
        yield "nothing: no wheel was asked for"
        return
    yield f"look for tensorflow-*-{python_tag(build)}-*.whl in {house(build)}, read its build_info without importing it"


def wheel_there(build: Build) -> bool:
    path = build.data("wheel", "path")
    return "wheel" not in build.request.targets or (
        bool(path) and sha256(path) == build.data("wheel", "sha256")
    )


# ---------------------------------------------------------------- install


def _argv(build: Build, path: str) -> tuple[tuple[str, ...], ...]:
    """The wheel itself first, always: pip leaves a wheel of the same version alone otherwise. Then what it needs."""
    pip = (
        f"{build.request.venv}/bin/python",
        "-m",
        "pip",
        "install",
        "--no-input",
        "--disable-pip-version-check",
    )
    return ((*pip, "--no-deps", "--force-reinstall", path), (*pip, path))


def install(build: Build) -> Done:
    if not build.request.venv:
        return Done("no --venv: the wheel is not installed", skipped=True)
    path = build.data("wheel", "path")
    if not path:
        if "wheel" not in build.request.targets:
            return Done("there is no wheel to install", skipped=True)
        raise Failed("no wheel is recorded", hint="run the stage wheel first: --from wheel")
    found = venv(build.look)
    if not found or found["prefix"] == found["base"]:
        raise Failed(
            f"{build.request.venv} is no venv", hint=f"python{build.python} -m venv {build.request.venv}"
        )
    if build.python and found["version"] != build.python:
        raise Failed(
            f"the venv has Python {found['version']}, the wheel is for {build.python}",
            hint="--venv with that Python",
        )
    before = build.state.venvs.get(build.request.venv, "")
    if not before:  # noted before pip begins: a run that is killed half-way must not take our own wheel for what was there
        before = found.get("tensorflow", "") or "none"
        build.state = build.state.replace(venvs={**build.state.venvs, build.request.venv: before})
        build.workdir.write(build.state)
    log = build.workdir.file("logs", "install.log")
    env = bazel.environment(build)
    env |= {name: value for name, value in build.sources.repo_env.items() if name == "PIP_CONFIG_FILE"}
    for number, argv in enumerate(_argv(build, path)):
        ended = logged(argv, log, PIP_TIME, env, mode="a" if number else "w", keep=build.lock)
        if ended.code != 0:
            raise Failed(f"pip ended with status {ended.code}", hint=f"its words are in {log}", log=log)
    return Done(
        f"installed into {build.request.venv}; before it: {'TensorFlow ' + before if before != 'none' else 'no TensorFlow'}",
        {"before": before, "venv": build.request.venv, "wheel": path}, log,
    )  # fmt: skip


def say_install(build: Build) -> Iterator[str]:
    if not build.request.venv:
        yield "nothing: no --venv"
        return
    for argv in _argv(build, "WHEEL"):
        yield shlex.join(argv)


def installed(build: Build) -> bool:
    if not build.request.venv:
        return True
    return venv(build.look).get("tensorflow", "") == build.data("wheel", "version") and build.data(
        "install", "wheel"
    ) == build.data("wheel", "path")
