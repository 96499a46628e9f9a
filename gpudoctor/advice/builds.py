"""The Python environment of a what-if: builds as the tables describe the published wheels, and what comes with them."""

from __future__ import annotations

import re
from functools import lru_cache

from gpudoctor import knowledge
from gpudoctor.advice.question import Question, Wheel
from gpudoctor.facts.frameworks import Build, Cubin, Interpreter, Package, Ptx, Targets
from gpudoctor.facts.libraries import Libraries, Library, Load
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown
from gpudoctor.versions import is_version, major, numbers, release

ASKED = "as asked"
PREFIX = "/venv"
PYTHON = f"{PREFIX}/bin/python"
SITE = f"{PREFIX}/lib/python3/site-packages"


def interpreter(asked: Question, cudnn: Package | None) -> Interpreter:
    found = [*(build_of(asked, wheel) for wheel in asked.wheels), *_companions(asked)]
    runs = asked.runtime or (asked.toolkit if asked.driver else "")
    if runs:  # a program that was built with it
        cuda = Known(runs, ASKED)
        found.append(Build("cuda-runtime", runs, "", f"cu{runs}", cuda, Absent(ASKED), Absent(ASKED)))
    packages = _packages(asked, tuple(found))
    return Interpreter(
        PYTHON,
        PYTHON,
        "--python",
        version=Known(asked.python, ASKED) if asked.python else Unknown("not part of the question"),
        prefix=PREFIX,
        packages=Known((*packages, *([cudnn] if cudnn else [])), ASKED),
        builds=tuple(found),
    )


def row_of(asked: Question, wheel: Wheel) -> knowledge.FrameworkBuild | None:
    """The table's row of a wheel, for the question's platform."""
    linux = asked.system in ("Linux", "WSL2")
    if wheel.framework == "torch":
        return knowledge.torch_build(
            wheel.version, wheel.variant, asked.machine, "linux" if linux else asked.system.lower()
        )
    if wheel.framework == "tensorflow" and asked.system == "Windows" and asked.machine == "x86_64":
        return knowledge.tensorflow_for_windows(wheel.version)
    if not linux or asked.machine != "x86_64":
        return None  # what was read are Linux x86_64 wheels
    if wheel.framework == "tensorflow":
        return knowledge.tensorflow_build(wheel.version)
    return _jax_row(asked.plugin, asked.plugin_version or wheel.version)


def _jax_row(package: str, version: str) -> knowledge.FrameworkBuild | None:
    """A JAX plugin, with the oldest cuDNN that it requires. Between two releases whose GPU code was read and is the same,
    it is that."""
    row = knowledge.jax_build(package, version)
    cudnn = (
        next((m[1] for r in row.requires if (m := re.match(r"nvidia-cudnn.*>=(\d+(?:\.\d+)?)", r))), None)
        if row
        else None
    )
    row = row.replace(cudnn=cudnn) if row else None
    if row is None or row.capabilities is not None:
        return row
    from gpudoctor.knowledge.tables import table

    read = [r for r in table("jax")["builds"] if r["package"] == package and "sm" in r]
    before = [r for r in read if all(numbers(v) < numbers(version) for v in r["versions"])]
    after = [r for r in read if all(numbers(v) > numbers(version) for v in r["versions"])]
    if before and after and (before[-1]["sm"], before[-1]["ptx"]) == (after[0]["sm"], after[0]["ptx"]):
        return row.replace(capabilities=tuple(after[0]["sm"]), ptx=tuple(after[0]["ptx"]))
    return row


def build_of(asked: Question, wheel: Wheel) -> Build:
    row = row_of(asked, wheel)
    name = asked.plugin if wheel.framework == "jax" else wheel.framework
    version = wheel.version + (f"+{wheel.variant}" if wheel.framework == "torch" and wheel.variant else "")
    location = f"{SITE}/{wheel.framework}"
    if row is None:
        missing = Unknown(f"{wheel.label} for {asked.system} {asked.machine} is not in the table")
        return Build(
            wheel.framework, version, location, wheel.variant, missing, missing, missing, distribution=name
        )
    cuda: Observed[str] = Known(row.cuda, row.source) if row.cuda else Absent(row.source)
    targets: Observed[Targets] = Unknown(f"the GPU code of {wheel.label} is not in the table")
    if row.cuda is None:
        targets = Absent(row.source)
    elif row.capabilities is not None:
        targets = Known(_targets(row.capabilities, row.ptx or (), row.deciding_library or ""), row.source)
    return Build(
        wheel.framework,
        version,
        location,
        row.variant or (wheel.variant if wheel.framework == "jax" else ""),
        cuda,
        Known(row.cudnn, row.source) if row.cudnn else Absent(row.source),
        targets,
        Known(row.libraries, row.source) if row.libraries else Unknown("not in the table"),
        distribution=name,
    )


#: Packages that require a certain torch.
COMPANIONS = ("torchvision", "torchaudio")


def extensions(asked: Question) -> tuple[tuple[str, str], ...]:
    """Packages whose demands are in the table; one without a version comes out newest."""
    named = [(n, v or knowledge.newest_extension(n)) for n, v in asked.packages]
    return tuple((n, v) for n, v in named if v and (knowledge.newest_extension(n) or _pinned_torch(n, v)))


def _pinned_torch(name: str, version: str) -> bool:
    return name not in COMPANIONS and knowledge.companion_pin(name, version) is not None


def _companions(asked: Question) -> list[Build]:
    found = []
    for name, version in asked.packages:
        pin = knowledge.companion_pin(name, version) if name in COMPANIONS and version else None
        if pin is not None and asked.wheel("torch"):
            unknown = Unknown("not part of the question")
            built = Known(pin.lstrip("="), ASKED) if pin.startswith("==") else unknown
            found.append(
                Build(name, version, f"{SITE}/{name}", "", unknown, unknown, unknown, built_for_torch=built)
            )
    return found


@lru_cache(maxsize=256)
def _targets(capabilities: tuple[str, ...], ptx: tuple[str, ...], library: str) -> Targets:
    return Targets(tuple(Cubin(c) for c in capabilities), tuple(Ptx(p) for p in ptx), "table", library)


def _packages(asked: Question, found: tuple[Build, ...]) -> list[Package]:
    packages = []
    for build in found:
        requires = knowledge.requirements(build.framework, build.version) or ()
        if build.framework != "cuda-runtime":
            packages.append(Package(build.framework, build.version, SITE, requires))
    if asked.keras:
        packages.append(Package("keras", asked.keras, SITE))
    if asked.numpy:
        packages.append(Package("numpy", asked.numpy, SITE))
    jax = asked.wheel("jax")
    if jax is not None:
        packages.append(Package("jaxlib", jax.version, SITE))
        version = asked.plugin_version or jax.version
        packages.append(Package(asked.plugin, version, SITE))
        packages.append(Package(asked.plugin.replace("-plugin", "-pjrt"), version, SITE))
    known = {p.name for p in packages} - set(COMPANIONS)
    packages = [p for p in packages if p.name in known]
    packages += [
        Package(n, v, SITE, tuple(f"torch{p}" for p in [knowledge.companion_pin(n, v)] if p))
        for n, v in asked.packages
        if n not in known and v and not n.startswith("nvidia-cudnn")
    ]
    return packages


# ---------------------------------------------------------------- cuDNN


def cudnn_packages(asked: Question) -> list[Package]:
    """The nvidia-cudnn package of the question, or that comes with its wheels. More than one where the question does not
    say for which CUDA it is: then all of them have to agree."""
    version = asked.cudnn
    majors = [asked.cudnn_cuda] if asked.cudnn_cuda else _majors(asked)
    if not version and asked.fresh:
        version, majors = _pinned(asked, majors)
    if not version:
        return []
    if not majors:
        majors = [m for m in (11, 12, 13) if knowledge.cudnn_kernels(m, version)] or [12]
    return [Package(f"nvidia-cudnn-cu{m}", version, SITE) for m in majors]


def _majors(asked: Question) -> list[int]:
    for text in (asked.runtime, asked.installed_cuda, asked.toolkit):
        if text:
            return [major(text)]
    for wheel in asked.wheels:
        row = row_of(asked, wheel)
        if row is not None and row.cuda:
            return [major(row.cuda)]
    return []


def _pinned(asked: Question, majors: list[int]) -> tuple[str, list[int]]:
    """What the wheels themselves pin; of an open range a fresh installation takes the newest."""
    for wheel in asked.wheels:
        row = row_of(asked, wheel)
        if row is None or not row.cuda:
            continue
        pins = [r for r in row.requires if r.startswith("nvidia-cudnn")]
        exact = pins[0].partition("==")[2] if pins and "==" in pins[0] else ""
        if wheel.framework == "torch":
            return exact or row.cudnn or "", [major(row.cuda)]
        if pins:
            return exact or knowledge.newest("cudnn").value, [major(row.cuda)]
    return "", majors


# ---------------------------------------------------------------- libraries


def libraries(asked: Question) -> Libraries:
    copies: list[Library] = []
    if asked.installed_cuda:
        number = major(asked.installed_cuda)
        soname = f"libcudart.so.{number}" + (".0" if number < 12 else "")
        folder = f"/usr/local/cuda-{asked.installed_cuda}"
        path = f"{folder}/lib64/{soname}"
        copies.append(
            Library("cudart", soname, path, path, "toolkit", Known(asked.installed_cuda, ASKED), folder)
        )
    loads: list[Load] = []
    if asked.cudnn and is_version(asked.cudnn):
        soname = f"libcudnn.so.{major(asked.cudnn)}"
        copies.append(_copy("cudnn", "nvidia/cudnn/lib", soname, "nvidia-cudnn", asked.cudnn))
        loads = [_load(asked, wheel, soname, copies[-1].path) for wheel in asked.wheels]
    strange = [w for w in asked.wanted if _stem(w) not in _stems() and w.strip("/") not in _stems()]
    if strange and asked.packages:
        missing = Unknown(f"which wheels hold {', '.join(strange)} is not in the table")
        return Libraries(copies=missing, loads=Known((), ASKED))
    for name, version in asked.packages if asked.wanted or len(asked.packages) > 1 else ():
        files = _files(asked, name, version)
        if files is None:
            missing = Unknown(f"what {name} {version} holds is not in the table".replace("  ", " "))
            return Libraries(copies=missing, loads=Known((), ASKED))
        copies += [_copy(family, folder, soname, name, version) for family, folder, soname in files]
    return Libraries(
        copies=Known(_shared(copies), ASKED), loads=Known(tuple(loads), ASKED), search=Known((), ASKED)
    )


_BUILTINS = "libnvrtc-builtins"


def _stem(path: str) -> str:
    """ "nvidia/cu13/lib/libcudart.so.13" -> "libcudart"."""
    return path.rpartition("/")[2].partition(".so")[0]


@lru_cache(maxsize=1)
def _stems() -> frozenset[str]:
    """What is known of some wheel, file or folder, so that its absence from another one means something."""
    found = {_BUILTINS} | {
        _stem(name) for name in (*(knowledge.cudnn_sublibraries("8.9.7") or ()), *_newest_cudnn())
    }
    for number in (11, 12, 13):
        layout = knowledge.wheel_layout(number)
        if layout is not None:
            found |= set(layout.folders.values())
            found |= {
                _stem(n) for names in (layout.sonames, layout.tools) for row in names.values() for n in row
            }
    return frozenset(found)


def _newest_cudnn() -> tuple[str, ...]:
    return knowledge.cudnn_sublibraries(knowledge.newest("cudnn").value) or ()


def _shared(copies: list[Library]) -> tuple[Library, ...]:
    """A file that two packages write is one file, of both."""
    found: dict[str, Library] = {}
    for copy in copies:
        twin = found.get(copy.path)
        both = twin is not None and copy.package not in twin.package.split(", ")
        found[copy.path] = copy.replace(package=f"{twin.package}, {copy.package}") if twin and both else copy
    return tuple(found.values())


def _copy(family: str, folder: str, soname: str, name: str, version: str) -> Library:
    path = f"{SITE}/{folder}/{soname}"
    return Library(family, soname, path, path, "wheel", Known(version, ASKED), PREFIX, package=name)


#: NVIDIA's wheels that kept a suffix with CUDA 13; the others of that name are empty.
_SUFFIXED = frozenset({"cudnn", "nccl", "nvshmem", "cusparselt"})


def _files(asked: Question, name: str, version: str) -> tuple[tuple[str, str, str], ...] | None:
    """(family, folder, soname) of what one of NVIDIA's wheels holds; None where that is not known. Without a suffix
    they are CUDA 13's."""
    match = re.fullmatch(r"nvidia-([a-z-]+?)(?:-cu(\d+))?", name)
    if match is None or asked.system not in ("Linux", "WSL2"):
        return None
    component, number = match[1].replace("-", "_"), int(match[2] or 13)
    if number == 13 and match[2] and component not in _SUFFIXED:
        return ()
    layout = knowledge.wheel_layout(number)
    if layout is None or component not in layout.folders or component == "cusparselt":
        return None
    if component in layout.tools:
        base = layout.folders[component]
        paths = [f"{base}/{file}".rpartition("/") for file in layout.tools[component]]
        return tuple((component, folder, name) for folder, _, name in paths)
    names = layout.sonames.get(component)
    if component == "cudnn":
        names = knowledge.cudnn_sublibraries(version or "9")
    if component == "cuda_nvrtc" and any(_BUILTINS in w for w in asked.wanted):
        if not version:  # its name ends in the release
            return None
        names = (*(names or ()), f"{_BUILTINS}.so.{release(version)}")
    return tuple((component, layout.folders[component], soname) for soname in names) if names else None


def _load(asked: Question, wheel: Wheel, soname: str, path: str) -> Load:
    """What the framework gets for the cuDNN that it opens: it asks by its own major version's name."""
    row = row_of(asked, wheel)
    wanted = f"libcudnn.so.{major(row.cudnn)}" if row is not None and row.cudnn else soname
    found = path if wanted == soname else ""
    return Load(
        wheel.framework,
        PYTHON,
        wanted,
        found,
        "default" if found else "",
        f"{SITE}/{wheel.framework}",
        "cudnn",
        Known(asked.cudnn, ASKED) if found else Unknown("not found"),
    )


def older_than_built(asked: Question, wheel: Wheel) -> str:
    """The CUDA that the wheel was built with, if the installed one is of an older release (or, before CUDA 11.1, of any
    other): whether its libraries have all that the wheel calls, nobody promises. "" otherwise."""
    row = row_of(asked, wheel)
    if row is None or not row.cuda or "." not in asked.installed_cuda:
        return ""
    wanted = row.cuda if "." in row.cuda else _least_nvidia(row)
    if not wanted:
        return ""
    mine, theirs = numbers(asked.installed_cuda)[:2], numbers(wanted)[:2]
    if mine[0] != theirs[0]:
        return ""
    differs = mine != theirs if theirs < (11, 1) else mine < theirs
    return wanted if differs else ""


def _least_nvidia(row: knowledge.FrameworkBuild) -> str:
    """The newest lower bound that a JAX plugin sets to a part of CUDA whose versions are CUDA's own."""
    found = [
        match[1]
        for line in row.requires
        if (match := re.match(r"nvidia-cuda-(?:runtime|nvcc|nvrtc|cupti)(?:-cu\d+)?.*>=(\d+\.\d+)", line))
    ]
    return max(found, key=numbers, default="")
