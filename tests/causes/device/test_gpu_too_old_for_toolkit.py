"""gpu-too-old-for-toolkit: framework builds and toolkits that dropped a GPU."""

from __future__ import annotations

from gpudoctor.facts.cuda import Selection, Toolkit
from gpudoctor.facts.frameworks import Build, Cubin, Interpreter, Ptx, Targets
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown
from gpudoctor.findings import Finding
from tests.judged import judgement
from tests.machines import healthy
from tests.machines.parts import gpu, mixed

CU130 = ("7.5", "8.0", "8.6", "9.0", "10.0", "12.0")
CU126 = ("5.0", "6.0", "7.0", "7.5", "8.0", "8.6", "9.0")


def holds(*capabilities: str, ptx: tuple[str, ...] = ()) -> Observed[Targets]:
    cubins = tuple(map(Cubin, capabilities))
    return Known(Targets(cubins, tuple(Ptx(c) for c in ptx), "fatbin", "libtorch_cuda.so"), "fatbin")


def with_torch(machine: Machine, targets: Observed[Targets], version: str = "2.9.0") -> Machine:
    build = Build("torch", version, "/env/lib/site-packages/torch", "cu130", targets=targets)
    python = Interpreter("/env/bin/python", "/usr/bin/python3.11", "PATH", builds=(build,))
    return machine.replace(frameworks=machine.frameworks.replace(interpreters=Known((python,), "PATH")))


def with_toolkit(machine: Machine, release: str, selected: bool = True) -> Machine:
    toolkit = Toolkit("/usr/local/cuda", f"/usr/local/cuda-{release}", Known(release, "version.json"))
    choice = Selection("PATH", "/usr/local/cuda/bin/nvcc", Known(toolkit.real_prefix, "PATH"))
    cuda = machine.cuda.replace(
        toolkits=Known((toolkit,), "/usr/local"), selections=Known((choice,) if selected else (), "PATH")
    )
    return machine.replace(cuda=cuda)


def pascal() -> Machine:
    base = gpu.answering(1, "NVIDIA GeForce GTX 1080 Ti", "6.1", 0x1B06, 11 << 30, False)
    return healthy.rtx3050_laptop().replace(gpu=base)


def found(machine: Machine) -> list[Finding]:
    return [f for f in judgement(machine).findings if f.id == "gpu-too-old-for-toolkit"]


def test_a_build_that_dropped_pascal() -> None:
    (one,) = found(with_torch(pascal(), holds(*CU130, ptx=("12.0",))))
    assert one.severity == "failure" and one.subject.kind == "package"
    assert "6.1" in one.title and "torch 2.9.0" in one.title and "7.5 and newer" in one.title
    assert one.fix is not None and "whl/cu126" in one.fix.commands[0]


def test_the_build_that_still_has_it() -> None:
    assert found(with_torch(pascal(), holds(*CU126))) == []


def test_a_gpu_that_is_too_new_is_another_cause() -> None:
    assert found(with_torch(healthy.rtx5090_desktop(), holds(*CU126))) == []


def test_ptx_of_an_older_gpu_reaches_it() -> None:
    assert found(with_torch(pascal(), holds("7.5", ptx=("5.2",)))) == []


def test_in_a_mixed_machine_only_the_old_one_suffers() -> None:
    (one,) = found(with_torch(mixed.small_then_large(), holds(*CU130)))
    assert one.severity == "warning" and "1080 Ti" in one.title and "3090" not in one.title


def test_a_cpu_build_has_nothing_to_drop() -> None:
    assert found(with_torch(pascal(), Absent("version.py"))) == []


def test_code_that_could_not_be_read_is_not_passed() -> None:
    result = judgement(with_torch(pascal(), Unknown("libtorch_cuda.so: permission denied", "root")))
    assert "gpu-too-old-for-toolkit" not in result.passed
    assert any(s.id == "gpu-too-old-for-toolkit" and s.would_help == "root" for s in result.skipped)


def test_the_selected_toolkit_that_dropped_it() -> None:
    (one,) = found(with_toolkit(pascal(), "13.0"))
    assert one.subject.kind == "toolkit" and "CUDA 13.0" in one.title


def test_a_toolkit_that_still_compiles_for_it() -> None:
    assert found(with_toolkit(pascal(), "12.4")) == []


def test_a_toolkit_that_nobody_selects_does_no_harm() -> None:
    assert found(with_toolkit(pascal(), "13.0", selected=False)) == []


def test_a_toolkit_beyond_the_table_is_not_passed() -> None:
    assert "gpu-too-old-for-toolkit" not in judgement(with_toolkit(pascal(), "99.0")).passed
