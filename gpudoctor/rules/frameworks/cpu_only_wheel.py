"""A framework is installed in its CPU build

What it is: PyTorch and TensorFlow are published in builds with and without CUDA. This environment has one without: it
came from PyTorch's cpu index, is what PyPI serves for this platform, or was chosen by conda where no driver was seen
(in `docker build`, on a login node).

Why it hurts: A CPU build contains no GPU code at all: torch.cuda.is_available() is False and everything runs on the
CPU, whatever the driver and the GPU are.

How to tell: torch/version.py says `cuda = None`, the version ends in +cpu, conda's build string starts with cpu, or
TensorFlow's build_info says that it is no CUDA build.

How to fix: Install the build for a CUDA that this driver runs, from PyTorch's own index; with conda ask for the CUDA
build by name, and set CONDA_OVERRIDE_CUDA where the driver is not visible.

Sources: https://github.com/pytorch/pytorch/issues/106565
https://pytorch.org/get-started/locally/
https://docs.conda.io/projects/conda/en/latest/user-guide/tasks/manage-virtual.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.frameworks import Build, Frameworks, Interpreter
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Absent, Known, value_of
from gpudoctor.findings import CouldNotTell, Evidence, Fix, Problem, seen
from gpudoctor.rules.pythons import by_conda, installed, need_gpu, pip, subject, torch_reinstall
from gpudoctor.versions import at_least, is_version

explains = (
    "abi-mismatch-extension",
    "torchvision-torchaudio-mismatch",
    "extension-built-without-cuda",
    "import-differs-from-files",
)

#: TensorFlow has no CUDA build for Windows after this one: that is a cause of its own.
LAST_ON_WINDOWS = "2.10"


def check(host: Host, gpu: Gpu, frameworks: Frameworks) -> Iterator[Problem | CouldNotTell]:
    sure = need_gpu(host, gpu)
    for python, build in installed(frameworks, "torch", "tensorflow"):
        if _windows(host, build):
            continue
        if build.variant != "cpu":
            if not build.variant and not isinstance(build.cuda, (Known, Absent)):
                yield CouldNotTell(
                    f"{build.framework} in {python.path}: its files do not say how it was built",
                    subject=subject(python, build),
                )
            continue
        evidence = [
            Evidence(f"{build.framework}'s version", build.version, build.location),
            seen("CUDA that it was built with", build.cuda),
        ]
        conda = by_conda(python, "pytorch", "libtorch", "tensorflow")
        if conda is not None:
            evidence.append(Evidence("conda build", conda.build, conda.location))
        yield Problem(
            f"{build.framework} {build.version} in {python.prefix or python.path} is a CPU build",
            subject=subject(python, build),
            severity="failure" if sure else "warning",
            evidence=tuple(evidence),
            fix=_fix(python, build, gpu, conda is not None),
        )


def _windows(host: Host, build: Build) -> bool:
    return (
        build.framework == "tensorflow"
        and value_of(host.system, "") == "Windows"
        and is_version(build.version)
        and at_least(build.version, f"{LAST_ON_WINDOWS}.999")
    )


def _fix(python: Interpreter, build: Build, gpu: Gpu, conda: bool) -> Fix:
    if conda:
        name = "pytorch-gpu" if build.framework == "torch" else "tensorflow-gpu"
        return Fix(
            "Install the CUDA build with conda",
            (f"conda install -p {python.prefix} -c conda-forge {name}",),
            "unsafe",
        )
    if build.framework == "tensorflow":
        return Fix(
            "Replace the CPU package by tensorflow with its CUDA libraries",
            (
                f"{python.path} -m pip uninstall -y tensorflow-cpu tensorflow",
                f"{pip(python, build)} 'tensorflow[and-cuda]'",
            ),
            "unsafe",
        )
    commands = torch_reinstall(python, build.version, gpu)
    if commands:
        return Fix("Install the CUDA build of the same release", commands, "unsafe")
    return Fix("Install a CUDA build that this driver runs: see https://pytorch.org/get-started/locally/")
