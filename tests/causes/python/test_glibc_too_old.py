"""glibc-too-old: libraries for a newer C library. Composed from Dao-AILab/flash-attention#1708."""

from __future__ import annotations

from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import frameworks


def machine(libc: str) -> Machine:
    laptop = healthy.rtx3050_laptop()
    build = frameworks.extension(
        "flash-attn", "2.7.4+cu12torch2.5", glibc=Known("2.32", "flash_attn_2_cuda.so")
    )
    return laptop.replace(
        host=laptop.host.replace(libc=Known(libc, "confstr")), frameworks=frameworks.with_torch(build)
    )


def test_a_library_for_glibc_2_32_on_2_31() -> None:
    assert causes(machine("glibc 2.31")) == {"glibc-too-old"}
    assert "2.32" in finding(machine("glibc 2.31"), "glibc-too-old").title


def test_2_35_is_new_enough() -> None:
    assert causes(machine("glibc 2.35")) == set()


def test_musl_has_none_of_it() -> None:
    assert "glibc-too-old" in causes(machine("musl 1.2.5"))
