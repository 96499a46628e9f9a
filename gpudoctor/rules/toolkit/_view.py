"""What the toolkit rules share: which toolkit is taken, who would build with it, and for which GPUs."""

from __future__ import annotations

from gpudoctor.facts.cuda import Cuda, Selection, Tool, Toolkit
from gpudoctor.facts.environment import Environment
from gpudoctor.facts.frameworks import Frameworks, Interpreter
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.findings import MACHINE, CannotLook, DoesNotApply, Evidence, Severity, Subject
from gpudoctor.rules.judging import Device, devices, gpu_ruled_out, need

#: By which word a compiler is called, in the order in which one is chosen.
CALLERS = (
    "PATH",
    "CUDACXX",
    "CMAKE_CUDA_COMPILER",
    "CUDA_HOME",
    "CUDA_PATH",
    "CUDAToolkit_ROOT",
    "/usr/local/cuda",
)
#: Variables by which people choose a toolkit on purpose.
VARIABLES = ("CUDA_HOME", "CUDA_PATH", "CUDA_ROOT", "CUDAToolkit_ROOT", "CUDACXX", "CMAKE_CUDA_COMPILER")
#: Packages that compile CUDA code with nvcc where they are installed: when they are set up, or at run time.
BUILDERS = frozenset({"deepspeed", "flashinfer-python", "pycuda", "apex", "ninja", "megatron-core"})
TENSORFLOW = frozenset({"tensorflow", "tensorflow-gpu", "tf-nightly"})
#: Packages of builds whose compiler (XLA) looks for libdevice itself.
XLA = TENSORFLOW | {"jaxlib", "jax-cuda11-plugin", "jax-cuda12-plugin", "jax-cuda13-plugin"}


def toolkit_subject(toolkit: Toolkit) -> Subject:
    release = value_of(toolkit.release, "")
    return Subject(
        "toolkit", toolkit.real_prefix, f"CUDA {release} in {toolkit.prefix}".replace("  ", " "), MACHINE
    )


def selection(cuda: Cuda, selector: str) -> Selection | None:
    return next((s for s in need(cuda.selections, "toolkit selectors") if s.selector == selector), None)


def toolkit_of(cuda: Cuda, chosen: Selection | None) -> Toolkit | None:
    """The toolkit that a selection ends in; None when it ends nowhere we know."""
    if chosen is None or not isinstance(chosen.prefix, Known):
        return None
    prefix = chosen.prefix.value
    return next(
        (t for t in need(cuda.toolkits, "CUDA toolkits") if prefix in (t.real_prefix, t.prefix)), None
    )


def running(cuda: Cuda) -> tuple[Selection, Toolkit]:
    """The toolkit whose nvcc a plain call, or else a build by its variables, would run. Raises DoesNotApply."""
    need(cuda.toolkits, "CUDA toolkits")
    for caller in CALLERS:
        chosen = selection(cuda, caller)
        toolkit = toolkit_of(cuda, chosen)
        if chosen is not None and toolkit is not None and tool(toolkit, "nvcc") is not None:
            return chosen, toolkit
    raise DoesNotApply("no nvcc is selected")


def selected(cuda: Cuda) -> list[tuple[Selection, Toolkit]]:
    """Every toolkit with an nvcc that some selector takes, once, with the first that takes it. Raises DoesNotApply."""
    found: dict[str, tuple[Selection, Toolkit]] = {}
    for caller in (*CALLERS, "torch", "CMake"):
        chosen = selection(cuda, caller)
        toolkit = toolkit_of(cuda, chosen)
        if chosen is not None and toolkit is not None and tool(toolkit, "nvcc") is not None:
            found.setdefault(toolkit.real_prefix, (chosen, toolkit))
    if not found:
        raise DoesNotApply("no nvcc is selected")
    return list(found.values())


def tool(toolkit: Toolkit, name: str) -> Tool | None:
    return next((t for t in toolkit.tools if t.name == name), None)


def chose(chosen: Selection) -> Evidence:
    """Evidence of who takes which toolkit, with every hop."""
    ends = chosen.prefix.value if isinstance(chosen.prefix, Known) else "nowhere"
    return Evidence(f"toolkit by {chosen.selector}", f"{chosen.value} ({ends})", "; ".join(chosen.through))


def interpreters(frameworks: Frameworks) -> tuple[Interpreter, ...]:
    return value_of(frameworks.interpreters, ())


def builders(frameworks: Frameworks) -> tuple[str, ...]:
    """Installed packages that compile CUDA code with nvcc."""
    found = {p.name for i in interpreters(frameworks) for p in value_of(i.packages, ()) if p.name in BUILDERS}
    return tuple(sorted(found))


def who_builds(cuda: Cuda, frameworks: Frameworks) -> tuple[str, ...]:
    """Signs that somebody compiles CUDA code here: a package that does, or a variable that chooses a compiler."""
    variables = [s.selector for s in value_of(cuda.selections, ()) if s.selector in VARIABLES]
    return (*builders(frameworks), *(f"{name} is set" for name in variables))


def severity(cuda: Cuda, frameworks: Frameworks, building: Severity, else_: Severity) -> Severity:
    return building if who_builds(cuda, frameworks) else else_


def takes_ptxas_from_path(frameworks: Frameworks) -> bool:
    """TensorFlow's XLA runs ptxas and prefers the one on PATH; of JAX's wheels that is not known."""
    return any(
        b.framework in TENSORFLOW and isinstance(b.cuda, Known)
        for i in interpreters(frameworks)
        for b in i.builds
    )


def gpus(gpu: Gpu) -> tuple[Device, ...]:
    """The GPUs that a driver describes. No GPU: DoesNotApply; a GPU that nobody describes: CannotLook."""
    found = devices(gpu)
    if found:
        return found
    if gpu_ruled_out(gpu):
        raise DoesNotApply("no NVIDIA GPU")
    raise CannotLook("the GPU's compute capability: no driver library answered")


def set_by(environment: Environment, name: str) -> str:
    """The start-up file and line that set a variable, or ""."""
    for variable in value_of(environment.variables, ()):
        if variable.name == name:
            return value_of(variable.set_by, "")
    return ""


def where_to_edit(environment: Environment, name: str) -> str:
    place = set_by(environment, name)
    return f" (it is set in {place})" if place else ""


def numbers_in(capability: str) -> tuple[int, int]:
    from gpudoctor.versions import capability as parse

    return parse(capability)


def knows(sm: tuple[str, ...], capability: str) -> bool | None:
    """Whether a compiler with these targets can make code for the capability: True, False when it came later than
    the compiler, None when it is older than all the compiler still knows."""
    if capability in sm:
        return True
    plain = [numbers_in(c) for c in sm if not c[-1].isalpha()]
    return None if plain and numbers_in(capability.rstrip("af")) < min(plain) else False
