"""image-bakes-driver-libraries."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.images import DRIVER_SIZE, LIB, Content, causes, debian, finding, healthy, judgement
from tests.sysroot import shared_object

CAUSE = "image-bakes-driver-libraries"
STUBS = "/usr/local/cuda/lib64/stubs"


@pytest.mark.parametrize(
    ("files", "words"),
    [
        (
            {f"{LIB}/libcuda.so.550.54.14": b"", f"{LIB}/libcuda.so.1": "-> libcuda.so.550.54.14"},
            "an empty file",
        ),
        ({f"{LIB}/libnvidia-ml.so.1": bytes(DRIVER_SIZE)}, "a driver's library"),
        ({f"{STUBS}/libcuda.so": shared_object(), f"{LIB}/libcuda.so.1": f"-> {STUBS}/libcuda.so"}, "a stub"),
    ],
    ids=["empty", "real", "stub"],
)
def test_a_driver_in_the_image_is_named_with_what_it_is(
    tmp_path: Path, files: dict[str, Content], words: str
) -> None:
    found = judgement(tmp_path, [*healthy(), files])
    assert {f.id for f in found.findings if f.caused_by is None} == {CAUSE}
    assert words in finding(found, CAUSE).title


def test_a_toolkits_stubs_that_the_loader_does_not_search_are_well(tmp_path: Path) -> None:
    stubs = {f"{STUBS}/libcuda.so": shared_object(), f"{STUBS}/libnvidia-ml.so": shared_object()}
    assert causes(tmp_path, [*healthy(), stubs]) == set()


def test_a_driver_that_a_later_layer_removes_is_gone(tmp_path: Path) -> None:
    base = {**debian(), f"{LIB}/libcuda.so.1": bytes(DRIVER_SIZE)}
    assert causes(tmp_path, [base, *healthy()[1:]]) == {CAUSE}
    assert causes(tmp_path, [base, *healthy()[1:], {f"{LIB}/.wh.libcuda.so.1": ""}]) == set()
