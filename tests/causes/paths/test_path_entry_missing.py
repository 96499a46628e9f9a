"""path-entry-missing: a CUDA folder that is not there."""

from __future__ import annotations

from gpudoctor.facts.containers import Inside
from gpudoctor.facts.environment import PathEntry
from gpudoctor.facts.observed import Absent, Known
from tests.judged import causes, finding
from tests.machines import healthy
from tests.machines.parts import cuda


def test_a_toolkits_folder_that_was_removed() -> None:
    entries = (cuda.entry("PATH", "/usr/bin"), cuda.entry("PATH", "/usr/local/cuda-11.2/bin", exists=False))
    machine = healthy.rtx3050_laptop().replace(environment=cuda.shell(*entries))
    assert causes(machine) == {"path-entry-missing"}
    found = finding(machine, "path-entry-missing")
    assert found.severity == "note" and "/usr/local/cuda-11.2/bin" in found.title
    assert found.fix is not None and "/home/u/.bashrc:12" in found.fix.summary


def test_a_missing_folder_that_is_none_of_ours_is_left_alone() -> None:
    entries = (
        cuda.entry("PATH", "/home/u/.cargo/bin", exists=False),
        cuda.entry("PATH", "/usr/local/cuda/bin"),
    )
    assert causes(healthy.rtx3050_laptop().replace(environment=cuda.shell(*entries))) == set()


def test_what_nvidias_images_and_windows_put_there_is_left_alone() -> None:
    entries = (
        cuda.entry("PATH", "/usr/local/nvidia/bin", exists=False),
        cuda.entry("LD_LIBRARY_PATH", "/usr/local/nvidia/lib64", exists=False),
        cuda.entry("PATH", "/mnt/c/Program Files (x86)/NVIDIA Corporation/PhysX/Common", exists=False),
    )
    assert causes(healthy.rtx3050_laptop().replace(environment=cuda.shell(*entries))) == set()


def test_in_a_container_only_what_a_start_up_file_sets_counts() -> None:
    """The base image has /usr/local/cuda/bin on PATH and no such folder."""
    baked = cuda.entry("PATH", "/usr/local/cuda/bin", exists=False).replace(set_by=Absent("/etc/profile"))
    mine = cuda.entry("PATH", "/usr/local/cuda-11.2/bin", exists=False)
    machine = healthy.rtx3050_laptop()
    inside = machine.containers.replace(inside=Known(Inside("docker", "/.dockerenv"), "/.dockerenv"))

    def judged(*entries: PathEntry) -> bool:
        ill = machine.replace(containers=inside, environment=cuda.shell(*entries))
        return "path-entry-missing" in causes(ill)

    assert not judged(baked)
    assert judged(baked, mine)
