"""The toolkit's stub of libcuda is on the loader's path

What it is: A CUDA toolkit brings a stub of the driver's library, lib64/stubs/libcuda.so, for linking on machines
without a driver. Its folder is on LD_LIBRARY_PATH or in ldconfig's configuration, so that programs load the stub.

Why it hurts: Every call into the stub fails with error 34, "CUDA driver is a stub library". Programs that open
libcuda.so (Numba does) take it at once; a link stubs/libcuda.so.1 catches all others too.

How to tell: A folder named stubs in the loader's search with a libcuda in it, and cuInit's answer 34.

How to fix: Take the stubs folder off LD_LIBRARY_PATH and out of /etc/ld.so.conf.d (then run ldconfig). For linking,
give it to the linker alone: -L or LIBRARY_PATH.

Sources: https://docs.nvidia.com/cuda/cuda-runtime-api/group__CUDART__TYPES.html
https://github.com/numba/numba/issues/8985
https://github.com/numba/numba/issues/9732
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.libraries import Libraries, LoaderDir
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import Evidence, Fix, Problem
from gpudoctor.rules.judging import need
from gpudoctor.signature import Signature

#: cudaErrorStubLibrary, CUDA_ERROR_STUB_LIBRARY.
STUB_LIBRARY = 34

explains = (
    "smoke-ran-on-cpu",
    "driver-not-answering",
)

signatures: tuple[Signature | str, ...] = (
    Signature(r"CUDA driver is a stub library", 0.97),
    Signature(r"CUDA_ERROR_STUB_LIBRARY|cudaErrorStubLibrary", 0.97),
    # The folder of stubs on the loader's path, and a driver that does not answer.
    Signature(
        r"/lib(?:64)?/stubs\b",
        0.8,
        needs=(
            r"LD_LIBRARY_PATH",
            r"cuDriverGetVersion|cuInit|CUDA_ERROR|no CUDA-capable|is_available|insufficient",
        ),
    ),
)


def check(libraries: Libraries, gpu: Gpu) -> Iterator[Problem]:
    search = need(libraries.search, "loader's search path")
    cuda = value_of(gpu.cuda, None)
    said = cuda is not None and cuda.code == STUB_LIBRARY
    mapped = value_of(cuda.library, "") if cuda is not None else ""
    stubs = [c for c in need(libraries.copies, "CUDA library") if c.family == "libcuda-stub"]
    places = [
        d for d in search if _is_stubs(d.path) and any(_folder(c.path) == d.path.rstrip("/") for c in stubs)
    ]
    if not places and not said:
        return
    found = [c for c in stubs if any(_folder(c.path) == d.path.rstrip("/") for d in places)]
    versioned = any(c.path.endswith("/libcuda.so.1") for c in found)
    evidence = [
        Evidence("stub", c.path, d.source)
        for d in places
        for c in found
        if _folder(c.path) == d.path.rstrip("/")
    ]
    if said and cuda is not None:
        evidence.append(Evidence("cuInit", f"{cuda.code} {cuda.name}", mapped or "libcuda"))
    place = places[0].path if places else _folder(mapped)
    yield Problem(
        f"The stub of libcuda in {place or 'a folder of the loader'} is on the loader's path",
        severity="failure" if said or versioned else "warning",
        evidence=tuple(evidence),
        fix=_fix(places[0] if places else None, place),
    )


def _is_stubs(path: str) -> bool:
    return path.rstrip("/").endswith("/stubs")


def _folder(path: str) -> str:
    return path.rpartition("/")[0]


def _fix(place: LoaderDir | None, path: str) -> Fix:
    if place is not None and place.source.startswith("/"):
        return Fix(
            f"Take {path} out of {place.source}, and make the cache anew",
            (f"sudo sed -i '\\#^{path}$#d' {place.source}", "sudo ldconfig"),
            "unsafe",
        )
    return Fix(f"Take {path or 'the stubs folder'} off LD_LIBRARY_PATH, in the start-up file that sets it")
