"""image-compat-unconditional."""

from __future__ import annotations

from pathlib import Path

from tests.images import DRIVER_SIZE, NVIDIA_ENV, causes, healthy

CAUSE = "image-compat-unconditional"
COMPAT = {
    "/usr/local/cuda-12.4/compat/libcuda.so.550.54.15": bytes(DRIVER_SIZE),
    "/usr/local/cuda-12.4/compat/libcuda.so.1": "-> libcuda.so.550.54.15",
}
DRIVER = "/usr/local/nvidia/lib:/usr/local/nvidia/lib64"


def test_compat_on_the_loaders_path_of_every_host(tmp_path: Path) -> None:
    env = {**NVIDIA_ENV, "LD_LIBRARY_PATH": f"/usr/local/cuda-12.4/compat:{DRIVER}"}
    assert causes(tmp_path, [*healthy(), COMPAT], env) == {CAUSE}


def test_in_ldconfigs_configuration(tmp_path: Path) -> None:
    conf = {
        "/etc/ld.so.conf": "include /etc/ld.so.conf.d/*.conf\n",
        "/etc/ld.so.conf.d/compat.conf": "/usr/local/cuda-12.4/compat\n",
    }
    assert causes(tmp_path, [*healthy(), {**COMPAT, **conf}]) == {CAUSE}


def test_left_to_the_toolkit_it_is_well(tmp_path: Path) -> None:
    assert causes(tmp_path, [*healthy(), COMPAT], {**NVIDIA_ENV, "LD_LIBRARY_PATH": DRIVER}) == set()
