"""Weighing: what the child said, what was seen of it from outside, and what follows. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gpudoctor.facts.record import Record
from gpudoctor.facts.smoke import Channel, Device, Phase, Verdict
from gpudoctor.knowledge.evidence import offer
from gpudoctor.smoke.child import Ended, Event

#: A GPU at work draws at least so much more than before (ratio), and has used so much more in all (joules).
ENERGY_RATIO, ENERGY_LEAST = 1.2, 1.0
#: An event's time on the device may exceed the wall's by this (ratio, and seconds for the clock's granularity).
CLOCK_RATIO, CLOCK_SLACK = 1.05, 0.01
#: A used memory that rose by less than this share of what was held can't be ours, if nobody else is there.
MEMORY_SHARE = 0.5

IN_PROCESS = ("cuda-events", "kernel-records")
OUT_OF_BAND = ("memory", "energy", "utilisation")


class Witnessed(Record):
    """What there is to weigh. `asked`: UUID or "". `platform`: see data/evidence.json. `samples`: NVML's of this device, in
    order; `before`: other processes were on the device before we came; `no_samples`: why there are none."""

    ended: Ended
    asked: str
    platform: tuple[str, ...]
    samples: Sequence[Mapping[str, Any]]
    no_samples: str = ""
    tenants: tuple[int, ...] = ()


def device(events: Sequence[Event]) -> Device:
    said = next((e for e in events if e.get("event") == "device"), {})
    return Device(
        str(said.get("kind", "")),
        str(said.get("name", "")),
        str(said.get("uuid", "")),
        str(said.get("compute_capability", "")),
        int(said.get("multiprocessors", 0)),
        int(said.get("memory", 0)),
    )


def held(events: Sequence[Event]) -> int:
    return max((int(e.get("bytes", 0)) for e in events if e.get("event") == "hold"), default=0)


def channels(w: Witnessed) -> tuple[Channel, ...]:
    """Every witness, whether it was there or not."""
    found = device(w.ended.events)
    return (
        _placement(w, found),
        _events(w),
        _kernels(w),
        _files(w),
        _memory(w),
        _energy(w),
        _utilisation(w),
        _process(w),
    )


def judge(
    phases: Sequence[Phase], witnesses: Sequence[Channel], w: Witnessed, allow_cpu: bool
) -> tuple[Verdict, str]:
    """The verdict and its reason. PASS only where nothing failed, everything asked for was done, and placement, a proof from
    inside and one from outside agree."""
    if w.ended.state == "unkillable":
        return "unkillable", f"the process could not be ended in {w.ended.at}: {w.ended.over}"
    bad = next((p for p in phases if p.state in ("failed", "crashed", "hung")), None)
    if bad is not None:
        if bad.illness == "placement":
            return "fail", f"ran on the CPU, or would have: {bad.message}"
        return "fail", f"{bad.name}: {bad.message}"
    if w.ended.signal is not None or w.ended.code:
        return "fail", f"the process ended with {_how(w.ended)} although no phase had failed"
    done = [p for p in phases if p.state == "passed" and p.name != "import"]
    missing = [p.name for p in phases if p.state == "not-reached"]
    if missing:
        return "unconfirmed", f"not everything was done: {', '.join(missing)}"
    if not done:
        return "unconfirmed", "no phase was done"
    if device(w.ended.events).kind != "cuda":
        if allow_cpu:
            return "cpu", "everything passed on the CPU; this says nothing of a GPU"
        return "fail", "ran on the CPU"
    return _weigh(witnesses)


def _weigh(witnesses: Sequence[Channel]) -> tuple[Verdict, str]:
    against = [c for c in witnesses if c.state == "contradicts"]
    if against:
        return "fail", "the framework says that the GPU did it, but " + "; ".join(
            f"{c.name}: {c.value}" for c in against
        )
    by_name = {c.name: c for c in witnesses}
    if by_name["placement"].state != "proves":
        return "unconfirmed", f"placement is not known: {by_name['placement'].value}"
    inside = [n for n in IN_PROCESS if by_name[n].state == "proves"]
    outside = [n for n in OUT_OF_BAND if by_name[n].state == "proves"]
    if inside and outside:
        return "pass", f"placement, {', '.join(inside)} inside and {', '.join(outside)} outside agree"
    lacking = [] if inside else [f"no proof inside the process ({_said(by_name, IN_PROCESS)})"]
    lacking += [] if outside else [f"no proof from outside ({_said(by_name, OUT_OF_BAND)})"]
    return "unconfirmed", "; ".join(lacking)


def _said(by_name: Mapping[str, Channel], names: Sequence[str]) -> str:
    return ", ".join(f"{n}: {by_name[n].value}" for n in names)


def _how(ended: Ended) -> str:
    return f"signal {ended.signal}" if ended.signal is not None else f"status {ended.code}"


# ---------------------------------------------------------------- the witnesses


def _placement(w: Witnessed, found: Device) -> Channel:
    via = "the framework, and libcuda in its process"
    if found.kind != "cuda":
        said = (
            f"the work was done on {found.name or found.kind}"
            if found.kind
            else "the framework named no device"
        )
        return Channel("placement", "placement", "silent", said, via)
    where = f"{found.name} {found.uuid}".strip()
    if w.asked and found.uuid and not same_device(w.asked, found.uuid):
        return Channel("placement", "placement", "contradicts", f"on {where}, {w.asked} was asked for", via)
    if w.asked and not found.uuid:
        return Channel("placement", "placement", "silent", f"{where}: its UUID could not be read", via)
    return Channel("placement", "placement", "proves", where, via)


def same_device(one: str, other: str) -> bool:
    """UUIDs are the same where their digits are: older CUDA gives a MIG instance's with the prefix of a GPU."""
    return one.partition("-")[2].lower() == other.partition("-")[2].lower()


def _events(w: Witnessed) -> Channel:
    name, via = "cuda-events", "CUDA events around the phases"
    times = [e for e in w.ended.events if e.get("event") == "cuda-events"]
    if not times:
        return Channel(name, "in-process", "unavailable", "none was recorded", via)
    seconds = sum(float(e.get("seconds", 0)) for e in times)
    wall = sum(float(e.get("wall", 0)) for e in times)
    value = f"{seconds * 1e3:.2f} ms on the device in {wall * 1e3:.2f} ms"
    if seconds <= 0:
        return Channel(name, "in-process", "contradicts", f"{value}: no time passed there", via)
    if seconds > wall * CLOCK_RATIO + CLOCK_SLACK * len(times):
        return Channel(name, "in-process", "contradicts", f"{value}: longer than the wall's clock", via)
    return Channel(name, "in-process", "proves", value, via)


def _kernels(w: Witnessed) -> Channel:
    name, via = "kernel-records", "the framework's profiler (CUPTI)"
    told = [e for e in w.ended.events if e.get("event") == "kernels"]
    if not told:
        return Channel(name, "in-process", "unavailable", "no profile was taken", via)
    count = sum(int(e.get("count", 0)) for e in told)
    if count:
        names = ", ".join(str(n)[:60] for e in told for n in e.get("names", ())[:3])
        seconds = sum(float(e.get("seconds", 0)) for e in told)
        return Channel(name, "in-process", "proves", f"{count} kernels, {seconds * 1e3:.2f} ms: {names}", via)
    why = "; ".join(str(e.get("why", "")) for e in told if e.get("why")) or "the profile holds no kernel"
    return Channel(name, "in-process", "silent", why, via)


def _files(w: Witnessed) -> Channel:
    name, via = "device-files", "/proc/PID/fd of the child"
    if w.ended.nodes is None:
        return Channel(name, "placement", "unavailable", "the child's open files could not be read", via)
    if w.ended.nodes:
        return Channel(name, "placement", "proves", ", ".join(w.ended.nodes), via)
    certain = offer(w.platform, name).offered == "yes" and device(w.ended.events).kind == "cuda"
    return Channel(
        name,
        "placement",
        "contradicts" if certain else "silent",
        "the process had no GPU's device file open",
        via,
    )


def _begun(events: Sequence[Event], phase: str) -> float | None:
    return next(
        (float(e["t"]) for e in events if e.get("event") == "begin" and e.get("phase") == phase), None
    )


def _windows(w: Witnessed) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    """The looks before the device was touched, and those while its memory was held."""
    context = _begun(w.ended.events, "context")
    holding = next((float(e["t"]) for e in w.ended.events if e.get("event") == "hold"), None)
    end = _begun(w.ended.events, "exit") or w.ended.ended
    before = [s for s in w.samples if context is not None and s["t"] < context]
    during = [s for s in w.samples if holding is not None and holding <= s["t"] <= end]
    return before, during


def _unavailable(w: Witnessed, name: str, via: str) -> Channel | None:
    told = offer(w.platform, name)
    if told.offered == "no":
        return Channel(name, "out-of-band", "unavailable", told.why, told.source)
    if not w.samples:
        return Channel(name, "out-of-band", "unavailable", w.no_samples or "NVML knows no such device", via)
    before, during = _windows(w)
    if not before or not during:
        return Channel(name, "out-of-band", "unavailable", "no look fell before or into the work", via)
    return None


def _memory(w: Witnessed) -> Channel:
    name, via = "memory", "nvmlDeviceGetMemoryInfo"
    refused = _unavailable(w, name, via)
    if refused:
        return refused
    before, during = _windows(w)
    first = [s["used"] for s in before if "used" in s]
    most = [s["used"] for s in during if "used" in s]
    own = held(w.ended.events)
    if not first or not most or not own:
        return Channel(name, "out-of-band", "unavailable", "it was not answered", via)
    delta = max(most) - first[-1]
    value = f"{delta / 2**20:+.0f} MiB while {own / 2**20:.0f} MiB were held"
    after = [s["used"] for s in w.samples if s["t"] > w.ended.ended and "used" in s]
    if after:
        value += f", {(min(after) - max(most)) / 2**20:+.0f} MiB when the process had ended"
    if delta >= own:
        # Others may take as much at that moment; only what came and went with the process is its own.
        ours = not w.tenants or (after and max(most) - min(after) >= own)
        return Channel(name, "out-of-band", "proves" if ours else "silent", value + _shared(w), via)
    certain = offer(w.platform, name).offered == "yes" and not w.tenants and delta < own * MEMORY_SHARE
    return Channel(name, "out-of-band", "contradicts" if certain else "silent", value + _shared(w), via)


def _energy(w: Witnessed) -> Channel:
    name, via = "energy", "nvmlDeviceGetTotalEnergyConsumption"
    refused = _unavailable(w, name, via)
    if refused:
        return refused
    before, during = _windows(w)
    idle, busy = _drawn(before), _drawn(during)
    if idle is None or busy is None:
        return Channel(
            name, "out-of-band", "unavailable", "the counter was not answered, or moved too seldom", via
        )
    (idle_j, idle_s), (busy_j, busy_s) = idle, busy
    extra = busy_j - idle_j / idle_s * busy_s
    value = f"{idle_j / idle_s:.1f} W before, {busy_j / busy_s:.1f} W during, {extra:+.1f} J"
    more = busy_j / busy_s >= ENERGY_RATIO * idle_j / idle_s and extra >= ENERGY_LEAST
    proves = more and not w.tenants
    return Channel(name, "out-of-band", "proves" if proves else "silent", value + _shared(w), via)


def _drawn(samples: Sequence[Mapping[str, Any]]) -> tuple[float, float] | None:
    """Joules and seconds between the first and the last look that has the counter."""
    looks = [(s["t"], s["energy"]) for s in samples if "energy" in s]
    if len(looks) < 2 or looks[-1][0] <= looks[0][0] or looks[-1][1] == looks[0][1]:
        return None
    return (looks[-1][1] - looks[0][1]) / 1e3, looks[-1][0] - looks[0][0]


def _utilisation(w: Witnessed) -> Channel:
    name, via = "utilisation", "nvmlDeviceGetUtilizationRates"
    refused = _unavailable(w, name, via)
    if refused:
        return refused
    before, during = _windows(w)
    first = [s["utilisation"] for s in before if "utilisation" in s]
    most = [s["utilisation"] for s in during if "utilisation" in s]
    if not first or not most:
        return Channel(name, "out-of-band", "unavailable", "it was not answered", via)
    value = f"{max(first)} % before, up to {max(most)} % during"
    proves = max(first) == 0 < max(most) and not w.tenants
    return Channel(name, "out-of-band", "proves" if proves else "silent", value + _shared(w), via)


def _process(w: Witnessed) -> Channel:
    """A process that appears has a context; that it computed is for the others to say."""
    name, via = "process", "nvmlDeviceGetComputeRunningProcesses"
    refused = _unavailable(w, name, via)
    if refused:
        return refused
    before, during = _windows(w)
    known = {pid for s in before for pid in s.get("pids", ())}
    new = {pid for s in during for pid in s.get("pids", ())} - known
    if not any("pids" in s for s in during):
        return Channel(name, "out-of-band", "unavailable", "it was not answered", via)
    value = f"new: {', '.join(map(str, sorted(new)))}" if new else "no new process was listed"
    return Channel(name, "out-of-band", "proves" if new else "silent", value, via)


def _shared(w: Witnessed) -> str:
    return f"; other processes were there ({', '.join(map(str, w.tenants[:4]))})" if w.tenants else ""
