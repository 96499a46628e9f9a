"""GPU memory is free, but in pieces that are too small

What it is: PyTorch's allocator keeps memory that it got from the driver. What it holds unallocated lies in blocks
that the new request does not fit into, though together with the free memory they are large enough.

Why it hurts: Out of memory although there is memory: typical for inputs of changing sizes.

How to tell: In the message, free plus "reserved by PyTorch but unallocated" is at least the request, and the free
memory alone is not.

How to fix: Set PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True before the program starts (PyTorch 2.1 and later);
before that, max_split_size_mb:128. Pad inputs to few sizes.

Sources: https://pytorch.org/docs/stable/notes/cuda.html
https://github.com/pytorch/pytorch/issues/67680
"""

from __future__ import annotations

from gpudoctor.signature import Signature

signatures: tuple[Signature | str, ...] = (
    # PyTorch 1.10 and later: the free and the reserved-but-unallocated memory would have been enough.
    Signature(
        r"CUDA out of memory\.? ?Tried to allocate",
        0.93,
        when="fragmented",
        fix="Set PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True (PyTorch 2.0 and later; PYTORCH_ALLOC_CONF from 2.9) before the program starts; before 2.0, PYTORCH_CUDA_ALLOC_CONF=max_split_size_mb:128.",
    ),
    Signature(
        r"Tried to allocate \d+(?:\.\d+)? [KMGT]?i?B(?:ytes)?\b.{0,40}(?:GPU \d|total capac|already allocated|is free|reserved)",
        0.91,
        when="fragmented",
    ),
    # The asynchronous allocator's message, with what PyTorch keeps told beside it.
    Signature(r"Allocation on device .{0,40}would exceed allowed memory", 0.94, when="fragmented"),
    # The remedy helped: then the memory was there, in pieces.
    Signature(
        r"(?:expandable_segments|max_split_size_mb)\S* .{0,60}(?:fix\w*|solv\w*|helps|helped|go away|went away|gone|works?|resolv\w*|no more|cured)|(?:fix\w*|solv\w*|resolv\w*|helped|gone|works?) .{0,40}(?:with|by|after|once|when|thanks to|through) .{0,40}(?:expandable_segments|max_split_size_mb)|显存碎片|碎片化",
        0.8,
        needs=(r"out of memory|\boom\b|memory|显存",),
        unless=(r"Tried to allocate", r"(?:not|n't|no|without) (?:help|fix|solv|work|chang)\w*"),
    ),
)
