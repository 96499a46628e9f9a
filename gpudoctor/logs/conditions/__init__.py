"""Conditions that take more than a wording: arithmetic on a match, and what else the text tells.

Each has a name that signatures give as `when`. They decide between causes that share a sentence, as the catalogue's rule
of ties has it: the deepest cause that the evidence *shows*.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from gpudoctor.logs.conditions import drivers, frameworks, libraries, memory, places, pythons, targets
from gpudoctor.logs.told import Told
from gpudoctor.logs.wheels import index_lacks_release, index_lacks_version, python_lacks_version

Condition = Callable[["re.Match[str]", Told], bool]


def _not(condition: Condition) -> Condition:
    return lambda match, told: not condition(match, told)


def _no(condition: Callable[[Told], bool]) -> Callable[[Told], bool]:
    return lambda told: not condition(told)


def _of_match(condition: Callable[[Told], bool]) -> Condition:
    return lambda match, told: condition(told)


#: Those that ask the text alone: they are asked before a pattern is compiled.
OF_THE_TEXT: Mapping[str, Callable[[Told], bool]] = {
    "tensorflow-past-windows": libraries.tensorflow_past_windows,
    "plain-torch-on-windows": libraries.plain_torch_on_windows,
    "several-libraries": libraries.several_libraries,
    "not-one-library-alone": libraries.not_one_library_alone,
    "few-libraries": _no(libraries.several_libraries),
    "hidden-by-variable": places.hidden_by_variable,
    "mask-beyond-the-gpus": places.mask_beyond_the_gpus,
    "old-gpu-shown": targets.old_gpu_shown,
    "singularity-without-nv": places.singularity_without_nv,
    "other-vendor-shown": places.other_vendor_shown,
    "blackwell-shown": targets.blackwell_shown,
    "cuda-above-branch": drivers.cuda_above_branch,
    "driver-versions-differ": drivers.driver_versions_differ,
    "driver-behind-wanted-cuda": drivers.driver_behind_wanted_cuda,
    "driver-behind-named-build": drivers.driver_behind_named_build,
    "driver-behind-told-build": drivers.driver_behind_told_build,
    "nvidia-alone-shown": places.nvidia_alone_shown,
    "cudnn-from-elsewhere": libraries.cudnn_from_elsewhere,
    "two-majors-loaded": libraries.two_majors_loaded,
    "bitsandbytes-before-windows": libraries.bitsandbytes_before_windows,
    "desktop-on-linux": places.desktop_on_linux,
    "on-windows": places.on_windows,
    "not-on-windows": _no(places.on_windows),
    "on-wsl": places.on_wsl,
    "not-on-wsl": _no(places.on_wsl),
    "in-container": places.in_container,
    "not-in-container": _no(places.in_container),
    "started-without-gpu": places.started_without_gpu,
    "composed-without-gpu": places.composed_without_gpu,
    "short-in-container": places.short_in_container,
    "short": places.short,
    "node-lists-no-gpu": places.node_lists_no_gpu,
    "pod-asks-for-no-gpu": places.pod_asks_for_no_gpu,
    "driver-answers": places.driver_answers,
    "framework-wants-other-cuda": frameworks.framework_wants_other_cuda,
    "companions-differ": frameworks.companions_differ,
    "cuda-older-than-gpu": frameworks.cuda_older_than_gpu,
    "works-in-another-place": pythons.works_in_another_place,
    "pip-serves-another-python": pythons.pip_serves_another_python,
    "pip-outside-environment": pythons.pip_outside_environment,
    "two-installations-shown": pythons.two_installations_shown,
    "two-pythons-named": pythons.two_pythons_named,
    "pythons-are-mixed": pythons.pythons_are_mixed,
    "python-without-wheel": pythons.python_without_wheel,
    "python-may-have-wheel": _no(pythons.python_without_wheel),
    "cudnn-on-path": libraries.cudnn_on_path,
    "cudnn-not-on-path": _no(libraries.cudnn_on_path),
    "nvcc-of-another-major": libraries.nvcc_of_another_major,
    "onnxruntime-for-another-cuda": libraries.onnxruntime_for_another_cuda,
}

CONDITIONS: Mapping[str, Condition] = {
    "fragmented": memory.fragmented,
    "not-fragmented": _not(memory.fragmented),
    "gpu-newer-than-build": targets.gpu_newer_than_build,
    "capability-below-wanted": targets.capability_below_wanted,
    "gpu-older-than-build": _not(targets.gpu_newer_than_build),
    "toolkit-too-old-for-arch": targets.toolkit_too_old_for_arch,
    "arch-too-old-for-toolkit": _not(targets.toolkit_too_old_for_arch),
    "other-cuda-shown": libraries.other_cuda_shown,
    "no-other-cuda-shown": _not(libraries.other_cuda_shown),
    "gcc-too-new-for-cuda": libraries.gcc_too_new_for_cuda,
    "other-cudnn-shown": libraries.other_cudnn_shown,
    "index-lacks-version": index_lacks_version,
    "index-lacks-release": index_lacks_release,
    "python-lacks-version": python_lacks_version,
    "no-nvidia-runtime": places.no_nvidia_runtime,
    "driver-below-runtime": drivers.driver_below_runtime,
    "driver-below-wanted": drivers.driver_below_wanted,
    "wanted-driver-not-met": drivers.wanted_driver_not_met,
    "kernel-reports-another-version": drivers.kernel_reports_another_version,
    **{name: _of_match(condition) for name, condition in OF_THE_TEXT.items()},
}
