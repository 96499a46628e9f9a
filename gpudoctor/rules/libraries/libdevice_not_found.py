"""XLA finds no libdevice to compile with

What it is: XLA, the compiler in TensorFlow and JAX, links NVIDIA's mathematics library for kernels, libdevice.10.bc, into
what it compiles. It looks in --xla_gpu_cuda_data_dir (XLA_FLAGS), in the wheel nvidia-cuda-nvcc beside the framework, in
/usr/local/cuda, /opt/cuda and the current folder. None of these has it.

Why it hurts: Everything that XLA compiles fails when it uses exp, tanh and the like: "libdevice not found at
./libdevice.10.bc". In JAX that is nearly everything, in TensorFlow jit_compile=True and Keras optimizers.

How to tell: Each of those places looked at. CUDA_HOME and PATH are not among them: a toolkit in another prefix doesn't
help by being there.

How to fix: Install the wheel with the compiler's parts into the same environment, or name the toolkit in XLA_FLAGS.

Sources: https://github.com/jax-ml/jax/issues/4452
https://github.com/tensorflow/tensorflow/issues/58681
https://github.com/tensorflow/tensorflow/blob/master/tensorflow/tsl/platform/default/cuda_libdevice_path.cc
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpudoctor.facts.cuda import Cuda, Toolkit
from gpudoctor.facts.environment import Environment
from gpudoctor.facts.frameworks import Build, Frameworks, Interpreter
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.observed import Known, Unknown, value_of
from gpudoctor.findings import CouldNotTell, DoesNotApply, Evidence, Fix, Problem, package
from gpudoctor.rules.judging import gpu_ruled_out, need
from gpudoctor.rules.toolkit._view import XLA, selection
from gpudoctor.versions import major

_DATA_DIR = re.compile(r"--xla_gpu_cuda_data_dir[= ](\S+)")
LINK = "/usr/local/cuda"
#: Wheels that bring libdevice; from CUDA 13 on it is in nvidia-nvvm.
WHEELS = ("nvidia-cuda-nvcc-cu11", "nvidia-cuda-nvcc-cu12", "nvidia-cuda-nvcc", "nvidia-nvvm")


def check(
    cuda: Cuda, environment: Environment, frameworks: Frameworks, gpu: Gpu
) -> Iterator[Problem | CouldNotTell]:
    interpreters = need(frameworks.interpreters, "Python interpreter")
    users = [
        (i, b) for i in interpreters for b in i.builds if b.framework in XLA and isinstance(b.cuda, Known)
    ]
    if not users:
        raise DoesNotApply("no TensorFlow or JAX built with CUDA")
    if gpu_ruled_out(gpu):
        raise DoesNotApply("no NVIDIA GPU to compile for")
    toolkits = need(cuda.toolkits, "CUDA toolkits")
    flags = next((v.value for v in value_of(environment.variables, ()) if v.name == "XLA_FLAGS"), "")
    said = _DATA_DIR.search(flags)
    named = said.group(1).strip("\"'").rstrip("/") if said else ""
    chosen = selection(cuda, LINK)
    link = chosen.prefix.value if chosen is not None and isinstance(chosen.prefix, Known) else ""
    for one in {i.path: i for i, _ in users}.values():
        mine = [b for i, b in users if i.path == one.path]
        places = _places(one, mine[0], named)
        if _found(toolkits, places, link):
            continue
        if isinstance(one.packages, Unknown):
            yield CouldNotTell(f"the packages of {one.path}: {one.packages.reason}")
            continue
        wheels = [p.name for p in value_of(one.packages, ()) if p.name in WHEELS]
        if wheels:
            continue
        yield _problem(one, mine[0], places, named, toolkits)


def _places(one: Interpreter, build: Build, named: str) -> list[str]:
    site = build.location.rpartition("/")[0]
    places = [named] if named else []
    places += [f"{site}/nvidia/cuda_nvcc", *(f"{site}/nvidia/cu{n}" for n in (13, 14)), LINK, "/opt/cuda"]
    return [*places, one.prefix] if one.kind == "conda" and one.prefix else places


def _found(toolkits: tuple[Toolkit, ...], places: list[str], link: str) -> bool:
    """`link`: where /usr/local/cuda ends; a toolkit is listed by its real name."""
    reached = [t for t in toolkits if isinstance(t.libdevice, Known)]
    ends = [link if place == LINK and link else place for place in places]
    return any(place in (t.prefix, t.real_prefix) for place in ends for t in reached)


def _problem(
    one: Interpreter, build: Build, places: list[str], named: str, toolkits: tuple[Toolkit, ...]
) -> Problem:
    whole = [t for t in toolkits if isinstance(t.libdevice, Known) and t.origin != "wheel"]
    jax = build.framework.startswith("jax")
    wheel = _wheel(build)
    commands = [f"{one.path} -m pip install {wheel}"]
    if whole:
        commands.append(f"# or: export XLA_FLAGS=--xla_gpu_cuda_data_dir={whole[0].prefix}")
    label = f"{build.framework} {build.version}"
    return Problem(
        f"{label} finds no libdevice.10.bc for XLA"
        + (f": --xla_gpu_cuda_data_dir={named} holds none" if named else ""),
        package(one.path, build.framework),
        "failure" if jax else "warning",
        (
            Evidence("looked in", ", ".join(places), "XLA's own list"),
            *(
                Evidence("libdevice elsewhere", t.libdevice.value, t.prefix)
                for t in whole
                if isinstance(t.libdevice, Known)
            ),
        ),
        fix=Fix(f"Install {wheel} beside {build.framework}", tuple(commands)),
    )


def _wheel(build: Build) -> str:
    """The wheel that brings libdevice for this build's CUDA major."""
    number = major(build.cuda.value) if isinstance(build.cuda, Known) else 12
    return f"nvidia-cuda-nvcc-cu{number}" if number < 13 else "nvidia-nvvm"
