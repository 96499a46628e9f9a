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
    r"RuntimeError: mat1 and mat2 (?:shapes cannot be multiplied|must have the same dtype)",
    r"RuntimeError: The size of tensor a \(\d+\) must match the size of tensor b",
    r"RuntimeError: shape '\[.{0,60}\]' is invalid for input of size",
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
        r"No module named '(?!torch|tensorflow|jax|cupy|keras|triton|_C\b|flash_attn|xformers|mmcv|amp_C|apex|fused|exllama|awq)\w",
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
)
