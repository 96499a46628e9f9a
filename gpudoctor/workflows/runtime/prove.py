"""The proof: the engine names the runtime, a throwaway container starts through it, and sees the GPU."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from gpudoctor.facts.containers import Engine
from gpudoctor.facts.observed import value_of
from gpudoctor.facts.record import Record
from gpudoctor.runtimes.result import Depth, ProofStep
from gpudoctor.system.port import Port
from gpudoctor.workflows.runtime import find

#: The program of the last step. The toolkit mounts it; an image has it only by accident.
SMI = "nvidia-smi -L"
#: The environment by which a container asks the toolkit for GPUs.
ASKING = {"NVIDIA_VISIBLE_DEVICES": "all", "NVIDIA_DRIVER_CAPABILITIES": "compute,utility"}
DEVICE = "nvidia.com/gpu=all"
#: After a SIGHUP the daemon takes a moment to read its file (seconds).
SETTLES = 10.0


class Asked(Record):
    """`runtime`: by its name; `cdi`: by CDI device instead. `default`: the runtime must be the default, and the container asks
    for none. `image`: one that the engine has; empty: made of this machine's files."""

    engine: str
    runtime: str = "nvidia"
    depth: Depth = "gpu"
    cdi: bool = False
    default: bool = False
    image: str = ""
    timeout: float = 60.0


class Ran(Record):
    """What came of a container: `code` is None where it did not start. `said`: its output, or the engine's words."""

    code: int | None
    said: str


def prove(port: Port, asked: Asked) -> tuple[ProofStep, ...]:
    """Steps up to the first that fails. Raises GpudoctorError where there is no such engine."""
    engine = find.the_engine(port, asked.engine)
    if asked.engine == "docker":
        from gpudoctor.workflows.runtime import prove_docker as one
    elif asked.engine == "podman":
        from gpudoctor.workflows.runtime import prove_podman as one  # type: ignore[no-redef]
    elif asked.engine == "containerd":
        from gpudoctor.workflows.runtime import prove_containerd as one  # type: ignore[no-redef]
    else:
        from gpudoctor.workflows.runtime import prove_crio as one  # type: ignore[no-redef]
    steps: list[ProofStep] = []
    for step in one.steps(port, engine, asked):
        steps.append(step)
        if step.ok is False:
            break
    return tuple(steps)


def verdict(steps: Sequence[ProofStep]) -> int:
    """0 proven, 1 disproved, 2 not known."""
    if any(step.ok is False for step in steps):
        return 1
    return 2 if not steps or any(step.ok is None for step in steps) else 0


def containers(port: Port, asked: Asked, run: Callable[[str], Ran], how: str) -> list[ProofStep]:
    """The steps that run containers, the same for every engine."""
    if asked.depth == "config":
        return []
    ran = run("exit 0")
    started = ProofStep(f"a throwaway container starts {how}", ran.code == 0, _told(ran))
    if ran.code != 0 or asked.depth == "container":
        return [started]
    ran = run(SMI)
    what = f"`{SMI}` in the container lists a GPU"
    if ran.code == 0 and "GPU 0:" in ran.said:
        return [started, ProofStep(what, True, ran.said.strip())]
    if no_gpu(port):
        return [started, ProofStep(what, None, "this machine has no NVIDIA GPU")]
    return [started, ProofStep(what, False, _told(ran))]


def _told(ran: Ran) -> str:
    if ran.code == 0:
        return ran.said.strip()
    said = " ".join(ran.said.split())[-600:] or "it said nothing"
    cause = named_cause(ran.said)
    status = f"exit status {ran.code}: " if ran.code is not None else ""
    return f"{status}{said}" + (f" (see `gpudoctor explain {cause}`)" if cause else "")


def named_cause(said: str) -> str:
    """What `diagnose` makes of an engine's words."""
    from gpudoctor.workflows.diagnose import diagnose_text

    try:
        found = diagnose_text(said).known
    except Exception:  # of help only: the words themselves are shown in any case
        return ""
    return found[0].id if found and found[0].id not in ("harmless", "not-gpu-environment") else ""


def no_gpu(port: Port) -> bool:
    """True only where the bus and the driver's libraries agree that there is none."""
    from gpudoctor.facts.observed import Known
    from gpudoctor.probes import gpu, host
    from gpudoctor.rules.judging import gpu_ruled_out

    facts = {name: ask(port) for name, ask in gpu.FIELDS.items() if name in ("pci", "nvml", "cuda")}
    from gpudoctor.facts.gpu import Gpu

    return gpu_ruled_out(Gpu(**facts), isinstance(host.FIELDS["wsl"](port), Known))


def until(question: Callable[[], bool], seconds: float = SETTLES) -> bool:
    deadline = time.monotonic() + seconds
    while not question():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def runtime_names(engine: Engine) -> tuple[str, ...]:
    return tuple(value_of(engine.runtimes, ()))
