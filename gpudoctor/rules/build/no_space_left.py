"""A disk is full

What it is: The disk of the build, the package cache, the temporary folder or the container images has no room left.

Why it hurts: Downloads and builds stop half-way, and may leave damaged files behind.

How to tell: `df -h` (and `df -i`) on the path that the message names; pip and Bazel use the temporary and the home
folder too.

How to fix: Free space or move the work: TMPDIR and PIP_CACHE_DIR for pip, --output_user_root for Bazel, data-root for
Docker (`docker system df` shows what is used).

Sources: https://github.com/bazelbuild/bazel/issues/1871
"""

from __future__ import annotations

from gpudoctor.signature import Signature

#: What a training writes: that disk is the user's own affair.
_OWN_FILES = r"checkpoint|torch\.save|save_pretrained|PytorchStreamWriter|No space left on device: '\S{1,200}\.(?:pth?|ckpt|safetensors|h5|npz?|csv|log|tfevents|jpg|png|mp4)"


signatures: tuple[Signature | str, ...] = (
    Signature(
        r"(?:OSError|IOError|pip|conda|docker|write|ERROR).{0,160}No space left on device",
        0.75,
        unless=(r"shm|nccl|NCCL", _OWN_FILES),
    ),
    Signature(r"No space left on device", 0.65, unless=(r"shm|nccl|NCCL", _OWN_FILES)),
)
