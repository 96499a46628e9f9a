"""Frameworks' versions against the tables: which CUDA a release wants, which GPUs a CUDA knows, what belongs together."""

from __future__ import annotations

import re

from gpudoctor.logs.conditions._shown import cudas
from gpudoctor.logs.conditions._versions import release
from gpudoctor.logs.lazy import Lazy
from gpudoctor.logs.told import Told

_ORT = Lazy(
    r"(?<![\w./-])(?:onnx ?run?(?:time|mtime|rumtime)|onnxrumtime|ort)(?:[-_ ]gpu)?(?: version(?: or commit id)?| package)?[\s:=：`'\"(vV]{1,12}(?P<version>1\.\d{1,2}(?:\.\d)?)\b",
    re.I,
)
_CUPY = Lazy(r"\bcupy-cuda(?P<major>\d\d)(?P<minor>[x\d])\b", re.I)
_JAXLIB = Lazy(r"\bjaxlib\S{0,20}\+cuda(?P<major>\d\d)|\bjax-cuda(?P<plugin>\d\d)-(?:plugin|pjrt)", re.I)


def onnxruntime_told(told: Told) -> str:
    """The release of ONNX Runtime that the text names, "1.16.2"; "" for none."""
    if not told.has("onnx"):
        return ""
    listed = told.listed.get("onnxruntime-gpu") or told.listed.get("onnxruntime")
    if listed is not None:
        return listed.version
    newest: tuple[str, tuple[int, ...]] = ("", (0,))
    for found in _ORT.finditer(
        told.text
    ):  # of two releases the newer one is what was upgraded to, and complains
        parts = release(found["version"])
        newest = max(newest, (found["version"], parts), key=lambda one: one[1])
    return newest[0] or told.packages.get("onnxruntime-gpu", "") or told.packages.get("onnxruntime", "")


def _padded(version: str) -> str:
    return version + ".0" if version.count(".") == 1 else version


def _wanted_cuda(told: Told) -> str:
    """The CUDA that the told framework's build wants: "12", or "10.1" where the minor matters; "" where no table tells."""
    from gpudoctor import knowledge

    ort = onnxruntime_told(told)
    if ort:
        demands = knowledge.extension_demands("onnxruntime-gpu", _padded(ort))
        return str(demands.cuda[0]) if demands is not None and demands.cuda else ""
    cupy = {found["major"] for found in _CUPY.finditer(told.text)}
    if len(cupy) == 1:
        return next(iter(cupy))
    jaxlib = _JAXLIB.search(told.text)
    if jaxlib:
        return jaxlib["major"] or jaxlib["plugin"]
    version = told.packages.get("tensorflow") or told.packages.get("tensorflow-gpu", "")
    if not version or told.has("is_cuda_build', false"):
        return ""
    if told.windows and release(version) > (2, 10):
        return ""
    cuda = knowledge.tensorflow_cuda(version)
    return "" if cuda is None else ".".join(cuda.split(".")[:2])


def framework_wants_other_cuda(told: Told) -> bool:
    """No CUDA that the text shows is of the major that the told framework was built for (before CUDA 11: of its minor)."""
    shown = told.toolkits or [".".join(map(str, one)) for one in cudas(told)]
    if not shown:
        return False
    wanted = _wanted_cuda(told)
    if not wanted:
        return False
    if "." in wanted and release(wanted) < (11, 0):
        return all(release(one) != release(wanted)[: len(release(one))] for one in shown)
    return all(one.partition(".")[0] != wanted.partition(".")[0] for one in shown)


def companions_differ(told: Told) -> bool:
    """A torch and a torchvision or torchaudio are told that do not belong together, and something is amiss."""
    from gpudoctor import knowledge

    torch = told.packages.get("torch", "")
    if not torch or not told.complains:
        return False
    row = knowledge.torch_companions(".".join(torch.partition("+")[0].split(".")[:2]))
    if row is None:
        return False
    for name, pair in (("torchvision", row.torchvision), ("torchaudio", row.torchaudio)):
        own = told.packages.get(name, "").partition("+")[0]
        if own and pair and release(own) != release(pair):
            return True
    return False


def cuda_older_than_gpu(told: Told) -> bool:
    """Every CUDA that the text tells of, a build's or a toolkit's, is older than the first that knows the GPU it names."""
    from gpudoctor import knowledge
    from gpudoctor.logs.hearsay.gpu import capability_of

    variant = re.search(r"\+cu(\d{2,3})\b", told.packages.get("torch", ""))
    own = told.torch_cuda or (f"{variant[1][:-1]}.{variant[1][-1]}" if variant else "")
    shown = [own] if own else list(told.toolkits)
    if not shown or not told.gpus:
        return False
    capabilities = [c for c in (capability_of(name) for name in told.gpus[:8]) if c]
    if not capabilities or min(release(c) for c in capabilities) < (8, 0):
        return False  # of older GPUs the table does not hold the first CUDA
    # Machine code for X.0 runs on every X.y: CUDA 11.0 knows Ampere's 8.6, though it can't compile for it.
    first = knowledge.first_cuda(f"{min(release(c) for c in capabilities)[0]}.0")
    return first is not None and all(release(one) < release(first) for one in shown)
