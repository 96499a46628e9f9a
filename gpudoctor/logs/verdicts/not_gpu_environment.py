"""This is not a fault of the GPU's environment

What it is: The program, its data or its arguments are at fault: a misspelled name, a wrong shape, a missing file, a label
out of range. Driver, CUDA and the frameworks do their work.

Why it hurts: Reinstalling drivers changes nothing, and may break what works.

How to tell: The same program fails in the same line on the CPU (for "device-side assert": run it there, or with
CUDA_LAUNCH_BLOCKING=1, and the real message appears).

How to fix: Read the exception's own last line, and the line of your program that stands above it in the traceback.

Sources: https://pytorch.org/docs/stable/notes/cuda.html
https://numpy.org/devdocs/numpy_2_0_migration_guide.html
"""

from __future__ import annotations

from gpudoctor.signature import Signature

signatures: tuple[Signature | str, ...] = (
    # A misspelled or missing Python name.
    r"AttributeError: (?:partially initialized )?module '[\w.]+' has no attribute",
    r"AttributeError: '\w+' object has no attribute",
    r"NameError: name '\w+' is not defined",
    r"SyntaxError: invalid",
    r"IndentationError: ",
    r"ImportError: cannot import name '\w+' from '",
    # A package of Python's whose newer release has other names, quoted without the exception's.
    Signature(
        r"cannot import name '\w+' from '(?:transformers|diffusers|huggingface_hub|accelerate|peft|datasets|gradio|pydantic|scipy|sklearn|jinja2|werkzeug|flask)\b",
        0.85,
    ),
    r"TypeError:? .{0,120}(?:(?:unexpected|multiple values for(?: keyword)?) (?:keyword )?argument|missing \d+ required|takes \d+ positional|unsupported operand type|not subscriptable|is not callable|must be str)",
    r"error: unrecognized arguments: ",
    r"the following arguments are required: ",
    # Labels and indices: the kernels' own assertions (ClassNLLCriterion.cu, Loss.cu, Indexing.cu, NLLLoss2d.cu).
    Signature(
        r"Assertion `?.{0,80}(?:t >= 0 && t < n_classes|cur_target >= 0|srcIndex < srcSelectDimSize|index out of bounds|target_val >= zero|input_val >= zero|n_classes).{0,40}failed",
        0.95,
    ),
    Signature(r"CUDA error: device-side assert triggered", 0.9),
    Signature(r"device-side assert triggered", 0.85),
    r"IndexError: (?:Target \d+ is out of bounds|index out of range in self|list index out of range|index \d+ is out of bounds)",
    # Shapes, types and devices of tensors.
    r"mat1 and mat2 (?:shapes cannot be multiplied|must have the same dtype)|size mismatch, m1: \[",
    r"The size of tensor a \(\d+\) must match the size of tensor b",
    r"shape '\[.{0,60}\]' is invalid for input of size",
    r"Expected all tensors to be on the same device",
    r"Input type \(\S+\) and weight type \(\S+\) should be the same",
    r"Expected object of (?:backend|device type|scalar type) \w+ but got",
    r"expected scalar type \w+ but found \w+",
    r"size mismatch for [\w.]+: copying a param",
    r"Error\(s\) in loading state_dict for",
    r"element 0 of tensors does not require grad",
    r"one of the variables needed for gradient computation has been modified by an inplace operation",
    r"Trying to backward through the graph a second time",
    r"Boolean value of Tensor with more than one value is ambiguous",
    r"can't convert cuda(?::\d)? device type tensor to numpy",
    r"Given groups=\d+, weight of size",
    r"InvalidArgumentError: .{0,160}(?:Incompatible shapes|Matrix size-incompatible|logits and labels|must be (?:at least )?rank)",
    r"ValueError: (?:Input \d of layer|Shapes .{0,60}are incompatible|Expected input batch_size|too many values to unpack|could not convert string)",
    # NumPy's ABI.
    r"A module that was compiled using NumPy 1\.x cannot be run in",
    r"numpy\.(?:dtype|ufunc|ndarray) size changed, may indicate binary incompatibility",
    r"module 'numpy' has no attribute '(?:bool|float|int|object|complex|str)'",
    # Files, network, hubs.
    r"FileNotFoundError: \[Errno 2\] No such file or directory: '(?!.{0,120}(?:nvcc|/dev/nvidia|libdevice|ptxas|nvidia-smi|patchelf))",
    r"OSError: .{0,100}(?:is not a local folder and is not a valid model identifier|does not appear to have a file named)",
    r"(?:huggingface_hub|requests|urllib3|http\.client|httpx)\S*(?:Error|Exception)",
    r"UnicodeDecodeError: '",
    r"json\.decoder\.JSONDecodeError: ",
    r"yaml\.\w+\.(?:ScannerError|ParserError)",
    r"KeyError: '",
    r"ZeroDivisionError: ",
    r"AssertionError: (?!.{0,20}(?:Torch not compiled|\s*The NVIDIA driver|Invalid CUDA|CUDA unavailable))\w",
    r"DataLoader worker \(pid\(?s?\)? \S+\) exited unexpectedly",
    r"(?:unable to mmap|Too many open files)",
    r"EADDRINUSE|Address already in use",
    r"libGL\.so\.1: cannot open shared object file",
    Signature(r"Ninja is required to load C\+\+ extensions", 0.7),
    Signature(
        r"No module named '(?!torch(?:vision|audio)?\b|tensorflow\b|jax(?:lib)?\b|cupy\b|keras\b|triton|_C\b|flash_attn|xformers|mmcv|amp_C|apex|fused|exllama|awq)\w",
        0.6,
    ),
    # Python's own exceptions, where nothing of a GPU stands in their line.
    Signature(
        r"^(?:E +|[\w./-]{1,30}: )?(?:ValueError|TypeError|KeyError|IndexError|PermissionError|ZeroDivisionError|LookupError|AttributeError|NameError): (?!.{0,300}(?:cuda|gpu|nvidia|cudnn|driver|device(?!_map)|nccl|tensorrt|dlopen))\S",
        0.55,
    ),
    # Imports that a package's own version decides; NumPy's ABI again.
    Signature(
        r"ImportError: cannot import name '?\w+'?(?! from '?(?:torch|tensorflow|keras|triton|_C|flash_attn|jax))",
        0.65,
    ),
    r"needs NumPy [\d.]+ or (?:less|greater)",
    r"_ARRAY_API not found|numpy\.core\.multiarray failed to import",
    # How a program starts others, and what it asks of the frameworks.
    Signature(r"Cannot re-initialize CUDA in forked subprocess", 0.93),
    Signature(
        r"An attempt has been made to start a new process before the current process has finished its", 0.93
    ),
    r"Default process group has not been initialized",
    r"Expected one of cpu, cuda\b.{0,200}device type at start of device string",
    Signature(
        r"Attempting to deserialize object on CUDA device \d+ but torch\.cuda\.device_count\(\) is", 0.85
    ),
    r"Expected tensor for argument #\d .{0,60}to have (?:one of the following )?scalar types?",
    r"(?:The expanded size of the tensor|Sizes of tensors must match|stack expects each tensor to be equal size)",
    r"FlashAttention only supports? fp16 and bf16 data type",
    Signature(r"fatal error: Python\.h: No such file or directory", 0.8),
    r"(?:401 Client Error|Repository Not Found|GatedRepoError|403 Forbidden).{0,160}huggingface",
    r"trust_remote_code=True|Tokenizer class \w+ does not exist|does not recognize this architecture",
    # Tensors again.
    r"probability tensor contains either `?inf`?, `?nan`?|grad can be implicitly created only for scalar outputs",
    r"Expected more than 1 value per channel when training|Kernel size can't be greater than actual input size",
    r"view size is not compatible with input tensor's size and stride|Dimension out of range \(expected to be in range",
    r"result type \w+ can't be cast to the desired output type|Cannot copy out of meta tensor",
    r"Expected \d+D .{0,40}input to \w+, but got|expected m1 and m2 to have the same dtype",
    # Files of models that are broken, or of another format.
    r"PytorchStreamReader failed|unexpected EOF, expected \d+ more bytes|Weights only load failed|invalid load key, '",
    r"_pickle\.(?:UnpicklingError|PicklingError)|EOFError: Ran out of input|Error while deserializing header: \w+",
    r"unknown model architecture|invalid magic (?:number|characters)|error loading model architecture",
    # Packages that are not the GPU's.
    r"Descriptors cannot (?:not )?be created directly|generated code is out of date and must be regenerated",
    r"RuntimeError: Numpy is not available",
    Signature(r"Microsoft Visual C\+\+ 14\.0 or greater is required", 0.85),
    Signature(
        r"command '(?:x86_64-linux-gnu-)?(?:gcc|g\+\+)' failed: No such file|(?:cmake|gcc|g\+\+|git|make): (?:command )?not found",
        0.75,
    ),
    Signature(r"Temporary failure in name resolution|SSL: CERTIFICATE_VERIFY_FAILED", 0.8),
    # ONNX' exporter, Lightning's and JAX' own errors about the program; git; a loss that diverges.
    r"(?:torch\.onnx\S*|OnnxExporter)\S*Error: |Exporting the operator .{0,60}is not supported",
    r"jax\.errors\.\w+Error|(?:ConcretizationTypeError|TracerArrayConversionError|UnexpectedTracerError)\b",
    r"`?Trainer\(strategy=.{0,60}is not compatible with|requires Accelerate: `pip install accelerate",
    r"fatal: not a git repository|fatal: unable to access 'https?://",
    Signature(
        r"\bloss (?:\w+ ){0,2}(?:is|becomes|became|goes|went|turns?|turned|=) (?:to |into )?nan\b", 0.45
    ),
    # Docker itself: who may speak to it, ports, names, images, build contexts.
    Signature(
        r"permission denied while trying to connect to the Docker (?:daemon|API)|Cannot connect to the Docker daemon at|port is already allocated|pull access denied for|The container name \S{1,80} is already in use|docker: invalid reference format|failed to compute cache key|failed to read dockerfile|exec format error|exec: --: invalid option|\.sh: line \d+: exec: (?!nvidia)\S+: not found|exec /\S+: no such file or directory|toomanyrequests: ",
        0.82,
    ),
    # Batch systems, accounts, time limits; trackers of experiments; displays.
    Signature(
        r"CANCELLED AT \S+ DUE TO TIME LIMIT|Batch job submission failed|Invalid account or account/partition|api_key not configured|Could not load the Qt platform plugin|cannot connect to X server|no display name and no \$DISPLAY",
        0.82,
    ),
    # Two OpenMP runtimes in one process; a processor without AVX.
    Signature(r"OMP: Error #15: Initializing \S*omp\S*", 0.82),
    Signature(
        r"Illegal instruction(?: \(core dumped\))?",
        0.6,
        unless=(r"an illegal instruction was encountered", r"Xid"),
    ),
    # Libraries and headers of others.
    Signature(
        r"(?:ImportError|OSError|while loading shared libraries|libGL error): lib(?:sndfile|mkl_\w+|jpeg|png\d*|tiff|SM|ICE|Xrender|Xext|X11|xcb\S*|gthread\S*|glib\S*|gomp|ffi|ssl|crypto|openblas\w*|lapack|blas|cblas|hdf5\w*|boost_\w+|av(?:codec|format|util|device|filter)|swscale|swresample|opencv_\w+|protobuf|tcmalloc|numa|mpi\w*|fftw\w*|bz2|lzma|xml2|GLU|OSMesa|usb\S*|portaudio|magic|python3\S*)\S{0,30}:? cannot open",
        0.8,
    ),
    Signature(
        r"fatal error: (?!.{0,60}(?:cu(?:da|dnn|blas|fft|rand|solver|sparse|pti|b/|tlass|te/)|nccl|nv\w+|thrust|torch|ATen|c10|THC|tensorrt|gpu|helper_))[\w./+-]{1,80}(?:\.h|\.hpp|\.hh|/\w+): No such file or directory",
        0.6,
    ),
    Signature(
        r"cannot find -l(?!cu|nv|nccl|torch|c10|lib)\w+|Could not find a package configuration file provided by \W{0,2}(?!CUDA|Torch|NCCL|TensorRT|cuDNN|Caffe2|CUDNN)\w+|Could NOT find (?:Boost|OpenCV|Eigen\w*|GFlags|Glog|HDF5|LMDB|LevelDB|Snappy|BLAS|Atlas|OpenBLAS|Protobuf|Qt\w*|SWIG|Doxygen)\b",
        0.6,
    ),
    Signature(
        r"(?:Cannot install .{0,200}because these package versions have conflicting dependencies|ResolutionImpossible: )",
        0.6,
        unless=(r"torch|cuda|nvidia|tensorflow|jax",),
    ),
    # APIs that a newer release of a framework no longer has.
    Signature(
        r"No module named '?(?:torch\._six|torch\.(?!_C|cuda)\w+|tensorflow\.(?:contrib|examples|compat|keras|models)\S*|keras\.(?!backend\.cuda)\w+\S*|torchvision\.\w+\S*|torchtext\.\w+\S*|torchaudio\.\w+\S*|transformers\.\w+\S*|pytorch_lightning\.\w+\S*|numpy\.\w+\S*|PIL\.?\w*)'?",
        0.8,
    ),
    r"We couldn't connect to 'https?://huggingface\.co'",
    Signature(r"OpenCV\(\S{3,20}\) .{0,120}error: \(-\d+:(?!.{0,200}(?:cuda|gpu))", 0.6),
    Signature(r"model requires more system memory \(", 0.82),
    Signature(r"Cannot find module '[\w@./-]+'\s+Require stack:", 0.8),
    # Labels and indices, in the words of whoever met them.
    Signature(r"device[- ]side assert\b", 0.82),
    Signature(
        r"(?:labels?|masks?|num_?classes|n_?classes|class(?:es| ids?| index)?|indices|indexes|token ids?|targets?|category ids?|annotations?) ?(?:\(\w+\) ?)?.{0,60}(?:should|must|ha(?:s|ve) to|need\w* to|(?:are|is|was|were)(?:n't| not)?|out of|outside|exceed\w*|start\w*|larger|greater|bigger) .{0,40}(?:range|\[ ?0|from 0|from 1|between 0|num_?classes|n_?classes|number of classes|vocab\w*)",
        0.7,
        needs=(r"cuda|assert|illegal|gpu", r"error|assert|crash\w*|fail\w*|illegal"),
    ),
    Signature(r"\bloss\w*(?: ?[:=] ?|\W{1,3})nan\b", 0.45),
    # Arguments of command lines.
    Signature(r"error: argument -{1,2}\S+: (?:invalid|expected)|error: the following arguments", 0.8),
    # What multiprocessing sends to its workers; packages that are run as scripts; keys of another network.
    Signature(
        r"Can't pickle (?:local object|<function|<class|<built-in)|Can't get attribute '\w+' on <module|cannot pickle '[\w.]+' object|attempted relative import (?:with no known|beyond top-level)",
        0.85,
    ),
    r"(?:Missing|Unexpected) key\(s\) in state_dict|optimizer got an empty parameter list|multi-target not supported|Found dtype \w+ but expected \w+",
    r"Expected input batch_size \(\d+\) to match target|leaf Variable .{0,40}(?:in-place|in the graph)|leaf variable has been moved into the graph interior|Trying to resize storage that is not resizable",
    # Keras and TensorFlow, ONNX Runtime, Julia, Numba: shapes, inputs and names that do not fit.
    r"Data cardinality is ambiguous|logits and labels must have the same|expected (?:min_ndim|shape|axis)=?.{0,60}found (?:shape|ndim)|Invalid argument: Incompatible shapes",
    Signature(
        r"Got invalid dimensions for input|Invalid Feed Input Name|NO_SUCHFILE : Load model|INVALID_PROTOBUF : |Unexpected input data type\. Actual",
        0.85,
    ),
    Signature(
        r"DimensionMismatch(?:\(|: )|UndefVarError: (?!\W?(?:lib|CUDA|cu[A-Z]))|BoundsError: attempt to access",
        0.8,
    ),
    Signature(
        r"numba\.core\.errors\.(?:TypingError|UnsupportedError|LoweringError)|numba\.\w+\.errors\.TypingError",
        0.8,
    ),
    # Command lines: FFmpeg's options, scripts and files that are not there, nvcc's arguments, make, CMake.
    Signature(
        r"Error splitting the argument list: Option not found|Unrecognized option '|Unable to (?:find|choose) (?:a suitable|an) output format|Error opening input(?: file)?:? .{0,80}No such file",
        0.82,
        needs=(r"ff(?:mpeg|probe|play)|argument list|hwaccel|nvenc|nvdec|output format|cuvid",),
    ),
    Signature(
        r"python\S{0,8}: can't open file|ERROR: can't open (?:input )?file|bad interpreter: No such file|Permission denied \(publickey|(?:ba|z)?sh: (?!.{0,80}/dev/)\S{1,80}: Permission denied",
        0.82,
    ),
    Signature(
        r"nvcc fatal ?: (?:Don't know what to do with|A single input file is required|No input files specified|redefinition of argument)",
        0.85,
    ),
    Signature(
        r"No rule to make target|\*\*\* missing separator|does not appear to contain CMakeLists\.txt|CMake \d[\d.]* or higher is required",
        0.6,
        unless=(r"dkms|/lib/modules|nvidia\.ko|kernel (?:headers|source)|Kbuild|conftest|NVIDIA-Linux",),
    ),
    Signature(
        r"(?:^|[:\s])(?:pip3?|conda|mamba|accelerate|torchrun|deepspeed|wget|curl|unzip|tmux|ffmpeg|huggingface-cli|poetry|uv): command not found|command not found: (?:pip3?|conda|python3?|accelerate|torchrun|ffmpeg)",
        0.6,
    ),
    Signature(
        r"\.cu\(\d+\): error: (?:expected (?:an?|either) |identifier \"(?!cu|nv|__|AT_|THC|std|C10)\w+\" is undefined|no (?:instance of (?:overloaded )?function|operator) |too (?:few|many) arguments|a value of type|class \"\w+\" has no member|this declaration has no|variable \"\w+\" has already)",
        0.45,
        unless=(r"/usr/|/include/|site-packages|torch|c10|at::|std::|thrust|cub::|cooperative",),
    ),
    # Package managers: locks, protected systems, rights, mirrors and proxies that do not answer.
    Signature(
        r"externally-managed-environment|This environment is externally managed|Could not get lock /var/lib/(?:dpkg|apt)|Unable to (?:acquire|lock) the (?:dpkg|administration)|Could not install packages due to an OSError: \[Errno 13\]",
        0.85,
    ),
    Signature(
        r"connection broken by '(?:Proxy|NewConnection|SSL|ReadTimeout|ConnectTimeout|Protocol|RemoteDisconnected)\w*|HTTPSConnectionPool\(host=|Could not resolve host|Temporary failure resolving|Could not resolve '|curl: \(\d+\) |ReadTimeoutError|CondaHTTPError|HTTP 000 CONNECTION FAILED",
        0.82,
        unless=(r"bazel|tensorflow\.org/mirror|mirror\.tensorflow",),
    ),
    # Registries, quotas and objects of Kubernetes; what Docker asks of the host that is no GPU.
    Signature(
        r"\b(?:ErrImagePull|ImagePullBackOff|InvalidImageName)\b|Failed to pull image|Back-off pulling image|failed to pull and unpack image|ErrImageNeverPull",
        0.84,
    ),
    Signature(
        r"is forbidden: exceeded quota|error validating data|unknown field \"|strict decoding error|(?:configmap|secret|persistentvolumeclaim|serviceaccount|storageclass)s? \"\S{1,60}\" not found|CreateContainerConfigError|(?:Readiness|Liveness|Startup) probe failed|pod has unbound immediate PersistentVolumeClaims|unable to recognize \"",
        0.82,
    ),
    Signature(
        r"unauthorized: (?:authentication required|incorrect username)|requested access to the resource is denied|no basic auth credentials|net/http: (?:request canceled|TLS handshake timeout)|dial tcp\S* .{0,80}(?:i/o timeout|no such host|connection refused)|x509: certificate|driver failed programming external connectivity|bind source path does not exist|client version \S+ is too (?:new|old)\. ",
        0.82,
    ),
    # The host's own memory; Windows' page file; batch systems.
    Signature(
        r"Out of memory: Kill(?:ed)? process \d+ \((?!cc1plus|cicc|nvcc|ninja|java|ld\b|bazel|clang|ptxas|make|gcc|g\+\+)|oom_kill event|\bOOM Killed\b|oom-kill:constraint|\bOOMKilled\b|\[WinError 1455\]|paging file is too small",
        0.82,
    ),
    Signature(
        r"Check failed: \w*(?:preds|labels?|gpair)\w*[.(]|Check failed: .{0,40}==.{0,40}(?:size|Size|shape)\(\)",
        0.6,
    ),
    Signature(r"^\[\d+\] {0,4}\+? {0,4}\d+ killed +(?:python|\./)", 0.7),
    Signature(
        r"srun: error: Unable to allocate resources|sbatch: error: (?!.{0,80}gres)|slurmstepd: error: (?:\*\*\* (?:JOB|STEP)|Detected \d+ oom)",
        0.82,
    ),
    # Hubs, model stores, data sets, trackers.
    Signature(
        r"(?:gated repo|40[134] Client Error|LocalEntryNotFoundError|Access to model \S+ is restricted|pull model manifest: |model ['\"]\S+['\"] not found, try pulling|unknown pre-tokenizer type|gguf_init_from_file: failed to open|failed to open GGUF file)",
        0.85,
    ),
    Signature(
        r"Dataset '\S{1,80}' (?:images )?not found|No labels (?:found )?in /|Image Not Found /|No (?:images|labels) found in|wandb: ERROR |api_key not configured",
        0.8,
    ),
    # A disk that is full where a program writes its own files.
    Signature(
        r"No space left on device: '\S{1,200}\.(?:pth?|ckpt|safetensors|bin|h5|npz?|csv|log|tfevents\S*|jpg|png|mp4)'|No space left on device.{0,200}(?:checkpoint|torch\.save|save_pretrained)|(?:checkpoint|torch\.save|save_pretrained|PytorchStreamWriter).{0,300}No space left on device",
        0.88,
    ),
    # Networks that learn nothing, on a GPU that computes.
    Signature(
        r"\b(?:loss|accuracy|acc|mAP|predictions?|reward|perplexity|BLEU|val_\w+|dice|IoU|F1)\b.{0,50}(?:\bstuck\b|\bstays?\b|\bremains?\b|constant|(?:doesn't|does not|won't|isn't|is not|not|never) (?:chang|decreas|improv|converg|go(?:es|ing)? (?:down|up)|learn)\w*|\ball the same\b|always the same|the same class|diverg\w+|(?:becomes?|goes to|is|turns?) (?:nan|inf)\b|random guess\w*|always (?:zero|0\b)|exactly \d)|"
        r"(?:training|model|network|it) (?:does not|doesn't|won't|never|is not|isn't|not) (?:converg|learn)\w*|(?:loss|准确率|精度|mAP).{0,12}(?:不下降|不收敛|一直不变|没有变化|一直是零)",
        0.6,
        needs=(r"train|epoch|loss|accuracy|predict|step|cpu|训练|轮",),
        unless=(
            r"is_available\W{0,6}False|Xid|\bECC\b|NCCL|no kernel image|out of memory|driver (?:too old|version is insufficient)",
            r"(?:on|with|using) (?:the |my )?(?:cpu|other (?:gpu|card|machine)|another (?:gpu|card|machine)|\w*\d{4}) .{0,30}(?:is |are |it |they )?(?:fine|correct|works?|right|converges?|good|ok|learns?|goes down|expected)",
        ),
    ),
    # Python's own sentences, without the exception's name, as people quote them.
    Signature(
        r"object is not (?:iterable|callable|subscriptable|reversible)|'NoneType' object (?:has no|is not|does not)|(?:list|tuple|string|pop) index out of range|(?:not enough|too many) values to unpack|could not convert string to float|invalid literal for int\(\)|"
        r"setting an array element with a sequence|inhomogeneous shape|maximum recursion depth exceeded|referenced before assignment|unsupported operand type\(s\)|unhashable type: '|dictionary changed size during iteration|object does not support item assignment",
        0.72,
    ),
    # Servers of models and their clients: shapes and names in a request.
    Signature(
        r"unexpected shape for input '|the model expects \d+ dimensions|Value error, Model architectures|must be divisible by tensor parallel size|maximum context length is \d+ tokens|unexpected datatype \S+ for (?:inference )?input",
        0.82,
    ),
    # Web interfaces for pictures: custom nodes, half-precision overflows, repositories.
    Signature(
        r"node types were not found|A tensor with all NaNs was produced|Couldn't (?:clone|fetch|checkout|install) (?!torch|xformers|cuda)\w+",
        0.75,
    ),
    # Docker's and compose's own files; who schedules a pod, who may ask.
    Signature(
        r"file not found in build context|excluded by \.dockerignore|^(?:\S+: )?yaml: line \d+: |dockerfile parse error|unable to prepare context",
        0.78,
    ),
    Signature(
        r"nodes are available: .{0,120}(?:didn't match|did not match|Insufficient (?:cpu|memory|ephemeral-storage|pods)|untolerated taint|volume node affinity)",
        0.76,
        unless=(r"Insufficient nvidia\.com",),
    ),
    Signature(
        r"must be logged in to the server|The connection to the server \S+ was refused|ssh: (?:connect to host|Could not resolve)|scp: \S{1,120}: (?:Permission denied|No such file)|due to usage limits in Colab",
        0.82,
    ),
    Signature(
        r"HTTP Error (?:40\d|50\d)|<urlopen error|Couldn't reach https?://|DatasetNotFoundError",
        0.8,
        unless=(r"bazel",),
    ),
    # Julia's, Numba's, OpenCV's rules for what a kernel or a function may be given.
    r"Package \w+ not found in current path|passing and using non-bitstype argument|Scalar indexing is disallowed|No matching version\. {1,3}GPU ufunc",
    Signature(
        r"\(-215:Assertion failed\) .{0,100}(?:empty\(\)|type\(\)|channels\(?\)?|\bscn\b|depth\b|\.size|dims\b|size\.width|total\(\))",
        0.82,
    ),
    # Builds that lack a file or a main function of one's own.
    Signature(
        r"Cannot find source file: |undefined reference to [`'\"]?main\b|No SOURCES given to target", 0.8
    ),
    Signature(
        r"The '(?!torch|tensorflow|jax|nvidia|cupy|onnxruntime|triton)\S{1,60}' distribution was not found and is required by|No matching distribution found for (?:-r\b|requirements|tranform\w*|pytroch|tensorfow|numpi|sklearn|opencv==|PIL\b|cv2\b|yaml\b)",
        0.7,
    ),
    # A loss that is no number, in any order of words; labels beyond the head.
    Signature(r"\bnan loss\b|\bloss\W{0,3}.{0,14}\bnan\b|损失.{0,8}nan", 0.45),
    Signature(
        r"labels? (?:go|run|range|are numbered|start)s? .{0,24}to \d+.{0,60}(?:outputs?|classes|num_labels|num_classes|logits)",
        0.75,
    ),
    # PyTorch's refusals of arguments: devices by a wrong name, indices elsewhere, integers where fractions are wanted.
    r"Invalid device string: '(?!cuda)|indices should be either on (?:cpu|cuda) or on the same device|You can't train a model that has been loaded in \d-bit",
    Signature(r"not implemented for '(?:Int|Long|Bool|Double|Short|Byte|Char|Complex\w+)'", 0.8),
    Signature(
        r"torch\.jit\.frontend\.\w+Error|torch\._dynamo\.exc\.(?:Unsupported|UserError)|torch\.fx\.proxy\.TraceError|environment variable (?:MASTER_ADDR|MASTER_PORT|RANK|WORLD_SIZE) expected",
        0.84,
    ),
    # The machine's own memory, by NumPy's and PyTorch's allocators.
    Signature(
        r"Unable to allocate [\d.]+ [KMGT]i?B for an array|DefaultCPUAllocator: (?:can't allocate|not enough) memory",
        0.86,
    ),
    # Configurations and command lines of programs: Hydra, compose, kubectl, Helm, profilers, trtexec, shells.
    Signature(
        r"hydra\.errors\.|omegaconf\.errors\.|Could not override '|Key '\w+' is not in struct|invalid compose project|error converting YAML to JSON|mapping values are not allowed in this context|"
        r"namespaces? \"\S{1,60}\" not found|cannot re-use a name that is still in use|syntax error near unexpected token|unrecognized arguments: ",
        0.82,
    ),
    Signature(
        r"Run 'nvidia-smi -h' for help|Target application not found|Executable \S{1,60} could not be found|Could not open file \S{1,120}\.(?:onnx?|onx|pb|trt|plan|uff)|exec: \W{0,2}(?!nvidia)[\w./-]{1,60}\W{1,3} ?executable file not found in \$PATH",
        0.8,
    ),
    Signature(
        r"(?:NotFoundError|NOT_FOUND): (?!.{0,120}(?:\.so|lib\w+|libdevice|cuda))\S{1,160}; No such file or directory|Shape inconsistent, Provided",
        0.82,
    ),
    Signature(r"No module named '?mmcv\.(?:runner|parallel|utils|cnn|fileio)\b", 0.8),
    # The same wrong answer on the CPU is the program's.
    Signature(
        r"(?:same|as well|also|alike|too|identical\w*)\b.{0,20} on (?:the |my )?CPU|on (?:the |my )?CPU (?:it is |they are |I get |gives |with the same )?.{0,30}(?:the same|as well|alike|too|also|likewise|identical)",
        0.6,
        needs=(
            r"\bnan|\binf\b|noise|wrong|loss|accuracy|predict|garbage|zeros|result|output|error",
            r"gpu|cuda|[rg]tx|card",
        ),
        unless=(r"is_available\W{0,6}False|Xid|slow\w*|runs on (?:the )?cpu|only on (?:the )?cpu",),
    ),
)
