"""PyTorch's own list of targets, read from the constants of its library."""

from __future__ import annotations

import io

import pytest

from gpudoctor.parsers import arch_flags
from tests.real.torch import torch_folder
from tests.unit.test_fatbin import elf

LIST = b"sm_75 sm_80 sm_90a sm_120 compute_120"


def constants(*texts: bytes) -> io.BytesIO:
    return io.BytesIO(elf(b"\0".join((b"CUDA error: ", *texts, b"sm_", b"sm_%d is old", b"")), b".rodata"))


def test_the_list_between_other_constants() -> None:
    assert arch_flags.read(constants(LIST)) == ("sm_75", "sm_80", "sm_90a", "sm_120", "compute_120")


def test_a_build_for_one_gpu() -> None:
    assert arch_flags.read(constants(b"sm_86")) == ("sm_86",)


def test_a_library_without_a_list_and_one_without_constants() -> None:
    assert arch_flags.read(constants()) == ()
    assert arch_flags.read(io.BytesIO(elf(LIST, b".text"))) == ()


def test_of_two_lists_none_is_known_to_be_the_one() -> None:
    with pytest.raises(ValueError, match="2 lists"):
        arch_flags.read(constants(LIST, b"sm_86"))


def test_what_is_no_library_is_said_to_be_none() -> None:
    with pytest.raises(ValueError, match="ELF"):
        arch_flags.read(io.BytesIO(b"no library"))


@pytest.mark.wheels
def test_the_real_library_of_a_build_for_the_cpu_names_nothing() -> None:
    with open(torch_folder() / "lib" / "libtorch_python.so", "rb") as file:
        assert arch_flags.read(file) == ()
