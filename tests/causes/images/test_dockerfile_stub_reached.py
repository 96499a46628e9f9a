"""dockerfile-stub-reached."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.recipes import CUDA, END, found

CAUSE = "dockerfile-stub-reached"
STUBS = "/usr/local/cuda/lib64/stubs"


@pytest.mark.parametrize(
    "line",
    [
        f"RUN ln -s {STUBS}/libcuda.so /usr/lib/x86_64-linux-gnu/libcuda.so.1",
        f"ENV LD_LIBRARY_PATH={STUBS}:$LD_LIBRARY_PATH",
        "ENV LD_LIBRARY_PATH=/usr/local/cuda/compat:$LD_LIBRARY_PATH",
        f"RUN echo {STUBS} > /etc/ld.so.conf.d/stubs.conf && ldconfig",
    ],
)
def test_on_everybodys_path(tmp_path: Path, line: str) -> None:
    assert found(tmp_path, f"{CUDA}{line}\n{END}") == {CAUSE: [2]}


@pytest.mark.parametrize(
    "line",
    [
        f"ENV LIBRARY_PATH={STUBS}",
        f"RUN ln -s {STUBS}/libcuda.so /usr/lib/libcuda.so.1 && make && rm /usr/lib/libcuda.so.1",
        f"RUN make LDFLAGS=-L{STUBS}",
    ],
)
def test_for_the_linker_alone(tmp_path: Path, line: str) -> None:
    assert found(tmp_path, f"{CUDA}{line}\n{END}") == {}


def test_in_a_stage_that_is_only_copied_from(tmp_path: Path) -> None:
    text = f"FROM debian:12 AS build\nENV LD_LIBRARY_PATH={STUBS}\n{CUDA}COPY --from=build /x /x\n{END}"
    assert found(tmp_path, text) == {}
