"""`image plan`: what is chosen for which GPU and driver, and that what is written would build and be taken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gpudoctor.codec import yaml_loads
from gpudoctor.errors import GpudoctorError
from gpudoctor.images import planned
from gpudoctor.images.planned import ImagePlan, write
from gpudoctor.workflows.image.lint import lint
from gpudoctor.workflows.image.plan import Request, Result, plan
from gpudoctor.workflows.image.target import LABEL, aim

ADA = {"gpu": ("RTX 4090",), "driver": "550.163.01"}


def made(target: str, version: str = "", **more: object) -> ImagePlan:
    given = more.pop("given", ADA)
    result = plan(Request(target, version, given, **more))  # type: ignore[arg-type]
    assert result.plan is not None and result.exit_code == 0, result
    return result.plan


def text(found: ImagePlan, name: str) -> str:
    return next(f.text for f in found.files if f.path == name)


MACHINES = [
    ("torch", "", ADA),
    ("torch", "2.5.1", {"gpu": ("V100",), "driver": "535.183.01", "python": "3.11"}),
    ("torch", "", {"gpu": ("RTX 5090",), "driver": "580.65.06"}),
    ("tensorflow", "", {"gpu": ("GTX 1080",), "driver": "550.163.01"}),
    ("tensorflow", "2.12.0", {"gpu": ("A100",), "driver": "535.183.01"}),
    ("jax", "", {"gpu": ("H100",), "driver": "550.163.01"}),
]


@pytest.mark.parametrize(("target", "version", "given"), MACHINES)
def test_what_is_planned_passes_our_own_rules_and_says_what_it_is_for(
    tmp_path: Path, target: str, version: str, given: dict[str, object]
) -> None:
    found = made(target, version, given=given)
    write(found, str(tmp_path / "out"))
    linted = lint([f"{tmp_path}/out/Dockerfile", f"{tmp_path}/out/compose.yaml"], own_only=True)
    assert linted.judgement.findings == () and linted.exit_code == 0
    dockerfile = (tmp_path / "out/Dockerfile").read_text()
    assert (
        "# syntax" not in dockerfile and "USER 1001:1001" in dockerfile and "--mount=type=cache" in dockerfile
    )
    aimed = aim({}, "", {LABEL: found.label})
    assert aimed is not None and aimed.target.driver == given["driver"] and LABEL in aimed.target.said_by
    assert [c.name for c in aimed.machines[0].gpu.nvml.value.devices] and len(aimed.target.gpus) == 1  # type: ignore[union-attr]


def test_a_wheel_with_cuda_stands_on_a_plain_python() -> None:
    found = made("torch", "2.6.0")
    assert found.base.image == "python:3.13-slim-bookworm" and found.requirements[0].startswith(
        "torch==2.6.0"
    )
    assert f"ARG BASE_IMAGE={found.base.image}\n" in text(found, "Dockerfile")
    assert any(r.what == "base" and "hub.docker.com" in r.via for r in found.reasons)


def test_a_wheel_without_cuda_stands_on_nvidias_image_with_that_cuda_cudnn_and_python() -> None:
    found = made("tensorflow", "2.12.0")
    assert found.base.image == "nvidia/cuda:11.8.0-cudnn8-runtime-ubuntu22.04"
    assert (found.cuda, found.python, found.base.packages) == ("11.8", "3.10", "python3 python3-venv")
    assert 'ARG SYSTEM_PACKAGES="python3 python3-venv"' in text(found, "Dockerfile")


def test_a_python_that_no_such_image_has_is_refused_with_one_that_it_has() -> None:
    with pytest.raises(GpudoctorError, match=r"Python 3\.11") as error:
        plan(Request("tensorflow", "2.12.0", {**ADA, "python": "3.11"}))
    assert "--python 3.10" in error.value.hint


def test_the_impossible_is_refused_and_the_nearest_named() -> None:
    result = plan(Request("torch", "1.13.1", {"gpu": ("RTX 5090",), "driver": "580.65.06"}))
    assert (result.plan, result.exit_code) == (None, 1)
    assert {b.id for b in result.found.choices.because} >= {"wheel-lacks-gpu-arch"}
    assert result.nearest.startswith("torch 2.")


def test_where_no_release_works_with_the_driver_the_plan_is_for_a_newer_one_and_says_so() -> None:
    found = made("torch", given={"gpu": ("RTX 5090",), "driver": "470.256.02"})
    assert "580 or newer" in found.driver
    assert '"driver":""' in found.label  # the image does not claim to run on the old one


def refused(base: str) -> Result:
    return plan(Request("torch", "", ADA, base=base))


def test_a_retired_base_is_named() -> None:
    result = refused("nvidia/cuda:12.4.1-cudnn8-runtime-ubuntu22.04")
    assert (result.plan, result.exit_code) == (None, 1)
    one = next(f for f in result.judgement.findings if f.severity == "failure")
    assert (
        one.id == "recipe-tag-unknown" and one.fix is not None and "12.4.1-cudnn-runtime" in one.fix.summary
    )


def test_a_digest_is_kept() -> None:
    digest = f"sha256:{'0f' * 32}"
    found = refused(f"my.registry/python@{digest}").plan
    assert found is not None and f"ARG BASE_IMAGE=my.registry/python@{digest}\n" in text(found, "Dockerfile")
    assert json.loads(text(found, "image.lock.json"))["base"]["digest"] == digest


@pytest.mark.parametrize("base", ["a b", "x@sha256:12", ""])
def test_what_is_no_image(base: str) -> None:
    if base:
        with pytest.raises(GpudoctorError, match="is no image"):
            refused(base)
    else:
        assert refused(base).plan is not None


def test_a_mirror_is_in_the_recipe(tmp_path: Path) -> None:
    profile = tmp_path / "mine.toml"
    profile.write_text(
        'pip = "https://mirror.example.com/simple"\ntorch = "https://mirror.example.com/torch/{variant}"\n'
    )
    found = made("torch", mirror=str(profile))
    dockerfile = text(found, "Dockerfile")
    assert "ARG PIP_INDEX_URL=https://mirror.example.com/simple\n" in dockerfile
    assert f"ARG PIP_EXTRA_INDEX_URL=https://mirror.example.com/torch/{found.variant}\n" in dockerfile
    assert "download.pytorch.org" not in dockerfile


def test_a_build_that_only_pytorchs_index_has_names_it() -> None:
    dockerfile = text(made("torch", "2.5.1+cu118"), "Dockerfile")
    assert "ARG PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cu118\n" in dockerfile
    assert 'ARG PIP_INDEX_URL=""\n' in dockerfile


def test_for_the_classic_builder_there_are_no_mounts() -> None:
    dockerfile = text(made("torch", classic=True), "Dockerfile")
    assert "--mount" not in dockerfile and "pip install" in dockerfile
    steps = [line for line in dockerfile.splitlines() if line.startswith("RUN")]
    assert all(len(step) > len("RUN ") for step in steps)


def test_compose_devcontainer_and_run_lines_ask_for_the_gpu() -> None:
    found = made("torch", name="my/train:1")
    service = yaml_loads(text(found, "compose.yaml"))["services"]["torch"]
    assert service["image"] == "my/train:1" and service["shm_size"] == "8g"
    device = service["deploy"]["resources"]["reservations"]["devices"][0]
    assert device == {"driver": "nvidia", "count": "all", "capabilities": ["gpu"]}
    devcontainer = json.loads(text(found, ".devcontainer/devcontainer.json"))
    assert devcontainer["hostRequirements"] == {"gpu": True} and "--gpus" in devcontainer["runArgs"]
    assert [line.command.split()[3] for line in found.run] == ["--gpus", "--device"]


def test_all_files_or_none(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    found = made("torch")
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "mine").write_text("")
    with pytest.raises(GpudoctorError, match="is there already"):
        write(found, str(tmp_path / "full"))

    def fails(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(planned.os, "rename", fails)
    with pytest.raises(GpudoctorError, match="No space left"):
        write(found, str(tmp_path / "new"))
    assert sorted(os.listdir(tmp_path)) == ["full"]


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    write(made("torch"), str(tmp_path / "out"))
    assert sorted(os.listdir(tmp_path / "out")) == [
        ".devcontainer", ".dockerignore", "Dockerfile", "compose.yaml", "image.lock.json",
    ]  # fmt: skip


def test_the_command_gives_a_dockerfile_or_words_on_the_other_channel() -> None:
    argv = [
        sys.executable,
        "-m",
        "gpudoctor",
        "image",
        "plan",
        "torch",
        "--gpu",
        "RTX 5090",
        "--format",
        "dockerfile",
    ]
    good = subprocess.run([*argv, "--driver", "580.65.06"], capture_output=True, text=True, timeout=60)
    assert good.returncode == 0 and good.stdout.startswith("# Planned by gpudoctor") and good.stderr == ""
    bad = subprocess.run(
        [*argv, "--driver", "580.65.06", "--version", "1.13.1"], capture_output=True, text=True, timeout=60
    )
    assert (bad.returncode, bad.stdout) == (1, "") and "nothing fits" in bad.stderr


def test_the_recipes_words_on_its_own_defaults_are_not_the_plans() -> None:
    """CUDA 13 wants driver 580, whatever the recipe's default build wants."""
    found = made("torch", given={"gpu": ("RTX 5090",), "driver": "580.65.06"})
    head = text(found, "Dockerfile").splitlines()[:2]
    assert head[1] == f"# PyTorch, with the CUDA libraries of its own wheels: CUDA {found.cuda}."
    assert "525.60.13" not in text(found, "Dockerfile")
