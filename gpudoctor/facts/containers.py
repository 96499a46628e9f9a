"""Containers: what is true inside one, and what the engines on a host are set up to do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from gpudoctor.facts.observed import UNASKED, Observed
from gpudoctor.facts.record import Record


class Inside(Record):
    """We are in a container. `kind` by evidence that is not cgroup text alone; `evidence` names it.

    `visible_devices`, `capabilities`, `require_cuda`, `disable_require`, `cuda_version`: the NVIDIA_* variables and
    CUDA_VERSION of the container's first process, which the toolkit read when it started (Absent: not set).
    `driver_mounts`: driver files that were mounted in. `baked`: zero-size driver libraries of the image itself.
    `cgroup_devices`: the device rules where cgroup v1 shows them ("c 195:* m"). `requirements`: every
    NVIDIA_REQUIRE_* variable by name; the toolkit wants all of them fulfilled.
    """

    kind: Literal[
        "docker", "podman", "kubernetes", "containerd", "lxc", "apptainer", "systemd-nspawn", "other"
    ]
    evidence: str
    visible_devices: Observed[str] = UNASKED
    capabilities: Observed[str] = UNASKED
    require_cuda: Observed[str] = UNASKED
    disable_require: Observed[str] = UNASKED
    cuda_version: Observed[str] = UNASKED
    driver_mounts: Observed[tuple[str, ...]] = UNASKED
    baked: Observed[tuple[str, ...]] = UNASKED
    cgroup_devices: Observed[tuple[str, ...]] = UNASKED
    requirements: Observed[Mapping[str, str]] = UNASKED


class CdiSpec(Record):
    """A CDI specification file. `version` "0.5.0"; `devices` fully qualified ("nvidia.com/gpu=all");
    `missing`: host paths that it names and that are not there; `driver_version`: as its library paths say."""

    path: str
    version: Observed[str] = UNASKED
    kind: str = ""
    devices: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    driver_version: Observed[str] = UNASKED
    readable_by_all: Observed[bool] = UNASKED
    error: Observed[str] = UNASKED


class Engine(Record):
    """A container engine. `endpoint` "unix:///var/run/docker.sock"; `selected_by` "DOCKER_HOST", "context desktop-linux",
    "default". `flavour`: how it is installed. `config_file`: what that daemon really reads; `config_error`: why it
    would not parse (with line and column). `file_runtimes` (name -> program) as the file and the daemon's flags
    say, `runtimes` as the daemon lists them. `started`: seconds since the epoch. `search_path`: the daemon's own PATH.

    `paths_missing`: those of `file_runtimes` whose program is not there. `hook`: nvidia-container-runtime-hook on the
    daemon's PATH. `conflicts`: directives given both as a flag and in the file. `cdi_dir_links`: CDI folders that are
    links as the daemon sees them. containerd: `config_version` of the main file, `drop_ins` with an nvidia runtime
    (path -> version), `drop_ins_ignored` those that the main file does not import."""

    name: Literal["docker", "podman", "containerd", "cri-o"]
    endpoint: str = ""
    selected_by: str = ""
    flavour: Literal["rootful", "rootless", "snap", "desktop", "podman-docker", "unknown"] = "unknown"
    client: Observed[str] = UNASKED
    version: Observed[str] = UNASKED
    answers: Observed[bool] = UNASKED
    config_file: Observed[str] = UNASKED
    config_error: Observed[str] = UNASKED
    file_runtimes: Observed[Mapping[str, str]] = UNASKED
    file_default_runtime: Observed[str] = UNASKED
    runtimes: Observed[tuple[str, ...]] = UNASKED
    default_runtime: Observed[str] = UNASKED
    cgroup_driver: Observed[str] = UNASKED
    cgroup_version: Observed[str] = UNASKED
    cdi_dirs: Observed[tuple[str, ...]] = UNASKED
    cri_disabled: Observed[bool] = UNASKED
    started: Observed[float] = UNASKED
    search_path: Observed[str] = UNASKED
    paths_missing: Observed[Mapping[str, str]] = UNASKED
    hook: Observed[str] = UNASKED
    conflicts: Observed[tuple[str, ...]] = UNASKED
    cdi_dir_links: Observed[tuple[str, ...]] = UNASKED
    config_version: Observed[int] = UNASKED
    drop_ins: Observed[Mapping[str, int]] = UNASKED
    drop_ins_ignored: Observed[tuple[str, ...]] = UNASKED


class ContainerToolkit(Record):
    """The NVIDIA Container Toolkit. `binaries`: name -> path; `installed_at`: newest ctime of them, seconds since
    the epoch; the rest from /etc/nvidia-container-runtime/config.toml."""

    binaries: Mapping[str, str]
    version: Observed[str] = UNASKED
    installed_at: Observed[float] = UNASKED
    config_file: Observed[str] = UNASKED
    config_error: Observed[str] = UNASKED
    no_cgroups: Observed[bool] = UNASKED
    driver_root: Observed[str] = UNASKED
    driver_root_exists: Observed[bool] = UNASKED
    ldconfig: Observed[str] = UNASKED
    ldconfig_exists: Observed[bool] = UNASKED
    mode: Observed[str] = UNASKED


class Repository(Record):
    """A package source of NVIDIA's container tools: `place` is file and line ("/etc/apt/sources.list.d/x.list:1")."""

    place: str
    url: str


class Containers(Record):
    """`inside` is Absent on a host. `dev_char_links`: the /dev/char/195:* links that a systemd reload needs.
    `repositories`: package sources under nvidia.github.io."""

    inside: Observed[Inside] = UNASKED
    engines: Observed[tuple[Engine, ...]] = UNASKED
    toolkit: Observed[ContainerToolkit] = UNASKED
    cdi: Observed[tuple[CdiSpec, ...]] = UNASKED
    dev_char_links: Observed[bool] = UNASKED
    repositories: Observed[tuple[Repository, ...]] = UNASKED
