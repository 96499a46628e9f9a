"""driver-not-answering: a library that crashes, hangs or refuses, with no deeper cause in sight.

Composed: codes after NVIDIA's nvml.h and cuda.h; crash and hang as the probe words them."""

from __future__ import annotations

import pytest

from gpudoctor.facts.gpu import CudaDriver, Nvml
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known, Unknown
from tests.judged import causes, finding, folded, judgement
from tests.machines import healthy

ID = "driver-not-answering"


def saying(
    nvml: Nvml | None = None, cuda: CudaDriver | None = None, machine: Machine | None = None
) -> Machine:
    machine = machine or healthy.rtx3050_laptop()
    gpu = machine.gpu
    gpu = gpu.replace(nvml=Known(nvml, "NVML")) if nvml else gpu
    gpu = gpu.replace(cuda=Known(cuda, "libcuda")) if cuda else gpu
    return machine.replace(gpu=gpu)


def test_a_library_that_crashes_is_named_with_its_signal_and_call() -> None:
    machine = saying(Nvml("crashed", None, detail="killed by SIGSEGV in nvmlInit"))
    found = finding(machine, ID)
    assert "SIGSEGV in nvmlInit" in found.title and found.severity == "failure"


def test_a_hung_libcuda() -> None:
    machine = saying(cuda=CudaDriver("hung", None, detail="no answer within 15 s in cuInit"))
    assert "no answer within 15 s in cuInit" in finding(machine, ID).title


def test_an_unknown_error_of_both_is_one_finding_with_both_codes() -> None:
    machine = saying(Nvml("failed", 999, "Unknown Error"), CudaDriver("failed", 999, "CUDA_ERROR_UNKNOWN"))
    found = finding(machine, ID)
    assert "999" in found.title
    assert {e.what for e in found.evidence} >= {"nvmlInit", "cuInit"}


def test_a_broken_file_in_the_librarys_place() -> None:
    machine = saying(Nvml("failed", 12, "libnvidia-ml.so.1: file too short"))
    assert "file too short" in finding(machine, ID).title


def test_under_a_version_mismatch_it_is_only_a_consequence() -> None:
    machine = saying(Nvml("failed", 18, "Driver/library version mismatch"))
    assert folded(machine)[ID] == "driver-library-mismatch"


@pytest.mark.parametrize(
    ("nvml", "cuda"),
    [
        (Nvml("failed", 9, "Driver Not Loaded"), CudaDriver("failed", 100, "CUDA_ERROR_NO_DEVICE")),
        (
            Nvml("failed", 12, "NVML Shared Library Not Found"),
            CudaDriver("failed", 34, "CUDA_ERROR_STUB_LIBRARY"),
        ),
    ],
)
def test_ordinary_answers_have_causes_of_their_own(nvml: Nvml, cuda: CudaDriver) -> None:
    assert ID not in {f.id for f in judgement(saying(nvml, cuda)).findings}


@pytest.mark.parametrize("machine", healthy.ALL)
def test_a_driver_that_answers_is_well(machine: object) -> None:
    assert ID not in causes(machine())  # type: ignore[operator]


def test_a_library_that_was_not_asked_is_never_passed() -> None:
    machine = healthy.rtx3050_laptop()
    gpu = machine.gpu.replace(nvml=Unknown("GPU is asleep", "wake"), cuda=Unknown("GPU is asleep", "wake"))
    said = judgement(machine.replace(gpu=gpu))
    assert ID not in said.passed and "wake" in {s.would_help for s in said.skipped if s.id == ID}


def test_no_library_at_all_is_another_illness() -> None:
    machine = healthy.rtx3050_laptop()
    gone = machine.gpu.replace(nvml=Absent("loader"), cuda=Absent("loader"))
    assert ID in {n.id for n in judgement(machine.replace(gpu=gone)).not_applicable}
