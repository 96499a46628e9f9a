"""The container has lost its right to open the GPU

What it is: A container may open only the devices that its device cgroup allows. When systemd manages the cgroups and is
told to reload (`systemctl daemon-reload`, many package updates do it), it writes the rules anew from what it knows, and
NVIDIA's devices, which the toolkit's hook had added behind its back, are gone.

Why it hurts: The GPU worked and stops working, in the middle of a job: "Failed to initialize NVML: Unknown Error", CUDA
error 999 or 100. New containers work, the host works, the node files are there with the right modes.

How to tell: Opening /dev/nvidiactl gives EPERM (not EACCES, which would be the file's mode) although we may read it, and
NVML says 999. With cgroup v1 the rules show it: "c 195:* m" without r and w.

How to fix: Restart the container: it gets its rules again. To keep it from coming back, on the host: create the /dev/char
links (`nvidia-ctk system create-dev-char-symlinks`, with a udev rule), or use CDI, or Docker's cgroupfs driver. If it
fails from the first moment on, look for no-cgroups=true in the toolkit's config.toml.

Sources: https://github.com/NVIDIA/nvidia-container-toolkit/issues/48
https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/troubleshooting.html
https://github.com/NVIDIA/nvidia-container-toolkit/issues/251
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.driver import Driver
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.observed import Known, Unknown, value_of
from gpudoctor.findings import CannotLook, DoesNotApply, Evidence, Fix, Problem, seen
from gpudoctor.rules.containers._shared import the_container
from gpudoctor.rules.judging import need_or
from gpudoctor.rules.witnesses import withheld
from gpudoctor.signature import Signature

explains = (
    "device-node-missing-or-permission",
    "driver-not-answering",
    "uvm-not-working",
    "gpu-init-failed",
    "kernel-module-not-loaded",
)

signatures: tuple[Signature | str, ...] = (
    Signature(r"Failed to initialize NVML: Unknown Error", 0.92),
    Signature(r"NVML: Unknown Error|NVMLError_Unknown", 0.75, needs=(r"NVML",)),
    # The same as reporters type it.
    Signature(
        r"NVML:? (?:init\w* |is |was )?(?:failed|error)\W{1,3}Unknown?(?: error)?",
        0.85,
        needs=(r"pod|container|docker|kube",),
    ),
    Signature(r"c 195:\* m\b", 0.85),
    Signature(r"systemctl daemon-reload.{0,400}(?:NVML|nvidia-smi|GPU)", 0.75),
    Signature(
        r"(?:systemctl )?daemon-reload",
        0.74,
        when="in-container",
        needs=(
            r"gpu|nvidia|cuda|nvml",
            r"break\w*|lose|loses|lost|no longer|stops?|disappear\w*|disconnect\w*|gone|Unknown Error|CUDA_ERROR_NO_DEVICE|no CUDA-capable|No CUDA GPUs",
        ),
        unless=(r"install", r"docker\.service|restart docker"),
    ),
    # It worked for a while, and a container made anew works again.
    Signature(
        r"(?:restart|recreat|re-creat|redeploy|rebuild)\w* (?:of |the |my |a |this |docker |that )*(?:container|pod|service|stack|it)\b.{0,80}(?:brings?|back|fix\w*|helps?|solv\w*|works?|resolv\w*|again)",
        0.74,
        when="short-in-container",
        needs=(
            r"GPU|CUDA|nvidia|NVENC|transcod\w+",
            r"becomes?|overnight|after|suddenly|stops?|stopped|lost|loses|random\w*|hours|days|a while|long[- ]running|unknown amount",
            r"container|docker|\bpod\b",
        ),
        unless=(r"Xid", r"fallen off|GPU is lost", r"mismatch", r"out of memory", r"shm"),
    ),
    # The same with the engine's command, or the container's own name.
    Signature(
        r"(?:docker|podman|nerdctl|compose|kubectl|crictl|portainer) (?:compose |container |rollout )?(?:restart|stop|up|down|delete|recreate|rm)\w*\b.{0,60}(?:cures?|helps?|fix(?:es|ed)|solv(?:es|ed)|brings?|back\b|works? again|resolv(?:es|ed)|again)",
        0.82,
        when="short",
        needs=(
            r"CUDA_ERROR_NO_DEVICE|no CUDA-capable|No CUDA GPUs|NVML|Unknown Error|/dev/nvidia|nvidia-smi|\bGPU\b|NVENC",
            r"\d+ (?:hours?|days?|h|min\w*)\b|overnight|after (?:a|some|several|few)|suddenly|(?:a|some) (?:while|time)|every (?:few|night|day)|randomly|sporadic\w*|from time to time|daily",
        ),
        unless=(
            r"Xid|fallen off|GPU is lost|mismatch|out of memory|\bshm\b|could not select|unknown or invalid",
            r"(?:host|driver) (?:was |is )?(?:updat|upgrad)\w+|suspend|hibernat|wak(?:e|ing)",
        ),
    ),
    Signature(r"initiali[sz]e NVML:? U\w{3,8}n Error", 0.88),
    Signature(r"NVML.{0,200}Unknown Error.{0,600}daemon-reload", 0.93),
    # What reporters see: it worked, and a new container works again.
    Signature(
        r"restart(?:ing)? (?:the |my |docker )*container.{0,60}(?:helps?|fix\w*|works?|solves?)|(?:after|every) (?:a few|some|several|\d+) (?:hours?|days?|minutes).{0,200}container",
        0.82,
        when="in-container",
        needs=(r"CUDA_ERROR_NO_DEVICE|no CUDA-capable|NVML|Unknown Error|nvidia-smi|No CUDA GPUs",),
        unless=(r"Xid", r"daemon is not running"),
    ),
    Signature(
        r"(?:some|several|a few|\d+) (?:hours|days|minutes) (?:after|later).{0,200}container",
        0.82,
        when="in-container",
        needs=(r"CUDA_ERROR_NO_DEVICE|no CUDA-capable|NVML|Unknown Error|No CUDA GPUs",),
    ),
    # The same from nvidia-ml-py, go-nvml, gpustat; the remedies of NVIDIA's notice.
    Signature(
        r"Failed to initiali[sz]e NVML: Unknown|NVML_ERROR_UNKNOWN|ERROR_UNKNOWN.{0,30}NVML|NVML.{0,40}Unknown Error",
        0.8,
        needs=(r"NVML",),
    ),
    Signature(
        r"(?:native\.cgroupdriver=cgroupfs|create-dev-char-symlinks|/dev/char|systemd\.unified_cgroup_hierarchy=0|SystemdCgroup)",
        0.72,
        needs=(r"nvidia|GPU|gpu", r"lost|Unknown Error|NVML|no CUDA|disappear|lose"),
    ),
    Signature(
        r"(?:container|pod|docker)s? .{0,60}(?:los(?:es?|t|ing)|no longer (?:see|access|ha|detect)\w*|can't (?:see|access) .{0,20}any ?more|stops? (?:seeing|detecting)) .{0,40}(?:GPU|CUDA|nvidia)|(?:GPUs?|CUDA) .{0,60}(?:lost|los(?:es|ing)|disappear\w*|becomes? (?:invalid|unavailable)|unavailable after) .{0,60}(?:container|pod|docker)",
        0.74,
        when="in-container",
        unless=(r"Xid", r"fallen off", r"GPU is lost"),
    ),
    Signature(
        r"native\.cgroupdriver=cgroupfs",
        0.78,
        needs=(r"gpu|nvidia|nvml|cuda", r"fix\w*|solv\w*|los[est]\w*|Unknown Error|disappear\w*|work\w*"),
    ),
    Signature(
        r"lxc\.cgroup2?\.devices\.allow",
        0.95,
        needs=(
            r"/dev/nvidia|nvidia",
            r"Operation not permitted|Unknown Error|missing|denied",
            r"not permitted|missing|Unknown",
        ),
        unless=(r"nobody",),
    ),
    Signature(
        r"NVML_SUCCESS == r INTERNAL ASSERT FAILED|NVML_SUCCESS == DriverAPI",
        0.76,
        when="in-container",
        unless=(r"expandable_segments|out of memory|OutOfMemory",),
    ),
)


UNKNOWN_ERROR = 999


def check(driver: Driver, gpu: Gpu, containers: Containers) -> Iterator[Problem]:
    inside = the_container(containers)
    nodes = need_or(driver.nodes, "device nodes", ())
    mine = [node for node in nodes if node.major == 195]
    if not mine:
        raise DoesNotApply("no GPU was given to this container")
    kept = withheld(driver, gpu)
    denied = [node for node in mine if value_of(node.open_error, "") == "EPERM" and node not in kept]
    if not denied:
        unread = next((n.open_error for n in mine if isinstance(n.open_error, Unknown)), None)
        if unread is not None:
            raise CannotLook(f"whether the GPU's nodes open: {unread.reason}", unread.would_help)
        return
    nvml = value_of(gpu.nvml, None)
    rules = [rule for rule in value_of(inside.cgroup_devices, ()) if " 195:" in rule or " *:*" in rule]
    evidence = [
        Evidence("open", f"{node.path}: EPERM", getattr(node.open_error, "via", "")) for node in denied[:3]
    ]
    if nvml is not None:
        evidence.append(Evidence("nvmlInit", f"{nvml.code} {nvml.message}", getattr(gpu.nvml, "via", "")))
    if isinstance(inside.cgroup_devices, Known):
        evidence.append(
            Evidence(
                "device rules for NVIDIA",
                ", ".join(rules) or "none",
                inside.cgroup_devices.via,
            )
        )
    evidence.append(seen("container", Known(inside.kind, inside.evidence)))
    yield Problem(
        f"This {inside.kind} container may no longer open {denied[0].path}: its device rules are gone",
        evidence=tuple(evidence),
        fix=Fix(
            "Restart the container; then, on the host, make the rules survive the next reload of systemd",
            (
                "docker restart CONTAINER",
                "sudo nvidia-ctk system create-dev-char-symlinks --create-all",
            )
            if inside.kind == "docker"
            else ("sudo nvidia-ctk system create-dev-char-symlinks --create-all   # on the host",),
        ),
    )
