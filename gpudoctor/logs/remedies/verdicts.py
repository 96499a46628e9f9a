"""What to do, or not to do, where no cause is named."""

from __future__ import annotations

import difflib
import re

from gpudoctor.findings import Fix
from gpudoctor.logs.told import Told

#: Names that people misspell, by what holds them.
_NAMES = {
    "torch.cuda": (
        "is_available",
        "device_count",
        "get_device_name",
        "current_device",
        "synchronize",
        "empty_cache",
        "memory_allocated",
        "set_device",
    ),
    "torch": ("tensor", "device", "cuda", "no_grad", "float16", "bfloat16", "compile", "backends"),
}


def harmless(told: Told) -> Fix | None:
    quiet = []
    if told.has("tensorflow/", "stream_executor", "tsl/", "xla/"):
        quiet.append("TF_CPP_MIN_LOG_LEVEL=1 quietens TensorFlow's notices")
    if told.has("onednn"):
        quiet.append("TF_ENABLE_ONEDNN_OPTS=0 oneDNN's")
    if told.has("pynvml package is deprecated"):
        quiet.append("to quieten it, replace the package pynvml by nvidia-ml-py")
    if told.has("is not a symbolic link"):
        quiet.append("ldconfig is quiet once libcuda.so.1 in /usr/lib/wsl/lib is a link")
    more = f" ({', '.join(quiet)})" if quiet else ""
    return Fix(f"Nothing to fix{more}. If the program still fails, give its own last lines")


def not_gpu_environment(told: Told) -> Fix | None:
    missing = re.search(
        r"AttributeError: (?:partially initialized )?module '([\w.]+)' has no attribute '(\w+)'", told.text
    )
    if missing:
        holder, name = missing[1], missing[2]
        near = difflib.get_close_matches(name, _NAMES.get(holder, ()), 1, 0.75)
        if near and near[0] != name:
            return Fix(f"A misspelled name: write {holder}.{near[0]}")
        return Fix(
            f"{holder} has no {name} in the installed version: look for a typo, for a file of your own that is called "
            f"{holder.partition('.')[0]}.py, or for the release of the library that has (or had) it"
        )
    unknown = re.search(r"KeyError: '([\w-]+)'", told.text)
    if (unknown and "configuration_auto" in told.text) or told.has("does not recognize this architecture"):
        which = f" '{unknown[1]}'" if unknown else ""
        return Fix(
            f"This release of transformers does not know the model type{which}: upgrade it",
            ("python -m pip install -U transformers",),
        )
    if told.has("device-side assert"):
        return Fix(
            "An index or a label is out of range. Run the same step on the CPU, or with the variable: the real message appears",
            ("CUDA_LAUNCH_BLOCKING=1 python your_program.py",),
        )
    if told.has(
        "numpy.dtype size changed",
        "compiled using numpy 1.x",
        "_array_api not found",
        "multiarray failed to import",
    ):
        return Fix(
            "A compiled package does not fit this NumPy: upgrade the package, or stay with NumPy 1",
            ("python -m pip install 'numpy<2'",),
        )
    lost = re.search(r"No module named '([\w.]+)'", told.text)
    if lost:
        return Fix(
            f"The module {lost[1]} is not in the Python that runs: install what brings it there, with that Python's own pip"
        )
    return None
