"""An extension of PyTorch was compiled for another PyTorch

What it is: flash-attn, xformers, torch-scatter and their like are compiled against one PyTorch release and one CUDA
major. PyTorch keeps no stable C++ interface between releases, so such a library works with that release only.

Why it hurts: Importing the extension fails with "undefined symbol: _ZN3c10..." or "libcudart.so.N: cannot open shared
object file", or it switches itself off ("xFormers was built for PyTorch ...").

How to tell: The release that the extension names (in its version's local part such as +cu12torch2.6, in xformers'
cpp_lib.json, or in an exact requirement torch==X) against the torch that is installed beside it.

How to fix: Install the extension's wheel for this PyTorch, or compile it here without build isolation; or install the
PyTorch that it was compiled for.

Sources: https://github.com/Dao-AILab/flash-attention/issues/975
https://github.com/facebookresearch/xformers/blob/main/README.md
https://github.com/pyg-team/pytorch_geometric/blob/master/docs/source/install/installation.rst
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.frameworks import Build, Frameworks, Interpreter
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem, seen
from gpudoctor.rules.pythons import build_named, installed, is_release, pip, public, same_release, subject
from gpudoctor.signature import Signature
from gpudoctor.versions import is_version, major

#: These have a cause of their own.
PAIRED = ("torchvision", "torchaudio")


signatures: tuple[Signature | str, ...] = (
    # The dynamic loader on an extension that was built for another torch: c10, at, torch, and their C++11 ABI twins.
    Signature(
        r"undefined symbol: _ZNK?K?(?:R)?(?:St\d+_?)?\d?(?:3c10|2at|5torch)\w*",
        0.92,
        unless=(
            r"torchaudio\S*\.so|_torch_sox\S*\.so|torchvision/(?:_C|image)\S*\.so|libc10_cuda\.so:|torchtext",
        ),
    ),
    Signature(
        r"undefined symbol: _ZN\w{0,6}(?:c10|2at|torch)",
        0.85,
        unless=(r"torchaudio\S*\.so|_torch_sox\S*\.so|torchvision/(?:_C|image)\S*\.so",),
    ),
    Signature(
        r"undefined symbol: (?:_Z\w*Tensor\w*|THPVariable\w*|THCState\w*|_ZTIN?\w*torch\w*|\w*PyTorch\w*)",
        0.85,
        unless=(r"libtorchaudio\.so|torchvision",),
    ),
    Signature(r"undefined symbol: (?:c10|at|torch)::", 0.85, unless=(r"torchaudio|torchvision",)),
    Signature(
        r"xFormers was built for:? PyTorch (?P<built>\S+) with CUDA \S+ \(you have (?P<have>[\w.+]+)",
        0.88,
        unless=(r"you have \d[\w.]*\+(?:cpu|rocm|xpu)",),
        explanation="xFormers was built for PyTorch {built}; {have} is installed.",
    ),
    Signature(
        r"xFormers can't load C\+\+/CUDA extensions", 0.7, unless=(r"you have \d[\w.]*\+(?:cpu|rocm|xpu)",)
    ),
    Signature(
        r"ImportError: DLL load failed while importing (?:flash_attn\w*|_C|\w+_cuda|\w+_ext)\b",
        0.7,
        unless=(r"torchvision",),
    ),
    Signature(
        r"(?:extension|module).{0,40}(?:was )?compiled (?:against|with|for) (?:a different|another) (?:version of )?(?:PyTorch|torch)",
        0.85,
    ),
    Signature(r"The detected PyTorch version .{0,60}(?:differs|mismatches)", 0.75),
    # Any mangled name of PyTorch's own name spaces: type information, virtual tables, constructors.
    Signature(
        r"undefined symbol: _Z\w*?(?:3c10|2at|5torch|6caffe2)\w*",
        0.9,
        unless=(
            r"torchaudio\S*\.so|_torch_sox\S*\.so|torchvision/(?:_C|image)\S*\.so|libc10_cuda\.so:|torchtext",
        ),
    ),
    # An extension that loaded, and registered nothing with this torch.
    Signature(
        r"'_OpNamespace' '(?!torchvision|torchaudio)\w+' object has no attribute",
        0.85,
    ),
    Signature(r"symbol not found in flat namespace '__?Z\w*(?:3c10|2at|5torch)", 0.8),
    # torch_scatter and its siblings compare themselves; torchtext is torchvision's kind without a family of its own.
    Signature(
        r"Detected that PyTorch and (?!torchvision|torchaudio)\w+ were compiled with different CUDA(?! versions\.? .{0,80}has CUDA version 0\.0)",
        0.96,
    ),
    Signature(r"(?:libtorchtext|torchtext/\S{1,60})\.so: undefined symbol", 0.88),
    # Libraries that only torch 1.8 to 1.12 was split into.
    Signature(r"libtorch_cuda_(?:cpp|cu)\.so: cannot open shared object file", 0.88, unless=(r"\d\+cpu\b",)),
    Signature(r"libc10\.so: cannot open shared object file", 0.6),
    # C shims, other frameworks' name spaces, Python's own C API, macOS' loader, Windows' loader.
    Signature(
        r"undefined symbol: (?:aoti_torch_\w+|torch_library_impl|_?Py(?!Torch)[A-Z_]\w+|_Z\w*?(?:10tensorflow|4absl|4xla|6paddle)\w*)",
        0.85,
        unless=(r"torchaudio|torchvision",),
    ),
    Signature(
        r"Symbol not found: \(?_(?:_Z\w*(?:3c10|2at|5torch)|torch_)\w*",
        0.85,
        unless=(r"torchaudio|torchvision",),
    ),
    Signature(
        r"DLL load failed while importing \w+: (?:The specified procedure could not be found|找不到指定的程序)",
        0.75,
        needs=(r"torch",),
        unless=(r"torchvision|torchaudio",),
    ),
    Signature(
        r"(?:was|were|is) (?:built|compiled) (?:with|against|for) (?:PyTorch|torch)[ =]{1,2}\S{1,20}.{0,80}(?:but|however|while|and you have|you have)",
        0.85,
    ),
    # Windows' loader on an extension that was built for another torch.
    Signature(
        r"WinError 127\]",
        0.78,
        needs=(
            r"torch_(?:scatter|sparse|cluster|spline_conv)|pyg_lib|flash_attn|xformers|_(?:cuda|cpu|C)\S{0,20}\.pyd",
        ),
        unless=(r"torchvision|torchaudio|shm\.dll|c10\S*\.dll|fbgemm",),
    ),
    # The C++ library of another compiler: what an extension was built with is not what torch brings.
    Signature(
        r"undefined symbol: _ZN?K?S[ts]\w+",
        0.72,
        needs=(
            r"torch[-_](?:scatter|sparse|cluster|spline)|flash|xformers|mmcv|_cuda\S{0,30}\.so|_ext\S{0,30}\.so|_C\.\S{0,30}\.so",
        ),
    ),
    Signature(
        r"undefined symbol[:\s`'\"]{1,4}_ZN?K?\d?(?:3c10|2at|5torch)",
        0.86,
        unless=(r"torchaudio|torchvision|libc10_cuda\.so:",),
    ),
)


def check(frameworks: Frameworks) -> Iterator[Problem]:
    judged = False
    for python, build in installed(frameworks):
        torch = build_named(python, "torch")
        if torch is None or build.framework in PAIRED or not is_release(torch.version):
            continue
        wanted, cuda = value_of(build.built_for_torch, ""), value_of(build.cuda, "")
        own_cuda = value_of(torch.cuda, "")
        if not wanted:
            continue
        judged = True
        other_torch = is_version(wanted) and not same_release(wanted, torch.version)
        other_cuda = is_version(cuda) and is_version(own_cuda) and major(cuda) != major(own_cuda)
        if other_torch or other_cuda:
            yield _problem(python, build, torch, wanted if other_torch else "")
    if not judged:
        raise DoesNotApply("no extension names the PyTorch that it was compiled for")


def _problem(python: Interpreter, build: Build, torch: Build, wanted: str) -> Problem:
    name = f"{build.framework} {build.version}"
    title = (
        f"{name} was compiled for PyTorch {wanted}, installed is {torch.version}"
        if wanted
        else f"{name} was compiled for CUDA {value_of(build.cuda, '')}, PyTorch {torch.version} has another"
    )
    evidence = [
        seen(f"{build.framework} was compiled for PyTorch", build.built_for_torch),
        Evidence("PyTorch", torch.version, torch.location),
    ]
    if isinstance(build.cuda, Known):
        evidence.append(seen(f"{build.framework} was compiled for CUDA", build.cuda))
        evidence.append(seen("CUDA of PyTorch", torch.cuda))
    return Problem(
        title,
        subject=subject(python, build),
        evidence=tuple(evidence),
        fix=Fix(
            "Compile the extension against the PyTorch that is installed (or install its wheel for it)",
            (
                f"{pip(python, build)} --no-build-isolation --no-cache-dir --no-deps --force-reinstall "
                f"{build.framework}=={public(build.version)}",
            ),
            "unsafe",
        ),
    )
