"""The Kubernetes device plugin runs without the nvidia runtime

What it is: The device plugin's pod finds NVML only if its container is started by NVIDIA's runtime: as the node's
default runtime, or through the RuntimeClass nvidia.

Why it hurts: The plugin registers no GPU; pods that ask for nvidia.com/gpu stay pending.

How to tell: The plugin's log says "could not load NVML library", though nvidia-smi works on the node. `containerd
config dump` or `docker info` on the node show the default runtime.

How to fix: Make nvidia the default runtime (`nvidia-ctk runtime configure --runtime=containerd --set-as-default`,
then restart containerd), or create the RuntimeClass nvidia and name it in the plugin's pod.

Sources: https://github.com/NVIDIA/k8s-device-plugin#prerequisites
https://github.com/NVIDIA/k8s-device-plugin/issues/23
https://github.com/NVIDIA/k8s-device-plugin/issues/478
"""

from __future__ import annotations

from gpudoctor.signature import Signature

signatures: tuple[Signature | str, ...] = (
    # k8s-device-plugin 1.x: main.go; 0.14 and later: factory.go.
    Signature(r"could not load NVML library", 0.93),
    Signature(r"If this is a GPU node, did you set the docker default runtime to `?nvidia`?", 0.95),
    Signature(r"Failed to initialize NVML: could not load NVML library", 0.95),
    Signature(r"Detected non-NVML platform: could not load NVML library", 0.95),
    Signature(r"Incompatible (?:platform|strategy) detected", 0.85),
    Signature(r"No devices found\. Waiting indefinitely", 0.8),
    Signature(r"If this is a GPU node, did you configure the NVIDIA Container Toolkit", 0.9),
    Signature(
        r"(?:nvidia-device-plugin|gpu-feature-discovery|dcgm-exporter).{0,300}(?:NVML|libnvidia-ml).{0,80}(?:not found|could not|failed)",
        0.85,
    ),
    Signature(r"Insufficient nvidia\.com/gpu", 0.6),
    Signature(
        r"Cannot perform the requested operation because NVML doesn't exist on this system|error initializing DCGM.{0,80}(?:library|NVML)",
        0.7,
        needs=(r"dcgm|NVML|kubernetes|pod",),
    ),
    # go-nvml's name of the error, in the plugin's and GPU feature discovery's logs; what the node says.
    Signature(
        r"ERROR_LIBRARY_NOT_FOUND|NVML: ERROR_\w+|nvml init failed|Failed to initiali[sz]e NVML: ERROR",
        0.86,
        needs=(r"plugin|kube|k8s|\bpod\b|daemonset|gpu-feature|helm|dcgm",),
    ),
    Signature(
        r"nvidia\.com/gpu[\"'`]?: *[\"'`]?0\b|sees? (?:0|zero|no) (?:graphics cards?|GPUs?)|no GPU resources?|(?:no|not (?:show|list|advertis|report)\w*) .{0,20}nvidia\.com/gpu|nvidia\.com/gpu .{0,40}(?:not (?:found|shown|listed|available|present)|missing|is 0)",
        0.72,
        needs=(r"kube|k8s|k3s|\bpods?\b|\bnodes?\b|nvidia\.com|cluster|helm|device[- ]plugin|gpu-operator",),
        unless=(r"Xid", r"unhealthy"),
    ),
    Signature(
        r"(?:default[-_ ](?:container[-_ ])?runtime(?:[-_ ]name)?|runtimeClassName|RuntimeClass|runtime[- ]class)\b",
        0.74,
        needs=(
            r"nvidia",
            r"kube\w*|k8s|k3s|k0s|rke2?|microk8s|minikube|device[- ]plugin|daemonset|\bpods?\b",
            r"not|n't|no |fail\w*|error|missing|need\w*|requir\w*|fix\w*|solv\w*|must",
        ),
        unless=(r"no runtime for|unknown runtime|invalid runtime|handler|is not configured|not supported",),
    ),
    Signature(r"RuntimeClass.{0,10}nvidia.{0,20}not found", 0.78),
    Signature(
        r"requires? .{0,60}runtime .{0,20}(?:set )?to .{0,10}nvidia-container-runtime|runtime .{0,20}(?:set to|is) [`'\"]?runc\b",
        0.8,
        needs=(r"plugin|kube|k8s|containerd|daemonset",),
    ),
    Signature(
        r"(?:nvidia-)?device[- ]plugin.{0,200}(?:libnvidia-ml|NVML|no devices|not find|CrashLoop\w*|could not)",
        0.74,
    ),
    Signature(
        r"default_runtime_name ?= ?\"?nvidia|default-runtime\"?[:= ]{1,3}\"?nvidia|runtimeClassName: ?nvidia",
        0.7,
        needs=(
            r"device[- ]plugin|nvidia\.com/gpu|\bplugin\b|dcgm-exporter",
            r"fix\w*|made|solv\w*|missing|need\w*|not |n't|No devices",
        ),
        unless=(r"unknown or invalid runtime|no runtime for|not supported",),
    ),
    # `kubectl describe node`: what it has, and no GPU; the same in words.
    Signature(
        r"^(?:Capacity|Allocatable):",
        0.74,
        when="node-lists-no-gpu",
        needs=(r"nvidia|gpu",),
        unless=(r"Xid|fallen off|mismatch|unhealthy", r"no runtime for|invalid runtime"),
    ),
    Signature(
        r"(?:can ?not|can't|couldn't|could not|don't|doesn't|does not|didn't|not|no|never) (?:be )?(?:find|found|see|seen|show\w*|list\w*|get|detect\w*|recogni\w+|schedul\w+|allocat\w+|discover\w*|regist\w*|contain\w*|have)\b.{0,40}(?:GPU|capacity|capatity|allocatable|nvidia\.com)|GPU (?:resources? )?.{0,20}(?:can ?not|can't|not|isn't|aren't) .{0,20}(?:schedul\w+|list\w*|show\w*|found|detect\w*|regist\w*|allocat\w*)",
        0.68,
        when="short",
        needs=(r"device[- ]plugin|gpu-operator|describe node", r"kube\w*|k8s|k3s|\bnodes?\b"),
        unless=(
            r"no runtime for|unknown runtime|invalid runtime|not supported|is not configured",
            r"Xid|mismatch|unhealthy|couldn't communicate|load library failed|change root",
        ),
    ),
    Signature(r"invalid device discovery strategy", 0.85),
    Signature(
        r"(?:dcgm-exporter|node-feature|gpu-feature-discovery|device[- ]plugin).{0,120}(?:NVML doesn't exist|find libnvidia-ml|libnvidia-ml\S* .{0,30}not found|NVML .{0,20}not (?:found|available))",
        0.84,
    ),
)
