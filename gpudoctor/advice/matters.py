"""Which causes a question raises: those that judge what it names, against each other. The table is the whole of it:
what it does not raise is not judged, and a key that nothing judges leaves the answer open."""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor import knowledge
from gpudoctor.advice.builds import COMPANIONS, extensions
from gpudoctor.advice.hypothesis import cuda_for_gpu
from gpudoctor.advice.question import CONTEXT, Question
from gpudoctor.facts.record import Record


class Matter(Record):
    """`cause` is raised; it judges the keys `of`. `harmless`: severities of its findings that are no more than a
    caveat. `decides`: a finding is a no; where it is false, it leaves the answer open. `elsewhere`: that it does not
    apply is how it says yes (it is of another operating system)."""

    cause: str
    of: tuple[str, ...]
    harmless: tuple[str, ...] = ("note", "warning")
    decides: bool = True
    elsewhere: bool = False


ALL_COUNT: tuple[str, ...] = ("note",)

#: Frameworks whose GPU support ended on native Windows, or never was.
_WINDOWS = {"tensorflow": "tf-gpu-on-windows-unsupported", "jax": "jax-gpu-on-windows-unsupported"}

_GPU = ("gpu", "cc", "task")
_CUDA = ("cuda", "toolkit")


def raised(asked: Question) -> tuple[Matter, ...]:
    found = [*_driver(asked), *_frameworks(asked), *_cudnn(asked), *_toolkit(asked), *_rest(asked)]
    return tuple({matter.cause: matter for matter in found}.values())


def _driver(asked: Question) -> Iterator[Matter]:
    runs = bool(
        asked.runtime or any(w.variant != "cpu" for w in asked.wheels) or (asked.toolkit and asked.driver)
    )
    if asked.driver or asked.cards:
        if runs:
            names = tuple(w.framework for w in asked.wheels)
            yield Matter(
                "driver-too-old-for-runtime",
                ("driver", "cuda", "toolkit", *names, "jax_plugin", "plugin") if asked.driver else (),
            )
        if asked.driver and asked.system == "Linux":
            yield Matter("driver-newer-than-knowledge", ())
    if asked.driver and asked.cards and asked.system == "Linux":
        yield Matter("driver-branch-dropped-gpu", ("driver", "gpu", "cc"))
        yield Matter("driver-too-old-for-gpu", ("driver", "gpu", "cc"))
    if asked.flavour and asked.cards and asked.system == "Linux":
        yield Matter("driver-open-module-required", ("gpu", "cc", "install", "needs"))
        yield Matter("driver-proprietary-module-required", ("gpu", "cc", "install", "needs"))
    if asked.ptx and asked.driver:
        yield Matter("ptx-newer-than-driver", ("driver", "cuda", "toolkit", "task", "needs"))
    if asked.compat:
        yield Matter("forward-compat-unsupported", ("cuda_compat", "brand", "gpu", "driver"))


def _frameworks(asked: Question) -> Iterator[Matter]:
    for wheel in asked.wheels:
        name = wheel.framework
        keys = (
            name,
            "install",
            *(("jax_plugin", "plugin") if name == "jax" else ()),
            *(("cuda",) if name == "torch" else ()),
        )
        yield Matter("framework-newer-than-knowledge", ())
        if name in _WINDOWS and (asked.system == "Windows" or "os" in asked.given):
            yield Matter(_WINDOWS[name], (*keys, "os"), elsewhere=asked.system != "Windows")
        if asked.cards:
            yield Matter("wheel-lacks-gpu-arch", (*keys, *_GPU))
            yield Matter("gpu-too-old-for-toolkit", (*keys, *_GPU), ALL_COUNT)
        if name == "torch" and (
            asked.cards
            or asked.driver
            or asked.system == "Windows"
            or asked.machine != "x86_64"
            or wheel.variant == "cpu"
        ):
            yield Matter("cpu-only-wheel", (*keys, "os", "machine"), ALL_COUNT)
        if asked.python:
            yield Matter("python-version-no-wheel", (*keys, "python"))
        if "install" in asked.command and name == "torch":
            yield Matter("pip-index-missing", (*keys,))
        if asked.installed_cuda:
            yield Matter("framework-cuda-version-mismatch", (*keys, "cuda"))
        if asked.numpy:
            yield Matter("numpy-too-new-for-framework", (*keys, "numpy"), ALL_COUNT)
            yield Matter("numpy-too-old-for-framework", (*keys, "numpy"), ALL_COUNT)
    if asked.wheel("torch") and any(n in COMPANIONS and v for n, v in asked.packages):
        keys = ("torch", "install", "installed", "package", "version")
        yield Matter("torchvision-torchaudio-mismatch", keys, ALL_COUNT)
    if asked.keras and asked.wheel("tensorflow"):
        yield Matter("keras-tensorflow-mismatch", ("keras", "tensorflow"), ALL_COUNT)
    if asked.wheel("jax") and (asked.plugin_version or asked.has("jax_plugin", "plugin")):
        yield Matter("jax-plugin-mismatch", ("jax", "jax_plugin", "plugin"), ALL_COUNT)


def _cudnn(asked: Question) -> Iterator[Matter]:
    if asked.cards and (asked.cudnn or asked.fresh):
        keys = (
            "cudnn",
            "cudnn_package",
            "installed",
            "gpu",
            "cc",
            "install",
            *(() if asked.wheels else ("cuda",)),
        )
        yield Matter("cudnn-lacks-gpu-kernels", keys, ALL_COUNT)
    if asked.cudnn and not asked.wheels and (asked.runtime or asked.toolkit):
        yield Matter("cudnn-not-for-this-cuda", ("cudnn", "cudnn_package", "cuda", "toolkit"), ALL_COUNT)
    if asked.cudnn and asked.wheels:
        yield Matter(
            "cudnn-version-mismatch",
            ("cudnn", "cudnn_package", "installed", *(w.framework for w in asked.wheels)),
            ALL_COUNT,
        )


def _toolkit(asked: Question) -> Iterator[Matter]:
    if asked.cards and (asked.toolkit or cuda_for_gpu(asked)):
        yield Matter("gpu-too-old-for-toolkit", (*_CUDA, *_GPU, "image"), ALL_COUNT)
        # Beside a runtime: what was built with that CUDA for older GPUs may still run, by PTX.
        yield Matter("nvcc-arch-unsupported", (*_CUDA, *_GPU), ALL_COUNT, decides=bool(asked.toolkit))
    if asked.toolkit and (asked.gcc or asked.clang):
        yield Matter("host-compiler-too-new", (*_CUDA, "gcc", "clang", "task"), ALL_COUNT)
    if asked.toolkit and asked.wheel("torch"):
        yield Matter("nvcc-mismatch-with-torch", ("toolkit", "torch"), ())
    if asked.toolkit and asked.driver:
        yield Matter("toolkit-newer-than-driver", (*_CUDA, "driver", "task"), ("note",))


def _rest(asked: Question) -> Iterator[Matter]:
    if asked.image:
        yield Matter("image-tag-unknown", ("image",), ALL_COUNT)
        if asked.driver:
            yield Matter("container-requirement-unsatisfied", ("image", "driver", "brand", "gpu"), ALL_COUNT)
    wanted = extensions(asked)
    if wanted:
        keys = ["package", "version", "install", "installed"]
        rows = [row for n, v in wanted if (row := knowledge.extension_demands(n, v)) is not None]
        keys += ["torch"] if any(knowledge.companion_pin(n, v) for n, v in wanted) else []
        keys += ["gpu", "cc"] if rows and all(r.least for r in rows) else []
        keys += ["python"] if any(r.pythons for r in rows) else []
        keys += ["os"] if any(r.systems for r in rows) else []
        keys += ["cuda", "toolkit"] if any(r.cuda for r in rows) else []
        keys += ["cudnn", "cudnn_package"] if any(r.cudnn for r in rows) else []
        yield Matter("extension-requirements-unmet", tuple(keys), ALL_COUNT)
    if len(asked.packages) > 1 and asked.has("installed", "package"):
        yield Matter("mixed-cuda-libraries", ("package", "version", "installed"))
    if asked.wanted and asked.packages:
        yield Matter(
            "library-not-in-package", ("package", "version", "installed", "look_for", "needs"), ALL_COUNT
        )


def unjudged(asked: Question, matters: tuple[Matter, ...]) -> tuple[str, ...]:
    """Keys of the question that nothing judges. A GPU alone is judged by being found in the table."""
    covered = {key for matter in matters for key in matter.of} | CONTEXT | set(asked.renamed)
    if asked.renamed:
        covered |= {"jax_plugin", "plugin"}
    if not set(asked.given) - CONTEXT - {"gpu"} and asked.cards and all(c.capability for c in asked.cards):
        covered.add("gpu")
    if "install" in asked.given and "install" not in asked.unread and asked.wheels:
        covered.add("install")
    if "task" in asked.given and asked.toolkit and (asked.compiles or (asked.runs and asked.driver)):
        covered.add("task")
    if "version" in asked.given and "package" in covered:
        covered.add("version")
    return tuple(key for key in asked.given if key not in covered)
