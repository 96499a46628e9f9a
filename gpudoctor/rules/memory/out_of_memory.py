"""The GPU's memory is used up

What it is: The program asked for more memory than is free on the GPU: its own model and batch need it, or other
processes hold it.

Why it hurts: The step fails, and mostly the whole run; with a greedy neighbour it fails at random.

How to tell: The message gives the request, what is free and what this process holds; nvidia-smi lists the other
processes. Much that is "reserved but unallocated" would be fragmentation instead.

How to fix: Make the work smaller (batch, sequence, precision, gradient checkpointing), stop the processes that hold
the memory (`nvidia-smi` names them), or take another GPU.

Sources: https://pytorch.org/docs/stable/notes/cuda.html
https://www.tensorflow.org/guide/gpu
https://github.com/pytorch/pytorch/issues/16417
"""

from __future__ import annotations

from gpudoctor.signature import Signature, error_code

signatures: tuple[Signature | str, ...] = (
    # PyTorch since 0.4; TensorFlow's BFC allocator; JAX; CuPy; llama.cpp; vLLM; the driver's own name.
    Signature(r"CUDA out of memory\.? ?Tried to allocate", 0.9, when="not-fragmented"),
    Signature(r"CUDA out of memory(?!\.? Tried to)", 0.85),
    Signature(r"torch\.(?:cuda\.)?OutOfMemoryError: CUDA out of memory", 0.6),
    Signature(r"CUDA error: out of memory", 0.88),
    Signature(r"cuda runtime error \(2\) : out of memory", 0.9),
    r"CUDA_ERROR_OUT_OF_MEMORY",
    r"cudaErrorMemoryAllocation",
    Signature(r"cudaMalloc(?:Async)? failed:? ?out of memory", 0.92),
    Signature(r"OOM when allocating tensor with shape", 0.93),
    Signature(
        r"ran out of memory trying to allocate",
        0.9,
        unless=(r"The caller indicates that this is not a failure",),
    ),
    Signature(r"RESOURCE_EXHAUSTED: (?:Out of memory|failed to allocate|Failed to allocate)", 0.92),
    Signature(r"Out of memory while trying to allocate \d+ bytes", 0.9),
    Signature(r"cupy\.cuda\.memory\.OutOfMemoryError", 0.93),
    # The exception by its name alone, as reports of errors have it.
    Signature(
        r"(?:exception|error)(?:[ _]?type|[ _]?class|[ _]?name)?\W{1,8}torch\.(?:cuda\.)?OutOfMemoryError\b(?!: CUDA)",
        0.8,
    ),
    Signature(r"(?:exception|error) message\W{1,8}Allocation on device", 0.85),
    Signature(
        r"failed to allocate .{0,40}(?:CUDA|device|GPU).{0,40}(?:buffer|memory)|unable to allocate (?:CUDA\d|backend) buffer",
        0.85,
        needs=(r"allocate",),
    ),
    Signature(r"Free memory on device .{0,120}is less than desired GPU memory utilization", 0.92),
    Signature(r"No available memory for the cache blocks", 0.88),
    Signature(r"CUBLAS_STATUS_ALLOC_FAILED", 0.65),
    Signature(r"CUDNN_STATUS_ALLOC_FAILED", 0.6),
    Signature(r"(?:max seq len|KV cache).{0,120}larger than the maximum number of tokens", 0.75),
    Signature(r"DefaultCPUAllocator: (?:can't allocate memory|not enough memory)", 0.4),
    Signature(r"NCCL WARN Cuda failure '?out of memory", 0.85),
    Signature(r"Cuda failure 2 'out of memory'", 0.85),
    Signature(error_code(2), 0.72),
    # Any other program that names CUDA or the GPU and says so: AMReX, dlib, miners, CNTK, game engines.
    Signature(
        r"(?<!Fixed\san\s)(?<!Fixed\s)(?<!Fix\s)(?<!Fixes\s)out of memory",
        0.6,
        needs=(r"cuda|gpu|vram|device memory|nvidia",),
        unless=(
            r"Tried to allocate",
            r"The caller indicates that this is not a failure",
            r"oom-?kill|Out of memory: Kill|Killed process|cgroup out of memory",
            r"JavaScript heap|Java heap|MemoryError|Cannot allocate memory|virtual memory exhausted|cc1plus|CPU out of memory|DefaultCPUAllocator",
        ),
    ),
    Signature(r"ErrorOutOfDeviceMemory|OUT_OF_DEVICE_MEMORY", 0.75, needs=(r"vulkan|vk::|device|gpu",)),
    Signature(r"(?:not enough|insufficient) (?:free )?(?:GPU|VRAM|video|device|CUDA) ?(?:memory|RAM)?", 0.7),
    # What cuBLAS, cuDNN and TensorFlow say when a handle finds no room.
    Signature(r"Dst tensor is not initialized", 0.8),
    Signature(r"CUBLAS_STATUS_NOT_INITIALIZED", 0.45),
    Signature(r"Could not create cudnn handle: CUDNN_STATUS_INTERNAL_ERROR", 0.5),
    Signature(r"Blas (?:x?GEMM|GEMV) launch failed", 0.5),
    Signature(r"Not enough memory\. Please try to increase --mem-fraction-static", 0.9),
    # TensorFlow 1.13 to 2.x on RTX cards: memory growth mends it more often than another cuDNN.
    Signature(
        r"Failed to get convolution algorithm\. This is probably because cuDNN failed to initialize",
        0.5,
        unless=(r"Loaded runtime CuDNN library",),
    ),
    # ONNX Runtime's arena, TensorRT's builder, cuFFT and its kin, RMM, vLLM's cache, accelerate, hashcat, ComfyUI; Chinese.
    Signature(
        r"Failed to allocate memory for requested buffer of size \d+|Available memory of \d+ is smaller than requested bytes of",
        0.88,
    ),
    Signature(
        r"Requested amount of GPU memory \(\d+ bytes\) could not be allocated|Device memory is insufficient to use tactic",
        0.88,
    ),
    Signature(
        r"CUFFT_ALLOC_FAILED|CUSPARSE_STATUS_ALLOC_FAILED|CUSOLVER_STATUS_ALLOC_FAILED|CURAND_STATUS_ALLOCATION_FAILED|NVRTC_ERROR_OUT_OF_MEMORY",
        0.75,
    ),
    Signature(r"RMM failure.{0,80}(?:Maximum pool size exceeded|out_of_memory)", 0.9),
    Signature(r"KV cache is needed, which is larger than the available KV cache memory", 0.92),
    Signature(r"Make sure you have enough GPU RAM to fit the", 0.85),
    Signature(r"Not enough allocatable device memory", 0.9),
    Signature(
        r"Allocation on device .{0,40}would exceed allowed memory|OutOfMemoryError: Allocation on device", 0.9
    ),
    Signature(r"显存不足|显存不够|显存溢出|爆显存|GPU内存不足|GPU 内存不足", 0.75),
    Signature(
        r"(?:ran|running|runs) out of (?:GPU|CUDA|video|device|graphics) ?(?:memory|RAM)|out of (?:VRAM|GPU RAM|GPU memory|video memory|device memory)",
        0.75,
    ),
    # The three letters alone, as people say it.
    Signature(
        r"\b(?:cuda|gpu|vram)[- ]?oom\b|\boom(?:s|ed|ing)?\b.{0,30}(?:on|with|for|at|in|during) (?:the |a |my |an )?(?:\w+ )?(?:gpu|cuda|card|vram|RTX|GTX|A100|T4|3090|4090|\d+ ?GB|batch|training)|(?:get|got|gets|getting|hit|hits|goes|go|went|die\w*|crash\w*|fail\w*|still|always|cause\w*)(?: an?| with| into| from| by)? OOM\b",
        0.7,
        when="short",
        needs=(r"gpu|cuda|vram|RTX|GTX|batch|A100|H100|T4\b",),
        unless=(
            r"oom-?kill|OOMKilled|cgroup|Killed process|Tried to allocate|system RAM|CPU RAM|host memory",
        ),
    ),
    Signature(
        r"Out of memory error on GPU|cannot allocate \d\S* ?\w* (?:of )?(?:GPU )?memory on GPU|not enough VRAM|VRAM (?:is )?(?:full|exhausted|exceeded)|exceeds? (?:the )?(?:available )?(?:GPU memory|VRAM)|(?:GPU|video) memory (?:is )?(?:full|exhausted|insufficient|not enough)",
        0.76,
    ),
    # Theano.
    Signature(r"Error allocating \d+ bytes of device memory", 0.92),
    # PyTorch's message from its second sentence on, as titles and quotes keep it.
    Signature(
        r"Tried to allocate \d+(?:\.\d+)? [KMGT]?i?B(?:ytes)?\b.{0,40}(?:GPU \d|total capac|already allocated|is free|reserved)",
        0.88,
        when="not-fragmented",
    ),
)
