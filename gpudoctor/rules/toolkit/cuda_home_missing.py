"""CUDA_HOME, or what stands in for it, leads to no CUDA toolkit

What it is: Builds of CUDA extensions look for the toolkit in CUDA_HOME (or CUDA_PATH), else they take the nvcc on PATH,
else /usr/local/cuda. Here the variable names a folder that is not there, holds no nvcc, or is no path at all (a list
such as ":/usr/local/cuda"); or a package that compiles at run time finds none of the three.

Why it hurts: The variable wins over a good nvcc on PATH, so every extension build stops with "CUDA_HOME environment
variable is not set" or "nvcc was not found", and CMake finds no CUDA.

How to tell: The value of the variable against the file system: does its bin/nvcc exist? A CUDA-enabled PyTorch from pip
or conda brings the run-time libraries, not nvcc; that alone is no fault, and running programs need no CUDA_HOME.

How to fix: Point the variable at the folder above the bin that holds nvcc, without any colon, or unset it so that the
nvcc on PATH decides. Where there is no toolkit, install one (only its compiler is needed: `cuda-nvcc`).

Sources: https://github.com/CSAILVision/gandissect/issues/19
https://github.com/pytorch/pytorch/blob/main/torch/utils/cpp_extension.py (_find_cuda_home)
https://github.com/deepspeedai/DeepSpeed/blob/master/op_builder/builder.py (installed_cuda_version)
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.cuda import Cuda, Selection, Toolkit
from gpudoctor.facts.environment import Environment
from gpudoctor.facts.frameworks import Frameworks
from gpudoctor.facts.observed import Absent, Known, Unknown
from gpudoctor.findings import MACHINE, CouldNotTell, DoesNotApply, Evidence, Fix, Problem, Subject
from gpudoctor.rules.judging import need
from gpudoctor.rules.toolkit._view import builders, interpreters, selection, tool, where_to_edit
from gpudoctor.signature import Signature

NAMES = ("CUDA_HOME", "CUDA_PATH", "CUDA_ROOT", "CUDAToolkit_ROOT")


signatures: tuple[Signature | str, ...] = (
    # The set-up code of mamba and causal-conv1d, where no nvcc told its version.
    Signature(r"name 'bare_metal_version' is not defined", 0.93),
    # torch/utils/cpp_extension.py; setup.py of flash-attn, apex, DeepSpeed; CMake.
    Signature(r"CUDA_HOME environment variable is not set", 0.93),
    Signature(
        r"CUDA_HOME (?:does not exist|is not defined|undefined)|CUDA_HOME is not set|CUDA_PATH (?:environment variable )?(?:is )?not (?:set|detected|found)",
        0.88,
        needs=(r"CUDA_(?:HOME|PATH)",),
    ),
    Signature(r"CUDA_HOME does not exist, unable to compile CUDA op", 0.95),
    Signature(r"nvcc was not found", 0.9),
    Signature(r"nvcc: (?:command )?not found", 0.85),
    Signature(r"'nvcc' is not recognized as an internal", 0.9),
    Signature(r"No such file or directory: '?\"?\S{0,80}nvcc", 0.92),
    Signature(r"(?:error|FileNotFoundError|OSError).{0,60}:/usr/local/cuda", 0.85),
    Signature(r":/usr/local/cuda\S*/bin/nvcc", 0.93),
    Signature(
        r"Failed to find nvcc|Could not find nvcc|nvcc not (?:found|in PATH)|Cannot find nvcc|Unable to find nvcc|nvcc: No such file",
        0.9,
    ),
    Signature(
        r"CUDA_TOOLKIT_ROOT_DIR not found or specified|Specify CUDA_TOOLKIT_ROOT_DIR",
        0.88,
        needs=(r"CUDA_TOOLKIT_ROOT_DIR",),
    ),
    Signature(r"No CMAKE_CUDA_COMPILER could be found", 0.9),
    Signature(
        r"Failed to (?:find|detect a default) CUDA (?:toolkit|architecture)|Could NOT find CUDA(?:Toolkit)?\b(?! drivers)|Cannot find CUDA toolkit",
        0.75,
        needs=(r"CUDA",),
        unless=(r"CUDA driver library",),
    ),
    Signature(r"MissingCUDAException", 0.85),
    Signature(r"Cuda was not found, exiting|CUDA toolkit (?:is )?not (?:found|installed)", 0.75),
    Signature(r"fatal error: cuda(?:_runtime(?:_api)?)?\.h: No such file or directory", 0.8),
    Signature(r"The CUDA compiler identification is unknown", 0.65),
    Signature(r"cannot find -lcuda\b(?!rt)", 0.5),
    # Visual Studio's integration; Bazel's and CMake's search; headers by MSVC and clang; Rust's builders; conda's and Meson's.
    Signature(r"No CUDA toolset found", 0.93),
    Signature(r"The CUDA Toolkit (?:v[\d.]+ )?directory '.{0,200}' does not exist", 0.92),
    Signature(
        r"Could not find any cuda\.h matching|CMAKE_CUDA_COMPILER-NOTFOUND|CUDA_NVCC_EXECUTABLE-NOTFOUND",
        0.85,
    ),
    Signature(
        r"'cuda(?:_runtime)?(?:_api)?\.h' file not found|Cannot open include file: '(?:cuda\w*|cublas_v2|cusparse|curand\w*)\.h'",
        0.82,
    ),
    Signature(
        r"fatal error: (?:cublas_v2|cublas_api|cusparse|cusolver\w*|curand\w*|cufft\w*|nvrtc|cuda_fp16|cuda_profiler_api|nvToolsExt|thrust/\S+)\.h: No such file",
        0.75,
    ),
    Signature(
        r"(?:Failed to execute|Unable to find|could not (?:execute|run|find)|cannot execute) [`'\"]?nvcc\b",
        0.9,
    ),
    Signature(
        r"nvcc not in path|CUDA_ROOT not set|which: no nvcc in|nvcc(?:\.exe)? (?:is|was) not (?:installed|found|in)",
        0.88,
    ),
    Signature(
        r"Could not find a (?:suitable |valid )?CUDA (?:installation|toolkit)|CUDA (?:installation|toolkit) (?:could not be|was not|not) found",
        0.8,
    ),
    Signature(r"未找到 ?nvcc|nvcc:? ?(?:未找到命令|未找到)|'nvcc' 不是内部或外部命令", 0.9),
    Signature(r"CUDA::\w+.{0,40}(?:but the )?target was not found", 0.75),
    # setup.py files that put CUDA_HOME before "/bin/nvcc": apex, NVIDIA's and others' copies of get_cuda_bare_metal_version.
    Signature(
        r"unsupported operand type\(s\) for \+: 'NoneType' and 'str'",
        0.93,
        needs=(r"/bin/nvcc|CUDA_HOME|bare_metal",),
        explanation="CUDA_HOME is None: torch found no toolkit.",
    ),
    Signature(
        r"FileNotFoundError: \[WinError 2\]|FileNotFoundError: \[Errno 2\] No such file or directory: 'None/bin",
        0.88,
        needs=(r"/bin/nvcc|\[\"nvcc\"|\['nvcc'|CUDA_HOME",),
    ),
    Signature(
        r"(?:fail\w*|errors?|problems?|stuck|complain\w*) (?:\w+ ){0,3}[`'\"]{0,2}CUDA_HOME[`'\"]{0,2} (?:environment )?(?:variable|path|not)",
        0.75,
    ),
    # zsh; Rust's and CMake's searches; NVRTC's; FlashInfer.
    Signature(r"command not found: nvcc", 0.9),
    Signature(
        r"(?:find|locate|found|open)(?: any| a)? [`'\"]{0,2}(?:include/)?cuda(?:_runtime(?:_api)?)?\.h|cannot open source file \"cuda\w*\.h\"",
        0.8,
    ),
    Signature(
        r"(?:Unable to|Could not|couldn't|cannot|can't|failed to) (?:find|locate|determine|detect) (?:a |the |valid )?CUDA_(?:HOME|PATH|ROOT)",
        0.9,
    ),
    Signature(r"command '\S{0,80}nvcc' failed: No such file", 0.92),
    Signature(r"package configuration file provided by \"CUDA(?:Toolkit)?\"", 0.85),
    # Meson; CMake's FindCUDA with a wrong root; autoconf; detectron2's environment, where something is built.
    Signature(r"Unknown compiler\(s\):? .{0,40}nvcc", 0.9),
    Signature(r"set to NOTFOUND[\s\S]{0,120}CUDA_(?:CUDART_LIBRARY|TOOLKIT_INCLUDE)", 0.85),
    Signature(r"configure: error: .{0,30}CUDA\b.{0,30}not found", 0.85),
    Signature(
        r"CUDA_HOME\W{1,10}(?:is )?(?:None|not set)\b", 0.7, needs=(r"build|compil|nvcc|install|setup\.py",)
    ),
    # gsplat's loader; setup.py files that ask `which nvcc`.
    Signature(r"No CUDA too?l?kit found", 0.92),
    Signature(r"\['(?:which|where|whereis)', 'nvcc'\].{0,40}returned non-zero exit status", 0.92),
)


def check(cuda: Cuda, environment: Environment, frameworks: Frameworks) -> Iterator[Problem | CouldNotTell]:
    selections = need(cuda.selections, "toolkit selectors")
    toolkits = [t for t in need(cuda.toolkits, "CUDA toolkits") if tool(t, "nvcc") is not None]
    named = [s for s in selections if s.selector in NAMES and s.value]
    broken = [s for s in named if isinstance(s.prefix, Absent)]
    for chosen in broken:
        yield _wrong(chosen, toolkits, cuda, environment, frameworks)
    for chosen in named:
        if isinstance(chosen.prefix, Unknown):
            yield CouldNotTell(f"{chosen.selector}: {chosen.prefix.reason}")
    if broken:
        return
    wanting = _wanting(frameworks)
    torch = selection(cuda, "torch")
    if wanting and (torch is None or isinstance(torch.prefix, Absent)):
        yield _none(wanting, toolkits)
    elif not named and not wanting:
        raise DoesNotApply("CUDA_HOME is not set, and nothing that is installed needs it")


def _wrong(
    chosen: Selection,
    toolkits: list[Toolkit],
    cuda: Cuda,
    environment: Environment,
    frameworks: Frameworks,
) -> Problem:
    name, reason = chosen.selector, chosen.prefix.looked_in if isinstance(chosen.prefix, Absent) else ""
    good = better(chosen.value, toolkits)
    command = f"export {name}={good}" if good else f"unset {name}"
    return Problem(
        f'{name} is "{chosen.value}": {reason}',
        Subject("variable", name, name, MACHINE),
        "failure" if builders(frameworks) else "warning",
        (
            Evidence(name, chosen.value, "environment"),
            Evidence("why it leads nowhere", reason, "file system"),
            *(Evidence("toolkit with nvcc", t.prefix, t.real_prefix) for t in toolkits),
        ),
        fix=Fix(
            f"Point {name} at a toolkit" if good else f"Unset {name}, or install a toolkit there",
            (command + f"   # {where.strip()}" if (where := where_to_edit(environment, name)) else command,),
            "unsafe" if where else "manual",
        ),
    )


def better(value: str, toolkits: list[Toolkit]) -> str:
    """A part of the value that is a toolkit after all (":/usr/local/cuda"), else a toolkit that exists."""
    parts = [part.rstrip("/") for part in value.split(":") if part]
    for toolkit in toolkits:
        if toolkit.prefix in parts or toolkit.real_prefix in parts:
            return toolkit.prefix
    plain = [t for t in toolkits if t.origin in ("runfile", "distribution", "unknown")]
    return plain[0].prefix if plain else toolkits[0].prefix if toolkits else ""


def _wanting(frameworks: Frameworks) -> tuple[str, ...]:
    """DeepSpeed and FlashInfer compile at run time with the toolkit that torch's rule finds."""
    found = []
    for one in interpreters(frameworks):
        cuda_torch = any(b.framework == "torch" and isinstance(b.cuda, Known) for b in one.builds)
        packages = one.packages.value if isinstance(one.packages, Known) else ()
        if cuda_torch:
            found += [
                f"{p.name} {p.version} in {one.path}" for p in packages if p.name in ("deepspeed", "pycuda")
            ]
    return tuple(found)


def _none(wanting: tuple[str, ...], toolkits: list[Toolkit]) -> Problem:
    fix = (
        Fix("Point CUDA_HOME at the toolkit", (f"export CUDA_HOME={toolkits[0].prefix}",), "safe")
        if toolkits
        else Fix(
            "Install a CUDA toolkit with nvcc of the CUDA major that PyTorch was built with, then set CUDA_HOME"
        )
    )
    return Problem(
        f"{wanting[0].split(' ')[0]} compiles CUDA code, and no nvcc is found by CUDA_HOME, PATH or /usr/local/cuda",
        MACHINE,
        "warning",
        (
            *(Evidence("needs nvcc", one, "packages") for one in wanting),
            Evidence("CUDA_HOME", "not set", "environment"),
        ),
        fix=fix,
    )
