"""A package asks for another GPU, Python, system, CUDA or cuDNN

What it is: Packages beside a framework (flash-attn, vLLM, bitsandbytes, TensorRT, ONNX Runtime, CuPy) have demands of
their own: a least compute capability, certain Pythons, Linux only, one major version of CUDA or cuDNN.

Why it hurts: The installation finds no wheel, or it works and the first call fails: "FlashAttention only supports
Ampere GPUs or newer", "libcudnn.so.9: cannot open shared object file", "Target GPU SM 70 is not supported".

How to tell: What the package's own documentation names for that release against the machine that is asked for.

How to fix: Take a release that serves this GPU (TensorRT 10.4 is the last for Volta), or what the release asks for.

Sources: https://github.com/Dao-AILab/flash-attention
https://docs.vllm.ai/en/latest/getting_started/installation/gpu.html
https://huggingface.co/docs/bitsandbytes/main/en/installation
https://onnxruntime.ai/docs/execution-providers/CUDA-ExecutionProvider.html
https://docs.nvidia.com/deeplearning/tensorrt/latest/getting-started/release-notes.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor import knowledge
from gpudoctor.facts.frameworks import Frameworks
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.machine import Expectation
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.findings import CouldNotTell, DoesNotApply, Evidence, Fix, Problem
from gpudoctor.knowledge import ExtensionDemands
from gpudoctor.rules.judging import devices
from gpudoctor.rules.pythons import package_named, public, satisfies
from gpudoctor.versions import capability, major, release


def check(
    host: Host, gpu: Gpu, frameworks: Frameworks, expectation: Expectation
) -> Iterator[Problem | CouldNotTell]:
    if not expectation.extensions:
        raise DoesNotApply("no package beside a framework is wanted")
    for name, version in expectation.extensions:
        label = f"{name} {version}"
        row = knowledge.extension_demands(name, version)
        pin = knowledge.companion_pin(name, version)
        if pin is not None:
            yield from _torch(label, pin, frameworks)
        elif row is None:
            yield CouldNotTell(f"what {label} asks for is in no table")
        if row is None:
            continue
        for why, need in (*_gpus(row, gpu), *_python(row, frameworks), *_rest(row, host, expectation)):
            if not need:
                yield CouldNotTell(f"{label}: {why}")
                continue
            yield Problem(
                f"{label} {why}",
                evidence=(Evidence(label, need, row.source),),
                fix=Fix(f"{name}: {need}"),
            )


def _torch(label: str, pin: str, frameworks: Frameworks) -> Iterator[Problem]:
    for python in value_of(frameworks.interpreters, ()):
        torch = package_named(python, "torch")
        if torch is not None and satisfies(public(torch.version), pin) is False:
            yield Problem(
                f"{label} requires torch{pin}, not {torch.version}",
                evidence=(Evidence(label, f"torch{pin}", "METADATA of its wheel"),),
                fix=Fix(
                    f"Install torch{pin} with it, or the release of it that belongs to torch {torch.version}"
                ),
            )


def _gpus(row: ExtensionDemands, gpu: Gpu) -> Iterator[tuple[str, str]]:
    """(what is wrong, what is needed); without a need it could not be told."""
    if not row.least:
        return
    for one in devices(gpu):
        name = value_of(one.name, one.subject.label)
        if not isinstance(one.compute_capability, Known):
            yield f"the compute capability of {name}", ""
            continue
        own = one.compute_capability.value
        if capability(own) < capability(row.least):
            words = f"has no code for {name} ({own}): it starts at {row.least}"
            yield words, f"a GPU of compute capability {row.least} or higher"
        elif capability(own) > capability(row.known):
            yield f"whether it serves {name} ({own}), which is newer than what its documentation names", ""


def _python(row: ExtensionDemands, frameworks: Frameworks) -> Iterator[tuple[str, str]]:
    for python in value_of(frameworks.interpreters, ()):
        version = value_of(python.version, "")
        if row.pythons and version and release(version) not in row.pythons:
            yield f"is not for Python {release(version)}", f"Python {' or '.join(row.pythons)}"


def _rest(row: ExtensionDemands, host: Host, expectation: Expectation) -> Iterator[tuple[str, str]]:
    system = value_of(host.system, "")
    if row.systems and system and system not in row.systems:
        yield f"is not for {system}", " or ".join(row.systems)
    cuda, cudnn = expectation.cudnn_beside, expectation.cudnn
    if row.cuda and cuda and major(cuda) not in row.cuda:
        yield f"is not for CUDA {cuda}", f"CUDA {' or '.join(map(str, row.cuda))}"
    if row.cudnn and cudnn and major(cudnn) not in row.cudnn:
        yield f"is not for cuDNN {cudnn}", f"cuDNN {' or '.join(map(str, row.cudnn))}"
