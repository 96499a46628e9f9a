"""cuda-compat's libcuda is used where it is not allowed

What it is: The cuda-compat package brings a newer libcuda that runs on an older kernel module ("forward compatibility").
NVIDIA allows that on data-centre GPUs (and some others) only, and only from certain driver branches on. Here the loader
takes such a libcuda. NVIDIA's CUDA images hold one, in /usr/local/cuda/compat.

Why it hurts: cuInit ends in error 804, "forward compatibility was attempted on non supported HW"; with a driver too old
for it, in error 803.

How to tell: cuInit's code 804; or the libcuda.so.1 that the loader takes first lies in a compat folder and the GPU is a
GeForce.

How to fix: Update the driver of the host to the branch that libcuda is from; or take the compat folder out of
LD_LIBRARY_PATH and the loader's configuration; or use an older image.

Sources: https://docs.nvidia.com/deploy/cuda-compatibility/forward-compatibility.html
https://github.com/microsoft/onnxruntime/issues/21435
https://github.com/NVIDIA/nvidia-docker/issues/1515
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.driver import Driver, DriverLibrary
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.observed import Known, Unknown, value_of
from gpudoctor.findings import CannotLook, DoesNotApply, Evidence, Fix, Problem, seen
from gpudoctor.rules.judging import driver_version, need
from gpudoctor.signature import Signature, error_code

explains = (
    "smoke-ran-on-cpu",
    "driver-not-answering",
    "driver-library-mismatch",
    "gpu-lost-in-cuda",
    "driver-too-old-for-runtime",
)

signatures: tuple[Signature | str, ...] = (
    # CUDA error 804.
    r"forward compatibility was attempted on non[ -]supported HW",
    r"CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE",
    r"cudaErrorCompatNotSupportedOnDevice",
    Signature(r"Error 804\b", 0.95),
    Signature(error_code(804), 0.9),
    # Julia's, Rust's and NVML's spellings; NGC's entry point.
    r"ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE|\bCompatNotSupportedOnDevice\b",
    Signature(r"forward compatibility was attempted", 0.95),
    Signature(
        r"cuInit\(\)=804\b|\(error 804\)|code 804\b|(?:fails?|failed|failure|error|with|status|returned|err) ?[:=]? ?804\b",
        0.9,
        needs=(r"cuda|cuInit",),
    ),
    # What reporters do about it.
    Signature(
        r"(?:remov\w+|delet\w+|uninstall\w*|purg\w+|without|because of|due to) .{0,40}(?:cuda-compat|cuda(?:-[\d.]+)?/compat)",
        0.8,
        needs=(r"cuda",),
    ),
    # nvidia-smi names a CUDA that the driver's branch does not have: the library is cuda-compat's.
    Signature(r"CUDA Version ?: ?\d{2}\.\d|nvidia-smi .{0,60}CUDA \d{2}\.\d", 0.86, when="cuda-above-branch"),
    # The package, on a card that may not use it.
    Signature(
        r"\bcuda-compat(?:-\d+-\d+)?\b|cuda(?:-[\d.]+)?/compat\b",
        0.78,
        needs=(
            r"GeForce|\bGTX\b|RTX ?[2-5]0[5-9]0|gaming card|consumer",
            r"not |n't|fail\w*|error|False|no longer|breaks?",
        ),
        unless=(r"0x804|Error 803",),
    ),
    Signature(
        r"compatibility mode is UNAVAILABLE",
        0.7,
        unless=(r"cuInit\(\)=(?:80[0-35-9]|[1-79]\d{0,2}\b)", r"combination"),
    ),
    Signature(r"compatibility mode is UNAVAILABLE", 0.97, needs=(r"SYSTEM_DRIVER_MISMATCH",)),
)


#: CUDA_ERROR_COMPAT_NOT_SUPPORTED_ON_DEVICE.
NOT_SUPPORTED = 804


def check(driver: Driver, gpu: Gpu) -> Iterator[Problem]:
    compat = _first(need(driver.libraries, "driver libraries"))
    cuda = value_of(gpu.cuda, None)
    refused = cuda is not None and cuda.code == NOT_SUPPORTED
    if not refused:
        if compat is None:
            return
        if cuda is not None:
            return  # it was asked, and says something else
        geforce = _geforce(gpu)
        if geforce is None:
            raise CannotLook("which kind of GPU this is, is not known")
        if not geforce:
            raise DoesNotApply("forward compatibility is allowed on this GPU")
        if isinstance(gpu.cuda, Unknown) and not isinstance(compat.version, Known):
            raise CannotLook(f"libcuda: {gpu.cuda.reason}")
    module = driver_version(driver, gpu)
    if compat is not None and compat.version == module:
        return
    library = compat.path if compat else value_of(cuda.library, "libcuda") if cuda else "libcuda"
    evidence = [seen("kernel's driver", module)]
    if compat is not None:
        evidence.append(seen("libcuda of cuda-compat", compat.version, compat.real_path))
    if refused and cuda is not None:
        evidence.append(Evidence("cuInit", f"{cuda.code} {cuda.name}", library))
    yield Problem(
        f"{library} is cuda-compat's, which this GPU may not use with driver {value_of(module, '?')}",
        evidence=tuple(evidence),
        fix=_fix(compat),
    )


def _first(libraries: tuple[DriverLibrary, ...]) -> DriverLibrary | None:
    """The libcuda that the loader takes, if it is a compat one."""
    reached = [c for c in libraries if c.name == "libcuda.so.1" and c.origin != "unreached" and c.size != 0]
    return reached[0] if reached and reached[0].origin == "compat" else None


def _geforce(gpu: Gpu) -> bool | None:
    """True if some GPU is a GeForce; None when no witness tells."""
    from gpudoctor import knowledge

    nvml = value_of(gpu.nvml, None)
    brands = [value_of(d.brand, "").lower() for d in (nvml.devices if nvml else ())]
    models = [
        knowledge.gpu_by_pci(d.device) for d in value_of(gpu.pci, ()) if d.vendor == 0x10DE and d.is_display
    ]
    kinds = [m.kind for m in models if m is not None]
    if any("geforce" in b for b in brands) or "geforce" in kinds:
        return True
    return False if "datacenter" in kinds or "tesla" in brands else None


def _fix(compat: DriverLibrary | None) -> Fix:
    folder = compat.path.rpartition("/")[0] if compat else "/usr/local/cuda/compat"
    return Fix(
        f"Update the host's driver, or take {folder} out of LD_LIBRARY_PATH and the loader's configuration",
        (f"grep -rn '{folder}' /etc/ld.so.conf.d", "sudo ldconfig"),
    )
