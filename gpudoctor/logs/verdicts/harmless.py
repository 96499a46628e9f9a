"""These messages need no action

What it is: Notices, deprecations and start-up lines that machines print whose GPU works. Some look alarming (an E in the
margin, "Unable to register", "negative value") and are in every TensorFlow log.

Why it hurts: It does not. They hide the line that matters, and cost people days.

How to tell: The program goes on: it creates its GPU device, and trains. If something else fails, its own message stands
further down.

How to fix: Nothing to fix. TF_CPP_MIN_LOG_LEVEL=1 quietens TensorFlow's notices, TF_ENABLE_ONEDNN_OPTS=0 oneDNN's.

Sources: https://github.com/tensorflow/tensorflow/issues/62075
https://github.com/tensorflow/tensorflow/issues/42738
https://github.com/microsoft/WSL/issues/5548
https://github.com/pytorch/pytorch/pull/160063
"""

from __future__ import annotations

from gpudoctor.signature import Signature

signatures: tuple[Signature | str, ...] = (
    # TensorFlow 2.14 and later: XLA and the op kernels both register the plugins.
    r"Unable to register cu(?:DNN|FFT|BLAS) factory: Attempting to register factory",
    r"computation placer already registered",
    # TensorFlow, every version, where sysfs knows no NUMA node; Jetsons.
    r"successful NUMA node read from SysFS had negative value",
    r"does not support NUMA - returning NUMA node zero",
    r"Your kernel may have been built without NUMA support",
    r"could not open file to read NUMA node",
    # TensorFlow 1.15 and later on CPUs with AVX.
    r"This TensorFlow binary is optimized (?:with oneAPI Deep Neural Network Library|to use available CPU instructions)",
    r"Your CPU supports instructions that this TensorFlow binary was not compiled to use",
    r"To enable them in other operations, rebuild TensorFlow",
    r"To enable the following instructions: [A-Z0-9_ ]+, in other operations",
    r"oneDNN custom operations are on",
    # TensorFlow 2.x without TensorRT.
    r"TF-TRT Warning: (?:Could not find TensorRT|Cannot dlopen some TensorRT)",
    r"Could not load dynamic library 'libnvinfer(?:_plugin)?\.so",
    # Healthy start-up.
    r"Successfully opened (?:dynamic|CUDA) library",
    r"Created (?:TensorFlow )?device \(?/(?:job|gpu|device)\S* .{0,200}(?:compute capability|pci bus id)",
    r"Creating TensorFlow device \(/(?:device:)?gpu",
    r"Loaded cuDNN version \d",
    r"Adding visible gpu devices: \d",
    r"StreamExecutor device \(\d\): ",
    r"Overriding (?:orig_value setting because the )?TF_FORCE_GPU_ALLOW_GROWTH",
    r"XLA service 0x[0-9a-f]+ initialized for platform",
    r"MLIR optimization pass(?:es)? (?:\(registered \d\)|are)",
    r"All log messages before absl::InitializeLog\(\) is called are written to STDERR",
    r"Started? (?:cancelling|cancellation).{0,30}end of sequence|Local rendezvous is aborting with status: OUT_OF_RANGE: End of sequence",
    r"OUT_OF_RANGE: End of sequence",
    # ldconfig on WSL2: Windows brings copies instead of links.
    r"/usr/lib/wsl/lib/libcuda\.so\.1 is not a symbolic link",
    # torch 2.8 and later with the pynvml package.
    r"The pynvml package is deprecated\. Please install nvidia-ml-py",
    # TensorFlow 1.x; PyTorch 2.3 and later, where cuDNN tries one plan after the other.
    r"The name \S+ is deprecated\. Please use \S+ instead",
    r"UserWarning: Plan failed with a (?:cudnnException|CuDNNError|OutOfMemoryError)",
    # PyTorch's other deprecations and notices.
    r"(?:FutureWarning|DeprecationWarning|UserWarning|PendingDeprecationWarning): .{0,200}(?:is deprecated|deprecated)",
    r"torch\.cuda\.amp\.(?:autocast|GradScaler)\(args\.\.\.\)` is deprecated",
    r"TypedStorage is deprecated",
    r"destroy_process_group\(\) was not called before program exit",
    r"Can't initialize NVML.{0,20}\n.{0,20}warnings\.warn",
    r"lr_scheduler\.step\(\)` before `optimizer\.step\(\)`",
    # Fabric Manager on machines without an NVSwitch.
    r"NV_WARN_NOTHING_TO_DO",
    # Linux, every machine that loads NVIDIA's module.
    r"nvidia: module license 'NVIDIA' taints kernel",
    r"nvidia: loading out-of-tree module taints kernel",
    r"module verification failed: signature and/or required key missing - tainting kernel",
    # The open kernel module's notice on boards whose chipset it does not know.
    r"objClInitPcieChipset: \*\*\* Chipset Setup Function Error",
    # The toolkit's version and the newest CUDA that the driver can run are two things.
    Signature(
        r"nvidia-smi\W{0,4} .{0,40}(?:shows?|says?|reports?|displays?|prints?|gives?|outputs?) .{0,60}(?:CUDA|version)",
        0.8,
        needs=(
            r"nvcc\b.{0,20} .{0,40}(?:shows?|says?|reports?|displays?|prints?|gives?|outputs?)",
            r"nvcc.{0,400}\d{1,2}\.\d",
        ),
        unless=(r"error|fail\w*|torch|tensorflow|compil\w*|build|mismatch\w*|is_available|crash\w*",),
    ),
    # JAX and XLA, 2024 and later.
    r"xla_gpu_pgle_accuracy_checker is set to WARN",
    r"The NVIDIA driver's CUDA version is \S+ which is older than the (?:PTX compiler|ptxas CUDA) version",
    r"Couldn't read CUDA driver version|libtpu\.so|Unable to initialize backend '(?:tpu\w*|rocm|interpreter|plugin|metal|oneapi)'",
    # The program says so itself.
    r"(?:warning|message|error|notice|this|line)s? .{0,80}(?:can|may) (?:be )?(?:safely |simply |just )?(?:be )?ignored?\b",
    r"(?:warning|message|error|notice)s? (?:is|are) harmless\b",
    # The container toolkit's prefix, where nothing follows it.
    Signature(r"Auto-detected mode as 'legacy'", 0.4),
    # PyTorch, xformers, diffusers and their hosts, where the program goes on.
    r"Torch was not compiled with (?:flash|memory efficient) attention",
    r"A matching Triton is not available, some optimizations will not be enabled",
    r"Redirects are currently not supported in Windows or MacOs",
    r"expandable_segments not supported on this platform",
    r"Detected kernel version \S+, which is below the recommended minimum",
    r"TensorFloat32 tensor cores for float32 matrix multiplication available but not enabled",
    r"Some weights of .{0,120}were not (?:used|initialized)",
    # TensorFlow's allocator, in its own words.
    Signature(r"The caller indicates that this is not a failure", 0.93),
    r"Could not identify NUMA node of platform GPU",
    r"Skipping the delay kernel, measurement accuracy will be reduced",
    # DeepSpeed, op_builder/builder.py: same major, which is enough.
    r"does not match the version torch was compiled with \S+ but since the APIs are compatible",
    # NCCL and UCX where InfiniBand is not there.
    r"NET/IB : No device found|NET/Plugin\s?: (?:No plugin found|Failed to find ncclNetPlugin)|Failed to open libibverbs|(?:Unable to load|Could not (?:find|load)|No plugin found \()\W{0,3}libnccl-(?:net|tuner|env)\S*\.so",
    # Whisper, told to use the CPU.
    Signature(r"--device[ =]['\"]?cpu\b[\s\S]{0,400}FP16 is not supported on CPU; using FP32 instead", 0.75),
    # llama.cpp's start.
    r"ggml_cuda_init: (?:found \d+ CUDA devices|GGML_CUDA_FORCE_\w+)",
    # Fabric Manager, systemd's half of the same non-event.
    Signature(
        r"nvidia-fabricmanager\S*:? (?:Control process exited|Main process exited|Failed with result)|Failed to start (?:NVIDIA )?fabric ?manager|Detected Pre-NVL5 system",
        0.8,
        needs=(r"NV_WARN_NOTHING_TO_DO",),
    ),
    Signature(
        r"nv-fabricmanager .{0,120}failed! Exit code|Job for nvidia-fabricmanager\.service failed",
        0.8,
        needs=(r"NV_WARN_NOTHING_TO_DO",),
    ),
    # Bazel, where a mirror lacks the file and the original follows.
    r"WARNING: Download from https?://\S*mirror\S* failed",
    # xformers' and web UIs' half of the missing Triton; torch's and setuptools' notes while extensions are built.
    r"Error caught was: No module named 'triton'",
    r"No module 'xformers'\. Proceeding without it",
    Signature(r"xFormers (?:is )?not available", 0.6),
    r"Failed to find (?:cuobjdump|nvdisasm)(?:\.exe)?",
    r"TORCH_CUDA_ARCH_LIST is not set, all archs for visible cards are included for compilation",
    r"There are no \S+ version bounds defined for CUDA version",
    Signature(r"has a minor version mismatch with the version that was used to compile PyTorch", 0.93),
    r"Attempting to use ninja as the BuildExtension backend but we could not find ninja",
    r"architectures are deprecated, and may be removed in a future release",
    r"ptxas (?:info|warning) ?: ",
    # Python's warnings of what will change.
    r"(?:FutureWarning|DeprecationWarning|PendingDeprecationWarning): ",
    # c10d's sockets and DDP; NGC's images; TensorRT's and ONNX Runtime's notes; Numba's.
    r"\[W socket\.cpp:\d+\] .{0,40}The (?:client|server) socket (?:has failed to connect|cannot be initialized|has failed to bind)",
    r"using (?:best-guess )?GPU \d+ to perform barrier as devices used by this process are currently unknown",
    r"find_unused_parameters=True was specified in DDP constructor|Grad strides do not match bucket view strides",
    r"CUDA Minor Version Compatibility mode ENABLED|NOTE: CUDA Forward Compatibility mode ENABLED",
    r"MOFED driver for multi-node communication was not detected",
    r"CUDA lazy loading is not enabled\. Enabling it can significantly reduce device memory usage",
    r"Your ONNX model has been generated with INT64 weights",
    r"Some nodes were not assigned to the preferred execution providers|Memcpy nodes are added to the graph",
    r"will likely result in GPU under-utilization due to low occupancy",
    # The NVIDIA module's start, in dmesg.
    r"nvidia_uvm: module uses symbols .{0,80}from proprietary module nvidia, inheriting taint",
    r"ACPI Warning: \S+\._DSM: Argument #4 type mismatch",
    # A warning of any Python library that tells of nothing missing, failed or unavailable.
    Signature(
        r"(?:User|Tracer|Performance|Resource|Syntax|Runtime|Import|Lightning\w*|Numba\w*|Undefined\w*|Possible\w*|Rank\w*|Convergence|Data\w*|PyTorch\w*)Warning: (?!.{0,300}(?:fail|cannot|can't|could not|couldn't|unable|not (?:found|available|compiled|compatible|supported|detected|installed|enabled|been|capable)|no (?:cuda|gpu|nvidia)|error|too old|mismatch|unavailable|disabl|falling back|fall back|without|missing|undefined|outdated|incompatible|unsupported|driver|libcu|initiali[sz]ation|provider|invalid|ignored))\w",
        0.6,
    ),
    # XLA's and cuDNN's own checks; Keras; Triton, xformers and torch on Windows, where Triton is not made.
    r"Failed to allocate memory for convolution redzone checking|is benign and only means that",
    r"WARNING:tensorflow:(?:Callback method|Layer .{0,60}will not use cuDNN kernels?|AutoGraph could not|Model was constructed with|Gradients do not exist|\d+ out of the last|Using a while_loop|Entity <|From \S+: )",
    r"\btriton not found; flop counting will not work|Triton is not available, some optimizations will not be enabled",
    r"^Using (?:cuDNN version \d+ on context None|gpu device \d: )",
    # The toolkit beside the driver's ceiling again, told in any order.
    Signature(
        r"nvidia-smi\W{0,4} .{0,80}(?:still|shows?|says?|reports?|displays?|gives?|uses?|tells?|different|same|mismatch\w*|differ\w*|latest|higher|lower|newer|older)\b",
        0.7,
        needs=(r"nvcc",),
        unless=(
            r"\b(?:error|fail\w*|is_available|crash\w*|undefined|unsupported|no kernel|RuntimeError|couldn't communicate|not (?:found|detect\w*|recogni\w*|work\w*|see)|command not|mismatch: )",
            r"detected CUDA version|\bcompil(?:ed?|ing)\b",
        ),
    ),
    # NGC images' start: what the container was not given, and may not need.
    r"NOTE: (?:The SHMEM allocation limit is set to the default of 64MB|MOFED driver for multi-node|Mellanox network driver detected, but|Legacy NVIDIA Driver detected)",
    # torch.jit's and the exporter's note on what a trace cannot follow.
    r"TracerWarning: |ONNX export mode is set to TrainingMode",
    # Launchers, Lightning, transformers, vLLM, DeepSpeed: what could be faster, what was chosen, which extras are not there.
    r"Setting OMP_NUM_THREADS environment variable for each process to be \d",
    r"To properly utilize them, you should set `?torch\.set_float32_matmul_precision",
    r"attention mask and the pad token id were not set|Setting `pad_token_id` to `eos_token_id`",
    r"Cannot use FlashAttention(?:-2)? (?:backend )?(?:because|for|due)|Using (?:XFormers|Flash Attention|FlashInfer|Triton) backend|Casting torch\.\w+ to torch\.\w+",
    r"async_io requires the dev libaio|please install the libaio-dev package|sparse_attn requires a torch version|using untested triton version|sparse_attn is not compatible with|only cpu ops can be compiled",
    r"(?:xformers|flash[-_ ]?attn|flash[- ]attention|sage ?attention|apex|triton)\b.{0,30} (?:not (?:found|installed|available)|could not be imported|is missing)\W.{0,60}(?:using|falling back to|fall back to|fallback to|default|proceeding|continu\w*)",
    r"The given NumPy array is not writ|Running performance tests to find the best convolution algorithm|tcmalloc: large alloc|GStreamer warning: Cannot query",
    r"(?:Your kernel does not support swap limit|No swap limit support)|the attribute `?version`? is obsolete|Running pip as the 'root' user|Key is stored in legacy trusted\.gpg|is configured multiple times in",
    # XLA where ptxas is not asked; TensorFlow's allocator while it tidies.
    r"Relying on driver to perform ptx compilation|This message will be only logged once|Garbage collection: deallocate free memory regions",
    # The driver's modules and services while they start; ldconfig where a library was copied.
    r"\[nvidia-drm\] \[GPU ID 0x\w+\] Loading driver|nvidia-modeset: Loading NVIDIA Kernel Mode Setting|NVRM: loading NVIDIA UNIX|nvidia-nvlink: Nvlink Core is being initialized|vgaarb: (?:changed VGA decodes|VGA decodes changed)|Initialized nvidia-drm \d|nvidia-uvm: Loaded the UVM driver",
    r"nvidia-persistenced: (?:Started|device \S+ - registered|Local RPC services initialized)|W: Possible missing firmware",
    r"ldconfig(?:\.real)?: \S{1,200} is not a symbolic link",
    Signature(
        r"Xorg|gnome-shell|kwin|compositor",
        0.5,
        needs=(r"\bnormal\b|\bexpected\b|anything wrong|\bok(?:ay)?\?", r"nvidia-smi|memory"),
        unless=(r"error|fail\w*|crash\w*|slow\w*|Xid",),
    ),
    # Somebody asks about a warning, and nothing else is wrong.
    Signature(
        r"(?:should|do|must|need) (?:I|we) (?:be |to be |to )?(?:concerned|worr\w+)|(?:can|could|may) (?:I|we|this|it|they|these) (?:be )?(?:simply |just |safely )?(?:be )?ignored?\b|negatively impact",
        0.6,
        needs=(r"warn",),
        unless=(
            r"not (?:using|detect\w*|found|see|recogni\w*|available)",
            r"\bslow|crash|is_available\W+False|out of memory",
        ),
    ),
    # PyTorch 2.4 and later, at the end of a program that did not take its process group down.
    r"process group has NOT been destroyed before",
    # xformers without Triton prints the traceback of its own try, and goes on.
    Signature(
        r"No module named 'triton'", 0.8, needs=(r"A matching Triton is not available|Error caught was",)
    ),
    Signature(
        r"Traceback \(most recent call last\):",
        0.8,
        needs=(r"A matching Triton is not available|Error caught was: No module named 'triton'",),
    ),
    # Any library's word for what will change, without Python's prefix: torchvision, transformers, conda, CMake.
    r"(?:parameter|argument|arguments|option|function|method|class|API|feature|property|attribute|default|behaviou?r|flag|key)s? .{0,60}(?:is|are|has been|have been) deprecated (?:since|and|in|as of|from|,)|deprecated since (?:version )?\d",
    # What the driver's modules say of a monitor that slept.
    r"nvidia-modeset: WARNING: GPU:\d: Lost display notification|nvidia-modeset: WARNING: GPU:\d: (?:Unable to read EDID|Correcting number of heads)",
    # torch's extension builder where /opt/rocm lies beside CUDA.
    Signature(
        r"No ROCm runtime is found, using ROCM_HOME",
        0.8,
        needs=(r"nvcc|geforce|\bRTX\b|\bGTX\b|CUDA (?:machine|box|toolkit)|finish\w*|\bworks\b|succe\w+",),
        unless=(r"\bAMD\b|radeon|gfx\d|\bHIP\b|hipcc|\bMI\d{2,3}\b",),
    ),
    # FFmpeg, desktops and sound in containers without a display: nobody looks.
    r"disabling hardware random number generation|Could not initialize NNPACK|TensorFlow Lite XNNPACK delegate",
    r"The current process just got forked, after parallelism has already been used|is incompatible with gradient checkpointing\. Setting",
    r"\(\d+\): warning #\d+-D: |warning #\d+-D: (?:variable|parameter|function) \"\w+\" was (?:declared|set) but never",
    # The ceiling of the driver beside the build's own CUDA, where the GPU is used.
    Signature(
        r"nvidia-smi .{0,40}(?:shows?|says?|reports?|displays?|prints?|has|gives?) .{0,60}CUDA",
        0.7,
        needs=(
            r"torch|tensorflow|jax|pytorch",
            r"is_available\W{0,6}(?:is |returns? )?True|works? with|works|runs",
        ),
        unless=(
            r"error|fail\w*|False|crash\w*|n't (?:work|run|see|find|detect|use)|not (?:work|us|detect|found|support|compatible)\w*|no kernel|slow|compil\w+|build\w*",
        ),
    ),
    # Compilers' and CMake's warnings that change nothing.
    Signature(
        r"nvcc warning ?: (?:incompatible redefinition|The -std|The 'compute_|options? )|cc1plus: warning: command[- ]line option|CMake (?:Deprecation |Author )?Warning|Manually-specified variables were not used",
        0.6,
        unless=(r"CMake Error|\berror: |fatal error",),
    ),
    r"slow_operation_alarm|Constant folding an instruction is taking",
    r"Detected invalid timing cache, setup a local cache instead|There was an error checking the latest version of pip",
    # Who sits in another namespace is not listed: containers and WSL.
    Signature(
        r"nvidia-smi .{0,60}(?:no|without|empty|n't (?:show|list)|not (?:show|list)\w*) (?:any |running )?process|process(?:es)? (?:table|list)? ?(?:is|stays|are) (?:empty|not (?:shown|listed))",
        0.7,
        needs=(
            r"container|docker|\bWSL2?\b|\bpod\b",
            r"works?\b|runs?\b|uses\b|is used|fine|expected|normal|training",
        ),
        unless=(r"error|fail\w*|False|crash\w*|\bcpu\b|out of memory|n't (?:use|work|run|see)|no devices",),
    ),
    # JAX takes three quarters of the memory at its start, TensorFlow all of it.
    Signature(
        r"XLA_PYTHON_CLIENT_PREALLOCATE|75 ?% of (?:the |my )?(?:gpu |card's )?memory|(?:takes?|allocates?|reserves?|grabs?|uses?) (?:it )?(?:all|nearly all|almost all)(?: of)?(?: the| my)? ?(?:gpu |card's )?(?:v?ram|memory)?",
        0.6,
        needs=(r"jax|tensorflow|\btf\b|keras", r"normal\b|expected|\bok\b|okay|supposed|by design|fine"),
        unless=(r"error|out of memory|\boom\b|fail\w*|crash\w*|slow",),
    ),
    r"The following values were not passed to .?accelerate launch|You are using a model of type \w+ to instantiate a model of type|and this is deprecated|Support for offline compilation for architectures prior to|`?low_cpu_mem_usage`? was None, now",
)
