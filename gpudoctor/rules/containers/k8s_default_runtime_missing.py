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
)
