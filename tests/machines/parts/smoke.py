"""Smoke runs: what a healthy one says, and small changes that make it ill."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from gpudoctor.facts.smoke import Channel, Device, Illness, Phase, Run, Smoke, Trial
from tests.machines import healthy

UUID = "GPU-90000000-0000-4000-8000-000000000000"
PYTHON = "/opt/venv/bin/python"
H100 = Device("cuda", "NVIDIA H100 80GB HBM3", UUID, "9.0", 132, 80 << 30, 1980, 2619, 5120, 5, 16)
CPU = Device("cpu", "CPU, 8 threads")
QUICK = ("import", "context", "gemm-exact", "gemm-random", "mlp", "conv")
#: A healthy H100, at the shares that are usual (compute/accelerator of stas00/ml-engineering).
RATES = {"fp16_tflops": 790.0, "bf16_tflops": 790.0, "fp32_tflops": 50.0, "copy_gbs": 2400.0, "h2d_gbs": 53.0}


def witnesses(**states: str) -> tuple[Channel, ...]:
    """All prove, but for those named."""
    kinds = {"placement": "placement", "device-files": "placement", "cuda-events": "in-process"}
    names = ("placement", "cuda-events", "device-files", "memory", "energy", "utilisation")
    return tuple(
        Channel(n, kinds.get(n, "out-of-band"), states.get(n.replace("-", "_"), "proves"), "seen")  # type: ignore[arg-type]
        for n in names
    )


def passed() -> Trial:
    phases = tuple(
        Phase(name, "passed", 0.1, curve=(2.3, 1.0, 0.1) if name == "mlp" else ()) for name in QUICK
    )
    return Trial(
        "torch",
        "2.7.1+cu128",
        PYTHON,
        UUID,
        "GPU 0, NVIDIA H100 80GB HBM3",
        "pass",
        "all agree",
        True,
        H100,
        phases,
        witnesses(),
        platform=("linux",),
    )


def measured(number: int = 0, reasons: tuple[str, ...] = (), **rates: float) -> Trial:
    """A full run with its rates; `number` tells siblings apart."""
    uuid = f"{UUID[:-1]}{number}"
    base = passed()
    roofline = Phase("roofline", "passed", 1.0, values={**RATES, **rates})
    device = H100.replace(uuid=uuid)
    return base.replace(
        asked=uuid,
        label=f"GPU {number}, {H100.name}",
        device=device,
        phases=(*base.phases, roofline),
        reasons=reasons,
    )


def on_the_cpu() -> Trial:
    return passed().replace(
        asked="", label="CPU", verdict="cpu", gpu_proven=False, device=CPU, channels=witnesses()
    )


def failing(name: str, illness: Illness = "", message: str = "it went wrong") -> Trial:
    return _with(Phase(name, "failed", 0.2, illness, message), f"{name}: {message}")


def crashed(name: str, signal: int | None = 11) -> Trial:
    return _with(Phase(name, "crashed", 0.2, message="killed by SIGSEGV", signal=signal), f"{name}: killed")


def hung(name: str) -> Trial:
    return _with(Phase(name, "hung", 60.0, message=f"no end of {name} within 60 s"), f"{name}: hung")


def _with(bad: Phase, why: str) -> Trial:
    base = passed()
    at = QUICK.index(bad.name) if bad.name in QUICK else len(QUICK)
    left = tuple(Phase(name, "not-reached") for name in QUICK[at + 1 :]) if bad.state != "failed" else ()
    return base.replace(verdict="fail", why=why, gpu_proven=False, phases=(*base.phases[:at], bad, *left))


def machine(*trials: Trial, allow_cpu: bool = False) -> Machine:
    """A healthy server on which `gpudoctor smoke` saw these."""
    return healthy.h100_node().replace(
        smoke=Smoke(Known(Run("full", allow_cpu, 0.0, trials), "gpudoctor smoke"))
    )
