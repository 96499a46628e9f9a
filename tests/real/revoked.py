"""Run in a mount namespace and a device cgroup of its own by test_real_driver.py: a container that lost its GPUs.

Arguments: a folder for the private /dev, a device cgroup, the driver's folder. Prints the repr of what NVML said.
"""

from __future__ import annotations

import os
import subprocess
import sys

from gpudoctor.probes import gpu
from gpudoctor.system.live import Live


def main(private: str, cgroup: str, driver: str) -> None:
    subprocess.run(["mount", "-t", "tmpfs", "none", private], check=True)
    for name in ("null", "zero", "urandom"):
        info = os.stat(f"/dev/{name}")
        os.mknod(f"{private}/{name}", info.st_mode, info.st_rdev)
    os.mknod(f"{private}/nvidiactl", 0o20666, os.makedev(195, 255))
    subprocess.run(["mount", "--bind", private, "/dev"], check=True)
    with open(f"{cgroup}/cgroup.procs", "w") as procs:
        procs.write(str(os.getpid()))
    env = {"LD_LIBRARY_PATH": f"{driver}/lib", "PATH": f"{driver}/bin:/usr/bin:/bin"}
    print(repr([gpu.nvml(Live(env=env)), gpu.smi(Live(env=env))]))


main(*sys.argv[1:])
