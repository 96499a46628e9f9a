"""ld-preload-cuda: a CUDA library in LD_PRELOAD."""

from __future__ import annotations

from gpudoctor.facts.environment import Variable
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known
from tests.judged import causes, finding, folded
from tests.machines import healthy


def preloading(value: str) -> Machine:
    laptop = healthy.rtx3050_laptop()
    one = Variable("LD_PRELOAD", value, Absent("files"))
    return laptop.replace(environment=laptop.environment.replace(variables=Known((one,), "environ")))


def test_a_cuda_library_is_named() -> None:
    machine = preloading("/usr/lib/libjemalloc.so.2:/opt/cudnn/libcudnn.so.8")
    assert causes(machine) == {"ld-preload-cuda"}
    assert "/opt/cudnn/libcudnn.so.8" in finding(machine, "ld-preload-cuda").title


def test_the_drivers_library_is_named() -> None:
    assert causes(preloading("/usr/local/cuda/compat/libcuda.so.1")) == {"ld-preload-cuda"}


def test_another_library_is_well() -> None:
    assert causes(preloading("/usr/lib/libjemalloc.so.2 /opt/libcudasomething.txt")) == set()
    assert folded(preloading("")) == {}
