"""A downloaded file is damaged or incomplete

What it is: Weights, a checkpoint or a package were cut off while they were downloaded, or an error page or a Git LFS
pointer was saved in their place.

Why it hurts: Loading fails, again and again: the damaged copy stays in the cache.

How to tell: The file is smaller than its source says; its first bytes are no zip or safetensors header (`head -c 100
FILE`).

How to fix: Delete the file (in ~/.cache/torch/hub/checkpoints, ~/.cache/huggingface, or where the message says) and
download it again; compare its size or checksum.

Sources: https://github.com/CompVis/stable-diffusion/issues/93
https://github.com/Akegarasu/lora-scripts/issues/180
"""

from __future__ import annotations

from gpudoctor.signature import Signature

signatures: tuple[Signature | str, ...] = (
    Signature(r"PytorchStreamReader failed (?:reading zip archive|locating file|reading file)", 0.95),
    Signature(r"failed finding central directory", 0.95),
    Signature(r"invalid header or archive is corrupted", 0.93),
    Signature(r"unexpected EOF, expected \d+ more bytes\. The file might be corrupted", 0.95),
    Signature(
        r"SafetensorError: Error while deserializing header|MetadataIncompleteBuffer|InvalidHeaderDeserialization|HeaderTooLarge|incomplete metadata, file not fully covered",
        0.93,
    ),
    Signature(
        r"(?:Unable|unable) to (?:synchronously )?open file .{0,40}(?:truncated file|file signature not found)",
        0.9,
    ),
    Signature(
        r"_pickle\.UnpicklingError: (?:invalid load key|pickle data was truncated|unpickling stack underflow)",
        0.85,
    ),
    Signature(r"EOFError: Ran out of input", 0.7),
    Signature(
        r"zlib\.error: Error -\d+ while decompressing|BadZipFile: File is not a zip file|Error -3 while decompressing",
        0.75,
    ),
    Signature(r"(?:invalid hash value|THESE PACKAGES DO NOT MATCH THE HASHES)", 0.85),
    Signature(
        r"Unable to parse TFRecord|DataLossError: .{0,60}(?:corrupted|truncated) record|DATA_LOSS", 0.6
    ),
)
