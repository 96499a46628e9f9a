"""host-compiler-missing: a variable names a compiler that is not there."""

from __future__ import annotations

from gpudoctor.facts.cuda import HostCompiler
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known
from tests.judged import causes
from tests.machines import healthy
from tests.machines.parts import cuda


def laptop(named: HostCompiler) -> Machine:
    return cuda.with_cuda(healthy.rtx3050_laptop(), compilers=Known((named, cuda.GCC_11), "PATH"))


def test_nvcc_ccbin_at_a_compiler_that_an_upgrade_removed() -> None:
    gone = HostCompiler("gcc", "/usr/bin/g++-10", Absent("/usr/bin/g++-10"), "NVCC_CCBIN")
    assert causes(laptop(gone)) == {"host-compiler-missing"}


def test_one_that_is_there_is_well() -> None:
    assert causes(laptop(cuda.gcc("10", "NVCC_CCBIN", "/usr/bin/g++-10"))) == set()
