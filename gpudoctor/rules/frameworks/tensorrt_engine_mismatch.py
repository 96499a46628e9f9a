"""A TensorRT engine was built for another GPU or by another TensorRT

What it is: An engine (plan file) is compiled for one GPU type and one TensorRT release. This one is loaded on another
GPU, or by another release.

Why it hurts: Deserialisation fails: "The engine plan file is generated on an incompatible device, expecting compute X
got compute Y", or "The engine plan file is not compatible with this version of TensorRT, expecting library version".

How to tell: The two compute capabilities or the two versions in the message.

How to fix: Build the engine again on the machine that runs it, from the ONNX file; or build it with hardware or version
compatibility switched on.

Sources: https://github.com/NVIDIA/TensorRT/issues/3130
https://github.com/NVIDIA/TensorRT/issues/2195
"""

from __future__ import annotations

from gpudoctor.signature import Signature

signatures: tuple[Signature | str, ...] = (
    # TensorRT 5 to 10: the engine's own header.
    Signature(
        r"(?:engine plan file is|serialized engine is|plan file is) (?:generated on an incompatible device|not compatible with this version of TensorRT)",
        0.97,
    ),
    Signature(r"expecting (?:library version|compute|version|plan version) \S+ (?:got|and got)", 0.92),
    Signature(r"engine plan file is not compatible", 0.95),
    Signature(r"engine plan file is generated on an incompatible device", 0.97),
    Signature(
        r"Version tag does not match\. Note: Current Version: \d+, Serialized Engine Version: \d+", 0.95
    ),
    Signature(
        r"Using an engine plan file across different models of devices is not (?:recommended|supported)", 0.9
    ),
    Signature(
        r"(?:stdVersionRead|deserializeCudaEngine|safeDeserialize).{0,200}(?:Version|Magic) tag does not match",
        0.93,
    ),
    Signature(r"Magic tag does not match", 0.85, needs=(r"TRT|TensorRT|tensorrt",)),
    Signature(r"Serialization assertion \w+ == \w+ failed", 0.93),
    Signature(r"Mismatch between allocated memory size and expected size of serialized engine", 0.93),
    Signature(
        r"Platform specific tag mismatch|plan files are only supported on the target runtime platform", 0.95
    ),
    Signature(
        r"(?:engine|plan)(?: file)? (?:was |is )?(?:built|created|generated|serialized|exported) (?:with|by|on|using) .{0,60}(?:TensorRT|TRT|GPU|device).{0,80}(?:but|incompatible|different|while|current)",
        0.8,
    ),
    Signature(
        r"Trying to load an engine created with incompatible serialization version|incompatible serialization version",
        0.95,
    ),
    Signature(r"Serialization Error in (?:verifyHeader|deserialize)", 0.88),
    Signature(r"unable to load plan file", 0.72, unless=(r"out of memory|No such file",)),
    Signature(r"Magic ?Tag assertion|Magic ?Tag .{0,20}(?:fail|mismatch|does not match)", 0.88),
    Signature(
        r"deserialize_?cuda_?engine\W.{0,60}(?:null(?:ptr)?\b|\bNone\b|fails?\b|failed)",
        0.72,
        unless=(r"out of memory",),
    ),
    Signature(
        r"'NoneType' object has no attribute '(?:create_execution_context|num_bindings|num_io_tensors|get_tensor_name|get_binding\w*|max_batch_size|num_optimization_profiles)'",
        0.62,
        needs=(r"engine|\.trt\b|\.plan\b|tensorrt",),
    ),
    Signature(
        r"(?:engine|plan)(?: file)?s? (?:(?:that )?(?:was|were|is|are|I) )?(?:built|created|generated|serialized|exported|converted|compiled) (?:with|by|on|using|for|in) .{0,80}(?:another|other|different|newer|older)",
        0.72,
        needs=(r"TensorRT|\bTRT\b",),
    ),
    # TensorRT's callers, which keep its reason to themselves.
    Signature(
        r"Deserialize the cuda engine failed|Failed to deserialize (?:the )?(?:cuda |CUDA |TensorRT |TRT )?engine",
        0.75,
    ),
)
