"""The nearest combination that works: candidates from the tables, each judged as a question of its own."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator

from gpudoctor import knowledge
from gpudoctor.advice import builds
from gpudoctor.advice.answer import Verdict, works
from gpudoctor.advice.question import Question, Wheel
from gpudoctor.versions import branch, is_version, major, numbers, release

#: So many candidates are judged at most; each costs about as much as the question did.
MOST = 24


def nearest(asked: Question, verdict: Verdict) -> str:
    """ "torch 2.5.1+cu118", "torch 2.7.1+cu128 with driver branch 570"; "" when no candidate works."""
    ids = {because.id for because in verdict.because}
    found = _first(_candidates(asked, ids), ids)
    if found is not None:
        return found[1]
    if not asked.driver or not asked.wheels:
        return ""
    # No single change is enough: the newest driver for the GPU, and the oldest branch that does with what is found.
    free = asked.replace(driver="", given=tuple(key for key in asked.given if key != "driver"))
    found = _first([(free, ""), *itertools.islice(_candidates(free, ids), 60)], ids)
    if found is None:
        return ""
    candidate, words = found
    newer = [(c, w) for c, w in _drivers(candidate.replace(driver=asked.driver), ids)]
    both = _first(newer, ids)
    return f"{words} with {both[1]}" if both and words else both[1] if both else ""


def _first(candidates: Iterable[tuple[Question, str]], ids: set[str]) -> tuple[Question, str] | None:
    """The first candidate that works."""
    tried = 0
    for candidate, words in candidates:
        if any(hopeless(candidate, wheel) for wheel in candidate.wheels):
            continue
        if tried >= MOST:
            return None
        tried += 1
        if _works(candidate, ids):
            return candidate, words
    return None


#: Candidates that were judged before: the lines of a matrix share most of theirs.
_JUDGED: dict[Question, bool] = {}


def _works(candidate: Question, ids: set[str]) -> bool:
    known = _JUDGED.get(candidate)
    if known is None:
        if len(_JUDGED) > 20_000:
            _JUDGED.clear()
        known = _JUDGED[candidate] = works(candidate, ids)
    return known


def hopeless(asked: Question, wheel: Wheel) -> bool:
    """No need to judge a build that has no wheel for this Python, or nothing for a GPU of that generation: that saves nine
    of ten judgements. What is left is judged."""
    row = builds.row_of(asked, wheel)
    if row is None:
        return True
    if asked.python and release(asked.python) not in row.pythons:
        return True
    if row.capabilities is None or row.ptx:
        return False
    majors = {major(c) for c in row.capabilities}
    return any(card.capability and major(card.capability) not in majors for card in asked.cards)


def _candidates(asked: Question, ids: set[str]) -> Iterator[tuple[Question, str]]:
    if "cudnn-lacks-gpu-kernels" in ids:
        yield from _cudnn(asked)
    if "keras-tensorflow-mismatch" in ids:
        yield from _keras(asked)
    if "image-tag-unknown" in ids:
        yield from _images(asked)
    if "pip-index-missing" in ids:
        yield from _index(asked)
    if {"numpy-too-new-for-framework", "numpy-too-old-for-framework"} & ids:
        yield asked.replace(numpy="1.26.4"), "numpy 1.26.4"
    if "host-compiler-too-new" in ids:
        yield from _compilers(asked)
    if "jax-plugin-mismatch" in ids:
        jax = asked.wheel("jax")
        if jax is not None:
            yield asked.replace(plugin_version=jax.version), f"{asked.plugin} {jax.version}"
    if "tf-gpu-on-windows-unsupported" in ids:
        yield asked.replace(system="WSL2"), "the same in WSL2"
    if {"torchvision-torchaudio-mismatch", "extension-requirements-unmet"} & ids:
        yield from _packages(asked)
    if {"driver-open-module-required", "driver-proprietary-module-required"} & ids:
        other = "open" if asked.flavour == "proprietary" else "proprietary"
        yield asked.replace(flavour=other), f"the {other} kernel module"
    if {"driver-branch-dropped-gpu", "driver-too-old-for-gpu"} & ids:
        yield from _drivers(asked, ids)
    for wheel in asked.wheels:
        yield from _wheels(asked, wheel)
    yield from _toolkits(asked)
    yield from _drivers(asked, ids)


def _packages(asked: Question) -> Iterator[tuple[Question, str]]:
    """The companions that belong to this torch; other releases of a package beside a framework."""
    torch = asked.wheel("torch")
    fitting = {}
    for name, _ in asked.packages:
        release_ = knowledge.companion_of(name, torch.version) if torch is not None else ""
        if release_:
            fitting[name] = release_
    if fitting:
        changed = tuple((n, fitting.get(n, v)) for n, v in asked.packages)
        words = " and ".join(f"{n} {v}" for n, v in fitting.items())
        yield asked.replace(packages=changed), words
    for name, _ in asked.packages:
        for version in sorted(set(knowledge.extension_ends(name)), key=_number, reverse=True):
            changed = tuple((n, version if n == name else v) for n, v in asked.packages)
            yield asked.replace(packages=changed), f"{name} {version}"


def _index(asked: Question) -> Iterator[tuple[Question, str]]:
    torch = asked.wheel("torch")
    if torch is not None:
        local = f"{torch.version}+{torch.variant}"
        words = f"pip install torch=={local} --index-url https://download.pytorch.org/whl/{torch.variant}"
        yield asked.replace(command=words), words


def _wheels(asked: Question, wheel: Wheel) -> Iterator[tuple[Question, str]]:
    """Other builds of the same release first, newest CUDA first; then other releases, the next newer first."""
    rows = releases(wheel.framework)
    for variant in variants(wheel.framework, wheel.version):
        if variant != wheel.variant:
            yield _with(asked, wheel, Wheel(wheel.framework, wheel.version, variant))
    if wheel.framework == "jax" and asked.plugin == "jax-cuda13-plugin":
        other = Wheel("jax", wheel.version, "cuda12")
        yield _with(asked.replace(plugin="jax-cuda12-plugin", plugin_version=""), wheel, other)
    newer = [v for v in rows if _number(v) > _number(wheel.version)]
    older = [v for v in reversed(rows) if _number(v) < _number(wheel.version)]
    for version in [v for pair in _alternate(newer, older) for v in pair]:
        published = variants(wheel.framework, version)
        chosen = [v for v in published if v == wheel.variant] or [
            _default(wheel.framework, version, wheel.variant)
        ]
        for variant in dict.fromkeys([*chosen, *published[:1], *published[-1:]]):
            plugged = asked.replace(plugin_version="") if wheel.framework == "jax" else asked
            yield _with(plugged, wheel, Wheel(wheel.framework, version, variant))


def _alternate(newer: list[str], older: list[str]) -> Iterator[list[str]]:
    """One release of each minor, the newer ones first."""
    for versions in (newer[:1], older[:1], newer[1:], older[1:]):
        yield newest_patches(versions)


def newest_patches(versions: list[str]) -> list[str]:
    kept: dict[tuple[int, ...], str] = {}
    for version in versions:
        key = _number(version)[:2]
        if key not in kept or _number(version) > _number(kept[key]):
            kept[key] = version
    return list(kept.values())


def _number(version: str) -> tuple[int, ...]:
    return numbers(version)


def releases(framework: str) -> list[str]:
    """All of the tables, oldest first."""
    from gpudoctor.knowledge.tables import table

    versions = [v for row in table(framework)["builds"] for v in row["versions"] if is_version(v)]
    return sorted(dict.fromkeys(versions), key=_number)


def variants(framework: str, version: str) -> list[str]:
    if framework != "torch":
        return []
    from gpudoctor.knowledge.tables import table

    row = next((r for r in table("torch")["builds"] if version in r["versions"]), None)
    return sorted(row["variants"], key=lambda v: -int(v[2:])) if row else []


def _default(framework: str, version: str, variant: str) -> str:
    if framework != "torch":
        return variant
    row = knowledge.torch_build(version)
    return row.variant if row else ""


def _with(asked: Question, old: Wheel, new: Wheel) -> tuple[Question, str]:
    changed = asked.replace(wheels=tuple(new if w is old else w for w in asked.wheels))
    words = new.label if new.framework != "jax" else f"jax {new.version} with jax-{new.variant}-plugin"
    return changed, words


def _cudnn(asked: Question) -> Iterator[tuple[Question, str]]:
    from gpudoctor.knowledge.tables import table

    for row in reversed(table("cudnn")["kernels"]):
        if asked.cudnn_cuda in (0, row["cuda"]):
            words = f"nvidia-cudnn-cu{row['cuda']}=={row['to']}"
            yield asked.replace(cudnn=row["to"], cudnn_cuda=row["cuda"]), words


def _keras(asked: Question) -> Iterator[tuple[Question, str]]:
    for version in ("3.12.0", "3.10.0", "3.5.0", "3.0.0", *(f"2.{n}.0" for n in range(15, 4, -1))):
        yield asked.replace(keras=version), f"keras {version}"


def _images(asked: Question) -> Iterator[tuple[Question, str]]:
    from gpudoctor.rules.containers.image_tag_unknown import nearest as tags

    for tag in tags(asked.image.rpartition(":")[2]):
        yield asked.replace(image=f"nvidia/cuda:{tag}"), f"nvidia/cuda:{tag}"


def _compilers(asked: Question) -> Iterator[tuple[Question, str]]:
    row = knowledge.host_compilers(asked.toolkit)
    if row is None:
        return
    if asked.gcc and row.gcc_max:
        yield asked.replace(gcc=str(row.gcc_max)), f"gcc {row.gcc_max}"
    elif row.clang_max:
        yield asked.replace(clang=str(row.clang_max)), f"clang {row.clang_max}"


def _toolkits(asked: Question) -> Iterator[tuple[Question, str]]:
    """Other releases of a toolkit or runtime: the next newer, then the next older."""
    cuda = asked.toolkit or asked.runtime
    if not cuda or "." not in cuda:
        return
    from gpudoctor.knowledge.tables import table

    releases = [r for row in table("toolkits")["rows"] for r in row["releases"]]
    newer = [r for r in releases if _number(r) > _number(cuda)[:2]]
    older = [r for r in reversed(releases) if _number(r) < _number(cuda)[:2]]
    field = "toolkit" if asked.toolkit else "runtime"
    for other in [*older[:9], *newer[:9]] if asked.driver else [*newer, *older]:
        yield asked.replace(**{field: other}), f"CUDA {other}"


def _drivers(asked: Question, ids: set[str]) -> Iterator[tuple[Question, str]]:
    if not asked.driver:
        return
    from gpudoctor.knowledge.tables import table

    branches = [row["branch"] for row in table("driver")["branches"]]
    ordered = sorted(branches, key=lambda b: (b < branch(asked.driver), abs(b - branch(asked.driver))))
    if "driver-branch-dropped-gpu" in ids:
        ordered = [b for b in reversed(branches) if b < branch(asked.driver)]
    for one in ordered:
        yield asked.replace(driver=str(one)), f"driver branch {one}"
