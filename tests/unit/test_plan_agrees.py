"""What `plan` recommends, asked of `compat` with the driver that it names: yes or not known, never no."""

from __future__ import annotations

import re
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from gpudoctor.advice.choose import driver_needed
from gpudoctor.knowledge.tables import table
from gpudoctor.versions import branch, numbers
from gpudoctor.workflows.compat import ask
from gpudoctor.workflows.image.plan import Request
from gpudoctor.workflows.image.plan import plan as image_plan
from gpudoctor.workflows.plan import plan

CAPABILITIES = sorted({c for row in table("architectures")["rows"] for c in row["capabilities"]}, key=numbers)
DRIVERS = [f"{row['branch']}.{m}" for row in table("driver")["branches"] for m in ("10", "163.01")]
DRIVERS += sorted({row["linux"] for row in table("driver")["toolkits"] if row["linux"]}, key=numbers)
BUILDS = [
    (target, version)
    for target in ("torch", "tensorflow", "jax")
    for version in dict.fromkeys(v for row in table(target)["builds"] for v in row["versions"])
    if re.fullmatch(r"\d+(\.\d+)+", version)
]


def named(words: str, had: str) -> str:
    """The oldest driver that the words allow: "driver 525.60.13 or newer; driver branch 570 or newer, with ..." is 570."""
    least = re.findall(r"driver (?:branch )?(\d[\d.]*) or newer", words)
    return max(least, key=numbers, default=had)


def asked_of(target: str, version: str, variant: str) -> dict[str, str]:
    if target == "torch":
        return {"torch": f"{version.partition('+')[0]}+{variant}" if variant else version}
    return {target: version} | ({"plugin": f"jax-{variant}-plugin"} if target == "jax" and variant else {})


def disagreement(target: str, version: str, cc: str, driver: str) -> str:
    """ "" where compat agrees with the plan, and with the image's."""
    machine: dict[str, Any] = {"cc": cc} | ({"driver": driver} if driver else {})
    found = plan(target, version, machine).choices
    for choice in (found.best, *found.runners_up):
        if choice is None:
            continue
        words, asked = driver_needed(choice), choice.asked
        least = named(words, driver)
        no_newer = re.search(r"no newer than branch (\d+)", words)
        if no_newer and least and branch(least) > int(no_newer[1]):
            return f"{words!r} is no driver"
        question = {
            "cc": cc,
            "python": asked.python,
            **asked_of(target, choice.wheel.version, choice.wheel.variant),
        }
        after = ask(question | ({"driver": least} if least else {}))
        if after.compatible is False:
            return f"{choice.wheel.label} with {words or driver!r}; compat: {after.because}"
    return ""


@example(("tensorflow", "2.15.1"), "9.0", "515.43.04")
@settings(deadline=None, max_examples=60)
@given(st.sampled_from(BUILDS), st.sampled_from(CAPABILITIES), st.sampled_from(["", *DRIVERS]))
def test_what_is_planned_is_never_refused_by_compat(build: tuple[str, str], cc: str, driver: str) -> None:
    assert disagreement(*build, cc, driver) == "", (build, cc, driver)


@pytest.mark.parametrize(
    ("version", "gpu", "driver", "least"),
    [
        ("2.15.1", "H100", "525.60.13", "driver branch 535 or newer"),
        ("2.15.1", "H100", "535.54.03", ""),
        ("2.15.1", "A100", "525.60.13", ""),
        ("2.18.0", "H100", "550.163.01", ""),  # its compute_90 stands for machine code too
        ("2.18.0", "H100", "515.43.04", "driver 525.60.13 or newer"),
    ],
)
def test_minor_version_compatibility_does_not_cover_what_only_ptx_serves(
    version: str, gpu: str, driver: str, least: str
) -> None:
    """TensorFlow 2.15 was built with CUDA 12.2 and holds PTX of compute_80 for an H100: ISA 8.2, branch 535."""
    given = {"gpu": gpu, "driver": driver}
    advice = plan("tensorflow", version, given).advice
    assert advice is not None and advice.driver == least
    answer = ask({**given, "tensorflow": version})
    assert answer.compatible is (not least)
    if "branch" in least:
        assert any(need.startswith(least) for need in answer.needs)
    image = image_plan(Request("tensorflow", version, {"gpu": (gpu,), "driver": driver}))
    said = image.plan.driver if image.plan is not None else repr(image)
    assert (said == "") if not least else (least in said)
