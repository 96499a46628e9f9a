"""From a question to the facts of a machine that is as the question says, so that the rules can judge it. What is not
part of the question stays Unknown, or is as on a machine where all of that is well."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

from gpudoctor import knowledge
from gpudoctor.advice import builds, needed
from gpudoctor.advice.names import Card
from gpudoctor.advice.question import Question
from gpudoctor.facts.containers import Containers, Inside
from gpudoctor.facts.cuda import CompilerLimits, Cuda, HostCompiler, Selection, Tool, Toolkit
from gpudoctor.facts.driver import Driver, DriverLibrary, LoadedModule
from gpudoctor.facts.environment import Environment
from gpudoctor.facts.frameworks import Frameworks, Package
from gpudoctor.facts.gpu import Gpu, Nvml, NvmlDevice, PciDevice
from gpudoctor.facts.host import Host, Wsl
from gpudoctor.facts.machine import Expectation, Machine, Wanted
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown
from gpudoctor.versions import at_least, branch, major, older, release

ASKED = "as asked"
NOT_ASKED = Unknown("not part of the question")

#: How a branch's newest release is written where only the branch is known: compares as newer than all of them.
NEWEST_OF_BRANCH = ".999"


def machines(asked: Question) -> Iterator[Machine]:
    """The machines that fit the question: more than one where it leaves something open that may decide (the release
    within a driver's branch, the CUDA that a cuDNN is for)."""
    drivers = [asked.driver] if asked.driver else [assumed_driver(asked)]
    if asked.driver and "." not in asked.driver:
        drivers = [asked.driver, asked.driver + NEWEST_OF_BRANCH]
    for driver in drivers:
        packages: list[Package | None] = [*builds.cudnn_packages(asked)]
        for cudnn in packages or [None]:
            yield _machine(asked, driver, cudnn)


def assumed_driver(asked: Question) -> str:
    """Where no driver is named: the newest that there is for these GPUs. "" without a GPU."""
    if not asked.cards:
        return ""
    newest = int(knowledge.newest("driver").value)
    for card in asked.cards:
        last = knowledge.last_branch(card.capability) if card.capability else None
        newest = min(newest, last.branch) if last else newest
    return f"{newest}{NEWEST_OF_BRANCH}"


def _machine(asked: Question, driver: str, cudnn: Package | None) -> Machine:
    return Machine(
        host=_host(asked),
        driver=_driver(asked, driver),
        gpu=_gpu(asked, driver),
        cuda=_cuda(asked),
        libraries=builds.libraries(asked),
        environment=Environment(variables=Known((), ASKED)),
        containers=_containers(asked),
        frameworks=Frameworks(
            interpreters=Known((builds.interpreter(asked, cudnn),), ASKED), kernels=Known((), ASKED)
        ),
        expectation=Expectation(
            wheels=tuple(
                Wanted(
                    asked.plugin if w.framework == "jax" else w.framework, w.version, w.variant, asked.command
                )
                for w in asked.wheels
            ),
            image=asked.image,
            sonames=asked.wanted,
            targets=(asked.target,) if asked.target else (),
            extensions=builds.extensions(asked),
            cudnn=asked.cudnn,
            cudnn_cuda=asked.cudnn_cuda,
            cudnn_beside=asked.runtime or asked.toolkit or asked.installed_cuda,
            ptx_of=next((cuda for _, cuda in needed.runtimes(asked) if "." in cuda), "") if asked.ptx else "",
        ),
    )


def _host(asked: Question) -> Host:
    wsl = asked.system == "WSL2"
    return Host(
        system=Known("Linux" if wsl else asked.system, ASKED),
        architecture=Known(asked.machine, ASKED),
        kernel=NOT_ASKED,
        wsl=Known(Wsl(2, Known(True, ASKED), Known(True, ASKED)), ASKED) if wsl else Absent(ASKED),
        tegra=Absent(ASKED),
        kernel_log=Known((), ASKED),
        dkms=Known((), ASKED),
    )


# ---------------------------------------------------------------- driver and GPU


def _driver(asked: Question, driver: str) -> Driver:
    if not driver or asked.system != "Linux":
        return Driver(module=NOT_ASKED, libraries=_compat(asked))
    flavour: Observed[Any] = Known(asked.flavour, ASKED) if asked.flavour else NOT_ASKED
    return Driver(
        module=Known(LoadedModule(driver, flavour), "--driver" if asked.driver else "assumed"),
        libraries=_compat(asked),
        packages=Known((), ASKED),
    )


def _compat(asked: Question) -> Observed[tuple[DriverLibrary, ...]]:
    if not asked.compat:
        return Known((), ASKED)
    folder = "/usr/local/cuda/compat"
    version: Observed[str] = Known(f"of CUDA {asked.compat}", ASKED)
    library = DriverLibrary(
        "libcuda.so.1", f"{folder}/libcuda.so.1", f"{folder}/libcuda.so.1", version, "compat"
    )
    return Known((library,), ASKED)


def _gpu(asked: Question, driver: str) -> Gpu:
    if not driver:
        return Gpu(pci=NOT_ASKED, nvml=NOT_ASKED, cuda=NOT_ASKED, smi=NOT_ASKED)
    cuda = Known(asked.compat, "--cuda-compat") if asked.compat else implemented(driver, asked.system)
    cards = asked.cards
    nvml = Nvml(
        "assumed",
        None,
        "",
        NOT_ASKED,
        Known(driver, "--driver" if asked.driver else "assumed: the newest for this GPU"),
        Known(driver, "--driver" if asked.driver else "assumed: the newest for this GPU"),
        cuda,
        tuple(_device(asked, n, card) for n, card in enumerate(cards)) or _branded(asked),
    )
    pci = tuple(
        PciDevice(_address(n), 0x10DE, pci_id(n, card), 0x030000, Known("nvidia", ASKED))
        for n, card in enumerate(cards)
    )
    return Gpu(
        pci=Known(pci, ASKED) if cards else NOT_ASKED, nvml=Known(nvml, ASKED), cuda=NOT_ASKED, smi=NOT_ASKED
    )


def implemented(driver: str, system: str) -> Observed[str]:
    """The newest CUDA that a driver implements. Windows' branches have other numbers: there the toolkits' own column
    of minimum drivers says it, up to CUDA 12."""
    row = knowledge.branch_cuda(branch(driver))
    if row is not None:
        return Known(row.cuda, row.source)
    if system != "Linux":
        from gpudoctor.knowledge.tables import source, table

        found = table("driver")
        rows = [r for r in found["toolkits"] if r["windows"] and at_least(driver, r["windows"])]
        if rows and branch(driver) < 580:
            return Known(release(rows[-1]["cuda"]), source(found, rows[-1]["source"]))
    return Unknown(f"which CUDA driver branch {branch(driver)} implements is not in the table")


def pci_id(index: int, card: Card) -> int:
    """The product's, or one that no product has."""
    return card.device or index + 1


def _address(index: int) -> str:
    return f"0000:{index + 1:02x}:00.0"


def _device(asked: Question, index: int, card: Card) -> NvmlDevice:
    capability: Observed[str] = (
        Known(card.capability, card.source or ASKED)
        if card.capability
        else Unknown(
            f"products named {card.name} differ in it; `nvidia-smi --query-gpu=compute_cap --format=csv` tells"
        )
    )
    return NvmlDevice(
        index=index,
        uuid=NOT_ASKED,
        name=Known(card.name, ASKED),
        pci=Known(_address(index), ASKED),
        compute_capability=capability,
        brand=_brand(asked, card),
    )


#: NVML's brand of a kind of product. Workstation boards have several names: their brand is not known.
_BRANDS = {"geforce": "geforce", "datacenter": "tesla"}


def _brand(asked: Question, card: Card | None) -> Observed[str]:
    if asked.brand:
        return Known(asked.brand, ASKED)
    known = _BRANDS.get(card.kind, "") if card else ""
    return Known(known, card.source) if known and card else NOT_ASKED


def _branded(asked: Question) -> tuple[NvmlDevice, ...]:
    """A brand without a GPU is a GPU of that brand, of which no more is known."""
    if not asked.brand:
        return ()
    return (NvmlDevice(index=0, name=Known(f"a {asked.brand} GPU", ASKED), brand=Known(asked.brand, ASKED)),)


# ---------------------------------------------------------------- toolkit and compilers


def _cuda(asked: Question) -> Cuda:
    wanted = asked.toolkit or (cuda_for_gpu(asked) if asked.cards else "")
    if not wanted:
        return Cuda(
            toolkits=Known((), ASKED),
            selections=Known((), ASKED),
            tools_on_path=Known((), ASKED),
            compilers=NOT_ASKED,
            nvcc_flags=Absent(ASKED),
        )
    prefix = f"/usr/local/cuda-{wanted}"
    toolkit = Toolkit(
        prefix,
        prefix,
        Known(release(wanted), ASKED),
        Known(wanted, ASKED),
        "runfile",
        (Tool("nvcc", f"{prefix}/bin/nvcc", Known(wanted, ASKED)),),
        limits=_limits(wanted, asked),
    )
    compilers = [
        HostCompiler(family, f"/usr/bin/{program}-{version}", Known(version, ASKED), "NVCC_CCBIN")
        for family, program, version in _compilers(asked)
    ]
    return Cuda(
        toolkits=Known((toolkit,), ASKED),
        selections=Known(
            tuple(Selection(by, prefix, Known(prefix, ASKED)) for by in ("CUDA_HOME", "torch")), ASKED
        ),
        tools_on_path=Known((), ASKED),
        compilers=Known(tuple(compilers), ASKED),
        nvcc_flags=Absent(ASKED),
    )


def cuda_for_gpu(asked: Question) -> str:
    """The release of CUDA that has to know the GPUs, where no wheel brings its own: the runtime's or the image's."""
    if asked.runtime:
        return asked.runtime if "." in asked.runtime else ""
    row = knowledge.cuda_image(image_version(asked.image)) if asked.image and not asked.wheels else None
    return row.cuda if row is not None else ""


def _compilers(asked: Question) -> list[tuple[Literal["gcc", "clang"], str, str]]:
    found: list[tuple[Literal["gcc", "clang"], str, str]] = []
    if asked.gcc:
        found.append(("gcc", "g++", asked.gcc))
    elif asked.clang:
        found.append(("clang", "clang++", asked.clang))
    return found


def _limits(toolkit: str, asked: Question) -> Observed[CompilerLimits]:
    row = knowledge.host_compilers(toolkit)
    if row is not None and asked.gcc and row.gcc_verified and not row.verified:
        return Known(CompilerLimits(gcc_max=row.gcc_max or -1), row.source)
    if row is not None and row.verified:
        return Known(CompilerLimits(row.gcc_max or -1, row.clang_max or -1, row.clang_min or -1), row.source)
    return _between(toolkit, asked)


def _between(toolkit: str, asked: Question) -> Observed[CompilerLimits]:
    """The limit of a toolkit whose header nobody read: no lower than its predecessors', no higher than its successors'.
    A compiler between the two is not known."""
    from gpudoctor.knowledge.tables import table

    gcc = bool(asked.gcc)
    rows = [
        r for r in table("compilers")["rows"] if r.get("verified", True) or (gcc and r.get("gcc_verified"))
    ]
    before = [r for r in rows if older(release(r["releases"][0]), release(toolkit))]
    after = [r for r in rows if older(release(toolkit), release(r["releases"][0]))]
    key, version = ("gcc_max", asked.gcc) if asked.gcc else ("clang_max", asked.clang)
    if not version or not before or not after:  # the oldest rows of all
        return Unknown(f"the host compilers of CUDA {toolkit} are not in the table")
    low, high = before[-1][key], after[0][key]
    if major(version) <= low or major(version) > high:
        limit = low if major(version) <= low else high
        limits = CompilerLimits(gcc_max=limit) if asked.gcc else CompilerLimits(clang_max=limit)
        return Known(limits, "crt/host_config.h of the releases before and after")
    return Unknown(f"nobody has read the limit of CUDA {toolkit}; it is between {low} and {high}")


# ---------------------------------------------------------------- containers


def _containers(asked: Question) -> Containers:
    """The container that the image would be started as: NVIDIA_REQUIRE_CUDA as the image has it."""
    if not asked.image:
        return Containers(inside=Absent(ASKED))
    version = image_version(asked.image)
    row = knowledge.cuda_image(version)
    wants: Observed[Any] = (
        Known({"NVIDIA_REQUIRE_CUDA": row.require}, row.source) if row else Unknown("not in the table")
    )
    inside = Inside(
        "docker",
        ASKED,
        requirements=wants,
        require_cuda=wants if row is None else Known(row.require, row.source),
        cuda_version=Known(version, ASKED) if row else NOT_ASKED,
        disable_require=Absent(ASKED),
    )
    return Containers(inside=Known(inside, ASKED), engines=NOT_ASKED, toolkit=NOT_ASKED, cdi=NOT_ASKED)


def image_version(image: str) -> str:
    """ "nvidia/cuda:12.4.1-base-ubuntu22.04" -> "12.4.1"."""
    return image.rpartition(":")[2].partition("-")[0]
