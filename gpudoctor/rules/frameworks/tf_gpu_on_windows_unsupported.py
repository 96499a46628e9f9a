"""TensorFlow after 2.10 has no GPU support on native Windows

What it is: TensorFlow 2.10 was the last release with a CUDA build for native Windows; from 2.11 on the package for
Windows is a CPU build.

Why it hurts: tf.config.list_physical_devices("GPU") is empty, whatever CUDA and cuDNN are installed.

How to tell: The system is Windows and TensorFlow is 2.11 or newer.

How to fix: Install TensorFlow in WSL2; or stay with tensorflow<2.11 (Python 3.10 or older, CUDA 11.2, cuDNN 8.1).

Sources: https://www.tensorflow.org/install/pip#windows-native
https://github.com/tensorflow/tensorflow/issues/58629
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.frameworks import Frameworks
from gpudoctor.facts.host import Host
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem, seen
from gpudoctor.rules.judging import need
from gpudoctor.rules.pythons import installed, is_release, public, subject
from gpudoctor.signature import Signature
from gpudoctor.versions import at_least

explains = ("import-differs-from-files",)

signatures: tuple[Signature | str, ...] = (
    # TensorFlow's own configure.py.
    Signature(
        r"Cannot build with CUDA support on Windows|CUDA build is not supported (?:for|on) Windows", 0.95
    ),
    # TensorFlow's install page: 2.10 was the last release with GPU support on native Windows.
    Signature(
        r"tensor ?flow|\btf\.(?:__version__|config|test|keras)",
        0.85,
        when="tensorflow-past-windows",
        needs=(
            r"gpu|\brtx|\bgtx|geforce|list_physical_devices|cuda|n't (?:being )?(?:detect|recogni|used)|not (?:being )?(?:detect|recogni|used)",
        ),
        unless=(r"Torch not compiled|WSL",),
    ),
    Signature(r"TensorFlow GPU support is not available on native Windows for TensorFlow >= 2\.11", 0.97),
    Signature(r"tensorflow[-_]intel", 0.75, when="on-windows", needs=(r"GPU|gpu",)),
    Signature(
        r"GPU.{0,60}(?:not supported|unsupported) on (?:native )?Windows",
        0.7,
        needs=(r"tensorflow|TensorFlow",),
    ),
    # tensorflow-intel is what tensorflow 2.11 to 2.18 installs on Windows, and nowhere else.
    Signature(r"tensorflow[-_]intel (?:== ?)?2\.1[1-9]", 0.85, needs=(r"gpu|cuda|\brtx|\bgtx",)),
    Signature(r"tensorflow\[and-cuda\]", 0.86, when="on-windows"),
    # "TF 2.16.1" in prose.
    Signature(
        r"list_physical_devices|Num GPUs Available|is_gpu_available|is_built_with_cuda|windows|win ?1[01]|built with cuda|:\\Users|python\.exe",
        0.85,
        when="tensorflow-past-windows",
        needs=(
            r"gpu|\brtx|\bgtx|geforce|cuda",
            r"\btf\b",
            r"available:? {0,2}0\b|\[\]|False|empty|not |n't|only cpu|no gpu|不|没",
        ),
        unless=(r"Torch not compiled|WSL",),
    ),
    # Keras 3 and R's packages: by the release of TensorFlow that they need or install.
    Signature(
        r"keras|install_tensorflow|tf\$config|tf_config\(\)",
        0.85,
        when="tensorflow-past-windows",
        needs=(
            r"gpu|\brtx|\bgtx|geforce|cuda|only (?:on |the ){0,2}cpu",
            r"\[\]|list\(\)|False|empty|\bnot\b|n't\b|only (?:on |the ){0,2}cpu|cpu only|\bno gpu|none|never|available:? {0,2}0\b",
        ),
        unless=(r"Torch not compiled|WSL",),
    ),
)


FIRST_WITHOUT = "2.11"


def check(host: Host, frameworks: Frameworks) -> Iterator[Problem]:
    if need(host.system, "operating system") != "Windows":
        raise DoesNotApply("not Windows")
    for python, build in installed(frameworks, "tensorflow"):
        release = public(build.version).partition(".post")[0]
        if build.distribution == "tensorflow-cpu" or not is_release(release):
            continue
        if at_least(release, FIRST_WITHOUT):
            yield Problem(
                f"TensorFlow {build.version} has no GPU support on Windows",
                subject=subject(python, build),
                evidence=(
                    seen("system", host.system),
                    Evidence("TensorFlow", build.version, build.location),
                ),
                fix=Fix(
                    "Install TensorFlow in WSL2, or stay with 2.10 on native Windows",
                    ("wsl --install", "python3 -m pip install 'tensorflow[and-cuda]'   # inside WSL2"),
                ),
            )
