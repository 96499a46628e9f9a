"""Remedies for containers."""

from __future__ import annotations

import re

from gpudoctor import knowledge
from gpudoctor.findings import Fix
from gpudoctor.logs.remedies import _wheels
from gpudoctor.logs.told import Told
from gpudoctor.versions import branch


def container_no_gpu_flag(told: Told) -> Fix | None:
    run = re.search(
        r"(?:^|[$#>] ?)(?P<sudo>sudo )?(?P<engine>docker|podman) run (?P<rest>[^\n]{1,300})", told.text, re.M
    )
    if (
        run is None
        or "--gpus" in run["rest"]
        or "nvidia.com/gpu" in run["rest"]
        or "--runtime" in run["rest"]
    ):
        return None
    flag = "--gpus all" if run["engine"] == "docker" else "--device nvidia.com/gpu=all"
    return Fix(
        "Start the container with a GPU; never install a driver in the image",
        (f"{run['sudo'] or ''}{run['engine']} run {flag} {run['rest'].strip()}",),
    )


def container_requirement_unsatisfied(told: Told) -> Fix | None:
    wanted = re.search(r"unsatisfied condition: cuda ?>= ?(\d+\.\d+)", told.text)
    if wanted is None:
        return None
    row = knowledge.driver_minimum(wanted[1], "windows" if told.windows else "linux")
    least = (row.full or (str(row.branch) if row.branch else "")) if row else ""
    limit = _wheels.ceiling(told)
    here = (
        f"driver {told.driver} has CUDA {limit}"
        if told.driver and limit
        else f"the driver has CUDA {limit}"
        if limit
        else "the driver's is older"
    )
    update = f"update the host's driver to {least} or newer" if least else "update the host's driver"
    image = f"use an image of CUDA {limit} or older" if limit else "use an image of an older CUDA"
    return Fix(f"The image wants CUDA {wanted[1]}, {here}: {update}, or {image}")


_PARTS = {
    "libnvidia-encode": ("video", "libnvidia-encode1", "libnvidia-encode-{branch}"),
    "libnvcuvid": ("video", "libnvcuvid1", "libnvidia-decode-{branch}"),
    "libnvidia-ml": ("utility", "libnvidia-ml1", "libnvidia-compute-{branch}"),
    "libnvoptix": ("graphics", "libnvoptix1", "libnvidia-gl-{branch}"),
}


def container_driver_capabilities(told: Told) -> Fix | None:
    missing = [
        name for name in _PARTS if re.search(rf"{name}\.so|{name}64|{name.removeprefix('lib')}64", told.text)
    ]
    if not missing:
        return None
    words = {"compute", "utility"} | {_PARTS[name][0] for name in missing}
    number = str(branch(told.driver)) if told.driver else "BRANCH"
    debian = " ".join(_PARTS[name][1] for name in missing)
    if missing[0] == "libnvidia-encode" and "libnvcuvid" not in missing:
        debian += " libnvcuvid1"
    ubuntu = " ".join(_PARTS[name][2].format(branch=number) for name in missing)
    value = ",".join(sorted(words))
    return Fix(
        f"{missing[0]} is not there. On the host: install the driver's packages with it (Debian: {debian}; Ubuntu: {ubuntu}). For a "
        f"container also ask for it: NVIDIA_DRIVER_CAPABILITIES={value}",
        (
            f"ldconfig -p | grep -E '{'|'.join(missing)}'   # on the host",
            f"docker run --gpus all -e NVIDIA_DRIVER_CAPABILITIES={value} IMAGE",
        ),
    )


def container_runtime_not_registered(told: Told) -> Fix | None:
    if told.has("containerd", "failed to get sandbox runtime", "no runtime for", "k3s", "rke2", "kubelet"):
        return Fix(
            "Register the runtime with containerd (k3s and RKE2 find it by themselves once the toolkit is installed and they are started again)",
            ("sudo nvidia-ctk runtime configure --runtime=containerd", "sudo systemctl restart containerd"),
        )
    if told.has("podman"):
        return None
    return Fix(
        "Install the NVIDIA Container Toolkit if it is not there, register its runtime, and let the daemon read its file again",
        (
            "dpkg -s nvidia-container-toolkit || rpm -q nvidia-container-toolkit",
            "sudo nvidia-ctk runtime configure --runtime=docker",
            "sudo systemctl restart docker",
            "docker info | grep -i runtimes",
        ),
    )
