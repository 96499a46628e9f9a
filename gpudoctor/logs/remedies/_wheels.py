"""Which wheel of PyTorch fits what a text tells, by the tables."""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor import knowledge
from gpudoctor.facts.frameworks import Cubin, Targets
from gpudoctor.knowledge.records import FirstBranch
from gpudoctor.logs.told import Told
from gpudoctor.rules.pythons import TORCH_INDEX, TORCH_VARIANTS
from gpudoctor.rules.targets import serves
from gpudoctor.versions import at_least, branch, is_version, major


def public(version: str) -> str:
    return version.partition("+")[0]


def torch(told: Told) -> str:
    """The PyTorch that the text speaks of, without its local part; "" for none."""
    return public(told.packages.get("torch", ""))


def ceiling(told: Told) -> str:
    """The newest CUDA of the driver: as told, else by its branch."""
    if told.driver_cuda:
        return told.driver_cuda
    number = branch(told.driver) if told.driver else told.driver_branch
    row = knowledge.branch_cuda(number) if number else None
    return row.cuda if row else ""


def runs(cuda: str, limit: str) -> bool:
    """A driver that implements CUDA `limit` runs programs of CUDA `cuda` (minor versions of one major from 11 on)."""
    if not limit or not is_version(cuda):
        return True
    same = major(cuda) == major(limit) and major(cuda) >= 11
    return same or at_least(limit, ".".join(cuda.split(".")[:2]))


def variants(version: str, limit: str = "", capability: str = "") -> Iterator[str]:
    """The CUDA variants of that release, newest first, which this driver runs and which have code for this GPU."""
    for name in TORCH_VARIANTS:
        row = knowledge.torch_build(version, name)
        if row is None or row.cuda is None or not runs(row.cuda, limit):
            continue
        if capability and (row.capabilities is None or not _serves(row.capabilities, capability)):
            continue
        yield name


def releases(capability: str, limit: str = "") -> tuple[str, str]:
    """The newest release of PyTorch and its variant that have code for this GPU; ("", "") for none."""
    for row in reversed(knowledge_rows()):
        for version in reversed(row["versions"]):
            found = next(variants(version, limit, capability), "")
            if found:
                return version, found
    return "", ""


def next_release(version: str, capability: str, limit: str = "") -> tuple[str, str]:
    """The release nearest to `version`, not older, that has code for this GPU; without one the newest. Of its variants the
    one for the oldest CUDA, which the most drivers run."""
    every = [v for row in knowledge_rows() for v in row["versions"]]
    if not version:
        every.reverse()
    for one in every:
        if version and not at_least(one, version):
            continue
        found = [*variants(one, limit, capability)]
        if found:
            return one, found[-1]
    return "", ""


def knowledge_rows() -> list[dict[str, list[str]]]:
    from gpudoctor.knowledge.tables import table

    rows: list[dict[str, list[str]]] = table("torch")["builds"]
    return rows


def _serves(capabilities: tuple[str, ...], capability: str) -> bool:
    return (
        serves(Targets(tuple(Cubin(c) for c in capabilities), (), "table"), capability, None).how == "cubin"
    )


def driver_for(version: str, variant: str, told: Told) -> str:
    """ "; it needs driver 525.60.13 or newer", where no driver is told; "" else. Where the GPU came with a later branch it
    is that one: "; this GPU needs driver branch 570 or newer"."""
    row = knowledge.torch_build(version, variant)
    if ceiling(told) or row is None or not row.cuda:
        return ""
    least = knowledge.driver_minimum(row.cuda, "windows" if told.windows else "linux")
    number = (least.compatible or least.full or "") if least else ""
    own = max((row.branch for row in map(_branch_of, told.gpus[:8]) if row is not None), default=0)
    if number and own > branch(number):
        return f"; this GPU needs driver branch {own} or newer"
    return f"; it needs driver {number} or newer" if number else ""


def _branch_of(gpu: str) -> FirstBranch | None:
    from gpudoctor.logs.hearsay.gpu import capability_of

    capability = capability_of(gpu)
    return (knowledge.first_branch(capability) or knowledge.not_before(capability)) if capability else None


def install(version: str, variant: str, told: Told, force: bool = True) -> str:
    """The command, with the companions that the text speaks of."""
    companions = knowledge.torch_companions(version)
    names = [f"torch=={version}"]
    for name in ("torchvision", "torchaudio"):
        pair = getattr(companions, name, None) if companions else None
        if name in told.low and pair:
            names.append(f"'{name}=={of_release(pair)}'")
    again = "--force-reinstall " if force else ""
    return f"python -m pip install {again}{' '.join(names)} --index-url {TORCH_INDEX}/{variant}"


def of_release(version: str) -> str:
    """The table pairs releases, and a companion's patch numbers are its own (torchvision 0.15.2 is torch 2.0.1's): pip takes the
    one that names this torch."""
    return version if version.count(".") >= 2 else f"{version}.*"
