"""cuda-compat-shadows-driver: compat is not newer than the driver."""

from __future__ import annotations

from gpudoctor.facts.libraries import LoaderDir
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding, folded
from tests.machines import healthy
from tests.machines.parts import driver
from tests.machines.parts import libraries as parts

COMPAT = "/usr/local/cuda-12.2/compat"


def with_compat(version: str, on_path: bool = True, mapped: str = "") -> Machine:
    node = healthy.h100_node()
    compat = driver.library("libcuda.so.1", version, COMPAT, origin="compat")
    libraries = Known((compat, *node.driver.libraries.value), "loader")
    cuda = node.gpu.cuda.value.replace(library=Known(mapped or compat.real_path, "helper"))
    node = node.replace(
        driver=node.driver.replace(libraries=libraries), gpu=node.gpu.replace(cuda=Known(cuda, "libcuda"))
    )
    folder = LoaderDir(COMPAT, "LD_LIBRARY_PATH", Known(True, COMPAT))
    return parts.changed(node, search=(folder,)) if on_path else node


def test_an_older_compat_before_a_newer_driver() -> None:
    """535 in an image of CUDA 12.2, driver 550: https://github.com/NVIDIA/nvidia-docker/issues/1256"""
    machine = with_compat("535.104.05")
    assert causes(machine) == {"cuda-compat-shadows-driver"}
    title = finding(machine, "cuda-compat-shadows-driver").title
    assert "535.104.05" in title and "550.163.01" in title


def test_a_newer_compat_is_what_it_is_for() -> None:
    assert "cuda-compat-shadows-driver" not in causes(with_compat("560.35.03")) | set(
        folded(with_compat("560.35.03"))
    )


def test_a_compat_that_no_process_takes_is_well() -> None:
    own = "/usr/lib/x86_64-linux-gnu/libcuda.so.550.163.01"
    assert "cuda-compat-shadows-driver" not in causes(with_compat("535.104.05", on_path=False, mapped=own))
