"""kernel-does-not-compile: what --build found."""

from __future__ import annotations

from gpudoctor.facts.cuda import CompiledKernel
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding, folded
from tests.machines import healthy
from tests.machines.parts import cuda

COMMAND = "/usr/local/cuda-12.4/bin/nvcc -arch=native -o kernel kernel.cu"
TOO_NEW = "host_config.h:143:2: error: #error -- unsupported GNU version! gcc versions later than 13 are not supported!"


def built(ok: bool, output: str = "", **changes: object) -> Machine:
    compiled = Known(CompiledKernel(ok, COMMAND, output, 1.2, ("sm_86",) if ok else ()), COMMAND)
    return cuda.with_cuda(healthy.rtx3050_laptop(), compiled=compiled, **changes)


def test_an_error_that_no_cause_explains_is_shown_as_it_is() -> None:
    machine = built(False, "nvcc fatal   : Could not open output file 'kernel'")
    assert causes(machine) == {"kernel-does-not-compile"}
    assert "Could not open output file" in finding(machine, "kernel-does-not-compile").title


def test_it_folds_under_the_reason_where_that_is_known() -> None:
    machine = built(False, TOO_NEW, compilers=Known((cuda.gcc("14"),), "PATH"))
    assert causes(machine) == {"host-compiler-too-new"}
    assert folded(machine) == {"kernel-does-not-compile": "host-compiler-too-new"}


def test_a_kernel_that_compiles_is_well() -> None:
    assert causes(built(True)) == set()
