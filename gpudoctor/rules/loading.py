"""What the rules on loading share: a framework's loads by process, and versions that need not be written alike."""

from __future__ import annotations

from collections.abc import Iterable

from gpudoctor.facts.frameworks import Build, Frameworks, Interpreter
from gpudoctor.facts.libraries import Libraries, Library, Load
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.facts.record import Record
from gpudoctor.findings import DoesNotApply, Evidence, Subject, package
from gpudoctor.rules.judging import need
from gpudoctor.versions import numbers


class Loading(Record):
    """One framework in one interpreter, and all that it would load."""

    framework: str
    interpreter: str
    loads: tuple[Load, ...]

    @property
    def subject(self) -> Subject:
        return package(self.interpreter, self.framework)

    def of(self, family: str) -> tuple[Load, ...]:
        return tuple(load for load in self.loads if load.family == family)

    @property
    def cudnn(self) -> Load | None:
        """libcudnn itself, not its parts."""
        return next((load for load in self.loads if load.soname.startswith("libcudnn.so.")), None)


def loadings(libraries: Libraries) -> tuple[Loading, ...]:
    """Raises DoesNotApply where no framework loads CUDA libraries, CannotLook where that is not known."""
    grouped: dict[tuple[str, str], list[Load]] = {}
    for load in need(libraries.loads, "framework whose libraries could be followed"):
        grouped.setdefault((load.framework, load.interpreter), []).append(load)
    if not grouped:
        raise DoesNotApply("no framework here loads CUDA libraries")
    return tuple(Loading(name, path, tuple(found)) for (name, path), found in grouped.items())


def build_of(loading: Loading, frameworks: Frameworks) -> tuple[Interpreter | None, Build | None]:
    for interpreter in value_of(frameworks.interpreters, ()):
        if interpreter.path == loading.interpreter:
            builds = [b for b in interpreter.builds if b.framework == loading.framework]
            return interpreter, builds[0] if builds else None
    return None, None


def own_copy(load: Load, libraries: Libraries, interpreter: Interpreter | None) -> Library | None:
    """The copy of the same soname that the framework's own environment brings (wheel or conda), if another file."""
    for copy in value_of(libraries.copies, ()):
        if copy.name != load.soname or copy.path == load.path or copy.real_path == load.path:
            continue
        if copy.owner and interpreter is not None and copy.owner == interpreter.prefix:
            return copy
    return None


def folder(path: str) -> str:
    return path.rpartition("/")[0]


def missing(loading: Loading) -> tuple[Load, ...]:
    """What the loader finds nowhere, or finds and cannot load; parts of a cuDNN that is there are another matter."""
    return tuple(
        load
        for load in loading.loads
        if (not load.path or load.error) and not load.soname.startswith("libcudnn_")
    )


def short(version: str) -> tuple[int, ...] | None:
    """The first three numbers: a wheel says 9.1.0.70 where the library says 9.1.0. None if there are no numbers."""
    try:
        return numbers(version)[:3]
    except ValueError:
        return None


def differ(left: str, right: str) -> bool:
    """Surely different. Where one has fewer numbers, those that both have are compared."""
    a, b = short(left), short(right)
    if a is None or b is None:
        return False
    width = min(len(a), len(b))
    return a[:width] != b[:width]


def is_older(left: str, right: str) -> bool:
    a, b = short(left), short(right)
    return a is not None and b is not None and differ(left, right) and a < b


def load_evidence(loads: Iterable[Load]) -> tuple[Evidence, ...]:
    found = []
    for load in loads:
        version = f" ({load.version.value})" if isinstance(load.version, Known) else ""
        value = f"{load.path}{version}" if load.path else "found nowhere"
        via = f"by {load.via}, wanted by {load.wanted_by}" if load.via else f"wanted by {load.wanted_by}"
        found.append(Evidence(load.soname, value + (f": {load.error}" if load.error else ""), via))
    return tuple(found)


def built_cudnn(build: Build | None) -> tuple[str, str]:
    """(version, who says it). TensorFlow's build_info says the major only; the table knows its releases."""
    said = value_of(build.cudnn, "") if build else ""
    if build is not None and build.framework == "tensorflow" and "." not in said:
        from gpudoctor import knowledge

        row = knowledge.tensorflow_build(build.version)
        if row is not None and row.cudnn:
            return row.cudnn, row.source
    return said, getattr(build.cudnn, "via", "") if build else ""


def cuda_suffix(build: Build | None, soname: str = "") -> str:
    """ "cu12" or "cu13", by the framework's build; "" where it is not known."""
    major = value_of(build.cuda, "").partition(".")[0] if build else ""
    return f"cu{major}" if major else ""
