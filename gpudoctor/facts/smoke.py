"""What a smoke run saw: frameworks that trained in a child process, phase by phase, and what bears witness to the device."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from gpudoctor.facts.observed import UNASKED, Observed
from gpudoctor.facts.record import Record

#: *pass*: the GPU did it, and witnesses inside and outside of the process agree. *cpu*: all phases passed on the CPU, as
#: --allow-cpu permits; proves nothing of a GPU. *unconfirmed*: nothing failed, but too few witnesses.
Verdict = Literal["pass", "fail", "unconfirmed", "skipped", "unkillable", "cpu"]

#: *not-reached*: the process ended before.
PhaseState = Literal["passed", "failed", "skipped", "crashed", "hung", "not-reached"]

#: What was wrong with a phase that failed; empty where none of these was recognised.
Illness = Literal[
    "",
    "numerics",
    "convergence",
    "placement",
    "memory",
    "compiler",
    "shared-memory",
    "import",
    "slow",
]

ChannelKind = Literal["placement", "in-process", "out-of-band"]

#: *proves*: it saw the GPU at work. *silent*: it was there and saw nothing, which may have reasons. *contradicts*: it saw
#: that the GPU can't have done it. *unavailable*: this platform does not offer it, or it did not answer.
ChannelState = Literal["proves", "silent", "contradicts", "unavailable"]


class Phase(Record):
    """One phase. `seconds` from its beginning to its end or to the end of the process; `values`: what was measured (errors,
    losses, rates; units in the names); `curve`: losses by step; `signal`: what killed the process in it."""

    name: str
    state: PhaseState
    seconds: float = 0.0
    illness: Illness = ""
    message: str = ""
    values: Mapping[str, float] = {}
    curve: tuple[float, ...] = ()
    signal: int | None = None


class Channel(Record):
    """One witness. `name`: "placement", "cuda-events", "kernel-records", "device-files", "memory", "energy",
    "utilisation", "process". `value`: what it said, in words and numbers."""

    name: str
    kind: ChannelKind
    state: ChannelState
    value: str
    via: str = ""


class Device(Record):
    """The device as the framework in the child describes it. `kind` "cuda" or "cpu"; `uuid` "GPU-..." or "". Clocks in MHz,
    the memory bus in bits, memory in bytes, the PCIe link's lanes; 0: not told. Clocks, bus and link are NVML's; the link is the most that
    device and slot can do."""

    kind: str = ""
    name: str = ""
    uuid: str = ""
    compute_capability: str = ""
    multiprocessors: int = 0
    memory: int = 0
    sm_clock_max: int = 0
    memory_clock_max: int = 0
    bus_width: int = 0
    link_generation_max: int = 0
    link_width_max: int = 0


class Trial(Record):
    """One framework on one device. `asked`: the UUID that was asked for, "" for whichever the framework takes; `label` for
    people ("GPU 0, NVIDIA H100"). `why` explains the verdict. `gpu_proven` is true for "pass" alone. Times in seconds:
    `import_s` the framework's import, `first_kernel_s` from there to the first result on the device, `work_s` the phases.
    `held`: bytes that the child kept allocated on the device while it worked. `output`: the end of what it printed.
    `reasons`: what may explain slowness (throttle reasons, a narrow PCIe link, another tenant)."""

    framework: str
    version: str
    interpreter: str
    asked: str
    label: str
    verdict: Verdict
    why: str
    gpu_proven: bool = False
    device: Device = Device()
    phases: tuple[Phase, ...] = ()
    channels: tuple[Channel, ...] = ()
    import_s: float = 0.0
    first_kernel_s: float = 0.0
    work_s: float = 0.0
    held: int = 0
    output: str = ""
    reasons: tuple[str, ...] = ()
    platform: tuple[str, ...] = ()


class Run(Record):
    """`mode` "quick" or "full"; `burn` in seconds, 0 for none."""

    mode: str
    allow_cpu: bool
    burn: float
    trials: tuple[Trial, ...] = ()


class Smoke(Record):
    """Unknown unless `gpudoctor smoke` ran: `check` trains nothing."""

    run: Observed[Run] = UNASKED
