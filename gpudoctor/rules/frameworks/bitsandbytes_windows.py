"""This bitsandbytes has no library for Windows

What it is: bitsandbytes before 0.43 was published with Linux libraries only. On Windows it looks for a .so file that can't
be loaded there.

Why it hurts: Importing it, or everything that loads a model in 8 or 4 bits, fails with "Could not find module ...
libbitsandbytes_cuda121.so", "WindowsPath" and ".so" in one message, or falls back to the CPU library.

How to tell: A Windows path and a .so file in the messages of bitsandbytes.

How to fix: Install bitsandbytes 0.43 or newer, which has wheels for Windows; unofficial packages such as
bitsandbytes-windows are no longer needed and must go first.

Sources: https://github.com/bitsandbytes-foundation/bitsandbytes/blob/main/CHANGELOG.md (0.43.0)
files of bitsandbytes 0.42.0 (py3-none-any) and 0.43.0 (win_amd64 among them) on PyPI
https://huggingface.co/docs/bitsandbytes/main/en/installation
"""

from __future__ import annotations

from gpudoctor.signature import Signature

explains = ("libcudart-missing", "extension-built-without-cuda")

signatures: tuple[Signature | str, ...] = (
    Signature(r"argument of type 'WindowsPath' is not iterable", 0.97),
    Signature(r"bitsandbytes.{0,200}libsbitsandbytes_cpu\.so", 0.85, when="on-windows"),
    Signature(
        r"libbitsandbytes_\w+\.(?:so|dll).{0,300}WindowsPath|WindowsPath\(.{0,300}libbitsandbytes",
        0.92,
        needs=(r"bitsandbytes",),
    ),
    Signature(r"libbitsandbytes_\w+\.so", 0.85, when="on-windows"),
    Signature(r"CUDA SETUP: .{0,80}(?:bitsandbytes|CUDA)", 0.6, when="on-windows"),
    Signature(
        r"bitsandbytes.{0,60}(?:is not supported on|does not support|not available (?:on|for)) Windows", 0.9
    ),
    # Releases up to 0.41 look for a Linux library, whatever it is called.
    Signature(r"libbitsandbytes\w*\.so", 0.88, when="on-windows"),
    Signature(
        r"'NoneType' object has no attribute 'c(?:adam|quantize|get_|dequantize|gemm|igemm)\w*'",
        0.75,
        when="on-windows",
    ),
    Signature(
        r"bitsandbytes-windows(?:-webui)?|CUDA Setup failed despite GPU being available",
        0.6,
        when="on-windows",
        needs=(r"bitsandbytes",),
    ),
    Signature(r"libcudart\.so", 0.9, when="on-windows", needs=(r"bitsandbytes",)),
    # The same exception, retold.
    Signature(
        r"(?:TypeError|AttributeError)[^\n]{0,80}WindowsPath|WindowsPath[`'\"]{0,2} (?:isn't|is not) iterable",
        0.92,
        needs=(r"bitsandbytes|cextension|load_in_[48]bit|bnb\b",),
    ),
    # A release from before the first with wheels for Windows.
    Signature(
        r"bitsandbytes",
        0.84,
        when="bitsandbytes-before-windows",
        needs=(r"fail|error|n't\b|cannot|\bnot\b|crash|missing|broken|unable",),
        explanation="This release of bitsandbytes was published for Linux only.",
    ),
)
