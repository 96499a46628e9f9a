"""The ptxas that compiles kernels at run time does not know this GPU

What it is: Triton (torch.compile) and XLA (in TensorFlow) make PTX while the program runs and let ptxas turn it into
machine code. Triton's wheel brings its own, from Triton 3.6 on a second one for Blackwell and later; TRITON_PTXAS_PATH and
TRITON_PTXAS_BLACKWELL_PATH replace them, each its own. XLA takes the one on PATH before that of the wheels. The one that
would be taken is from a CUDA release before this GPU's.

Why it hurts: torch.compile and every Triton kernel stop with "ptxas fatal : Value 'sm_121a' is not defined for option
'gpu-name'". XLA says "ptxas too old. Falling back to the driver to compile": TensorFlow goes on with
the driver's compiler, elsewhere the program can end with that message (UNIMPLEMENTED).

How to tell: The CUDA release in each ptxas against the first one that knows the GPU's compute capability. PyTorch itself
works: matrix products run, only compiled code fails.

How to fix: A newer Triton (a newer PyTorch pins it), or TRITON_PTXAS_PATH at a ptxas of a newer toolkit; for XLA put the
newer toolkit first on PATH.

Sources: https://github.com/triton-lang/triton/issues/8539
https://github.com/triton-lang/triton/blob/main/third_party/nvidia/backend/compiler.py (get_ptxas, sm_arch_from_capability)
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
from gpudoctor.rules.judging import Device, need, untold
from gpudoctor.rules.toolkit._view import gpus, knows, numbers_in, takes_ptxas_from_path
from gpudoctor.signature import Signature
from gpudoctor.versions import older, release, sm

#: From this capability on Triton takes its second ptxas, where it has one.
BLACKWELL = (10, 0)
BLACKWELL_VARIABLE = "TRITON_PTXAS_BLACKWELL_PATH"


signatures: tuple[Signature | str, ...] = (
    Signature(
        r"ptxas\S* fatal : Value 'sm_(?P<sm>\d+[af]?)' is not defined for option 'gpu-name'",
        0.96,
        explanation="This ptxas does not know sm_{sm}.",
        fix="Use a Triton whose ptxas knows sm_{sm}, or set TRITON_PTXAS_PATH to the ptxas of a newer CUDA toolkit.",
    ),
    Signature(r"is not defined for option 'gpu-name'", 0.93),
    Signature(
        r"ptxas\S* .{0,60}(?:Unsupported|unsupported) \.version|Unsupported \.target 'sm_\d+",
        0.85,
        needs=(r"ptxas",),
    ),
    Signature(r"ptxas(?:-blackwell)? .{0,80}(?:does not support CC|doesn't support|too old)", 0.88),
    Signature(r"ptxas \d\S* does not support CC \d", 0.93),
    Signature(r"Internal Triton PTX codegen error", 0.7),
    Signature(r"PTXASError", 0.6),
    Signature(r"You are using ptxas (?P<has>\d\S*).{0,80}(?:older than|which is|miscompile|known)", 0.8),
    Signature(
        r"LLVM ERROR: Cannot select: intrinsic %llvm\.nvvm|'sm_12\d\w?' is not a recognized processor",
        0.6,
        needs=(r"nvvm|recognized processor",),
    ),
    # Triton's backends/nvidia/compiler.py, without ptxas' own words.
    Signature(
        r"ptxas\S* .{0,160}--gpu-name=sm_(?P<sm>\d+[af]?)\W{0,3} .{0,260}returned non-zero exit status",
        0.8,
        explanation="Triton's ptxas was asked for sm_{sm} and failed.",
    ),
    # The program ptxas, which names the file that it reads; the driver's compiler says "ptxas application ptx input".
    Signature(
        r"ptxas (?!application)(?:\S{1,160}, line \d+; )?(?:fatal|error) : Unsupported \.version", 0.96
    ),
    Signature(
        r"ptxas .{0,60}(?:doesn't|does not|can't|cannot|didn't) (?:know|recogni[sz]e|understand|support)",
        0.88,
    ),
    Signature(r"ptxas\S* fatal ?: Value 'sm_\d+[af]?' is not defined", 0.93),
    Signature(r"PTX \.version \d\.\d does not support \.target sm_\d+", 0.93),
    Signature(r"ptxas failed with error code \d+", 0.78, needs=(r"sm_1[0-2]\d|Blackwell|RTX 50\d\d",)),
)


def check(cuda: Cuda, gpu: Gpu, frameworks: Frameworks) -> Iterator[Problem | CouldNotTell]:
    tools = [t for t in need(cuda.tools_on_path, "ptxas") if t.name.startswith("ptxas")]
    if not tools:
        raise DoesNotApply("no ptxas outside a toolkit")
    judged = False
    for device in gpus(gpu):
        if not isinstance(device.compute_capability, Known):
            yield untold(device, "compute capability", device.compute_capability)
            continue
        capability = device.compute_capability
        wanted: list[tuple[Tool, str, Severity]] = [
            (t, "Triton", "failure") for t in _tritons(tools, capability.value)
        ]
        if takes_ptxas_from_path(frameworks):
            wanted += [
                (t, "XLA", "warning") for t in tools if t.selected_by == "PATH" and not _passed_over(t)
            ]
        for tool, user, severity in wanted:
            judged = True
            yield from _judged(tool, user, severity, device, capability, cuda)
    if not judged:
        raise DoesNotApply("neither Triton nor XLA takes a ptxas here")


def _tritons(tools: list[Tool], capability: str) -> list[Tool]:
    """What each Triton in sight would take for this GPU; where none is, what the variables would give one."""
    sites = dict.fromkeys(t.selected_by for t in tools if t.selected_by.startswith("triton in "))
    taken = [_taken(tools, site, capability) for site in sites or [""]]
    return list(dict.fromkeys(tool for tool in taken if tool is not None))


def _taken(tools: list[Tool], site: str, capability: str) -> Tool | None:
    """The variable's, if it leads to a file (else Triton silently takes its own); a Triton without the second kind
    knows one variable only."""

    def of(name: str, selected_by: str) -> Tool | None:
        return next(
            (t for t in tools if (t.name, t.selected_by) == (name, selected_by) and t.real_path), None
        )

    second = of("ptxas-blackwell", site) if site else of("ptxas-blackwell", BLACKWELL_VARIABLE)
    if numbers_in(capability) >= BLACKWELL and second is not None:
        return of("ptxas-blackwell", BLACKWELL_VARIABLE) or second
    return of("ptxas", "TRITON_PTXAS_PATH") or of("ptxas", site)


def _passed_over(tool: Tool) -> bool:
    """XLA looks further when a ptxas is older than 11.8."""
    return isinstance(tool.version, Known) and older(tool.version.value, "11.8")


def _target(user: str, capability: str) -> str:
    """Triton compiles for the architecture-specific target from Hopper on: sm_90a, sm_120a."""
    return f"{capability}a" if user == "Triton" and numbers_in(capability) >= (9, 0) else capability


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
    if knows(targets.sm, _target(user, capability.value)) is not False:
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
        if targets is not None and own is not None and knows(targets.sm, _target(user, capability)):
            variable = (
                "TRITON_PTXAS_BLACKWELL_PATH" if tool.name == "ptxas-blackwell" else "TRITON_PTXAS_PATH"
            )
            command = (
                f"export {variable}={own.path}"
                if user == "Triton"
                else f'export PATH="{toolkit.prefix}/bin${{PATH:+:$PATH}}"'
            )
            return Fix(f"Take the ptxas of {toolkit.prefix}", (command,), "safe")
    return Fix(
        f"Install a toolkit that knows {sm(capability)} and point {user} at its ptxas, or a newer {user}"
    )
