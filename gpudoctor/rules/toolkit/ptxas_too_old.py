"""The ptxas that compiles kernels at run time does not know this GPU

What it is: Triton (torch.compile) and XLA (TensorFlow, JAX) make PTX while the program runs and let ptxas turn it into
machine code. Triton's wheel brings its own, TRITON_PTXAS_PATH replaces it, XLA takes the one on PATH before that of the
wheels. The one that would be taken is from a CUDA release before this GPU's.

Why it hurts: torch.compile and every Triton kernel stop with "ptxas fatal : Value 'sm_121a' is not defined for option
'gpu-name'". XLA says "ptxas too old. Falling back to the driver to compile" and goes on with another compiler.

How to tell: The CUDA release in each ptxas against the first one that knows the GPU's compute capability. PyTorch itself
works: matrix products run, only compiled code fails.

How to fix: A newer Triton (a newer PyTorch pins it), or TRITON_PTXAS_PATH at a ptxas of a newer toolkit; for XLA put the
newer toolkit first on PATH.

Sources: https://github.com/triton-lang/triton/issues/8539
https://github.com/triton-inference-server/server/issues/8632
https://github.com/openxla/xla/blob/main/xla/stream_executor/cuda/subprocess_compilation.cc
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor import knowledge
from gpudoctor.facts.cuda import Cuda, Tool
from gpudoctor.facts.frameworks import Frameworks
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.observed import Absent, Known, value_of
from gpudoctor.findings import MACHINE, CouldNotTell, DoesNotApply, Evidence, Fix, Problem, Severity, Subject
from gpudoctor.rules.judging import Device, need
from gpudoctor.rules.toolkit._view import gpus, knows, numbers_in, uses_xla
from gpudoctor.versions import release, sm

#: From this capability on Triton takes its second ptxas, where it has one.
BLACKWELL = (10, 0)


def check(cuda: Cuda, gpu: Gpu, frameworks: Frameworks) -> Iterator[Problem | CouldNotTell]:
    tools = [t for t in need(cuda.tools_on_path, "ptxas") if t.name.startswith("ptxas")]
    if not tools:
        raise DoesNotApply("no ptxas outside a toolkit")
    judged = False
    for device in gpus(gpu):
        if not isinstance(device.compute_capability, Known):
            yield CouldNotTell(f"the compute capability of {device.subject.label}", subject=device.subject)
            continue
        capability = device.compute_capability
        wanted: list[tuple[Tool, str, Severity]] = [
            (t, "Triton", "failure") for t in _tritons(tools, capability.value)
        ]
        if uses_xla(frameworks):
            wanted += [(t, "XLA", "warning") for t in tools if t.selected_by == "PATH"]
        for tool, user, severity in wanted:
            judged = True
            yield from _judged(tool, user, severity, device, capability, cuda)
    if not judged:
        raise DoesNotApply("neither Triton nor XLA takes a ptxas here")


def _tritons(tools: list[Tool], capability: str) -> list[Tool]:
    """Those that a Triton would take for this GPU: a variable's, else the one in each wheel; the second kind where
    there is one and the GPU is new enough. Without a Triton in sight only a variable speaks of one."""
    names = ["ptxas"]
    if numbers_in(capability) >= BLACKWELL and any(t.name == "ptxas-blackwell" for t in tools):
        names = ["ptxas-blackwell"]
    mine = [t for t in tools if t.name in names and t.selected_by != "PATH"]
    variable = [t for t in mine if t.selected_by.startswith("TRITON_")]
    return variable or mine


def _judged(
    tool: Tool, user: str, severity: Severity, device: Device, capability: Known[str], cuda: Cuda
) -> Iterator[Problem | CouldNotTell]:
    if isinstance(tool.version, Absent):
        return  # a path that leads nowhere: Triton then passes over it
    if not isinstance(tool.version, Known):
        yield CouldNotTell(f"the version of {tool.path}: {tool.version.reason}")
        return
    released = release(tool.version.value)
    targets = knowledge.toolkit_targets(released)
    if targets is None:
        yield CouldNotTell(f"no list of the targets of CUDA {released}")
        return
    if knows(targets.sm, capability.value) is not False:
        return
    yield Problem(
        f"{user}'s ptxas is of CUDA {released} and does not know {sm(capability.value)} "
        f"({value_of(device.name, device.subject.label)})",
        Subject("file", tool.path, tool.path, MACHINE),
        severity,
        (
            Evidence("ptxas", f"{tool.path} {tool.version.value}", tool.selected_by),
            Evidence("compute capability", capability.value, capability.via),
            Evidence(
                "targets of that release",
                " ".join(sm(c) for c in targets.sm if c[-1].isdigit()),
                targets.source,
            ),
        ),
        fix=_fix(user, tool, capability.value, cuda),
    )


def _fix(user: str, tool: Tool, capability: str, cuda: Cuda) -> Fix:
    for toolkit in value_of(cuda.toolkits, ()):
        targets = (
            knowledge.toolkit_targets(toolkit.release.value) if isinstance(toolkit.release, Known) else None
        )
        own = next((t for t in toolkit.tools if t.name == "ptxas"), None)
        if targets is not None and own is not None and knows(targets.sm, capability):
            variable = (
                "TRITON_PTXAS_BLACKWELL_PATH" if tool.name == "ptxas-blackwell" else "TRITON_PTXAS_PATH"
            )
            command = (
                f"export {variable}={own.path}"
                if user == "Triton"
                else f'export PATH="{toolkit.prefix}/bin${{PATH:+:$PATH}}"'
            )
            return Fix(f"Take the ptxas of {toolkit.prefix}", (command,))
    return Fix(
        f"Install a toolkit that knows {sm(capability)} and point {user} at its ptxas, or a newer {user}"
    )
