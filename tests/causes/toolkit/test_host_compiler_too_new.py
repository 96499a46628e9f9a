"""host-compiler-too-new: gcc against the toolkit's own crt/host_config.h."""

from __future__ import annotations

import pytest

from gpudoctor.facts.cuda import HostCompiler
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known, Unknown
from tests.judged import causes, finding, judgement
from tests.machines import healthy
from tests.machines.parts import cuda


def laptop(*compilers: HostCompiler, release: str = "12.4") -> Machine:
    return cuda.with_cuda(healthy.rtx3050_laptop(), cuda.toolkit(release), compilers=Known(compilers, "PATH"))


def test_gcc_14_and_cuda_12_4() -> None:
    machine = laptop(cuda.gcc("14"))
    assert causes(machine) == {"host-compiler-too-new"}
    found = finding(machine, "host-compiler-too-new")
    assert found.title == "nvcc 12.4 accepts gcc up to 13, /usr/bin/g++ is gcc 14"
    assert found.fix is not None and "sudo apt install g++-13" in found.fix.commands


def test_nvcc_ccbin_decides_over_path() -> None:
    old, new = cuda.gcc("13", "NVCC_CCBIN", "/usr/bin/g++-13"), cuda.gcc("14")
    assert causes(laptop(old, new)) == set()
    assert causes(laptop(cuda.gcc("14", "NVCC_CCBIN"), cuda.gcc("13"))) == {"host-compiler-too-new"}


def test_the_gcc_beside_nvcc_comes_before_paths() -> None:
    """Debian's nvidia-cuda-toolkit keeps a link to a gcc that fits in nvcc's own folder."""
    assert causes(laptop(cuda.gcc("13", "beside nvcc"), cuda.gcc("14"))) == set()


def test_clang_on_path_is_not_what_nvcc_takes() -> None:
    clang = HostCompiler("clang", "/usr/bin/clang++", Known("19", "/usr/bin/clang++"), "PATH clang++")
    assert causes(laptop(cuda.gcc("13"), clang)) == set()


@pytest.mark.parametrize(("release", "limit"), [("11.8", 11), ("12.4", 13), ("12.8", 14)])
def test_the_limit_is_the_toolkits_own(release: str, limit: int) -> None:
    def judged(version: int) -> bool:
        return "host-compiler-too-new" in causes(laptop(cuda.gcc(str(version)), release=release))

    assert (judged(limit), judged(limit + 1)) == (False, True)


def test_who_allows_it_has_decided() -> None:
    machine = laptop(cuda.gcc("14"))
    flags = Known("-allow-unsupported-compiler", "NVCC_PREPEND_FLAGS")
    assert causes(machine.replace(cuda=machine.cuda.replace(nvcc_flags=flags))) == set()


def test_an_unknown_version_is_no_pass() -> None:
    unknown = HostCompiler("gcc", "/usr/bin/g++", Unknown("nothing is run here"), "PATH g++")
    result = judgement(laptop(unknown))
    assert "host-compiler-too-new" not in result.passed
    assert [s.id for s in result.skipped] == ["host-compiler-too-new"]
