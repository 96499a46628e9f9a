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
