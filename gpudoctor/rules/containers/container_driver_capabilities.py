"""A part of the driver was not given to the container

What it is: NVIDIA_DRIVER_CAPABILITIES says which libraries of the driver the toolkit mounts: `compute` brings libcuda,
`utility` brings libnvidia-ml and nvidia-smi, `video` the codecs. A list that leaves one out, in the image, on the command
line or in a compose file (`capabilities: [gpu, utility]`), gives a container in which half of the driver works.

Why it hurts: Without `compute` nvidia-smi shows the GPU while every CUDA program says that it finds no driver. Without
`utility` it is the other way round. It looks like a broken driver and is none.

How to tell: One of libcuda.so.1 and libnvidia-ml.so.1 is in the container and the other is not.

How to fix: Set NVIDIA_DRIVER_CAPABILITIES=compute,utility (add video, graphics, display as needed), or take the list of
capabilities out of the compose file. If the list is right, the library is missing on the host itself.

Sources: https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/docker-specialized.html#driver-capabilities
https://github.com/NVIDIA/nvidia-docker/issues/1226
https://github.com/mudler/LocalAI/issues/11973
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers, Inside
from gpudoctor.facts.driver import Driver
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem, seen
from gpudoctor.rules.containers._shared import gpu_nodes, libraries, paravirtual_gpu, the_container
from gpudoctor.rules.judging import need_or
from gpudoctor.signature import Signature

explains = ("driver-not-installed", "driver-not-answering", "no-nvidia-gpu")

signatures: tuple[Signature | str, ...] = (
    # The variable is shown, and lacks what the program wants.
    Signature(
        r"NVIDIA_DRIVER_CAPABILITIES\W{1,4}(?:(?:compute|utility),?){1,2}(?![\w,])",
        0.88,
        needs=(
            r"vulkan|llvmpipe|vkCreate|\bEGL\b|OpenGL|\bGLX\b|nvenc|nvcuvid|nvdec|optix|libnvidia-encode",
            r"fail\w*|cannot|can't|error|finds? only|not (?:found|work\w*|load\w*|available|find)|n't (?:work|load|find)|no such",
        ),
    ),
    Signature(r"Cannot load libnvidia-encode\.so\.1", 0.9),
    Signature(r"Cannot load libnvcuvid\.so\.1", 0.9),
    Signature(
        r"lib(?:nvcuvid|nvidia-encode|nvidia-opticalflow|nvoptix|nvidia-ptxjitcompiler|EGL_nvidia|GLX_nvidia|nvidia-glcore)\.so\.\d+: cannot open shared object file",
        0.88,
    ),
    Signature(
        r"(?:Failed|Unable|Could not|cannot) .{0,20}(?:to )?(?:load|open|find) lib(?:nvcuvid|nvidia-encode|nvoptix|nvidia-opticalflow)",
        0.88,
    ),
    Signature(
        r"NVIDIA_DRIVER_CAPABILITIES[\"']?[=:] ?[\"']?(?:utility|graphics|compute|video|compute,utility|utility,compute)?[\"']?\s",
        0.6,
        needs=(r"libcuda|nvenc|nvcuvid|EGL|Vulkan|cannot|not found",),
    ),
    Signature(r"unsupported capabilities found in '\S*' \(allowed ''?\S*\)", 0.9),
    Signature(r"PTX JIT compiler library (?:was )?not found", 0.92),
    Signature(r"capabilities: \[(?:gpu, ?utility|utility, ?gpu|utility)\]", 0.75),
    # FFmpeg, OpenCV, DALI, GStreamer, OBS, decord, PyNvCodec, Vulkan and OptiX: each looks for a library of the driver.
    Signature(
        r"Failed loading nv(?:cuvid|enc)|nvcuvid .{0,40}(?:not found|missing|failed|cannot|could not)|no such (?:element|file).{0,20}(?:nvh26[45]\w+|nvv4l2\w+|libnv(?:cuvid|idia-encode))",
        0.82,
        when="not-on-windows",
    ),
    Signature(
        r"lib(?:nvcuvid|nvidia-encode|nvidia-opticalflow|nvoptix|EGL_nvidia|GLX_nvidia|nvidia-fbc|nvidia-ngx|nvidia-vulkan\w*)\.so\S{0,12} .{0,40}(?:not found|missing|cannot|could not|no such|fail\w*|isn't|not available)",
        0.84,
    ),
    Signature(r"OPTIX_ERROR_LIBRARY_NOT_FOUND|Failed to load OptiX library", 0.75),
    Signature(
        r"vk_icdGetInstanceProcAddr.{0,40}libGLX_nvidia|ERROR_INCOMPATIBLE_DRIVER|eglInitialize\W.{0,30}fail\w*|failed to (?:load|open) EGL",
        0.72,
        when="in-container",
    ),
    Signature(
        r"(?:add\w*|set(?:ting)?|missing|need\w*|without|specify\w*|fix\w*|includ\w+) .{0,40}NVIDIA_DRIVER_CAPABILITIES|NVIDIA_DRIVER_CAPABILITIES.{0,60}(?:fix\w*|solv\w*|work\w*|missing|not set|include|all\b)",
        0.76,
        needs=(r"fix\w*|solv\w*|work\w*|missing|fail\w*|error|cannot|can't|not |n't|need\w*|no devices",),
        unless=(r"could not select", r"Unknown Error", r"CUDA_ERROR_NO_DEVICE"),
    ),
    Signature(
        r"(?:nvcuvid|nvidia-encode|NVENC|nvenc|NVDEC|nvdec|hevc_nvenc|h264_nvenc|h264_cuvid).{0,120}(?:not found|missing|fail\w*|cannot|could not|No capable|not available|unsupported)",
        0.62,
        when="in-container",
        unless=(r"API version",),
    ),
    Signature(
        r"(?:dynamic library|load|find|open) \S{0,4}libnv(?:cuvid|idia-encode|optix|idia-opticalflow|idia-fbc)\b",
        0.84,
    ),
    Signature(
        r"NVIDIA_DRIVER_CAPABILITIES ?[=:] ?[\"']?compute[\"']?(?!,)",
        0.85,
        needs=(r"nvidia-smi", r"not found|missing|executable file"),
    ),
    Signature(
        r"NVIDIA_DRIVER_CAPABILITIES (?:lacks?|misses|is missing|without|does not (?:have|include)|doesn't (?:have|include)|needs?|must)",
        0.84,
    ),
)


#: The toolkit's own default, where the variable is not set.
DEFAULT = "compute,utility"
_PARTS = (
    ("compute", "libcuda.so.1", "CUDA programs find no driver"),
    ("utility", "libnvidia-ml.so.1", "nvidia-smi and monitoring don't work"),
)


def check(host: Host, driver: Driver, containers: Containers) -> Iterator[Problem]:
    inside = the_container(containers)
    if not gpu_nodes(driver) and not paravirtual_gpu(host):
        raise DoesNotApply("no GPU was given to this container")
    need_or(driver.libraries, "driver libraries", ())
    given = _given(inside)
    there = {name: libraries(driver, library) for name, library, _ in _PARTS}
    nothing = not any(there.values())
    if nothing and (given & {"compute", "utility", "all"}):
        return  # nothing at all was mounted although it was asked for: that is another cause
    for name, library, effect in _PARTS:
        if there[name] or (nothing and name == "utility"):
            continue
        asked = name in given or "all" in given
        yield Problem(
            f"{library} is not in the container: {effect}",
            severity="failure" if name == "compute" else "warning",
            evidence=(
                seen("NVIDIA_DRIVER_CAPABILITIES", inside.capabilities),
                Evidence(library, "not there", getattr(driver.libraries, "via", "")),
                seen("driver files mounted", inside.driver_mounts),
            ),
            explanation=f"{name} was asked for, so the library is missing on the host." if asked else "",
            fix=_on_the_host(library) if asked else _in_the_container(given | {name}),
        )


def _given(inside: Inside) -> set[str]:
    words = value_of(inside.capabilities, DEFAULT) or DEFAULT
    return {word.strip().lower() for word in words.split(",")}


def _in_the_container(wanted: set[str]) -> Fix:
    words = ",".join(sorted(word for word in wanted if word))
    return Fix(
        "Start the container with the missing capability",
        (f"docker run --rm --gpus all -e NVIDIA_DRIVER_CAPABILITIES={words} IMAGE nvidia-smi",),
    )


def _on_the_host(library: str) -> Fix:
    return Fix(
        f"On the host: install the driver's package with {library}, then start the container again",
        (f"ldconfig -p | grep {library}",),
    )
