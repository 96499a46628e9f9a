"""PASS only where placement, a proof from inside and one from outside agree; every witness's word by itself."""

from __future__ import annotations

from typing import Any

import pytest

from gpudoctor.facts.smoke import Phase
from gpudoctor.smoke.child import Ended
from gpudoctor.smoke.verdict import Witnessed, channels, judge

UUID = "GPU-30503050-0000-4000-8000-000000000000"
HELD = 256 << 20
NODES = ("/dev/nvidia-uvm", "/dev/nvidia0", "/dev/nvidiactl")


def events(*more: dict[str, Any], uuid: str = UUID, kind: str = "cuda") -> tuple[dict[str, Any], ...]:
    """A child that began at 100 s, touched the device at 102 s, held memory from 103 s to 105 s."""
    return (
        {"event": "begin", "phase": "import", "t": 100.1},
        {"event": "begin", "phase": "context", "t": 102.0},
        {"event": "device", "kind": kind, "name": "a GPU", "uuid": uuid, "t": 102.9},
        {"event": "hold", "bytes": HELD, "t": 103.0},
        *more,
        {"event": "begin", "phase": "exit", "t": 105.0},
    )


TIMED = {"event": "cuda-events", "seconds": 0.4, "wall": 0.5, "t": 104.0}
KERNELS = {"event": "kernels", "count": 12, "seconds": 0.1, "names": ["sgemm"], "t": 104.0}


def looks(**during: Any) -> list[dict[str, Any]]:
    """NVML's looks each half second: 20 W, idle, 6 MiB used; then what is given (watts, MiB, per cent)."""
    found, energy = [], 0.0
    for number in range(11):
        t = 100.0 + number / 2
        busy = t >= 103.0
        energy += (during.get("watts", 60) if busy else 20) * 500
        used = during.get("mib", 600) if busy else 6
        rate = during.get("rate", 90) if busy else during.get("before", 0)
        found.append(
            {"t": t, "used": used << 20, "energy": energy, "utilisation": rate, "pids": [7] if busy else []}
        )
    return found


def ended(*more: dict[str, Any], **changes: Any) -> Ended:
    base = Ended("ended", "exit", events(*more), 0, None, "", "", NODES, "", 100.0, 105.1, 0)
    return base.replace(**changes)


def weighed(
    *more: dict[str, Any], samples: list[dict[str, Any]] | None = None, **changes: Any
) -> tuple[str, dict[str, str], str]:
    own = {k: changes.pop(k) for k in ("platform", "tenants", "asked") if k in changes}
    w = Witnessed(
        ended(*(more or (TIMED,)), **changes),
        own.get("asked", UUID),
        own.get("platform", ("linux",)),
        looks() if samples is None else samples,
        "NVML was not asked",
        own.get("tenants", ()),
    )
    found = channels(w)
    phases = [Phase("import", "passed"), Phase("context", "passed"), Phase("mlp", "passed")]
    word, why = judge(phases, found, w, allow_cpu=False)
    return word, {c.name: c.state for c in found}, why


def test_all_agree() -> None:
    word, states, _ = weighed()
    assert word == "pass"
    assert states == {
        "placement": "proves",
        "cuda-events": "proves",
        "kernel-records": "unavailable",
        "device-files": "proves",
        "memory": "proves",
        "energy": "proves",
        "utilisation": "proves",
        "process": "proves",
    }


def test_kernel_records_do_in_the_place_of_events() -> None:
    assert weighed(KERNELS)[0] == "pass"


def test_no_proof_inside_is_no_pass() -> None:
    empty = {"event": "kernels", "count": 0, "why": "CUPTI is in use", "t": 104.0}
    word, states, why = weighed(empty)
    assert (word, states["kernel-records"]) == ("unconfirmed", "silent") and "CUPTI is in use" in why


def test_no_proof_outside_is_no_pass() -> None:
    word, states, why = weighed(samples=[])
    assert word == "unconfirmed" and states["memory"] == "unavailable" and "NVML was not asked" in why


@pytest.mark.parametrize(
    ("during", "left"),
    [
        ({"mib": 6, "rate": 0}, None),
        ({"watts": 20, "rate": 0}, {"memory"}),
        ({"watts": 20, "mib": 600, "rate": 0}, {"memory"}),
    ],
)
def test_memory_alone_suffices_and_unmoved_memory_contradicts(
    during: dict[str, int], left: set[str] | None
) -> None:
    word, states, _ = weighed(samples=looks(**during))
    if left is None:
        assert (word, states["memory"]) == ("fail", "contradicts")
    else:
        assert (
            word == "pass"
            and {n for n in ("memory", "energy", "utilisation") if states[n] == "proves"} == left
        )


def test_memory_must_rise_by_all_that_is_held() -> None:
    samples = [{"t": s["t"], "used": s["used"]} for s in looks(mib=200)]
    word, states, _ = weighed(samples=samples)
    assert (word, states["memory"]) == ("unconfirmed", "silent")


def test_no_open_device_file_contradicts_every_claim() -> None:
    word, states, why = weighed(nodes=())
    assert (word, states["device-files"]) == ("fail", "contradicts") and "no GPU's device file" in why
    assert weighed(nodes=None)[0] == "pass"  # what could not be looked at contradicts nothing


def test_another_gpu_than_the_one_asked_for() -> None:
    assert weighed(asked="GPU-99999999-0000-4000-8000-000000000000")[0] == "fail"


def test_a_gpu_that_does_not_tell_its_uuid() -> None:
    assert weighed(events=events(TIMED, uuid=""))[0] == "unconfirmed"


def test_times_that_cannot_be() -> None:
    assert weighed({**TIMED, "seconds": 0.0})[0] == "fail"
    assert weighed({**TIMED, "seconds": 5.0})[0] == "fail"


def test_on_a_shared_gpu_energy_and_utilisation_prove_nothing() -> None:
    word, states, _ = weighed(tenants=(42,))
    assert (states["energy"], states["utilisation"]) == ("silent", "silent")
    word, states, _ = weighed(samples=looks(mib=6), tenants=(42,))
    assert (word, states["memory"]) == ("unconfirmed", "silent")


@pytest.mark.parametrize(("mib", "verdict"), [(None, "unconfirmed"), (600, "unconfirmed"), (6, "pass")])
def test_on_a_shared_gpu_memory_proves_if_it_goes_with_the_process(mib: int | None, verdict: str) -> None:
    """It rose by what was held: that may have been the neighbour's, unless it is free again when the process has ended."""
    after = [] if mib is None else [{"t": 105.3, "used": mib << 20}]
    word, states, _ = weighed(samples=looks() + after, tenants=(42,))
    assert (word, states["memory"]) == (verdict, "proves" if verdict == "pass" else "silent")


@pytest.mark.parametrize(
    ("platform", "gone"),
    [
        (("wsl2",), {"utilisation", "process"}),
        (("linux", "mig"), {"utilisation", "energy"}),
        (("linux", "container"), {"process"}),
        (("linux", "before-volta"), {"energy"}),
        (("tegra",), {"memory"}),
    ],
)
def test_what_a_platform_does_not_offer_is_not_counted(platform: tuple[str, ...], gone: set[str]) -> None:
    word, states, _ = weighed(platform=platform)
    outside = ("memory", "energy", "utilisation", "process")
    assert word == "pass" and {n for n in outside if states[n] == "unavailable"} == gone


def test_work_on_the_cpu_fails_and_is_only_labelled_where_it_is_permitted() -> None:
    word, _, why = weighed(events=events(TIMED, kind="cpu", uuid=""))
    assert (word, why) == ("fail", "ran on the CPU")


def test_an_end_with_a_status_is_no_pass() -> None:
    assert weighed(code=3)[0] == "fail"
    assert weighed(code=None, signal=11)[0] == "fail"


def test_what_was_not_reached_is_no_pass() -> None:
    w = Witnessed(ended(TIMED), UUID, ("linux",), looks())
    phases = [Phase("import", "passed"), Phase("context", "passed"), Phase("conv", "not-reached")]
    assert judge(phases, channels(w), w, False)[0] == "unconfirmed"
    assert judge(phases[:1], channels(w), w, True)[0] == "unconfirmed"


def test_an_unkillable_process_is_a_word_of_its_own() -> None:
    w = Witnessed(
        ended(TIMED, state="unkillable", over="no end of conv within 90 s"), UUID, ("linux",), looks()
    )
    assert judge([], channels(w), w, False)[0] == "unkillable"
