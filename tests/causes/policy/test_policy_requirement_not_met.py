"""policy-requirement-not-met: what a job was promised, and what is there."""

from __future__ import annotations

import pytest

from gpudoctor.engine import judge
from gpudoctor.facts.frameworks import Build
from gpudoctor.facts.machine import Expectation, Machine, Requirement, Smoked
from gpudoctor.facts.observed import Absent, Known, Unknown, value_of
from gpudoctor.findings import Judgement
from gpudoctor.policy import Policy, apply
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import driver, frameworks, gpu


def wanting(machine: Machine, *requirements: tuple[str, str], **more: object) -> Machine:
    rows = tuple(Requirement(name, wanted) for name, wanted in requirements)
    return machine.replace(expectation=Expectation(policy="gpudoctor.toml", requirements=rows, **more))


MET = [
    ("driver", ">=550, <580"),
    ("driver", "==550"),
    ("cuda", ">=12.4"),
    ("gpus", "==8"),
    ("compute-capability", ">=9.0"),
    ("memory", ">=79 GiB"),
]
UNMET = [
    ("driver", ">=570", "550.163.01"),
    ("driver", "==535", "550.163.01"),
    ("cuda", ">=12.8", "12.4"),
    ("gpus", ">=9", "8"),
    ("compute-capability", ">=10.0", "9.0"),
    ("memory", ">=96 GiB", "80.0 GiB"),
    ("framework", "torch", "none"),
]


@pytest.mark.parametrize(("name", "wanted"), MET)
def test_a_node_that_has_it_is_well(name: str, wanted: str) -> None:
    assert causes(wanting(healthy.h100_node(), (name, wanted))) == set()


@pytest.mark.parametrize(("name", "wanted", "found"), UNMET)
def test_a_node_that_lacks_it_is_told_what_it_has(name: str, wanted: str, found: str) -> None:
    machine = wanting(healthy.h100_node(), (name, wanted))
    assert causes(machine) == {"policy-requirement-not-met"}
    assert {e.what: e.value for e in finding(machine, "policy-requirement-not-met").evidence}[
        "found"
    ] == found


def test_one_small_gpu_of_eight_fails_them_all() -> None:
    node = healthy.h100_node()
    nvml = value_of(node.gpu.nvml, None)
    assert nvml is not None
    small = nvml.devices[3].replace(memory_total=Known(40 << 30, "nvml"))
    mixed = nvml.replace(devices=(*nvml.devices[:3], small, *nvml.devices[4:]))
    machine = node.replace(gpu=node.gpu.replace(nvml=Known(mixed, "nvml")))
    assert causes(wanting(machine, ("memory", ">=64 GiB"))) == {"policy-requirement-not-met"}


def test_what_nobody_could_tell_is_not_met_and_not_unmet() -> None:
    node = healthy.h100_node()
    nvml = value_of(node.gpu.nvml, None)
    assert nvml is not None
    silent = nvml.devices[0].replace(memory_total=Unknown("GPU is lost"))
    machine = node.replace(gpu=node.gpu.replace(nvml=Known(nvml.replace(devices=(silent,)), "nvml")))
    judged = judge(wanting(machine, ("memory", ">=16 GiB")))
    assert "policy-requirement-not-met" in {s.id for s in judged.skipped}
    assert "policy-requirement-not-met" not in {f.id for f in judged.findings}


# ---------------------------------------------------------------- explained by another cause


def judged_by_policy(machine: Machine) -> Judgement:
    expectation = machine.expectation
    return apply(Policy("gpudoctor.toml", expectation.requirements), machine, judge(machine))


def roots(judgement: Judgement) -> set[str]:
    return {f.id for f in judgement.findings if f.caused_by is None}


def test_missing_gpus_are_explained_by_the_module_that_is_not_loaded() -> None:
    laptop = healthy.rtx3050_laptop()
    ill = laptop.replace(driver=driver.not_loaded(), gpu=gpu.not_loaded(laptop.gpu))
    assert roots(judged_by_policy(wanting(ill, ("gpus", ">=1")))) == {"kernel-module-not-loaded"}


def test_too_few_gpus_are_explained_by_nothing() -> None:
    node = wanting(healthy.h100_node(), ("gpus", ">=9"))
    assert roots(judged_by_policy(node)) == {"policy-requirement-not-met"}


# ---------------------------------------------------------------- frameworks


def with_torch(build: Build) -> Machine:
    return healthy.h100_node().replace(frameworks=frameworks.with_pythons(frameworks.python(build)))


def test_a_cuda_build_by_its_files_is_met() -> None:
    assert causes(wanting(with_torch(frameworks.torch()), ("framework", "torch>=2.5"))) == set()


def test_an_older_build_is_not() -> None:
    machine = wanting(with_torch(frameworks.torch()), ("framework", "torch>=99"))
    assert causes(machine) == {"policy-requirement-not-met"}


def test_a_cpu_build_is_explained_by_the_wheel() -> None:
    build = frameworks.torch().replace(version="2.5.1+cpu", variant="cpu", cuda=Absent("torch/version.py"))
    judged = judged_by_policy(wanting(with_torch(build), ("framework", "torch")))
    assert roots(judged) == {"cpu-only-wheel"}


@pytest.mark.parametrize(("verdict", "met"), [("pass", True), ("fail", False)])
def test_a_smoke_run_outranks_the_files(verdict: str, met: bool) -> None:
    machine = wanting(
        with_torch(frameworks.torch()),
        ("framework", "torch"),
        smoked=(Smoked("torch", verdict, "ran on the CPU"),),
    )
    assert ("policy-requirement-not-met" in causes(machine)) is not met


def test_an_unconfirmed_smoke_run_decides_nothing() -> None:
    machine = wanting(
        with_torch(frameworks.torch()), ("framework", "torch"), smoked=(Smoked("torch", "unconfirmed"),)
    )
    assert "policy-requirement-not-met" in {s.id for s in judge(machine).skipped}


@pytest.mark.parametrize(
    ("verdicts", "met"),
    [(("pass", "pass"), True), (("pass", "fail"), False), (("pass", "skipped"), None), ((), None)],
)
def test_a_smoke_run_is_met_when_everything_passed(verdicts: tuple[str, ...], met: bool | None) -> None:
    runs = tuple(Smoked("torch", verdict) for verdict in verdicts)
    judged = judge(wanting(with_torch(frameworks.torch()), ("smoke", "PASS"), smoked=runs))
    found = "policy-requirement-not-met"
    assert (found in {f.id for f in judged.findings}) is (met is False)
    assert (found in {s.id for s in judged.skipped}) is (met is None)
