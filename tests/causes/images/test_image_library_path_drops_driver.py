"""image-library-path-drops-driver."""

from __future__ import annotations

from pathlib import Path

from tests.images import NVIDIA_ENV, causes, finding, healthy, judgement

CAUSE = "image-library-path-drops-driver"


def test_a_wholesale_library_path(tmp_path: Path) -> None:
    found = judgement(tmp_path, healthy(), {**NVIDIA_ENV, "LD_LIBRARY_PATH": "/opt/x/lib"})
    assert {f.id for f in found.findings} == {CAUSE}
    fix = finding(found, CAUSE).fix
    assert fix is not None and fix.commands == (
        "ENV LD_LIBRARY_PATH=/opt/x/lib:/usr/local/nvidia/lib:/usr/local/nvidia/lib64",
    )


def test_an_empty_element_is_another_illness(tmp_path: Path) -> None:
    path = "/usr/local/nvidia/lib:/usr/local/nvidia/lib64:"
    env = {**NVIDIA_ENV, "LD_LIBRARY_PATH": path}
    assert causes(tmp_path, healthy(), env) == {"ld-library-path-empty-element"}


def test_with_the_drivers_folders_it_is_well(tmp_path: Path) -> None:
    path = "/opt/x/lib:/usr/local/nvidia/lib/:/usr/local/nvidia/lib64"
    assert causes(tmp_path, healthy(), {**NVIDIA_ENV, "LD_LIBRARY_PATH": path}) == set()
