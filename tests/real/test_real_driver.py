"""The probes over NVIDIA's real libraries, on a machine without a kernel module."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gpudoctor.facts.gpu import CudaDriver, Nvml, Smi
from gpudoctor.facts.observed import Absent, Known, Observed
from gpudoctor.probes import gpu
from gpudoctor.system.live import Live
from tests import fakes
from tests.real.driver import environment, unpacked

pytestmark = pytest.mark.realdriver

no_module = pytest.mark.skipif(
    os.path.exists("/sys/module/nvidia"), reason="this machine has an NVIDIA module"
)
root_only = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
DEVICES = Path("/sys/fs/cgroup/devices")


def known(observed: Observed[object]) -> object:
    assert isinstance(observed, Known), observed
    return observed.value


def dev() -> list[tuple[str, int, int]]:
    """/dev's names with modes and device numbers (ptys come and go with other processes)."""
    found = []
    for name in os.listdir("/dev"):
        info = os.stat(f"/dev/{name}", follow_symlinks=False)
        found.append((name, info.st_mode, info.st_rdev))
    return sorted(found)


@no_module
@pytest.mark.parametrize(("branch", "cuda_version"), [("550", "12.4"), ("535", "12.2")])
def test_without_a_module_both_libraries_say_so_and_tell_their_versions(
    branch: str, cuda_version: str
) -> None:
    driver = unpacked(branch)
    env = environment(driver)
    nvml, cuda, smi = (known(field(Live(env=env))) for field in (gpu.nvml, gpu.cuda, gpu.smi))
    assert isinstance(nvml, Nvml) and isinstance(cuda, CudaDriver) and isinstance(smi, Smi)
    assert (nvml.state, nvml.code, nvml.message) == ("failed", 9, "Driver Not Loaded")
    assert known(nvml.library_version) == driver.name
    assert known(nvml.library) == f"{driver}/lib/libnvidia-ml.so.{driver.name}"
    assert (cuda.state, cuda.code, cuda.name) == ("failed", 100, "CUDA_ERROR_NO_DEVICE")
    assert known(cuda.version) == cuda_version
    assert known(cuda.library) == f"{driver}/lib/libcuda.so.{driver.name}"
    assert (smi.state, smi.exit_code) == ("failed", 9) and "couldn't communicate" in smi.output


@no_module
def test_nvidia_smi_without_its_library_tells_12() -> None:
    env = environment(unpacked("550"))
    del env["LD_LIBRARY_PATH"]
    smi = known(gpu.smi(Live(env=env)))
    assert isinstance(smi, Smi) and (smi.state, smi.exit_code) == ("failed", 12)
    assert isinstance(gpu.nvml(Live(env=env)), Absent)


@no_module
@root_only
def test_asking_as_root_leaves_dev_as_it_was() -> None:
    """Run plainly as root, the same libraries make /dev/nvidiactl even without a module."""
    env = environment(unpacked("550"))
    before = dev()
    for field in (gpu.nvml, gpu.cuda, gpu.smi):
        known(field(Live(env=env)))
    assert dev() == before
    assert not os.path.exists("/dev/nvidiactl")


@no_module
@root_only
@pytest.mark.skipif(shutil.which("unshare") is None, reason="no unshare")
@pytest.mark.skipif(
    not (DEVICES / "devices.deny").exists() and not (DEVICES / "devices.list").exists(),
    reason="no version 1 device cgroup",
)
def test_a_revoked_device_cgroup_is_the_famous_unknown_error(tmp_path: Path) -> None:
    """NVIDIA/nvidia-container-toolkit#48: the node is there, and opening it is refused."""
    driver = unpacked("550")
    cgroup = DEVICES / f"gpudoctor-test-{os.getpid()}"
    try:
        cgroup.mkdir()
        (cgroup / "devices.deny").write_text("c 195:* rwm")
    except OSError as error:
        cgroup.exists() and cgroup.rmdir()
        pytest.skip(f"device cgroups can't be written: {error}")
    private = tmp_path / "dev"
    private.mkdir()
    script = str(Path(__file__).with_name("revoked.py"))
    command = ["unshare", "-m", sys.executable, script, str(private), str(cgroup), str(driver)]
    try:
        ran = subprocess.run(command, capture_output=True, text=True, timeout=30)
    finally:
        cgroup.rmdir()
    assert ran.returncode == 0, ran.stderr
    assert "Nvml(state='failed', code=999, message='Unknown Error'" in ran.stdout
    assert "exit_code=255" in ran.stdout and "Failed to initialize NVML: Unknown Error" in ran.stdout


@pytest.mark.cc
@pytest.mark.skipif(fakes.CC is None or shutil.which("nm") is None, reason="no C compiler or no nm")
@pytest.mark.parametrize("name", ["nvml", "cuda"])
def test_the_fakes_export_only_what_the_real_library_does(name: str) -> None:
    fake = exported(fakes.libraries("nvml", "cuda") / fakes.SONAMES[name])
    real = exported(unpacked("550") / "lib" / fakes.SONAMES[name])
    assert fake and fake <= real


@pytest.mark.parametrize("name", ["nvml", "cuda_driver"])
def test_the_helpers_ask_only_what_the_real_library_has(name: str) -> None:
    """cuda_driver calls the library itself; nvml.py's calls are pynvml's, whose wrappers end in the same names."""
    import gpudoctor.helpers

    text = (Path(next(iter(gpudoctor.helpers.__path__))) / f"{name}.py").read_text()
    soname = fakes.SONAMES["nvml" if name == "nvml" else "cuda"]
    real = {re.sub(r"_v[0-9]+$", "", s) for s in exported(unpacked("550") / "lib" / soname)}
    asked = set(re.findall(r"nvml\.(nvml[A-Z]\w+)\(" if name == "nvml" else r"\b(cu[A-Z]\w+)", text))
    assert asked and {re.sub(r"_v[0-9]+$", "", s) for s in asked} <= real


def exported(library: Path) -> set[str]:
    listed = subprocess.run(
        ["nm", "-D", "--defined-only", str(library)], capture_output=True, text=True, timeout=30
    )
    return {line.split()[2].partition("@")[0] for line in listed.stdout.splitlines() if " T " in line}
