"""The machine that a text tells of: partial facts for the same rules that judge a live machine.

What is not told stays Unknown, so a rule that needs it is skipped and says nothing. Every value's `via` is "the text".
"""

from __future__ import annotations

import re

from gpudoctor.facts.cuda import Cuda, Selection, Tool, Toolkit
from gpudoctor.facts.driver import Driver, LoadedModule
from gpudoctor.facts.frameworks import Build, Cubin, Frameworks, Interpreter, Package, Ptx, Targets
from gpudoctor.facts.gpu import Gpu, Nvml, NvmlDevice, Smi
from gpudoctor.facts.host import Host, KernelEvent, Wsl
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown
from gpudoctor.logs.told import Told

VIA = "the text"
#: The causes that such facts decide. Others need what no text tells.
DECIDED = (
    "driver-too-old-for-runtime",
    "wheel-lacks-gpu-arch",
    "gpu-too-old-for-toolkit",
    "torchvision-torchaudio-mismatch",
    "nvcc-arch-unsupported",
    "gpu-fell-off-bus",
    "gpu-init-failed",
    "ecc-uncorrectable",
    "xid-119-gsp-timeout",
    "driver-branch-dropped-gpu",
    "driver-proprietary-module-required",
    "driver-open-module-required",
)
_LISTED = re.compile(
    r"^(?:\[(?:pip3?|conda)\] ?|\| ?)?(torch|torchvision|torchaudio|triton)(?: *==|\s+)(\d+\.\d+(?:\.\d+)?[\w.+]{0,16})(?= |$)",
    re.M,
)


def machine_told(told: Told) -> Machine | None:
    """None when the text tells no fact that a rule could judge."""
    gpu, driver = _gpu(told), told.driver
    frameworks = _frameworks(told)
    log = _kernel_log(told)
    paired = isinstance(frameworks.interpreters, Known) and (
        "torchvision" in told.low or "torchaudio" in told.low
    )
    if not driver and gpu is None and not isinstance(log, Known) and not paired:
        return None
    return Machine(
        host=Host(
            system=Known("linux", VIA),
            kernel_log=log,
            wsl=Known(Wsl(2), VIA) if told.wsl else Absent(VIA),
        ),
        driver=Driver(module=Known(LoadedModule(driver), VIA)) if driver else Driver(),
        gpu=gpu or Gpu(),
        cuda=_cuda(told),
        frameworks=frameworks,
    )


def _known(value: str, why: str) -> Observed[str]:
    return Known(value, VIA) if value else Unknown(why)


def _gpu(told: Told) -> Gpu | None:
    if not told.driver and not told.gpus:
        return None
    from gpudoctor import knowledge

    devices = []
    for index, name in enumerate(told.gpus[:8] if told.driver else ()):
        model = knowledge.gpu_by_name(name)
        capability = model.capability if model else None
        devices.append(
            NvmlDevice(
                index,
                name=Known(name, VIA),
                compute_capability=_known(capability or "", "the text does not tell it"),
            )
        )
    nvml = Nvml(
        "answered",
        0,
        driver_version=_known(told.driver, "the text does not tell it"),
        cuda_version=_known(told.driver_cuda, "the text does not tell it"),
        devices=tuple(devices),
    )
    smi = Smi(
        "answered",
        "nvidia-smi",
        0,
        kmd_version=_known(told.driver, "not told"),
        cuda_version=_known(told.driver_cuda, "not told"),
    )
    if not told.driver:
        return None
    return Gpu(
        nvml=Known(nvml, VIA),
        smi=Known(smi, VIA) if told.smi.kmd_version else Unknown("the text does not show it"),
    )


def _frameworks(told: Told) -> Frameworks:
    listed = {m[1]: m[2] for m in _LISTED.finditer(told.text)}
    version = told.packages.get("torch", "")
    builds = []
    if version:
        local = re.search(r"\+(cu\d+|cpu|rocm[\d.]+|xpu)", version)
        variant = local[1] if local else ""
        cuda = told.torch_cuda or _cuda_of(variant)
        if cuda or variant:
            build = Build(
                "torch",
                version,
                VIA,
                variant=variant or (f"cu{cuda.replace('.', '')[:3]}" if cuda else ""),
                cuda=Known(_short(cuda), VIA) if cuda else Absent(VIA),
                targets=_targets(version.partition("+")[0], variant or f"cu{_short(cuda).replace('.', '')}"),
            )
            builds.append(build)
    if not builds:
        return Frameworks(interpreters=Unknown("the text tells of no framework's build"))
    packages = tuple(Package(name, found, VIA) for name, found in listed.items())
    python = Interpreter(
        "python",
        "python",
        VIA,
        packages=Known(packages, VIA) if packages else Unknown("not told"),
        builds=tuple(builds),
    )
    return Frameworks(interpreters=Known((python,), VIA))


def _short(cuda: str) -> str:
    return ".".join(cuda.split(".")[:2])


def _cuda_of(variant: str) -> str:
    digits = variant[2:] if variant.startswith("cu") else ""
    return f"{digits[:-1]}.{digits[-1]}" if digits.isdigit() and len(digits) >= 2 else ""


def _targets(version: str, variant: str) -> Observed[Targets]:
    from gpudoctor import knowledge

    try:
        row = knowledge.torch_build(version, variant)
    except (KeyError, ValueError):
        row = None
    if row is None or row.capabilities is None:
        return Unknown("no table holds this build")
    return Known(
        Targets(tuple(Cubin(c) for c in row.capabilities), tuple(Ptx(c) for c in row.ptx or ()), "table"),
        row.source,
    )


def _cuda(told: Told) -> Cuda:
    if not told.nvcc:
        return Cuda()
    tool = Tool("nvcc", "nvcc", Known(told.nvcc, VIA))
    toolkit = Toolkit(
        "the toolkit in the text", "the toolkit in the text", release=Known(told.nvcc, VIA), tools=(tool,)
    )
    selected = Selection("PATH", "nvcc", Known(toolkit.prefix, VIA))
    return Cuda(toolkits=Known((toolkit,), VIA), selections=Known((selected,), VIA))


def _kernel_log(told: Told) -> Observed[tuple[KernelEvent, ...]]:
    if "nvrm:" not in told.low:
        return Unknown("the text shows no kernel log")
    from gpudoctor.parsers.kernel_log import parse_text

    return Known(parse_text(told.text), VIA)
