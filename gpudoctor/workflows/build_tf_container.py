"""`build-tf --in-container`: the same command inside the image that TensorFlow's own builds use.

The tree, the work folder and the folders that the options name are mounted at their own paths, and gpudoctor itself beside them: it needs
nothing but a Python there. What is written belongs to the user who called it.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import sys
from collections.abc import Sequence

from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.observed import value_of
from gpudoctor.knowledge.tfbuild import tf_image
from gpudoctor.system.job import run
from gpudoctor.tfbuild.request import Request, check, default_workdir
from gpudoctor.tfbuild.tree import detect

#: Packages that the command needs inside; all of them are plain Python.
PACKAGES = ("gpudoctor", "click", "packaging", "tomli")
WITHOUT_VALUE = "--in-container"


def command(request: Request, arguments: Sequence[str], image: str) -> tuple[str, ...]:
    """The engine's command line. Raises GpudoctorError where there is no engine, or no image is known for the tree."""
    check(request)
    tree = detect(request.source)
    engine = shutil.which("docker") or shutil.which("podman")
    if engine is None:
        raise GpudoctorError("there is no docker and no podman on PATH", context="--in-container")
    version = value_of(tree.version, "")
    if not image and not version:
        raise GpudoctorError(
            "the tree does not say which release it is",
            context="--in-container",
            hint="--image names an image",
        )
    image = image or tf_image(".".join(version.split(".")[:2]), request.python or "3.10")
    workdir = request.workdir or default_workdir(tree.path, os.environ)
    site = os.path.join(workdir, "site")
    paths = [
        tree.path,
        workdir,
        request.local_cuda,
        request.local_cudnn,
        request.local_nccl,
        request.venv,
        request.distdir,
    ]
    paths += [request.repository_cache, request.output_user_root, os.path.dirname(request.mirror)]
    mounts = [f"--volume={p}:{p}" for p in dict.fromkeys(p for p in paths if p.startswith("/"))]
    inner = [a for a in arguments if a != WITHOUT_VALUE]
    if "--image" in inner:
        at = inner.index("--image")
        del inner[at : at + 2]
    inner = [a for a in inner if not a.startswith("--image=")]
    user = [f"--user={os.getuid()}:{os.getgid()}"] if os.getuid() else []
    more = [] if request.workdir else ["--workdir", workdir]
    return (
        engine, "run", "--rm", "--init", *user, *mounts, f"--workdir={tree.path}",
        f"--env=PYTHONPATH={site}", f"--env=HOME={workdir}/home", f"--env=GPUDOCTOR_STATE={workdir}/state",
        image, "python3", "-m", "gpudoctor", *inner, *more,
    )  # fmt: skip


def lay_out(workdir: str) -> str:
    """gpudoctor and what it needs, copied below the work folder; replaced as a whole."""
    site = os.path.join(workdir, "site")
    fresh = f"{site}.new"
    shutil.rmtree(fresh, ignore_errors=True)
    os.makedirs(fresh)
    for name in PACKAGES:
        found = importlib.util.find_spec(name)
        if found is None or not found.submodule_search_locations:
            continue  # tomli, where Python reads TOML itself
        folder = next(iter(found.submodule_search_locations))
        shutil.copytree(folder, os.path.join(fresh, name), ignore=shutil.ignore_patterns("__pycache__"))
    patches = os.path.join(
        os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))), "bazel_patches"
    )
    if os.path.isdir(patches) and not os.path.isdir(os.path.join(fresh, "gpudoctor", "bazel_patches")):
        shutil.copytree(patches, os.path.join(fresh, "gpudoctor", "bazel_patches"))
    shutil.rmtree(site, ignore_errors=True)
    os.rename(fresh, site)
    return site


def run_in_container(request: Request, arguments: Sequence[str], image: str) -> int:
    """Its output is ours, and so is its exit code."""
    argv = command(request, arguments, image)
    workdir = request.workdir or default_workdir(os.path.realpath(request.source), os.environ)
    os.makedirs(os.path.join(workdir, "home"), exist_ok=True)
    lay_out(workdir)
    ended = run(
        argv,
        lambda s, line: print(line, file=sys.stdout if s == "stdout" else sys.stderr, flush=True),
        request.timeout,
    )
    if ended.code in (125, 126, 127):
        raise GpudoctorError(
            f"the container could not be started (status {ended.code})",
            context=" ".join(argv[:2]),
            hint="its words are above",
        )
    return ended.code if ended.code is not None else 1
