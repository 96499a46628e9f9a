"""Are we in a container, and what was it given?

No witness decides alone. /.dockerenv lies in virtual machines that were made from an image; /proc/1/cgroup says
nothing under cgroup v2; variables can be set by hand. What cannot be faked by accident is the mount table: a machine
has a disk as its root and the kernel's own devtmpfs on /dev, a container hasn't both.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from gpudoctor.facts.containers import Inside
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown
from gpudoctor.facts.record import Record
from gpudoctor.parsers import mountinfo
from gpudoctor.parsers.mountinfo import Mount
from gpudoctor.system.port import Port, exists, names, observe, text

Kind = Literal["docker", "podman", "kubernetes", "containerd", "lxc", "apptainer", "systemd-nspawn", "other"]

#: Where driver libraries lie in images, and where the engines mount them.
LIBRARY_DIRS = (
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/lib/x86_64-linux-gnu",
    "/usr/local/nvidia/lib64",
    "/.singularity.d/libs",
)

#: Compiled only in a container: every start-up would pay for it.
_DRIVER_FILE = r"/(?:lib(?:cuda|nvidia|nvcuvid|nvoptix)[\w-]*\.so[\w.]*|nvidia-smi|nvidia[0-9]+|nvidiactl|nvidia-uvm|dxg)$"
_DRIVER_LIBRARY = r"lib(?:cuda|nvidia-\w+|nvcuvid)[\w-]*\.so[\w.]*"

#: Words in the root's place on the host, or in an overlay's layers, and whose they are.
_STORES: tuple[tuple[str, Kind], ...] = (
    ("/var/lib/docker/", "docker"),
    ("/docker/overlay2/", "docker"),
    ("/containers/storage/", "podman"),
    ("io.containerd.snapshotter", "containerd"),
    ("/var/lib/lxc/", "lxc"),
    ("/var/lib/lxd/", "lxc"),
    ("/var/lib/incus/", "lxc"),
    ("/lxd/storage-pools/", "lxc"),
)

#: What the container managers write into `container=` (systemd's container interface).
_MANAGERS: Mapping[str, Kind] = {
    "docker": "docker",
    "podman": "podman",
    "oci": "podman",
    "lxc": "lxc",
    "lxc-libvirt": "lxc",
    "incus": "lxc",
    "systemd-nspawn": "systemd-nspawn",
}


class _Root(Record):
    """The mount table's word: `machine`, `container` (with its kind, as far as it shows), or neither."""

    machine: bool = False
    container: bool = False
    kind: Kind | None = None
    evidence: str = ""


def inside(port: Port) -> Observed[Inside]:
    mounts = _mounts(port)
    if isinstance(mounts, Unknown):
        return mounts
    table = mounts.value if isinstance(mounts, Known) else ()
    first = first_process(port)
    found = _kind(port, table, first.value if isinstance(first, Known) else {})
    if found is None:
        return Absent("/.dockerenv, /run/.containerenv, /proc/1, the mount table")
    kind, evidence = found
    # An Apptainer container is an ordinary process of the host: pid 1 and its variables are the host's.
    variables = _own(port) if kind == "apptainer" or not isinstance(first, Known) else first
    record = Inside(
        kind,
        evidence,
        visible_devices=_variable(variables, "NVIDIA_VISIBLE_DEVICES"),
        capabilities=_variable(variables, "NVIDIA_DRIVER_CAPABILITIES"),
        require_cuda=_variable(variables, "NVIDIA_REQUIRE_CUDA"),
        disable_require=_variable(variables, "NVIDIA_DISABLE_REQUIRE"),
        cuda_version=_variable(variables, "CUDA_VERSION"),
        driver_mounts=_driver_mounts(port, table),
        baked=_baked(port, table),
        cgroup_devices=_cgroup_devices(port),
        requirements=_requirements(variables),
    )
    return Known(record, evidence)


def _mounts(port: Port) -> Observed[tuple[Mount, ...]]:
    for path in ("/proc/self/mountinfo", "/proc/1/mountinfo"):
        seen = observe(lambda path=path: mountinfo.parse(text(port, path)), path)  # type: ignore[misc]
        if not isinstance(seen, Absent):
            return seen
    return seen


def first_process(port: Port) -> Observed[dict[str, str]]:
    """The variables of pid 1, which the container's creator set (root's to read, as a rule)."""
    return port.memo(
        "containers.first_process",
        lambda: observe(
            lambda: environment_block(port.read("/proc/1/environ")), "/proc/1/environ (the first process)"
        ),
    )


def environment_block(block: bytes) -> dict[str, str]:
    """/proc/<pid>/environ as a mapping."""
    pairs = (entry.partition("=") for entry in block.decode("utf-8", "replace").split("\0"))
    return {name: value for name, equals, value in pairs if equals}


def _own(port: Port) -> Observed[dict[str, str]]:
    if not port.env:
        return Unknown("the environment of the first process was not recorded", "root")
    return Known(dict(port.env), "environment of this process")


def _variable(variables: Observed[dict[str, str]], name: str) -> Observed[str]:
    if not isinstance(variables, Known):
        return variables
    value = variables.value.get(name)
    return Absent(variables.via) if value is None else Known(value, variables.via)


def _requirements(variables: Observed[dict[str, str]]) -> Observed[Mapping[str, str]]:
    if not isinstance(variables, Known):
        return variables
    return Known({k: v for k, v in variables.value.items() if k.startswith("NVIDIA_REQUIRE_")}, variables.via)


# ---------------------------------------------------------------- kind


def _kind(port: Port, mounts: tuple[Mount, ...], first: Mapping[str, str]) -> tuple[Kind, str] | None:
    root = _root(mounts)
    for name in ("APPTAINER_CONTAINER", "SINGULARITY_CONTAINER"):
        if port.env.get(name):
            return "apptainer", name
    if root.machine:
        return None
    manager = first.get("container", "") or _line(port, "/run/systemd/container")
    pod = _pod(port, mounts, first)
    if pod and (root.container or exists(port, "/.dockerenv") or exists(port, "/run/.containerenv")):
        return "kubernetes", pod
    if exists(port, "/run/.containerenv"):
        return "podman", "/run/.containerenv"
    if exists(port, "/.dockerenv"):
        return "docker", "/.dockerenv"
    if manager in _MANAGERS:
        return _MANAGERS[manager], f"container={manager} in /proc/1/environ or /run/systemd/container"
    if root.kind is not None:
        return root.kind, root.evidence
    if any(mount.fstype == "fuse.lxcfs" for mount in mounts):
        return "lxc", "lxcfs in the mount table"
    by_cgroup = _by_cgroup(port)
    if by_cgroup is not None:
        return by_cgroup
    if manager and manager != "wsl":
        return "other", f"container={manager}"
    return ("other", root.evidence) if root.container else None


def _root(mounts: tuple[Mount, ...]) -> _Root:
    """What / and /dev are. The last mount on a point is the one that counts."""
    root = next((m for m in reversed(mounts) if m.point == "/"), None)
    dev = next((m for m in reversed(mounts) if m.point == "/dev"), None)
    if root is None:
        return _Root()
    layered = root.fstype in ("overlay", "aufs", "fuse.fuse-overlayfs")
    place = f"{root.root}\n{root.options}" if layered else root.root
    for word, kind in _STORES:
        if word in place:
            return _Root(False, True, kind, f"the root's place in the mount table names {word.strip('/')}")
    own_dev = dev is not None and dev.fstype == "devtmpfs" and dev.root == "/"
    if not layered:
        return _Root(machine=own_dev)
    # A live system's root is an overlay too, but its /dev is the kernel's.
    return _Root(container=not own_dev, evidence=f"the root is an {root.fstype} without a /dev of its own")


def _pod(port: Port, mounts: tuple[Mount, ...], first: Mapping[str, str]) -> str:
    if any("/kubelet/pods/" in mount.root for mount in mounts):
        return "kubelet's mounts in the mount table"
    if any(mount.point.endswith("/secrets/kubernetes.io/serviceaccount") for mount in mounts):
        return "a Kubernetes service account in the mount table"
    if "KUBERNETES_SERVICE_HOST" in first or "KUBERNETES_SERVICE_HOST" in port.env:
        return "KUBERNETES_SERVICE_HOST"
    return ""


def _by_cgroup(port: Port) -> tuple[Kind, str] | None:
    """cgroup v1 names the container; under v2 the line is "0::/" and says nothing."""
    try:
        lines = text(port, "/proc/1/cgroup")
    except OSError:
        return None
    words: tuple[tuple[str, Kind], ...] = (
        ("/kubepods", "kubernetes"),
        ("/docker/", "docker"),
        ("/docker-", "docker"),
        ("/libpod-", "podman"),
        ("/lxc/", "lxc"),
        ("/lxc.payload", "lxc"),
    )
    return next(((kind, "/proc/1/cgroup") for word, kind in words if word in lines), None)


def _line(port: Port, path: str) -> str:
    try:
        return text(port, path, 4096).strip()
    except OSError:
        return ""


# ---------------------------------------------------------------- what it was given


def _driver_mounts(port: Port, mounts: tuple[Mount, ...]) -> Observed[tuple[str, ...]]:
    found = [mount.point for mount in mounts if re.search(_DRIVER_FILE, mount.point)]
    libs = "/.singularity.d/libs"
    found += [f"{libs}/{name}" for name in names(port, libs) if re.fullmatch(_DRIVER_LIBRARY, name)]
    return Known(tuple(found), "/proc/self/mountinfo")


def _baked(port: Port, mounts: tuple[Mount, ...]) -> Observed[tuple[str, ...]]:
    """Driver libraries of no size: what a bind mount leaves behind when a running container is committed."""
    mounted = {mount.point for mount in mounts}
    found = []
    for folder in LIBRARY_DIRS:
        for name in names(port, folder):
            if not name.startswith(("libcuda.", "libcudadebugger.", "libnv")):
                continue
            path = f"{folder}/{name}"
            if not re.fullmatch(_DRIVER_LIBRARY, name) or path in mounted:
                continue
            try:
                info = port.stat(path, follow=False)
            except OSError:
                continue
            if info.kind == "file" and info.size == 0:
                found.append(path)
    return Known(tuple(found), "the library folders")


def _cgroup_devices(port: Port) -> Observed[tuple[str, ...]]:
    path = "/sys/fs/cgroup/devices/devices.list"
    return observe(lambda: tuple(text(port, path).split("\n")[:-1]), path)
