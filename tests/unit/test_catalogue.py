"""The catalogue: every cause has its page, its test and its place, and none of the promised ones is missing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gpudoctor import engine
from gpudoctor.rules.page import page_of
from gpudoctor.rules.registry import Cause, causes, families, find

TESTS = Path(__file__).parents[1] / "causes"

#: Ids that others build on; those marked as text are known from logs only and need no check.
JUDGED = [
    "driver-too-old-for-runtime",
    "forward-compat-unsupported",
    "driver-library-mismatch",
    "driver-not-installed",
    "no-nvidia-gpu",
    "kernel-module-not-loaded",
    "dkms-build-failed",
    "nouveau-active",
    "secure-boot-unsigned-module",
    "driver-open-module-required",
    "gpu-init-failed",
    "uvm-not-working",
    "device-node-missing-or-permission",
    "gpu-exclusive-mode",
    "mig-visible-devices",
    "visible-devices-hidden",
    "gpu-too-old-for-toolkit",
    "gpu-fell-off-bus",
    "ecc-uncorrectable",
    "xid-119-gsp-timeout",
    "nvlink-fabric-manager",
    "nccl-shared-memory",
    "cpu-only-wheel",
    "jax-cpu-only-jaxlib",
    "wheel-lacks-gpu-arch",
    "abi-mismatch-extension",
    "torchvision-torchaudio-mismatch",
    "extension-built-without-cuda",
    "extension-lacks-gpu-arch",
    "wrong-accelerator-build",
    "framework-cuda-version-mismatch",
    "wrong-env-or-kernel",
    "glibc-too-old",
    "cudnn-missing",
    "cudnn-version-mismatch",
    "cudnn-shadowed-by-ld-library-path",
    "libcudart-missing",
    "libnvvm-missing",
    "libdevice-not-found",
    "mixed-cuda-libraries",
    "cuda-libs-missing-for-framework",
    "cuda-home-missing",
    "nvcc-mismatch-with-torch",
    "nvcc-arch-unsupported",
    "ptxas-too-old",
    "host-compiler-too-new",
    "container-no-gpu-flag",
    "container-toolkit-missing",
    "container-runtime-not-registered",
    "container-runtime-config-wrong",
    "container-docker-snap-or-desktop",
    "container-requirement-unsatisfied",
    "container-driver-capabilities",
    "container-cgroup-device-lost",
    "container-rootless-cgroups",
    "wsl-libcuda-stub",
    "wsl-windows-too-old",
]

TEXT = [
    "ptx-newer-than-driver",
    "xid-13-31-application-fault",
    "nccl-network-interface",
    "out-of-memory",
    "oom-fragmentation",
    "bitsandbytes-windows",
    "tf-gpu-on-windows-unsupported",
    "tensorrt-engine-mismatch",
    "python-version-no-wheel",
    "pip-index-missing",
    "k8s-default-runtime-missing",
]

each_cause = pytest.mark.parametrize("cause", causes(), ids=lambda cause: cause.id)


@each_cause
def test_it_has_a_page_with_every_section(cause: Cause) -> None:
    page = page_of(cause)
    assert page.title and len(page.title) < 110
    assert all(len(section) > 10 for section in (page.what, page.why, page.tell, page.fix)), (
        "a section says nothing"
    )
    assert page.sources


@each_cause
def test_it_has_a_test_of_its_own(cause: Cause) -> None:
    if cause.check is None:
        return  # known from text: its signatures are tested with the logs
    path = TESTS / cause.family / f"test_{cause.id.replace('-', '_')}.py"
    assert path.is_file(), f"{path} is missing"
    assert cause.id in path.read_text(), "its test does not name it"


@each_cause
def test_its_name_is_kebab_case_and_its_own(cause: Cause) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)+", cause.id)
    assert [other.family for other in causes() if other.id == cause.id] == [cause.family]


@each_cause
def test_what_it_explains_exists(cause: Cause) -> None:
    missing = [name for name in cause.explains if find(name) is None]
    assert not missing, f"it explains what is not there: {missing}"
    assert cause.id not in cause.explains


@pytest.mark.parametrize("name", [*JUDGED, *TEXT])
def test_a_promised_cause_is_there(name: str) -> None:
    cause = find(name)
    assert cause is not None, f"{name} is promised and missing"
    assert name in TEXT or cause.check is not None, f"{name} must be judged from a machine's facts"


@pytest.mark.parametrize("family", [f for f in families() if engine.only_from_text(f)])
def test_a_family_known_from_text_alone_has_nothing_to_judge(family: str) -> None:
    assert [c.id for c in causes() if c.family == family and c.check is not None] == []
