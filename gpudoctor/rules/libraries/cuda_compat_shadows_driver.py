"""cuda-compat's libcuda comes before the driver's own, although the driver is as new

What it is: The package cuda-compat brings a newer libcuda for older drivers of data-centre GPUs. Its folder is on the
loader's path, and the driver on this machine is of the same branch or newer: the package has nothing to add.

Why it hurts: libcuda and the kernel module must fit each other. An older libcuda in front of a newer driver gives
error 803, "unsupported display driver / cuda driver combination", or takes newer CUDA features away.

How to tell: The version in the name of the libcuda that comes first, which lies in a compat folder, against the version
of the kernel module.

How to fix: Take the compat folder off LD_LIBRARY_PATH or out of /etc/ld.so.conf.d. In an image, leave cuda-compat to
the container toolkit, which adds it only where it helps.

Sources: https://docs.nvidia.com/deploy/cuda-compatibility/forward-compatibility.html
https://github.com/NVIDIA/nvidia-docker/issues/1256
https://github.com/llm-d/llm-d/issues/706
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.driver import Driver, DriverLibrary
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.libraries import Libraries
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem, seen
from gpudoctor.rules.judging import driver_version, need, need_or
from gpudoctor.signature import Signature
from gpudoctor.versions import compare, is_version

explains = ("smoke-ran-on-cpu", "driver-library-mismatch", "driver-not-answering")

signatures: tuple[Signature | str, ...] = (
    Signature(
        r"/usr/local/cuda(?:-[\d.]+)?/compat/?\S* ?.{0,200}(?:Error 80[34]|unsupported display driver)", 0.7
    ),
)


def check(driver: Driver, gpu: Gpu, libraries: Libraries) -> Iterator[Problem]:
    compat = [
        c
        for c in need_or(driver.libraries, "driver library", ())
        if c.origin == "compat" and c.name == "libcuda.so.1"
    ]
    if not compat:
        raise DoesNotApply("no cuda-compat")
    search = {d.path.rstrip("/"): d.source for d in need(libraries.search, "loader's search path")}
    cuda = value_of(gpu.cuda, None)
    mapped = value_of(cuda.library, "") if cuda is not None else ""
    used = [c for c in compat if _reached(c, search, mapped)]
    if not used:
        return
    version = need(driver_version(driver, gpu), "driver version")
    ours = need(used[0].version, "version of cuda-compat")
    if not is_version(ours) or not is_version(version) or compare(ours, version) > 0:
        return
    place = used[0].path.rpartition("/")[0]
    evidence = [
        Evidence("libcuda in front", used[0].real_path, search.get(place, "mapped by cuInit")),
        Evidence("its version", ours, used[0].real_path),
        seen("driver in the kernel", driver_version(driver, gpu)),
    ]
    fails = cuda is not None and cuda.code != 0
    if cuda is not None:
        evidence.append(Evidence("cuInit", f"{cuda.code} {cuda.name}", "libcuda"))
    yield Problem(
        f"cuda-compat's libcuda {ours} is loaded before that of the driver {version}, which is not older",
        severity="failure" if fails else "warning",
        evidence=tuple(evidence),
        fix=_fix(place, search.get(place, "")),
    )


def _reached(copy: DriverLibrary, search: dict[str, str], mapped: str) -> bool:
    if mapped:
        return mapped in (copy.path, copy.real_path)
    return copy.path.rpartition("/")[0] in search


def _fix(place: str, source: str) -> Fix:
    if source.startswith("/"):
        commands = (f"sudo sed -i '\\#^{place}$#d' {source}", "sudo ldconfig")
        return Fix(f"Take {place} out of {source}, and make the loader's cache anew", commands, "unsafe")
    return Fix(f"Take {place} off LD_LIBRARY_PATH")
