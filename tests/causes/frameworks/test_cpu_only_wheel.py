"""cpu-only-wheel: a CPU build on a machine with an NVIDIA GPU. Composed from pytorch/pytorch#106565."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Unknown
from tests.judged import causes, finding, judgement
from tests.machines import healthy
from tests.machines.parts import frameworks


def with_cpu_torch() -> Machine:
    """torch 2.5.1+cpu on the laptop."""
    return healthy.rtx3050_laptop().replace(
        frameworks=frameworks.with_pythons(frameworks.python(frameworks.torch("2.5.1+cpu", "")))
    )


def test_a_cpu_wheel_beside_a_gpu_is_named_with_the_command_that_replaces_it() -> None:
    assert causes(with_cpu_torch()) == {"cpu-only-wheel"}
    found = finding(with_cpu_torch(), "cpu-only-wheel")
    assert found.severity == "failure" and "2.5.1+cpu" in found.title
    assert found.fix is not None
    assert found.fix.commands == (
        "/home/u/venv/bin/python -m pip install --force-reinstall torch==2.5.1 "
        "--index-url https://download.pytorch.org/whl/cu124",
    )


def test_conda_says_it_by_its_build_string() -> None:
    conda = frameworks.package("pytorch", "2.5.1", build="cpu_mkl_py311h1234_100", installer="conda")
    build = frameworks.torch("2.5.1", "").replace(variant="cpu")
    machine = healthy.rtx3050_laptop().replace(
        frameworks=frameworks.with_pythons(frameworks.python(build, conda, kind="conda"))
    )
    found = finding(machine, "cpu-only-wheel")
    assert any("cpu_mkl" in e.value for e in found.evidence)
    assert found.fix is not None and found.fix.commands[0].startswith("conda install -p /home/u/venv")


def test_tensorflow_is_spoken_of_in_its_own_words() -> None:
    absent = Absent("build_info.py: is_cuda_build is False")
    build = frameworks.tensorflow("2.18.1", variant="cpu", cuda=absent, cudnn=absent, targets=absent)
    machine = healthy.rtx3050_laptop().replace(frameworks=frameworks.with_pythons(frameworks.python(build)))
    found = finding(machine, "cpu-only-wheel")
    assert found.fix is not None
    assert found.fix.commands[-1].endswith("install 'tensorflow[and-cuda]'")
    assert "list_physical_devices" in found.explanation
    assert "torch" not in f"{found.title} {found.explanation} {found.fix.summary}".lower()
    torch = finding(with_cpu_torch(), "cpu-only-wheel")
    assert "torch.cuda.is_available()" in torch.explanation and "tf." not in torch.explanation


def test_the_same_wheel_without_a_gpu_is_right() -> None:
    server = healthy.no_gpu_server().replace(frameworks=with_cpu_torch().frameworks)
    assert causes(server) == set()
    assert "cpu-only-wheel" in {n.id for n in judgement(server).not_applicable}


def test_where_a_gpu_cannot_be_ruled_out_it_is_a_warning() -> None:
    gpu = healthy.no_gpu_server().gpu.replace(pci=Unknown("/sys is not mounted"))
    machine = healthy.no_gpu_server().replace(frameworks=with_cpu_torch().frameworks, gpu=gpu)
    assert finding(machine, "cpu-only-wheel").severity == "warning"


def test_a_build_that_does_not_say_is_not_passed() -> None:
    build = frameworks.torch().replace(variant="", cuda=Unknown("version.py is not readable"))
    machine = healthy.rtx3050_laptop().replace(frameworks=frameworks.with_pythons(frameworks.python(build)))
    result = judgement(machine)
    assert "cpu-only-wheel" not in result.passed and "cpu-only-wheel" in {s.id for s in result.skipped}


def test_the_cuda_build_is_well() -> None:
    machine = healthy.rtx3050_laptop().replace(frameworks=frameworks.with_torch())
    assert causes(machine) == set()
    assert "cpu-only-wheel" in judgement(machine).passed
