"""`image verify` as a whole: targets, exit codes, what is said to be left out, and what the command prints."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gpudoctor.errors import GpudoctorError
from gpudoctor.workflows.image.target import LABEL
from gpudoctor.workflows.image.verify import Request, Verified, verify
from tests.images import (
    NVIDIA_ENV,
    SITE,
    causes,
    debian,
    distribution,
    docker_archive,
    finding,
    healthy,
    judgement,
    venv,
)
from tests.sysroot import build

REQUIRE = {**NVIDIA_ENV, "NVIDIA_REQUIRE_CUDA": "cuda>=12.5"}


def verified(folder: Path, **more: object) -> Verified:
    return verify(Request(str(docker_archive(folder / "image.tar", healthy())), **more))  # type: ignore[arg-type]


def test_a_healthy_image_passes_and_says_what_nobody_asked(tmp_path: Path) -> None:
    found = verified(tmp_path)
    assert (found.exit_code, found.judgement.findings, found.judgement.skipped) == (0, (), ())
    left = {name for one in found.not_judged for name in one.causes}
    assert {"wheel-lacks-gpu-arch", "container-requirement-unsatisfied"} <= left
    assert not left & set(found.judgement.passed)


def test_a_target_is_judged_too(tmp_path: Path) -> None:
    found = verified(tmp_path, given={"gpu": ("RTX 4090",), "driver": "555.42.06"})
    assert found.exit_code == 0 and found.not_judged == () and found.target is not None
    assert {"wheel-lacks-gpu-arch", "driver-too-old-for-runtime"} <= set(found.judgement.passed)


@pytest.mark.parametrize(
    ("given", "cause"),
    [
        ({"gpu": ("RTX 5090",), "driver": "575.57.08"}, "wheel-lacks-gpu-arch"),  # e: PTX only
        ({"driver": "470.256.02"}, "driver-too-old-for-runtime"),
    ],
)
def test_what_does_not_fit_the_target(tmp_path: Path, given: dict[str, object], cause: str) -> None:
    assert cause in causes(tmp_path, healthy(), **given)
    assert cause not in causes(tmp_path, healthy(), gpu=("A100",), driver="570.86.10")


def test_a_requirement_that_the_driver_cant_meet_and_what_switches_it_off(tmp_path: Path) -> None:
    found = judgement(tmp_path, healthy(), REQUIRE, driver="535.183.01")
    fix = finding(found, "container-requirement-unsatisfied").fix
    assert fix is not None and "NVIDIA_DISABLE_REQUIRE=true" in fix.summary
    assert causes(tmp_path, healthy(), REQUIRE, driver="555.42.06") == set()


def test_a_branch_that_leaves_it_open_is_not_known(tmp_path: Path) -> None:
    """Within branch 525 some releases are too old for CUDA 12 (525.60.13) and others are not."""
    found = judgement(tmp_path, healthy(), driver="525")
    assert "driver-too-old-for-runtime" not in {f.id for f in found.findings}
    assert any(s.id == "driver-too-old-for-runtime" and "branch" in s.reason for s in found.skipped)


def test_the_images_own_label_is_the_target_unless_another_is_given(tmp_path: Path) -> None:
    labels = {LABEL: json.dumps({"gpus": ["RTX 5090"], "driver": "575.57.08"})}
    path = docker_archive(tmp_path / "i.tar", healthy(), labels=labels)
    found = verify(Request(str(path)))
    assert found.target is not None and LABEL in found.target.said_by
    assert "wheel-lacks-gpu-arch" in {f.id for f in found.judgement.findings}
    other = verify(Request(str(path), {"gpu": ("A100",)}))
    assert "wheel-lacks-gpu-arch" in other.judgement.passed


@pytest.mark.parametrize("label", ["{", "[]", '{"gpus": ["no such card"]}', '{"gpus": 7}'])
def test_a_label_that_is_not_ours_says_nothing(tmp_path: Path, label: str) -> None:
    path = docker_archive(tmp_path / "i.tar", healthy(), labels={LABEL: label})
    assert verify(Request(str(path))).target is None


def test_a_folder_has_no_configuration_to_judge(tmp_path: Path) -> None:
    files = {"/etc/os-release": "ID=x\n", "/usr/lib/x86_64-linux-gnu/libcuda.so.1": b""}
    found = verify(Request(build(tmp_path / "r", files)))
    assert {f.id for f in found.judgement.findings} == {"image-bakes-driver-libraries"}
    assert "image-runs-as-root" in {n.id for n in found.judgement.not_applicable}
    assert found.judgement.skipped == ()


@pytest.mark.parametrize(
    ("image", "more", "words"),
    [
        ("./gone.tar", {}, "there is no file"),
        ("gone.tar", {}, "there is no file"),
        ("/dev/null", {}, "no whole image"),
        (None, {"given": {"gpu": ("RTX 9999",)}}, "RTX 9999"),
        (None, {"given": {"driver": "570"}, "snapshot": "x.json"}, "name one of them"),
        (None, {"select": ("no-such-cause",)}, "no cause"),
    ],
)
def test_what_cant_be_done_says_why(
    tmp_path: Path, image: str | None, more: dict[str, object], words: str
) -> None:
    path = image or str(docker_archive(tmp_path / "i.tar", healthy()))
    with pytest.raises(GpudoctorError, match=words):
        verify(Request(path, **more))  # type: ignore[arg-type]


def test_a_daemon_that_is_down_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/none.sock")
    with pytest.raises(GpudoctorError, match="Docker's daemon does not answer") as error:
        verify(Request("made:1", engine="docker"))
    assert str(tmp_path) in error.value.context


def test_the_command_prints_json_with_the_image(tmp_path: Path) -> None:
    path = docker_archive(tmp_path / "i.tar", healthy(), {**NVIDIA_ENV, "SECRET_TOKEN": "hunter2"}, "")
    argv = [sys.executable, "-m", "gpudoctor", "image", "verify", str(path), "--format", "json", "--strict"]
    ran = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    report = json.loads(ran.stdout)
    assert (ran.returncode, report["exit_code"], report["command"]) == (1, 1, "image verify")
    assert [f["id"] for f in report["findings"]] == ["image-runs-as-root"]
    assert report["image"]["frameworks"][0]["framework"] == "tensorflow"
    assert len(report["image"]["layers"]) == 2 and "hunter2" not in ran.stdout


def test_no_fix_claims_that_a_program_could_make_it(tmp_path: Path) -> None:
    """`gpudoctor fix` mends a machine, here by pip; an image is mended in its Dockerfile."""
    info = f"{SITE}/tensorflow/python/platform/build_info.py"
    cpu = {info: "build_info = {'is_cuda_build': False, 'is_rocm_build': False}\n"}
    files = {**cpu, **distribution("tensorflow-cpu", "2.18.1")}
    found = verify(Request(str(docker_archive(tmp_path / "i.tar", (debian(), venv(), files))))).judgement
    fix = next(f.fix for f in found.findings if f.id == "cpu-only-wheel")
    assert fix is not None and fix.applicability == "manual" and "pip install" in fix.commands[-1]
