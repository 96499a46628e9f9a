"""XLA finds no libdevice to compile with

What it is: XLA, the compiler in TensorFlow and JAX, links NVIDIA's mathematics library for kernels, libdevice.10.bc, into
what it compiles. It looks in --xla_gpu_cuda_data_dir (XLA_FLAGS), /usr/local/cuda, /opt/cuda, in the wheel nvidia-cuda-nvcc
beside the framework, in the framework's own folder (newer JAX wheels bring a copy), in the environment's prefix and in the
current folder. None of these has it.

Why it hurts: Everything that XLA compiles fails when it uses exp, tanh and the like: "libdevice not found at
./libdevice.10.bc". In JAX that is nearly everything, in TensorFlow jit_compile=True and Keras optimizers.

How to tell: Each of those places looked at. CUDA_HOME and PATH are not among them: a toolkit in another prefix doesn't
help by being there.

How to fix: Install the wheel with the compiler's parts into the same environment, or name the toolkit in XLA_FLAGS.

Sources: https://github.com/jax-ml/jax/issues/4452
https://github.com/tensorflow/tensorflow/issues/58681
https://github.com/openxla/xla/blob/main/xla/tsl/platform/default/cuda_root_path.cc (CandidateCudaRoots)
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
from gpudoctor.signature import Signature
from gpudoctor.versions import major

_DATA_DIR = re.compile(r"--xla_gpu_cuda_data_dir[= ](\S+)")
LINK = "/usr/local/cuda"
#: Wheels that bring libdevice; from CUDA 13 on it is in nvidia-nvvm.
WHEELS = ("nvidia-cuda-nvcc-cu11", "nvidia-cuda-nvcc-cu12", "nvidia-cuda-nvcc", "nvidia-nvvm")


signatures: tuple[Signature | str, ...] = (
    Signature(r"libdevice not found at \./libdevice", 0.97),
    Signature(r"Can't find libdevice directory", 0.93),
    Signature(
        r"Can't find libdevice\.10\.bc|libdevice\.10\.bc.{0,60}(?:not found|could not be found|cannot find|No such file)",
        0.93,
        needs=(r"libdevice",),
    ),
    Signature(r"(?:cannot|could not) find libdevice(?: for \w+)?", 0.85, unless=(r"--cuda-path|cuda-path",)),
    Signature(r"Missing libdevice (?:bitcode )?file", 0.9),
    Signature(r"Couldn't get ptxas version|Couldn't find (?:a suitable )?ptxas|Can't find ptxas", 0.4),
    Signature(
        r"libdevice(?:\.\d+)?(?:\.bc)? (?:is )?(?:required|needed).{0,60}(?:not found|missing|could not)", 0.9
    ),
    Signature(
        r"Can't find (?:directory containing CUDA libevice|libdevice bitcode)|error opening \S*libdevice\S*\.bc",
        0.93,
    ),
    Signature(r"JIT compilation failed\. ?\[Op:", 0.6, needs=(r"tensorflow|keras",)),
    Signature(
        r"(?:can't|cannot|couldn't|could not|unable to|failed to) (?:find|locate|open|load) .{0,40}libdevice",
        0.88,
        unless=(r"cuda-path",),
    ),
    Signature(r"JIT compilation failed\. ?\[Op:", 0.5),
    Signature(r"(?:\w*Error|fatal|missing)\W{1,4}(?:\S{0,120}/)?libdevice\.(?:10\.)?bc", 0.7),
    Signature(r"No such file or directory: '?\"?\S{0,160}libdevice", 0.94),
)


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
    for one, build in {(i.path, _family(b)): (i, b) for i, b in users}.values():
        places = _places(build, named)
        beside = _beside(cuda, build)
        if beside or _found(toolkits, places, link):
            continue
        if any(p.name in WHEELS for p in value_of(one.packages, ())):
            continue
        if beside is None or isinstance(one.packages, Unknown):
            yield CouldNotTell(f"what lies beside {build.framework} in {build.location}")
            continue
        yield _problem(one, build, places, named, toolkits)


def _places(build: Build, named: str) -> list[str]:
    """XLA's list, in its order."""
    site = build.location.rpartition("/")[0]
    return [
        *([named] if named else []),
        LINK,
        "/opt/cuda",
        f"{site}/nvidia/cuda_nvcc",
        f"{build.location}/cuda",
    ]


def _beside(cuda: Cuda, build: Build) -> bool | None:
    """Whether a copy lies where this package's XLA looks; None when nobody looked beside it."""
    for one in value_of(cuda.libdevices, ()):
        if build.location.startswith(one.site + "/"):
            return any(
                _reaches(build, path[len(one.site) + 1 :], path.startswith(one.site + "/"))
                for path in one.paths
            )
    return None


def _reaches(build: Build, inside: str, in_site: bool) -> bool:
    """A package's own copy serves only itself; JAX's plugin and jaxlib count as one."""
    return not in_site or inside.startswith(("nvidia/", _family(build)))


def _family(build: Build) -> str:
    return "jax" if build.framework.startswith("jax") else "tensorflow"


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
        fix=Fix(f"Install {wheel} beside {build.framework}", tuple(commands), "unsafe"),
    )


def _wheel(build: Build) -> str:
    """The wheel that brings libdevice for this build's CUDA major."""
    number = major(build.cuda.value) if isinstance(build.cuda, Known) else 12
    return f"nvidia-cuda-nvcc-cu{number}" if number < 13 else "nvidia-nvvm"
