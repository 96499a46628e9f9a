"""What a look-up answers. `source` says where the row is from, in words that a person can follow."""

from __future__ import annotations

from gpudoctor.facts.record import Record


class DriverMinimum(Record):
    """The drivers that a CUDA toolkit needs. `cuda` is the row that answered ("12.4.0" when "12.4" was asked).

    `full`: from this driver on, everything works; None where NVIDIA publishes no exact number (13.3 and later): then
    any driver of `branch` or newer; both are None where only the major's floor is known. `compatible`: the oldest driver that runs it at all, by minor-version
    compatibility (no PTX from that toolkit, CUDA_ERROR_UNSUPPORTED_PTX_VERSION); never newer than `full`; None where
    the major has none (before CUDA 11): then `full` is the only bound."""

    cuda: str
    full: str | None
    compatible: str | None
    branch: int | None
    source: str


class BranchCuda(Record):
    """The newest CUDA that a driver branch implements (what nvidia-smi shows)."""

    branch: int
    cuda: str
    source: str


class LastBranch(Record):
    """The last driver branch that supports a GPU, with all capabilities that went with it."""

    capabilities: tuple[str, ...]
    architecture: str
    branch: int
    source: str


class FirstBranch(Record):
    """The first driver branch that supports a GPU."""

    capability: str
    branch: int
    source: str


class ModuleFlavour(Record):
    """Which kernel modules can drive a GPU: "open", "proprietary"."""

    architecture: str
    flavours: tuple[str, ...]
    source: str


class GpuModel(Record):
    """A GPU. `capability` is None where the name alone does not decide it. `kind`: "geforce", "workstation",
    "datacenter", "mining", "tegra", "other"; only "datacenter" is certain to be a data-centre GPU."""

    product: str
    capability: str | None
    chip: str | None
    architecture: str | None
    kind: str
    source: str


class ToolkitTargets(Record):
    """What a toolkit release compiles for, with variants: "8.6", "9.0a", "10.0f". `verified` is false for releases
    that were not run but lie between two that were."""

    release: str
    sm: tuple[str, ...]
    ptx: tuple[str, ...]
    verified: bool
    source: str


class PtxIsa(Record):
    """A PTX ISA version: the CUDA release that brought it, and the first driver branch that compiles it."""

    isa: str
    cuda: str
    branch: int | None
    source: str


class HostCompilers(Record):
    """The newest compilers (majors) that a toolkit accepts; None: no bound known. `verified` is false where it is not
    from the toolkit's own header; `gcc_verified`: the one for gcc is, or headers that people cite say so."""

    release: str
    gcc_max: int | None
    clang_max: int | None
    clang_min: int | None
    verified: bool
    source: str
    gcc_verified: bool = True


class FrameworkBuild(Record):
    """How a framework's wheel was built. `cuda` is None for a CPU build. `capabilities` and `ptx`: GPU code that it
    holds ("8.0"); None: not known; empty: none. `libraries`: sonames that it opens at run time and gives up GPUs
    without, None: not known; `optional_libraries`: opened only for some work (NCCL: several GPUs). `cudnn`: built
    against. `requires`: what it pins (requirement strings)."""

    framework: str
    version: str
    variant: str
    cuda: str | None
    cudnn: str | None
    capabilities: tuple[str, ...] | None
    ptx: tuple[str, ...] | None
    pythons: tuple[str, ...]
    deciding_library: str | None
    libraries: tuple[str, ...] | None
    requires: tuple[str, ...]
    source: str
    optional_libraries: tuple[str, ...] = ()


class Companions(Record):
    """The releases that belong to a torch release (minor versions; `triton` as pinned)."""

    torch: str
    torchvision: str | None
    torchaudio: str | None
    triton: str | None
    source: str


class ExtensionDemands(Record):
    """What a package beside a framework asks for. `least` and `known`: the lowest and the highest compute capability
    that its documentation names ("" where it names none); the others are empty where it names none."""

    package: str
    version: str
    least: str
    known: str
    pythons: tuple[str, ...]
    systems: tuple[str, ...]
    cuda: tuple[int, ...]
    cudnn: tuple[int, ...]
    source: str


class CudnnPublished(Record):
    """The cuDNN versions that were published for a CUDA."""

    cuda_major: int
    first: str
    last: str
    source: str


class CudnnKernels(Record):
    """The GPUs that a cuDNN's own kernels serve."""

    cuda_major: int
    version: str
    capabilities: tuple[str, ...]
    ptx: tuple[str, ...]
    source: str


class Xid(Record):
    """A number of the kernel log's "Xid" or "SXid" lines. `cause`: "application", "driver", "hardware", "memory",
    "link", "power", "system", "information". `severity`: "failure", "warning", "note"."""

    code: int
    name: str
    meaning: str
    cause: str
    severity: str
    action: str
    source: str


class WheelLayout(Record):
    """Where NVIDIA's wheels put their libraries below site-packages: component -> folder, and component -> sonames;
    `tools`: the files of a component that has no libraries alone, below its folder."""

    cuda_major: int
    folders: dict[str, str]
    sonames: dict[str, tuple[str, ...]]
    source: str
    tools: dict[str, tuple[str, ...]]


class Newest(Record):
    """The newest version that a table knows, and the day it was looked up."""

    value: str
    checked: str


class CudaImage(Record):
    """The nvidia/cuda images of a release. `tags` in full ("12.4.1-base-ubuntu22.04"); `require`: what the image has
    as NVIDIA_REQUIRE_CUDA."""

    cuda: str
    tags: tuple[str, ...]
    require: str
    source: str
