"""container-requirement-unsatisfied: an image that demands a newer CUDA than the driver implements."""

from __future__ import annotations

from gpudoctor.facts.observed import Absent, Known
from tests.judged import causes, finding, judgement
from tests.machines.parts import containers, gpu


def demanding(text: str) -> dict[str, object]:
    return {
        "require_cuda": Known(text, containers.ENVIRON),
        "requirements": Known({"NVIDIA_REQUIRE_CUDA": text}, containers.ENVIRON),
    }


def test_an_image_of_the_next_major_version_cannot_work() -> None:
    machine = containers.gpu_container(**demanding("cuda>=13.0 brand=tesla,driver>=535"))
    assert "container-requirement-unsatisfied" in causes(machine)
    found = finding(machine, "container-requirement-unsatisfied")
    assert found.severity == "failure" and "13.0" in found.title and "12.4" in found.title


def test_an_image_of_the_same_major_version_is_a_warning() -> None:
    machine = containers.gpu_container(**demanding("cuda>=12.8 brand=tesla,driver>=535,driver<536"))
    assert causes(machine) == {"container-requirement-unsatisfied"}
    assert finding(machine, "container-requirement-unsatisfied").severity == "warning"


def test_an_alternative_that_holds_is_enough() -> None:
    machine = containers.gpu_container(**demanding("cuda>=12.8 brand=geforce,driver>=550,driver<551"))
    assert causes(machine) == set()


def test_of_two_variables_both_must_hold() -> None:
    both = Known(
        {"NVIDIA_REQUIRE_CUDA": "cuda>=12.0", "NVIDIA_REQUIRE_DRIVER": "driver>=570"}, containers.ENVIRON
    )
    assert causes(containers.gpu_container(requirements=both)) == {"container-requirement-unsatisfied"}


def test_an_old_image_demands_its_cuda_version() -> None:
    old = {"require_cuda": Absent(containers.ENVIRON), "requirements": Known({}, containers.ENVIRON)}
    newer = containers.gpu_container(**old, cuda_version=Known("12.8.0", containers.ENVIRON))
    assert causes(newer) == {"container-requirement-unsatisfied"}
    assert causes(containers.gpu_container(**old)) == set()


def test_words_that_nobody_understands_are_no_verdict() -> None:
    result = judgement(containers.gpu_container(**demanding("chip=gb200")))
    assert "container-requirement-unsatisfied" in {s.id for s in result.skipped}
    assert "container-requirement-unsatisfied" not in {f.id for f in result.findings}


def test_the_driver_that_the_image_wants_is_well() -> None:
    machine = containers.gpu_container(**demanding("cuda>=12.8"))
    assert causes(machine.replace(gpu=gpu.rtx3050_laptop(cuda="12.8"))) == set()


def test_without_a_driver_there_is_nothing_to_compare_with() -> None:
    machine = containers.bare_container(**demanding("cuda>=13.0"))
    assert causes(machine) == {"container-no-gpu-flag"}
    skipped = {s.id for s in judgement(machine).skipped}
    assert "container-requirement-unsatisfied" not in skipped


def test_a_demand_known_by_its_one_variable_alone() -> None:
    one = {"require_cuda": Known("cuda>=13.0", containers.ENVIRON), "requirements": Absent("text")}
    assert "container-requirement-unsatisfied" in causes(containers.gpu_container(**one))
