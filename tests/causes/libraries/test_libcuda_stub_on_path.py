"""libcuda-stub-on-path: the toolkit's stubs folder is on the loader's path."""

from __future__ import annotations

from gpudoctor.facts.libraries import Library, LoaderDir
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding, folded
from tests.machines import healthy
from tests.machines.parts import libraries as parts

STUBS = "/usr/local/cuda-12.4/lib64/stubs"


def with_stubs(name: str = "libcuda.so", source: str = "LD_LIBRARY_PATH") -> Machine:
    laptop = healthy.rtx3050_laptop()
    stub = Library("libcuda-stub", name, f"{STUBS}/{name}", f"{STUBS}/{name}", "ld-library-path")
    folder = LoaderDir(STUBS, source, Known(True, STUBS))
    return parts.changed(laptop, copies=(stub,), search=(folder,))


def test_a_stub_without_its_version_is_a_warning() -> None:
    """Programs that open libcuda.so.1 pass it by; Numba opens libcuda.so: https://github.com/numba/numba/issues/9732"""
    assert causes(with_stubs()) == {"libcuda-stub-on-path"}
    assert finding(with_stubs(), "libcuda-stub-on-path").severity == "warning"


def test_a_stub_named_like_the_driver_is_a_failure_and_error_34_proves_it() -> None:
    machine = with_stubs("libcuda.so.1", "/etc/ld.so.conf.d/stubs.conf")
    cuda = machine.gpu.cuda.value.replace(state="failed", code=34, name="CUDA_ERROR_STUB_LIBRARY", devices=())
    machine = machine.replace(gpu=machine.gpu.replace(cuda=Known(cuda, "libcuda")))
    assert "libcuda-stub-on-path" in causes(machine)
    found = finding(machine, "libcuda-stub-on-path")
    assert found.severity == "failure" and found.fix is not None and "sudo ldconfig" in found.fix.commands


def test_a_toolkit_whose_stubs_are_on_no_path_is_well() -> None:
    stub = Library("libcuda-stub", "libcuda.so", f"{STUBS}/libcuda.so", f"{STUBS}/libcuda.so", "toolkit")
    assert causes(parts.changed(healthy.rtx3050_laptop(), copies=(stub,))) == set()
    assert folded(healthy.rtx3050_laptop()) == {}
