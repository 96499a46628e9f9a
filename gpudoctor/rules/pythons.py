"""What the rules about Python environments share: views of interpreters and builds, and the words of their fixes."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpudoctor import knowledge
from gpudoctor.facts.frameworks import Build, Frameworks, Interpreter, Package
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.findings import CouldNotTell, DoesNotApply, Subject, interpreter, package
from gpudoctor.rules.judging import builds, devices, driver_cuda, gpu_ruled_out, need, nvidia_gpus, untold
from gpudoctor.rules.targets import serves
from gpudoctor.versions import at_least, is_version, numbers

#: PyTorch's variants, newest CUDA first; which exist for a release, the knowledge tables say.
TORCH_VARIANTS = (
    "cu132", "cu130", "cu129", "cu128", "cu126", "cu124", "cu121", "cu118", "cu117", "cu116", "cu113", "cu111", "cu102",
)  # fmt: skip
TORCH_INDEX = "https://download.pytorch.org/whl"


def pythons(frameworks: Frameworks) -> tuple[Interpreter, ...]:
    """The examined interpreters. Raises CannotLook, or DoesNotApply when there are none."""
    found = need(frameworks.interpreters, "Python interpreter")
    if not found:
        raise DoesNotApply("no Python interpreter was found")
    return found


def installed(frameworks: Frameworks, *names: str) -> list[tuple[Interpreter, Build]]:
    """The builds of these frameworks (all when none is named), never empty: DoesNotApply else."""
    found = [(i, b) for i, b in builds(pythons(frameworks)) if not names or b.framework in names]
    if not found:
        raise DoesNotApply(f"no {' or '.join(names) or 'framework'} is installed")
    return found


def need_gpu(host: Host, gpu: Gpu) -> bool:
    """True if an NVIDIA GPU is seen, False if one can't be ruled out; DoesNotApply where it can."""
    if gpu_ruled_out(gpu, isinstance(host.wsl, Known)):
        raise DoesNotApply("no NVIDIA GPU")
    if devices(gpu):
        return True
    return isinstance(gpu.pci, Known) and bool(nvidia_gpus(gpu))


def capabilities(gpu: Gpu) -> tuple[tuple[str, str], ...]:
    """(label, capability) of each GPU whose capability is known: as a driver library says, else by its PCI id."""
    found = [
        (d.subject.label, d.compute_capability.value)
        for d in devices(gpu)
        if isinstance(d.compute_capability, Known)
    ]
    if found or devices(gpu) or not isinstance(gpu.pci, Known):
        return tuple(found)
    models = [knowledge.gpu_by_pci(d.device) for d in nvidia_gpus(gpu)]
    return tuple((m.product, m.capability) for m in models if m is not None and m.capability is not None)


def untold_capabilities(gpu: Gpu) -> list[CouldNotTell]:
    """The GPUs that are among others and do not tell their capability: what is said of the others is not said of them."""
    return [
        untold(one, "compute capability", one.compute_capability)
        for one in devices(gpu)
        if not isinstance(one.compute_capability, Known)
    ]


def by_capability(gpu: Gpu) -> dict[str, str]:
    """Capability -> the GPUs that have it, in words: eight of one kind are judged once."""
    found: dict[str, list[str]] = {}
    for label, capability in capabilities(gpu):
        found.setdefault(capability, []).append(label)
    return {
        capability: labels[0] + (f" and {len(labels) - 1} more" if len(labels) > 1 else "")
        for capability, labels in found.items()
    }


def packages_of(python: Interpreter) -> tuple[Package, ...]:
    return value_of(python.packages, ())


def package_named(python: Interpreter, name: str) -> Package | None:
    return next((p for p in packages_of(python) if p.name == name), None)


def build_named(python: Interpreter, framework: str) -> Build | None:
    return next((b for b in python.builds if b.framework == framework), None)


def subject(python: Interpreter, build: Build | str) -> Subject:
    name = build if isinstance(build, str) else build.distribution or build.framework
    return package(python.path, name)


def whole(python: Interpreter) -> Subject:
    return interpreter(python.path)


def public(version: str) -> str:
    """A version without its local part: "2.5.1+cu124" -> "2.5.1"."""
    return version.partition("+")[0]


def pip(python: Interpreter, build: Build | None = None) -> str:
    """The installer that made this environment, aimed at this interpreter."""
    own = package_named(python, (build.distribution or build.framework) if build else "torch")
    if own is not None and own.installer == "uv":
        return f"uv pip install --python {python.path}"
    return f"{python.path} -m pip install"


def by_conda(python: Interpreter, *names: str) -> Package | None:
    """The conda package of that name, where conda installed it."""
    return next((p for p in packages_of(python) if p.installer == "conda" and p.name in names), None)


def torch_variant(version: str, gpu: Gpu) -> str:
    """The newest CUDA variant of a torch release that this driver runs and that has code for these GPUs; "" if no
    such variant is known."""
    driver, wanted = value_of(driver_cuda(gpu), ""), capabilities(gpu)
    for variant in TORCH_VARIANTS:
        row = knowledge.torch_build(version, variant)
        if row is None or row.cuda is None:
            continue
        if driver and not at_least(driver, ".".join(row.cuda.split(".")[:2])):
            continue
        if row.capabilities is not None and any(not _in(row.capabilities, c) for _, c in wanted):
            continue
        return variant
    return ""


def _in(held: tuple[str, ...], capability: str) -> bool:
    from gpudoctor.facts.frameworks import Cubin, Targets

    return serves(Targets(tuple(Cubin(c) for c in held), (), "table"), capability, None).how == "cubin"


def torch_reinstall(python: Interpreter, version: str, gpu: Gpu) -> tuple[str, ...]:
    """The command that puts a CUDA build of torch (and of what is compiled against it) in place; empty when no
    build of this release fits, as far as is known."""
    variant = torch_variant(public(version), gpu)
    if not variant:
        return ()
    names = [f"torch=={public(version)}"]
    names += [n for n in ("torchvision", "torchaudio") if package_named(python, n)]
    install = pip(python, build_named(python, "torch"))
    force = "--reinstall-package torch" if install.startswith("uv ") else "--force-reinstall"
    return (f"{install} {force} {' '.join(names)} --index-url {TORCH_INDEX}/{variant}",)


def same_release(one: str, other: str) -> bool:
    """Equal in major and minor: "2.5.1" and "2.5"."""
    return numbers(one)[:2] == numbers(other)[:2]


def requirements(own: Package, python: Interpreter) -> Iterator[tuple[str, str, str]]:
    """(name, specifier, whole line) of what a package requires in this interpreter, without extras; lines that
    `packaging` does not understand are left out."""
    if not own.requires:
        return  # importing packaging takes longer than a check of what is told
    from packaging.requirements import InvalidRequirement, Requirement

    version = value_of(python.version, "")
    for line in own.requires:
        if "extra ==" in line or "extra==" in line:
            continue
        try:
            wanted = Requirement(line)
        except InvalidRequirement:
            continue
        if wanted.marker is not None:
            environment = {
                "extra": "",
                "platform_system": "Linux",
                "sys_platform": "linux",
                "os_name": "posix",
                "implementation_name": "cpython",
                "platform_python_implementation": "CPython",
            }
            if version:
                environment["python_version"] = ".".join(version.split(".")[:2])
                environment["python_full_version"] = version
            try:
                if not wanted.marker.evaluate(environment):
                    continue
            except Exception:  # a marker of a kind that packaging can't evaluate says nothing
                continue
        yield re.sub(r"[-_.]+", "-", wanted.name).lower(), str(wanted.specifier), line


def satisfies(version: str, specifier: str) -> bool | None:
    """None when either is not PEP 440."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion, Version

    try:
        return SpecifierSet(specifier).contains(Version(version), prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return None


def is_release(version: str) -> bool:
    return is_version(public(version))
