"""What is imported is not what the files say, or it does not see the GPU

What it is: The framework was imported in its own interpreter (`check --import`), and it reports another version or
another CUDA than its files, or it was imported from elsewhere, or it sees no GPU though one answers the driver.

Why it hurts: Either another copy of the framework is used than the one that was judged, or the framework's own search
for GPUs fails for a reason that its log names.

How to tell: torch.__version__, torch.version.cuda and torch.cuda.is_available() (or their like in TensorFlow and JAX)
against version.py, build_info.py and the number of GPUs that libcuda counts.

How to fix: Remove the copy that is not wanted. Where no GPU is seen, read the framework's warnings at its first use.

Sources: https://docs.pytorch.org/docs/stable/generated/torch.cuda.is_available.html
https://www.tensorflow.org/api_docs/python/tf/config/list_physical_devices
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.frameworks import Build, Frameworks, Imported
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.pythons import installed, public, subject
from gpudoctor.versions import is_version, release


def check(gpu: Gpu, frameworks: Frameworks) -> Iterator[Problem]:
    asked = False
    for python, build in installed(frameworks, "torch", "tensorflow", "jax"):
        if not isinstance(build.imported, Known) or build.imported.value.state != "ok":
            continue
        asked = True
        found, via = build.imported.value, build.imported.via
        why = _differs(build, found) or _blind(build, found, gpu)
        if why:
            yield Problem(
                f"{build.framework} as imported: {why}",
                subject=subject(python, build),
                evidence=(
                    Evidence("imported", f"{found.version} from {found.path}", via),
                    Evidence("by its files", build.version, build.location),
                    Evidence("GPUs that it sees", str(value_of(found.devices, "not asked")), via),
                ),
                fix=Fix(
                    "See which copy is imported, and what it says when it looks for GPUs",
                    (f"{python.path} -c 'import {build.framework} as f; print(f.__file__, f.__version__)'",),
                ),
            )
    if not asked:
        raise DoesNotApply("no framework was imported (--import)")


def _differs(build: Build, found: Imported) -> str:
    if found.version and public(found.version) != public(build.version):
        return f"version {found.version}, its files say {build.version}"
    if found.path and build.location and not found.path.startswith(f"{build.location}/"):
        return f"it comes from {found.path}, not from {build.location}"
    cuda = value_of(build.cuda, "")
    if is_version(found.cuda) and is_version(cuda) and "." in cuda and release(found.cuda) != release(cuda):
        return f"built with CUDA {found.cuda}, its files say {cuda}"
    return ""


def _blind(build: Build, found: Imported, gpu: Gpu) -> str:
    driver = value_of(gpu.cuda, None)
    if driver is None or driver.code != 0 or not driver.devices or not isinstance(found.available, Known):
        return ""
    return "" if found.available.value else f"it sees no GPU, libcuda counts {len(driver.devices)}"
