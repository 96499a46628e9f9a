"""What people get wrong, each by itself. Sources: as in tests/data/compat-questions.jsonl and the tables' heads."""

from __future__ import annotations

import pytest

from gpudoctor import knowledge
from gpudoctor.advice.answer import Answer
from gpudoctor.rules.page import page_of
from gpudoctor.rules.registry import find
from gpudoctor.workflows.compat import ask


def ids(answer: Answer) -> list[str]:
    return [because.id for because in answer.because]


def test_the_question_of_the_manual() -> None:
    answer = ask({"gpu": "RTX 5090", "driver": "570.86.10", "torch": "2.5.1+cu124", "python": "3.12"})
    assert (answer.compatible, ids(answer)) == (False, ["wheel-lacks-gpu-arch"])
    assert answer.recommend == "torch 2.7.1+cu128" and "sm_120" in answer.needs[0]


def test_rtx_3050_is_8_6_and_code_for_8_0_runs_on_it() -> None:
    assert ask({"gpu": "RTX 3050"}).understood[0].value.endswith("8.6")
    assert ask({"gpu": "RTX 3050", "tensorflow": "2.18.0"}).compatible is True  # it holds 8.0 and 8.9
    cause = find("wheel-lacks-gpu-arch")
    assert cause is not None and "code for 8.0 runs on" in page_of(cause).tell


def test_one_laptop_3050_is_an_ada() -> None:
    assert ask({"gpu": "NVIDIA GeForce RTX 3050 A Laptop GPU"}).understood[0].value.endswith("8.9")
    assert ask({"gpu": "NVIDIA GeForce RTX 3050 Laptop GPU"}).understood[0].value.endswith("8.6")


@pytest.mark.parametrize(("cc", "last"), [("3.5", "11.8"), ("5.0", "12.9"), ("6.1", "12.9"), ("7.0", "12.9")])
def test_which_toolkit_was_the_last(cc: str, last: str) -> None:
    assert ask({"toolkit": last, "cc": cc}).compatible is True
    after = ask({"toolkit": "12.0" if last == "11.8" else "13.0", "cc": cc})
    assert (after.compatible, ids(after)) == (False, ["gpu-too-old-for-toolkit"])
    assert after.recommend == f"CUDA {last}"


@pytest.mark.parametrize("gpu", ["GTX 970", "GTX 1080", "V100"])
def test_branches_from_590_drop_maxwell_to_volta(gpu: str) -> None:
    assert ask({"gpu": gpu, "driver": "580.95.05"}).compatible is True
    dropped = ask({"gpu": gpu, "driver": "590.48.01"})
    assert (dropped.compatible, ids(dropped)) == (False, ["driver-branch-dropped-gpu"])
    assert dropped.needs == ("driver branch 580 or older",)


def test_blackwell_needs_the_open_module() -> None:
    closed = ask({"gpu": "RTX 5090", "driver": "575.57.08", "needs": "proprietary kernel module"})
    assert (closed.compatible, ids(closed)) == (False, ["driver-open-module-required"])
    assert "the open kernel module for RTX 5090" in ask({"gpu": "RTX 5090", "driver": "575.57.08"}).needs


def test_gpus_of_two_flavours_do_not_share_a_machine() -> None:
    answer = ask({"gpu": ["V100", "RTX 5090"], "driver": "575.57.08"})
    assert answer.compatible is False and "V100" in answer.because[0].explanation


def test_tensorflow_2_18() -> None:
    row = knowledge.tensorflow_build("2.18.0")
    assert row is not None
    assert (row.cuda, row.cudnn, row.pythons[-1]) == ("12.5.1", "9.3", "3.12")
    assert (row.capabilities, row.ptx) == (("6.0", "7.0", "8.0", "8.9", "9.0"), ("9.0",))
    assert ask({"tensorflow": "2.18.0", "python": "3.13"}).compatible is False


def test_a_fresh_and_cuda_pulls_a_cudnn_without_volta() -> None:
    fresh = ask({"gpu": "V100", "install": "pip install 'tensorflow[and-cuda]==2.20.0'"})
    assert (fresh.compatible, ids(fresh)) == (False, ["cudnn-lacks-gpu-kernels"])
    assert fresh.recommend == "nvidia-cudnn-cu12==9.10.2.21"
    pinned = ask({"gpu": "V100", "install": "pip install 'tensorflow[and-cuda]==2.18.0'"})
    assert pinned.compatible is True
    named = ask({"gpu": "V100", "tensorflow": "2.20.0"})
    assert named.compatible is True and any("9.10.2.21" in need for need in named.needs)


@pytest.mark.parametrize(
    ("torch", "yes"),
    [("2.7.1", False), ("2.8.0", True), ("2.9.1", True), ("2.10.0", True), ("2.11.0", False)],
)
def test_v100_with_cu128(torch: str, yes: bool) -> None:
    assert ask({"gpu": "V100", "torch": torch, "cuda": "12.8"}).compatible is yes


def test_minor_version_compatibility_never_covers_ptx() -> None:
    answer = ask({"driver": "535.183.01", "cuda": "12.8"})
    assert answer.compatible is True and ids(answer) == ["ptx-newer-than-driver"]
    # TensorFlow 2.15 has PTX only for Hopper, of CUDA 12.2: a driver of 12.0 can't compile it
    hopper = ask({"gpu": "H100", "tensorflow": "2.15.0", "driver": "525.147.05"})
    assert hopper.compatible is False
    assert ask({"gpu": "H100", "tensorflow": "2.15.0", "driver": "535.183.01"}).compatible is True


def test_cuda_compat_is_for_datacenter_gpus() -> None:
    question = {"driver": "535.183.01", "cuda": "12.8", "cuda_compat": "cuda-compat-12-8"}
    assert ask({**question, "gpu": "A100"}).compatible is True
    geforce = ask({**question, "gpu": "RTX 4090"})
    assert (geforce.compatible, ids(geforce)) == (False, ["forward-compat-unsupported"])
    assert ask(question).compatible is None  # which GPU, nobody said


def test_tensorflow_on_native_windows_ends_at_2_10() -> None:
    assert ask({"os": "windows", "tensorflow": "2.10.1"}).compatible is True
    assert ids(ask({"os": "windows", "tensorflow": "2.11.0"})) == ["tf-gpu-on-windows-unsupported"]


def test_cuda_means_what_stands_beside_it() -> None:
    words = {e.what: e.value for e in ask({"torch": "2.5.1", "cuda": "12.1", "gpu": "A100"}).understood}
    assert words["torch"].startswith("torch 2.5.1+cu121")
    assert "libraries" in str(ask({"tensorflow": "2.18.0", "cuda": "12.5"}).understood)
    assert "toolkit" in {e.what for e in ask({"cuda": "12.4", "gcc": "13"}).understood}
    assert "toolkit" in {e.what for e in ask({"cuda": "12.4", "cc": "8.6", "task": "compile"}).understood}
    assert "runtime" in str(ask({"cuda": "12.4", "driver": "550.54.14"}).understood)
    assert ask({"cuda": "12.4", "toolkit": "11.8", "driver": "550.54.14", "gcc": "11"}).compatible is True


@pytest.mark.parametrize(
    "question",
    [
        {"gpu": "RTX 4090", "driver": "640.10"},
        {"gpu": "RTX 4090", "torch": "2.99.0"},
        {"gpu": "RTX 4090", "tensorflow": "2.40.0"},
        {"gpu": "RTX 4090", "jax": "0.99.0"},
        {"gpu": "RTX 4090", "cudnn": "9.99.0.1"},
        {"gpu": "RTX 4090", "toolkit": "13.9"},
    ],
)
def test_what_is_newer_than_the_tables_is_said_to_be_so(question: dict[str, str]) -> None:
    answer = ask(question)
    assert answer.compatible is None
    said = " ".join(because.explanation for because in answer.because)
    assert "newer than the tables" in said, said
