"""JAX is installed without its CUDA plugin

What it is: `pip install jax` brings jaxlib, which computes on the CPU only. The GPU needs two more packages of the same
version, jax-cuda12-plugin and jax-cuda12-pjrt (or the ones for CUDA 13), which the extras jax[cuda12] and jax[cuda13]
install.

Why it hurts: JAX prints "An NVIDIA GPU may be present on this machine, but a CUDA-enabled jaxlib is not installed.
Falling back to cpu." and runs on the CPU.

How to tell: jax and jaxlib are installed in this environment and no jax-cudaNN-plugin is; jaxlib's version carries no
+cuda part.

How to fix: Install the extra for a CUDA that this driver runs: jax[cuda13] needs a driver of branch 580 or newer,
jax[cuda12] one of branch 525 or newer.

Sources: https://docs.jax.dev/en/latest/installation.html
https://github.com/jax-ml/jax/blob/main/jax/_src/xla_bridge.py
https://github.com/JeffSHF/ColabDock/issues/28
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.frameworks import Frameworks
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import Evidence, Fix, Problem, seen
from gpudoctor.rules.judging import driver_cuda
from gpudoctor.rules.pythons import installed, need_gpu, package_named, pip, subject
from gpudoctor.signature import Signature
from gpudoctor.versions import major

explains = ("import-differs-from-files", "smoke-ran-on-cpu")

signatures: tuple[Signature | str, ...] = (
    # jax/_src/xla_bridge.py, all releases.
    Signature(
        r"a CUDA-enabled jaxlib is not installed",
        0.97,
        unless=(r"plugin configuration error", r"Unable to load cu\w+"),
    ),
    Signature(r"a CUDA-enabled jaxlib is not installed", 0.5),
    Signature(
        r"No GPU/TPU found, falling back to CPU", 0.88, unless=(r"CUDA_ERROR_", r"failed call to cuInit")
    ),
    Signature(r"No GPU/TPU found, falling back to CPU", 0.4),
    Signature(
        r"Unable to initialize backend 'cuda': .{0,80}(?:NOT_FOUND|not found|no module|module.{0,20}attribute)",
        0.7,
        unless=(r"CUDA_ERROR|driver",),
    ),
    Signature(r"Unknown backend:? '?(?:cuda|gpu)'? requested", 0.85),
    Signature(
        r"Requested backend (?:gpu|cuda), but it failed to initialize|backend 'gpu' failed to initialize",
        0.6,
        needs=(r"jax",),
    ),
    Signature(r"jax\.devices\(\)\W{1,6}\[?(?:TFRT_)?CpuDevice", 0.75),
    Signature(r"\[(?:TFRT_)?CpuDevice\(id=0\)\]", 0.7),
    # xla_bridge.py up to 0.4.6, and the backends' own registry.
    Signature(
        r"Could not find registered platform with name:? ['\"]?(?:cuda|gpu)|Available platform names are: (?!.{0,60}CUDA)",
        0.9,
        needs=(r"jax|xla|Unable to initialize backend",),
        unless=(r"CUDA_ERROR_",),
    ),
    Signature(r"Backend '(?:gpu|cuda)' is not in the list of known backends", 0.9),
    Signature(r"no platforms that are instances of (?:gpu|cuda) are present", 0.9),
    Signature(
        r"Unable to initialize backend '(?:cuda|gpu)': module 'jaxlib\S{0,40}' has no attribute",
        0.85,
    ),
    Signature(
        r"(?:jax\.default_backend\(\)|get_backend\(\)\.platform|jax\.lib\.xla_bridge\S{0,30})(?: says| is| returns| gives| prints| ->)?\W{1,8}cpu\b",
        0.72,
    ),
    Signature(r"\[?(?:TFRT_)?CpuDevice\(id=0\)", 0.6, needs=(r"gpu|cuda|nvidia",)),
    # ColabFold and AlphaFold, whose jaxlib was taken from PyPI.
    Signature(
        r"no GPU detected, will be using CPU", 0.75, needs=(r"jax",), unless=(r"CUDA_ERROR|failed call",)
    ),
    Signature(r"Unknown backend:? '?(?:cuda|gpu)\b", 0.75, needs=(r"jax|numpyro|xla|flax",)),
    # pip's transcript, of JAX itself or of a library on it: a jaxlib without a local part, and no plugin beside it.
    Signature(
        r"jaxlib(?:-|==?| )\d\.\d[\d.]{0,6}(?![\w.]*\+)",
        0.76,
        needs=(
            r"\bpip\b|Collecting|Downloading|Installing collected|Successfully installed|requirements",
            r"(?:on|with|using) (?:the |my |its )?cpu\b|cpu only|only (?:the )?cpu|no gpu|idle|(?:not|n't|never) (?:\w+ ){0,2}(?:see|use|find|found|detect|recogni)\w*|gpu(?: is| was)? (?:not|never)",
        ),
        unless=(
            r"jax[-_]cuda|jaxlib\S{0,20}\+cuda|jax_releases|libtpu|jax\[cuda",
            r"No matching distribution|not a supported wheel|CUDA_ERROR|cannot open shared object",
            r"\bMac(?:Book)?\b|macOS|Apple M\d|radeon|rocm",
        ),
        explanation="pip brought the jaxlib that computes on the CPU, and no plugin for CUDA.",
    ),
)


def check(host: Host, gpu: Gpu, frameworks: Frameworks) -> Iterator[Problem]:
    sure = need_gpu(host, gpu)
    for python, build in installed(frameworks, "jax"):
        if build.variant != "cpu":
            continue
        jaxlib = package_named(python, "jaxlib")
        driver = value_of(driver_cuda(gpu), "")
        extra = "cuda13" if driver and major(driver) >= 13 else "cuda12"
        yield Problem(
            f"jax {build.version} in {python.prefix or python.path} has no CUDA plugin",
            subject=subject(python, "jax"),
            severity="failure" if sure else "warning",
            evidence=(
                Evidence("jax", build.version, build.location),
                Evidence("jaxlib", jaxlib.version if jaxlib else "not installed", python.prefix),
                seen("plugin", build.cuda),
            ),
            fix=Fix(
                f"Install JAX with the plugin for CUDA {extra[4:]}",
                (f"{pip(python, build)} 'jax[{extra}]=={build.version}'",),
                "unsafe",
            ),
        )
