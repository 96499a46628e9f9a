"""`plan`: what is chosen for described machines, why nothing is, and the forms of the answer."""

from __future__ import annotations

import json

import jsonschema
import pytest

from gpudoctor.advice.commands import render
from gpudoctor.codec import schema
from gpudoctor.errors import GpudoctorError
from gpudoctor.report.plan import PlanReport
from gpudoctor.workflows.plan import exit_code, of_machine, plan
from tests.described import MACHINES
from tests.e2e.test_cli import gpudoctor
from tests.machines import healthy


@pytest.mark.parametrize("name", MACHINES)
def test_what_is_chosen(name: str) -> None:
    target, version, given, expected, left_out = MACHINES[name]
    found = plan(target, version, given)
    advice = found.advice
    assert advice is not None and exit_code(found) == 0
    got = (advice.version, advice.variant, advice.index, advice.cudnn, advice.python)
    assert (got, advice.left_out) == (expected, left_out)
    assert all(reason.via for reason in advice.reasons)
    assert advice.driver == ""


class TestRefusals:
    def test_impossible_says_why_and_what_it_needs(self) -> None:
        """Wheels of torch 2.15: CUDA 13.2 only, 7.5 and newer."""
        found = plan("torch", "2.15.0", {"gpu": "V100"})
        assert exit_code(found) == 1
        assert "gpu-too-old-for-toolkit" in {b.id for b in found.choices.because}
        assert any("sm_70" in need for need in found.choices.needs)

    def test_tensorflow_on_windows(self) -> None:
        found = plan("tensorflow", "", {"gpu": "RTX 4090", "os": "windows"})
        assert exit_code(found) == 1 and any("WSL2" in need for need in found.choices.needs)

    def test_where_no_table_tells_nothing_is_planned(self) -> None:
        """Nobody read the GPU code of torch 2.8's Windows wheels; that of 2.11's is in RELEASE.md."""
        found = plan("torch", "2.8.0", {"gpu": "RTX 4090", "os": "windows"})
        assert found.advice is None and exit_code(found) == 2
        newer = plan("torch", "", {"gpu": "RTX 4090", "os": "windows"}).advice
        assert newer is not None and newer.version.startswith("2.11.0")

    def test_a_gpu_whose_name_does_not_tell(self) -> None:
        assert exit_code(plan("torch", "", {"gpu": "GT 1030"})) == 2

    @pytest.mark.parametrize(("version", "gpu"), [("2.5.1+cu999", "T4"), ("2.5.9", "T4"), ("", "RTX 5096")])
    def test_bad_input_is_refused(self, version: str, gpu: str) -> None:
        with pytest.raises(GpudoctorError):
            plan("torch", version, {"gpu": gpu})


class TestMachines:
    def test_a_driver_that_is_too_old_has_to_be_newer(self) -> None:
        """H100 came with CUDA 11.8: branch 470 does not know it."""
        advice = plan("torch", "", {"gpu": "H100", "driver": "470.82.01", "python": "3.12"}).advice
        assert advice is not None and "580" in advice.driver

    def test_no_driver_is_planned_within_the_branches_of_the_gpu(self) -> None:
        advice = plan("torch", "", {"gpu": "V100"}).advice
        assert advice is not None
        assert advice.driver == "driver 525.60.13 or newer; no newer than branch 580"

    def test_runners_up_say_what_they_would_change(self) -> None:
        advice = plan("torch", "", {"gpu": "A100", "driver": "550.54.14", "python": "3.12"}).advice
        assert advice is not None and advice.runners_up
        assert any("driver 580 or newer" in other.changes for other in advice.runners_up)

    def test_this_machine(self) -> None:
        asked = of_machine(healthy.rtx3050_laptop())
        assert [c.capability for c in asked.cards] == ["8.6"]
        assert (asked.driver, asked.system) == ("550.163.01", "Linux")

    def test_a_machine_without_gpu(self) -> None:
        with pytest.raises(GpudoctorError, match="no NVIDIA GPU"):
            of_machine(healthy.no_gpu_server())

    def test_all_eight_gpus_are_served(self) -> None:
        assert len(of_machine(healthy.h100_node()).cards) == 8


class TestForms:
    def test_of_another_index(self) -> None:
        advice = plan("torch", "", {"gpu": "V100", "python": "3.11"}).advice
        assert advice is not None
        index = "https://download.pytorch.org/whl/cu126"
        assert (
            advice.commands[1] == f".venv/bin/python -m pip install torch==2.14.1+cu126 --index-url {index}"
        )
        assert render(advice, "requirements").splitlines()[1:] == [
            f"--extra-index-url {index}",
            "torch==2.14.1+cu126",
        ]
        assert f"uv pip install torch==2.14.1+cu126 --index-url {index}" in render(advice, "uv")

    def test_conda_is_yaml(self) -> None:
        import yaml

        advice = plan("jax", "", {"gpu": "V100", "python": "3.12"}).advice
        assert advice is not None
        found = yaml.safe_load(render(advice, "conda"))
        assert found["dependencies"] == [
            "python=3.12",
            "pip",
            {"pip": ["jax[cuda12]==0.12.0.1", "nvidia-cudnn-cu12<=9.10.2.21"]},
        ]

    def test_a_pin_is_quoted_for_the_shell(self) -> None:
        ran = gpudoctor("plan", "tensorflow", "--gpu", "GTX 1080", "--format", "commands")
        assert ran.returncode == 0
        assert "'tensorflow[and-cuda]==2.21.0' 'nvidia-cudnn-cu12<=9.10.2.21'" in ran.stdout

    def test_a_refusal_is_no_requirements_file(self) -> None:
        ran = gpudoctor("plan", "torch", "--version", "2.15.0", "--gpu", "V100", "--format", "requirements")
        assert (ran.returncode, ran.stdout) == (1, "") and "nothing fits" in ran.stderr

    @pytest.mark.parametrize(("gpu", "code"), [("RTX 5090", 0), ("GT 1030", 2)])
    def test_json_fits_its_schema(self, gpu: str, code: int) -> None:
        ran = gpudoctor("plan", "torch", "--gpu", gpu, "--format", "json")
        data = json.loads(ran.stdout)
        jsonschema.Draft202012Validator(schema(PlanReport, "urn:x", "x")).validate(data)
        assert ran.returncode == data["exit_code"] == code and (data["plan"] is None) == bool(code)
