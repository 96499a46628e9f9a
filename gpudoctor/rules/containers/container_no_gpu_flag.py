"""The container was started without a GPU

What it is: An engine gives a container a GPU only when it is told to: `--gpus all`, the nvidia runtime, a CDI device, a
resource request in Kubernetes. This container got none: there are no GPU nodes in it, and no driver was mounted. CUDA
base images set NVIDIA_VISIBLE_DEVICES=all by themselves, which asks the runtime for GPUs but does not start it.

Why it hurts: Nothing in the container can reach a GPU. CUDA finds no driver or no device, frameworks fall back to the
CPU or stop, and nvidia-smi is not even there. No installation inside the container can mend it.

How to tell: No /dev/nvidia0 in the container and no mounted libcuda, although NVIDIA_VISIBLE_DEVICES asks for GPUs, the
PCI bus shows the host's, or the host's kernel module is visible in /sys/module.

How to fix: Start the container again with a GPU: `docker run --gpus all`, `podman run --device nvidia.com/gpu=all`,
`apptainer exec --nv`, in compose a device reservation, in Kubernetes a limit of nvidia.com/gpu. Never install a driver
in the image.

Sources: https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/docker-specialized.html
https://github.com/NVIDIA/nvidia-docker/issues/1034
https://docs.docker.com/compose/how-tos/gpu-support/
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers, Inside
from gpudoctor.facts.driver import Driver
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.machine import Expectation
from gpudoctor.facts.observed import Known, Unknown, value_of
from gpudoctor.findings import CannotLook, DoesNotApply, Evidence, Fix, Problem, seen
from gpudoctor.rules.containers._shared import (
    asks_for_gpus,
    gpu_nodes,
    libraries,
    paravirtual_gpu,
    the_container,
)
from gpudoctor.rules.judging import NVIDIA
from gpudoctor.signature import Signature

explains = (
    "smoke-ran-on-cpu",
    "driver-not-installed",
    "no-nvidia-gpu",
    "kernel-module-not-loaded",
    "device-node-missing-or-permission",
    "uvm-not-working",
    "driver-not-answering",
    "container-baked-driver-libraries",
)

signatures: tuple[Signature | str, ...] = (
    # NGC images' entry point; TensorFlow's and PyTorch's complaints in a container; docker run without --gpus.
    Signature(r"The NVIDIA Driver was not detected\. +GPU functionality will not be available", 0.93),
    Signature(r"NVIDIA Driver was not detected", 0.93),
    Signature(
        r"Use (?:the NVIDIA Container Toolkit to start this container with GPU support|'nvidia-docker run' to start this container|'docker run --gpus all' to start this container)",
        0.9,
    ),
    Signature(
        r"Nvidia driver version: (?:Could not collect|No CUDA)",
        0.5,
        when="in-container",
        needs=(r"Is CUDA available: (?:False|No)\b",),
    ),
    Signature(
        r"libcuda\.so\.1: cannot open shared object file",
        0.85,
        when="in-container",
        unless=(r"capabilities|NVIDIA_DRIVER_CAPABILITIES",),
    ),
    Signature(
        r"Could not (?:load dynamic library 'libcuda\.so\.1'|find cuda drivers on your machine)",
        0.75,
        when="in-container",
    ),
    Signature(r"Found no NVIDIA driver on your system", 0.82, when="in-container"),
    Signature(
        r"(?:nvidia-smi: (?:command )?not found|exec: \"nvidia-smi\": executable file not found|executable file [`'\"]?nvidia-smi[`'\"]? not found)",
        0.8,
        when="in-container",
        needs=(r"nvidia-smi",),
        unless=(r"NVIDIA_DRIVER_CAPABILITIES",),
    ),
    Signature(
        r"NVML Shared Library Not Found|couldn't find libnvidia-ml\.so library",
        0.75,
        when="in-container",
        unless=(r"load library failed",),
    ),
    Signature(r"kernel driver does not appear to be running on this host", 0.7, when="in-container"),
    Signature(
        r"Failed to build installable wheels.{0,40}driver|(?:^|[]>:] |#\d{1,3} )RUN .{0,200}(?:Found no NVIDIA driver|No CUDA GPUs are available|No CUDA runtime is found)",
        0.8,
    ),
    Signature(
        r"(?:Step \d+/\d+|#\d+ \d+\.\d+|docker build).{0,600}(?:Found no NVIDIA driver|No CUDA GPUs are available)",
        0.8,
    ),
    Signature(r"Failed to infer device type", 0.55, when="in-container"),
    # The command that started it is shown, and asks for no GPU: whatever then misses one.
    Signature(
        r"is_available\(\)\W{0,12}(?:(?:is|returns?|gives?|prints?|->|返回|为) ?){0,2}(?:Out\[\d+\]: ?|>>> ?)?(?:False|Flase|FALSE)\b|libcuda\.so(?:\.1)?: cannot open|No CUDA GPUs are available|no CUDA-capable device|Found no NVIDIA driver|list_physical_devices\([^)]{0,12}\)\)?\W{0,8}(?:(?:returns?|is|gives?|prints?) ?)?\W{0,3}\[\]|No supported GPU\(s\) detected|nvidia-smi: (?:command )?not found|Failed to infer device type|no compatible GPUs were discovered|libnvidia-ml|not (?:compiled|built) with .{0,20}GPU offload|No platform detected, vLLM|CpuDevice\(id=0\)|NVML Shared Library Not Found|ggml_cuda_init: failed|no (?:nvidia |usable )?gpus? (?:was |were )?(?:detected|found|available)",
        0.86,
        when="started-without-gpu",
        unless=(r"nvidia-container-cli|could not select|unknown or invalid", r"Step \d+/\d+"),
    ),
    Signature(
        r"libcuda\.so(?:\.1)?: cannot open|No CUDA GPUs are available|no CUDA-capable device|Found no NVIDIA driver|nvidia-smi: (?:command )?not found|Failed to infer device type|no compatible GPUs were discovered|libnvidia-ml\.so\S* .{0,40}(?:not found|cannot)|Failed to dlopen libcuda|NVML Shared Library Not Found",
        0.84,
        when="composed-without-gpu",
        unless=(r"nvidia-container-cli|could not select|unknown or invalid", r"device[- ]plugin|dcgm"),
    ),
    Signature(
        r"libcuda\.so(?:\.1)?: cannot open|No CUDA GPUs are available|no CUDA-capable device|Found no NVIDIA driver|nvidia-smi: (?:command )?not found|Failed to infer device type|is_available\(\)\W{0,12}False|executable file not found in \$PATH",
        0.84,
        when="pod-asks-for-no-gpu",
        needs=(r"cuda|nvidia|gpu",),
    ),
    # The variable that NVIDIA's runtime reads, saying none.
    Signature(
        r"NVIDIA_VISIBLE_DEVICES[`'\"]? ?(?:=|:|is|was|(?:\w+ )?set to|->|to)? ?[`'\"]?(?:void|none)\b",
        0.8,
        needs=(r"cuda|gpu|driver", r"fail\w*|not|no |n't|error|cannot|False|missing|caus\w*"),
        unless=(r"could not select|unknown or invalid",),
    ),
    # NGC's entry point, where the nodes are there and no GPU answers.
    Signature(r"No supported GPU\(s\) detected to run this container", 0.62, when="in-container"),
    # nvidia-smi does not work in the container, in the reporter's words.
    Signature(
        r"nvidia-smi\W{0,3} .{0,30}(?:did ?n[o']t|doesn'?t|does not|not|isn't|fails|no) (?:even )?(?:work|exist|there|available|found|recogni\w*|run|present|installed|show\w*)\b.{0,30}(?:in|inside|within|from) (?:the |my )?(?:docker|container|image|pod)",
        0.78,
        when="short-in-container",
        unless=(
            r"Unknown Error|nvidia-container-cli|could not select|unknown or invalid|Insufficient Permissions|--gpus[= ]|--runtime[= ]nvidia|capabilities",
        ),
    ),
    # Singularity and Apptainer without --nv.
    Signature(
        r"CUDA driver version is insufficient for CUDA runtime version",
        0.93,
        when="singularity-without-nv",
        fix="Start it with the host's driver: singularity run --nv IMAGE (apptainer run --nv IMAGE).",
    ),
    Signature(
        r"(?:libcuda\.so\.1: cannot open|No CUDA GPUs are available|no CUDA-capable device|Found no NVIDIA driver)",
        0.9,
        when="singularity-without-nv",
        fix="Start it with the host's driver: singularity run --nv IMAGE (apptainer run --nv IMAGE).",
    ),
    Signature(
        r"Cannot load libcuda\.so\.1|Could not dynamically load CUDA|libcuda\.so: cannot open shared object file",
        0.85,
        when="in-container",
    ),
    Signature(
        r"Could not find (?:the )?CUDA driver library|No system CUDA driver found", 0.8, when="in-container"
    ),
    # Reporters: the host is fine and the container sees nothing; the flag that was left out. Docker's refusals are other causes.
    Signature(
        r"(?:works?|working|fine|ok|okay|good|success\w*|visible|detected) .{0,30}(?:on|in|from|at) (?:the |my )?(?:host|bare metal)|(?:on|in|from) (?:the |my )?host.{0,40}(?:works|is fine|fine|ok\b)|outside (?:of )?(?:the |a |my )?(?:docker|container)",
        0.62,
        when="in-container",
        needs=(r"nvidia|cuda|GPU", r"not|n't|no |fail\w*|False|error|can't|cannot|unable"),
        unless=(
            r"Unknown Error",
            r"could not select|unknown or invalid runtime|Unknown runtime|nvidia-container-cli|OCI runtime|CDI",
            r"Insufficient Permissions|denied|rootless",
            r"--gpus[= ]|--runtime[= ]nvidia|runtime: nvidia|capabilities",
            r"nvcuvid|nvenc|libnvidia-encode|NVENC|Vulkan|EGL|OpenGL",
            r"NCCL|shm",
            r"after (?:a|some|several|few|\d+)|daemon-reload",
            r"unknown error",
        ),
    ),
    Signature(
        r"(?:add\w*|missing|without|forg[eo]t\w*|need\w*|pass\w*|lack\w*|miss\w*|omit\w*|didn't|not (?:use|using|specify\w*|pass\w*|add\w*)) (?:the |a |an |in |your |using )?(?:flag |option |argument |parameter |docker )?[`'\"]?(?:--gpus|--nv\b|--runtime[= ]nvidia|gpus: all)",
        0.76,
        when="short",
        needs=(
            r"is_available|libcuda|no (?:CUDA|GPU|NVIDIA)|(?:not|n't) (?:be )?(?:detect|find|found|see|recogni|us|work|available|access|visible|run)\w*|cannot|can't|fail\w*|False|\bCPU\b|could not|unable",
        ),
        unless=(
            r"could not select|unknown or invalid runtime|Unknown runtime|nvidia-container-cli|OCI runtime",
            r"Unknown Error",
        ),
    ),
    Signature(
        r"NVMLError_LibraryNotFound|NVML_ERROR_LIBRARY_NOT_FOUND|libnvidia-ml\.so(?:\.1)?: cannot open shared object file|Failed to (?:load|open|dlopen) libcuda|no such file or directory: 'nvidia-smi'|spawn nvidia-smi ENOENT|nvidia-smi['\"`]?:? (?:not found|No such file)|command not found: nvidia-smi",
        0.76,
        when="in-container",
        unless=(r"load library failed", r"device[- ]plugin|dcgm|gpu-feature", r"NVML library"),
    ),
    # The command or the file is shown, and asks for no GPU; the pod, the task, the build step, the panel likewise in words.
    Signature(
        r"docker run(?: (?!--gpus|--runtime|--device|nvidia/)\S+)* .{0,120}is_available\(\).{0,12}\s(?:False|false)",
        0.78,
        unless=(r"--gpus|--runtime|--device|nvidia-docker",),
    ),
    Signature(
        r"(?:without|no|lacks?|missing|(?:not|n't) (?:request|ask|have|set|specify|declare)\w*(?: for)?) (?:a |an |the |any )?[`'\"]?(?:deploy\.resources|nvidia\.com/gpu|resources:? ?limits|device_requests|deploy: resources|runtime: ?nvidia|device \"?nvidia/gpu\"?|\"--gpus\")",
        0.86,
        needs=(r"CUDA|libcuda|NVIDIA driver|cpu only|GPU|False",),
        unless=(r"could not select|unknown or invalid|Insufficient nvidia\.com|device[- ]plugin",),
    ),
    Signature(
        r"docker build|docker image build|buildx|RUN (?:python|pip|make|cmake|\./)|build step",
        0.8,
        needs=(
            r"Found no NVIDIA driver|No CUDA GPUs are available|libcuda\.so\.1: cannot open|no CUDA-capable device|libcuda\.so\.1 => not found",
            r"docker|Dockerfile|podman|buildah",
        ),
    ),
    Signature(
        r"(?:no|not have|n't have|without|missing) (?:a |an |the |any )?[`'\"]{0,2}(?:--gpus|--nv|gpus)\b[`'\"]{0,2} (?:in|flag|option|argument|set|given|passed)",
        0.8,
        unless=(
            r"could not select|unknown or invalid runtime|Unknown runtime|nvidia-container-cli|OCI runtime",
        ),
    ),
    # A pod or a service that asks for none; `docker inspect` of such a container.
    Signature(
        r"(?:pod|deployment|job|container|manifest|spec|yaml|chart|service|task|task definition|stack)s?\b.{0,40} (?:without|has no|have no|with no|lacks?|lacking|missing|omits?|sets? no|declares? no|requests? no|nothing (?:for|about|on)) (?:any |a |the )?(?:resourceRequirements|devices? (?:block|stanza|plugin block)|gpu stanza|resources?[.: ]{0,2}(?:limits?|requests?|section|block)|resources\b|limits?\b|gpu (?:limit|request|resource)|nvidia\.com/gpu)",
        0.93,
        needs=(
            r"gpu|nvidia|cuda",
            r"False|no such file|not found|n't |No CUDA|no CUDA-capable|no (?:nvidia )?driver|libcuda|cannot|fail\w*|\bcpu\b|gives nothing|is empty|insufficient|no compatible",
        ),
        unless=(
            r"could not select|unknown or invalid|Insufficient nvidia\.com|device[- ]plugin|OOMKilled|evicted",
        ),
    ),
    Signature(
        r"\bDevice ?Requests\W{1,10}(?:null|\[\]|nil|none|empty)|\bDevice ?Requests\W{1,6}(?:-> ?)?\[\]",
        0.95,
        needs=(
            r"cuda|nvidia|gpu",
            r"insufficient|False|not found|no such|n't |No CUDA|no CUDA-capable|libcuda|cannot|fail\w*|unknown error|\bcpu\b|no compatible",
        ),
        unless=(r"\bRuntime\W{1,5}nvidia|could not select|unknown or invalid|nvidia\.com/gpu=|CDI devices",),
    ),
    # The same command with the flag works.
    Signature(
        r"\bFalse\b.{0,40}\bwith (?:--gpus|--device|--nv|--runtime)\b\S* .{0,40}(?:True|works?|fine|sees|ok)\b",
        0.88,
    ),
    # The command, the file, the settings without a GPU in them.
    Signature(
        r"docker run (?!.{0,200}(?:--gpus|--runtime|--device|nvidia-smi)).{0,200}(?:n't use|not us\w+|doesn't see|can't see|not detect\w*|not find|n't detect|no) (?:my |the |any |a )?GPU",
        0.76,
        unless=(r"--gpus|--runtime|--device|nvidia-docker|could not select",),
    ),
    Signature(
        r"^services: ",
        0.84,
        needs=(
            r"Found no NVIDIA driver|libcuda\.so\.1: cannot open|No CUDA GPUs are available|nvidia-smi: (?:command )?not found|driver was not detected",
        ),
        unless=(r"runtime: ?nvidia|devices:|gpus:|nvidia\.com/gpu",),
    ),
    Signature(
        r"(?:忘记|没有|没|未)(?:加|添加|指定|使用|加上) ?--gpus|--gpus .{0,12}(?:参数)?(?:没加|忘了)", 0.85
    ),
    Signature(
        r"devcontainer\.json (?:without|has no|lacks?) .{0,30}(?:gpus?|runArgs)|(?:without|no|missing) runArgs",
        0.82,
        needs=(r"cuda|gpu",),
    ),
    Signature(
        r"in the container libcuda|libcuda\S* .{0,40}in the container",
        0.8,
        when="in-container",
        unless=(r"capabilities", r"--gpus"),
    ),
    Signature(
        r"(?:no|without|lacks?|missing) (?:a |any |the )?(?:gpu|device) (?:reservations?|requests?)\b",
        0.8,
        when="in-container",
        needs=(r"driver|libcuda|No CUDA|False|n't|not ",),
        unless=(r"could not select|unknown or invalid",),
    ),
)


_HOW: dict[str, tuple[str, ...]] = {
    "docker": ("docker run --rm --gpus all IMAGE nvidia-smi   # and so on for your own command",),
    "containerd": ("nerdctl run --rm --gpus all IMAGE nvidia-smi",),
    "podman": ("podman run --rm --device nvidia.com/gpu=all IMAGE nvidia-smi",),
    "apptainer": ("apptainer exec --nv IMAGE nvidia-smi",),
    "lxc": ("lxc config device add CONTAINER gpu gpu", "lxc config set CONTAINER nvidia.runtime true"),
    "kubernetes": (
        "kubectl patch deployment NAME --type=json -p "
        '\'[{"op":"add","path":"/spec/template/spec/containers/0/resources","value":{"limits":{"nvidia.com/gpu":1}}}]\'',
    ),
}


def check(
    host: Host, driver: Driver, gpu: Gpu, containers: Containers, expectation: Expectation
) -> Iterator[Problem]:
    inside = the_container(containers)
    nodes = gpu_nodes(driver)
    if nodes or paravirtual_gpu(host):
        yield from _nodes_alone(driver, inside, [n.path for n in nodes])
        return
    why = _why(driver, gpu, inside, expectation)
    if not why:
        if isinstance(gpu.pci, Unknown) and not isinstance(inside.visible_devices, Known):
            raise CannotLook(f"whether the host has a GPU: {gpu.pci.reason}", gpu.pci.would_help)
        raise DoesNotApply("nobody asks for a GPU in this container")
    yield Problem(
        f"This {inside.kind} container was started without a GPU",
        evidence=(
            Evidence("container", inside.kind, inside.evidence),
            *why,
            Evidence("GPU nodes", "none", getattr(driver.nodes, "via", "/dev")),
            seen("driver files mounted", inside.driver_mounts),
        ),
        fix=_fix(inside),
    )


def _why(driver: Driver, gpu: Gpu, inside: Inside, expectation: Expectation) -> tuple[Evidence, ...]:
    """What says that a GPU belongs here. An explicit "void" or "none" is somebody's wish, unless one is demanded."""
    asked = inside.visible_devices
    if isinstance(asked, Known) and asks_for_gpus(asked.value):
        return (seen("NVIDIA_VISIBLE_DEVICES", asked),)
    if expectation.gpu:
        return (seen("NVIDIA_VISIBLE_DEVICES", asked), Evidence("a GPU is expected", expectation.gpu))
    if isinstance(asked, Known):
        return ()
    found = [d for d in value_of(gpu.pci, ()) if d.vendor == NVIDIA and d.is_display]
    if found:
        return (Evidence("the host's GPU", found[0].address, getattr(gpu.pci, "via", "")),)
    if isinstance(driver.module, Known):
        return (Evidence("the host's kernel module", driver.module.value.version, driver.module.via),)
    return ()


def _nodes_alone(driver: Driver, inside: Inside, nodes: list[str]) -> Iterator[Problem]:
    """`docker run --device /dev/nvidia0` hands over the nodes and nothing of the driver."""
    if isinstance(driver.libraries, Unknown) or not nodes:
        return
    if libraries(driver, "libcuda.so.1") or libraries(driver, "libnvidia-ml.so.1"):
        return
    words = value_of(inside.capabilities, "compute,utility").lower()
    if not any(word in words for word in ("compute", "utility", "all")):
        return  # then the capabilities are the cause, and have a page of their own
    yield Problem(
        f"This {inside.kind} container has GPU nodes but no driver libraries",
        evidence=(
            Evidence("GPU nodes", ", ".join(nodes), getattr(driver.nodes, "via", "")),
            Evidence("libcuda.so.1, libnvidia-ml.so.1", "not there", getattr(driver.libraries, "via", "")),
            seen("driver files mounted", inside.driver_mounts),
        ),
        explanation="The nodes alone are of no use: the driver's libraries must be those of the host's version, and "
        "only the container toolkit (or CDI) mounts them.",
        fix=_fix(inside),
    )


def _fix(inside: Inside) -> Fix:
    return Fix(
        "On the host: check that nvidia-smi works there, then start the container with a GPU",
        _HOW.get(inside.kind, ()),
    )
