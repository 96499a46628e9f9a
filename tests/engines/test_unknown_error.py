"""The famous "Failed to initialize NVML: Unknown Error": predicted on a real dockerd that systemd's cgroups are under, and in a real
container with NVIDIA's real nvidia-smi made, named, cured.

The driver comes into the container by a CDI specification of our own. What `systemctl daemon-reload` does to the container's
device rules where /dev/char lacks its links is done by hand here, to that one container.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from gpudoctor.engine import Asking
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.runtimes import cdi
from gpudoctor.system.live import Live
from gpudoctor.workflows.diagnose import diagnose_text
from gpudoctor.workflows.runtime.image import Image
from tests.changes.mending import ids
from tests.engines import generations
from tests.engines.daemon import Dockerd
from tests.machines import healthy
from tests.real.driver import unpacked

DEVICES = Path("/sys/fs/cgroup/devices")

pytestmark = [
    pytest.mark.engine,
    pytest.mark.skipif(os.geteuid() != 0, reason="an engine needs root"),
]

PREDICTED = "container-cgroup-loss-predicted"
#: /run/systemd/system is how a program knows that systemd is at work: dockerd takes the driver "systemd" only where it is there.
_AS_IF_BOOTED_BY_SYSTEMD = (
    'mkdir -p /run/systemd && mount -t tmpfs none /run/systemd && mkdir /run/systemd/system && exec "$@"'
)


class UnderSystemd(Dockerd):
    """A real dockerd with systemd's cgroup driver, in a mount namespace of its own that looks as if systemd had booted it."""

    def start(self, words: list[str]) -> None:
        program, self.program = self.program, "unshare"
        super().start(["-m", "sh", "-c", _AS_IF_BOOTED_BY_SYSTEMD, "sh", program, *words])
        self.program = program


def found(daemon: Dockerd) -> set[str]:
    """What the rules find on a GPU host that has this daemon, as the probes see it, and no other."""
    containers = Asking(Live(30.0, daemon.env), ("containers",)).machine().containers
    mine = tuple(e for e in value_of(containers.engines, ()) if e.endpoint == f"unix://{daemon.socket}")
    assert len(mine) == 1
    alone = containers.replace(engines=Known(mine, "the socket"))
    return ids(healthy.rtx3050_laptop().replace(containers=alone))


def test_predicted_under_systemds_cgroups_and_not_any_more_under_dockers_own(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    """Nothing is wrong yet: every container works until systemd reloads."""
    ill = '{"exec-opts": ["native.cgroupdriver=systemd"]}'
    daemon = UnderSystemd(tmp_path_factory.mktemp("p"), generations.newest("dockerd"), ill, hook=True)
    try:
        assert daemon.info()["CgroupDriver"] == "systemd"
        assert PREDICTED in found(daemon)
        daemon.config.write_text(ill.replace("=systemd", "=cgroupfs"))  # the page's third cure
        restarted = daemon.gpudoctor("runtime", "restart", "docker")
        assert restarted.returncode == 0, restarted.stderr
        assert daemon.info()["CgroupDriver"] == "cgroupfs"
        assert PREDICTED not in found(daemon)
    finally:
        daemon.stop()


def specification(driver: Path) -> str:
    version = driver.name
    libraries = tuple(
        cdi.Library(str(driver / "lib" / f"{name}.so.{version}"), f"{name}.so.1")
        for name in ("libcuda", "libnvidia-ml")
    )
    device = cdi.Device("0", {"/dev/nvidia0": "/dev/null"})
    return cdi.generate(
        cdi.Inventory(version, (device,), (), libraries, (str(driver / "bin" / "nvidia-smi"),))
    )


def group_of(pid: int) -> Path:
    """The container's own device rules."""
    for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines():
        _, controllers, path = line.split(":", 2)
        if "devices" in controllers.split(","):
            return DEVICES / path.lstrip("/")
    pytest.skip("this machine's containers have no device rules of cgroup v1")


@pytest.mark.realdriver
@pytest.mark.skipif(not DEVICES.is_dir(), reason="needs cgroup v1's device rules")
def test_revoked_named_and_cured(tmp_path_factory: pytest.TempPathFactory) -> None:
    driver = unpacked("550")
    folder = tmp_path_factory.mktemp("u")
    (folder / "cdi").mkdir()
    (folder / "cdi" / "nvidia.yaml").write_text(specification(driver))
    settings = json.dumps({"cdi-spec-dirs": [str(folder / "cdi")], "features": {"cdi": True}})
    daemon = Dockerd(folder, generations.newest("dockerd"), settings)
    try:
        _story(daemon, driver)
    finally:
        daemon.stop()


def _story(daemon: Dockerd, driver: Path) -> None:
    import docker

    image = Image()
    client = daemon.client()
    client.images.load(image.archive)
    container = client.containers.run(
        image.tag, ["/bin/sh", "-c", "read never"], detach=True, stdin_open=True, network_mode="none",
        stop_signal="SIGKILL", device_cgroup_rules=["c 195:* rmw"],
        environment={"LD_LIBRARY_PATH": str(driver / "lib")},
        device_requests=[docker.types.DeviceRequest(driver="cdi", device_ids=["nvidia.com/gpu=all"])],
    )  # fmt: skip

    def smi() -> tuple[int, str]:
        ran: Any = container.exec_run([str(driver / "bin" / "nvidia-smi")])
        return ran.exit_code, ran.output.decode()

    code, said = smi()
    assert code == 9 and "couldn't communicate with the NVIDIA driver" in said, (
        said
    )  # there is no module here

    container.reload()
    group = group_of(container.attrs["State"]["Pid"])
    (group / "devices.deny").write_text("c 195:* rw")
    code, said = smi()
    assert code == 255 and "Failed to initialize NVML: Unknown Error" in said
    assert diagnose_text(said).diagnoses[0].id == "container-cgroup-device-lost"

    container.restart()  # which the cause's page advises: the rules are made anew
    code, said = smi()
    assert code == 9 and "Unknown Error" not in said
