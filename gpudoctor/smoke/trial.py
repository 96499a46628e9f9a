"""One framework on one device: the child's folder, what it is told, and the record that is made of it."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence

from gpudoctor.facts.record import Record
from gpudoctor.facts.smoke import Trial
from gpudoctor.smoke import child, phases, reading, verdict
from gpudoctor.smoke.target import FULL_NEEDS, QUICK_NEEDS, Target, narrow
from gpudoctor.smoke.watch import Samples

#: What a report keeps of a child's output (characters).
_OUTPUT = 12000


#: What NVML tells of the device that does not change.
_FIXED = ("sm_clock_max", "memory_clock_max", "bus_width", "link_generation_max", "link_width_max")


class Order(Record):
    """What is to be done. `full`, `burn` (seconds) and `allow_cpu` as the user said; `timeout` for a child in all, 0: ours."""

    framework: str
    version: str
    python: str
    target: Target
    full: bool = False
    burn: float = 0.0
    allow_cpu: bool = False
    timeout: float = 0.0
    tensorboard: str = ""


class Done(Record):
    """A child that has ended, not yet judged: the samples come when all have."""

    order: Order
    asked: tuple[str, ...]
    ended: child.Ended | None
    why: str = ""


def programs() -> Mapping[str, bytes]:
    """File name -> text of what runs in the interpreter under test; the package's own loader reads it, so a zipapp works."""
    import gpudoctor.smoke.programs as package

    place = next(iter(package.__path__))
    loader = package.__spec__.loader if package.__spec__ else None
    names = (
        "smoke_child",
        "smoke_torch",
        "smoke_torch_models",
        "smoke_torch_parts",
        "smoke_torch_rates",
        "smoke_ranks",
        "smoke_tensorflow",
        "smoke_jax",
        "smoke_xplane",
    )
    assert loader is not None and hasattr(loader, "get_data")
    return {f"{name}.py": loader.get_data(f"{place}/{name}.py") for name in names}


def refused(order: Order) -> str:
    """Why this device is left alone, or ""."""
    target = order.target
    needs = FULL_NEEDS if order.full and not target.tenants else QUICK_NEEDS
    if 0 <= target.free < needs:
        return (
            f"{target.free / 2**20:.0f} MiB of the GPU's memory are free, {needs / 2**20:.0f} MiB are needed; "
            "other programs are left alone"
        )
    return ""


def run(
    order: Order,
    env: Mapping[str, str],
    heard: Callable[[child.Event], None],
    stop: Callable[[], bool] = lambda: False,
) -> Done:
    """Raises GpudoctorError where the child can't be started or the temporary folder can't be made."""
    why = refused(order)
    asked = tuple(s.name for s in _steps(order))
    if why:
        return Done(order, asked, None, why)
    with tempfile.TemporaryDirectory(prefix="gpudoctor-smoke-", ignore_cleanup_errors=True) as folder:
        for name, text in programs().items():
            with open(f"{folder}/{name}", "wb") as file:
                file.write(text)
        os.mkdir(f"{folder}/tmp")
        argv = [order.python, "-u", f"{folder}/smoke_{order.framework}.py", json.dumps(config(order, asked))]
        total = order.timeout or (phases.TOTAL_FULL if order.full else phases.TOTAL_QUICK) + order.burn
        limits = child.Limits(lambda name: phases.deadline(order.framework, name, order.burn), total, stop)
        return Done(order, asked, child.run(argv, environment(order, env, folder), folder, limits, heard))


def _steps(order: Order) -> Sequence[phases.Step]:
    target = order.target
    # Who shares the device with others does the quick phases only.
    full = order.full and not target.tenants
    gpus = len(target.uuids) or (0 if target.cpu else 1)
    return phases.steps(order.framework, full, gpus, order.burn, bool(order.tensorboard))


def config(order: Order, asked: Sequence[str]) -> Mapping[str, object]:
    return {
        "phases": list(asked),
        "device": "cpu" if order.target.cpu else "gpu",
        "allow_cpu": order.allow_cpu,
        "full": order.full and not order.target.tenants,
        "burn": order.burn,
        "gpus": max(1, len(order.target.uuids)),
        "tensorboard": order.tensorboard,
    }


def environment(order: Order, env: Mapping[str, str], folder: str) -> Mapping[str, str]:
    """The user's, as their job has it, but for the device that is tried and for where files are put."""
    own = dict(env)
    own.update(
        PYTHONFAULTHANDLER="1",
        PYTHONDONTWRITEBYTECODE="1",
        PYTHONUNBUFFERED="1",
        TMPDIR=f"{folder}/tmp",
        # Repeated runs must agree; it has to be there before CUDA starts.
        CUBLAS_WORKSPACE_CONFIG=":4096:8",
        TF_FORCE_GPU_ALLOW_GROWTH="true",
        XLA_PYTHON_CLIENT_PREALLOCATE="false",
    )
    if own.get("PYTHONPATH"):  # as seen from where the user is, for the child works elsewhere
        own["PYTHONPATH"] = os.pathsep.join(os.path.abspath(p) for p in own["PYTHONPATH"].split(os.pathsep))
    if order.target.uuids:
        own["CUDA_VISIBLE_DEVICES"] = ",".join(order.target.uuids)
    elif order.target.uuid:
        own["CUDA_VISIBLE_DEVICES"] = order.target.uuid
    return own


def judged(done: Done, samples: Samples) -> Trial:
    order, target = done.order, done.order.target
    base = Trial(
        order.framework,
        order.version,
        order.python,
        target.uuid,
        target.label,
        "skipped",
        done.why,
        platform=target.platform,
    )
    if done.ended is None:
        return base
    found = reading.phases(done.ended, done.asked)
    first = target.uuids[0] if target.uuids else target.uuid
    said = verdict.device(done.ended.events)
    looks = samples.of(first or said.uuid)
    witnessed = verdict.Witnessed(
        done.ended,
        target.uuid,
        target.platform,
        [s for s in looks if done.ended.started <= s["t"] <= done.ended.ended + 1],
        samples.error,
        target.tenants,
    )
    witnesses = verdict.channels(witnessed)
    word, why = verdict.judge(found, witnesses, witnessed, order.allow_cpu)
    import_s, first_s, work_s = reading.times(done.ended, found)
    return base.replace(
        version=reading.version(done.ended.events) or order.version,
        verdict=word,
        why=why,
        gpu_proven=word == "pass",
        device=said.replace(
            **{name: int(looks[-1][name]) for name in _FIXED if looks and looks[-1].get(name)}
        ),
        phases=found,
        channels=witnesses,
        import_s=import_s,
        first_kernel_s=first_s,
        work_s=work_s,
        held=verdict.held(done.ended.events),
        output="\n".join(p for p in (done.ended.output[-_OUTPUT:], done.ended.stuck) if p),
        reasons=_reasons(witnessed, order),
    )


def _reasons(w: verdict.Witnessed, order: Order) -> tuple[str, ...]:
    """What may have slowed it down, before anybody calls it slow."""
    found = list(order.target.notes)
    throttle = dict.fromkeys(name for s in w.samples for name in s.get("throttle", ()))
    found += [f"throttled: {', '.join(throttle)}"] if throttle else []
    widths = [(s["link_width"], s["link_width_max"]) for s in w.samples if s.get("link_width_max")]
    if widths and max(w for w, _ in widths) < widths[0][1]:
        found.append(narrow(max(w for w, _ in widths), widths[0][1]))
    if w.tenants:
        found.append(f"other processes on the GPU: {', '.join(map(str, w.tenants))}")
        if order.full:
            found.append("only the quick phases were done: the GPU is shared")
    return tuple(dict.fromkeys(found))
