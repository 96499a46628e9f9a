"""`plan driver`: the branch and the flavour of the kernel modules for all the GPUs and the CUDA that is wanted."""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor import knowledge
from gpudoctor.advice import names
from gpudoctor.advice.answer import Verdict, decide
from gpudoctor.advice.choose import subsets
from gpudoctor.advice.doubts import Because
from gpudoctor.advice.names import Card
from gpudoctor.advice.question import Question
from gpudoctor.advice.software import (
    Installable,
    Installation,
    Setting,
    distribution_mirror,
    fill,
    migrated,
    migration_reasons,
    no_repository,
    not_known,
    refused,
    routed,
    unverified,
)
from gpudoctor.facts.record import Record
from gpudoctor.findings import Evidence
from gpudoctor.knowledge import install
from gpudoctor.knowledge.tables import table
from gpudoctor.versions import branch as branch_of
from gpudoctor.versions import is_version

WSL = (
    "Install NVIDIA's driver for Windows on Windows ({driver}): https://www.nvidia.com/drivers",
    "Inside WSL2 install none: its libcuda comes from Windows. Never the packages cuda, cuda-drivers or nvidia-driver there",
)


class _Pick(Record):
    """A branch for some GPUs: `last` is the last one that supports them, None where no end is known."""

    cards: tuple[Card, ...]
    flavour: str
    branch: int
    last: int | None
    verdict: Verdict


def plan_driver(setting: Setting) -> Installable:
    """Raises GpudoctorError for a branch that is none, and where the distribution has to be named."""
    asked = setting.asked
    if any(knowledge.module_flavour(c.capability) is None for c in asked.cards):
        odd = next(c for c in asked.cards if knowledge.module_flavour(c.capability) is None)
        return not_known(
            f"which driver {odd.name} takes is in no table: those of Jetson come with JetPack",
        )
    if setting.cuda and names.newer_than_tables("cuda", setting.cuda):
        newest = knowledge.newest("cuda")
        return not_known(
            f"CUDA {setting.cuda} is newer than the tables, which end at {newest.value} ({newest.checked})"
        )
    pinned = branch_of(setting.version) if setting.version else None
    tried: list[Verdict] = []
    for cards in subsets(asked.cards):
        pick = _pick(setting, cards, pinned, tried)
        if pick is not None:
            return _planned(setting, pick, pinned)
    open_ends = [v for v in tried if v.compatible is None]
    if open_ends:
        return Installable(None, None, open_ends[0].because, open_ends[0].needs)
    if not tried:
        return refused(
            (Because("driver-open-module-required", "no flavour of the kernel modules serves these GPUs"),)
        )
    return refused(tried[0].because, tried[0].needs)


def _pick(
    setting: Setting, cards: tuple[Card, ...], pinned: int | None, tried: list[Verdict]
) -> _Pick | None:
    flavours = _flavours(cards)
    if not flavours:
        return None
    flavour = "open" if "open" in flavours else "proprietary"
    lasts = [row.branch for c in cards if (row := knowledge.last_branch(c.capability)) is not None]
    last = min(lasts, default=None)
    for branch in _branches(last, pinned):
        asked = _question(setting, cards, branch, flavour)
        # on Windows only the end of a GPU's support is known, and `_branches` has seen to it
        ends = setting.windows and not setting.cuda and (last is None or branch <= last)
        verdict = Verdict(True) if ends else decide(asked)
        if verdict.compatible:
            return _Pick(cards, flavour, branch, last, verdict)
        tried.append(verdict)
    return None


def _flavours(cards: tuple[Card, ...]) -> set[str]:
    rows = [knowledge.module_flavour(card.capability) for card in cards]
    return set.intersection(*(set(row.flavours) for row in rows if row is not None))


def _branches(last: int | None, pinned: int | None) -> Iterator[int]:
    """Newest first: a newer driver runs what an older one ran."""
    if pinned is not None:
        yield pinned
        return
    rows = sorted((row["branch"] for row in table("driver")["branches"]), reverse=True)
    yield from (b for b in rows if last is None or b <= last)


def _question(setting: Setting, cards: tuple[Card, ...], branch: int, flavour: str) -> Question:
    given = ("gpu", "driver", *(("cuda",) if setting.cuda else ()))
    return setting.asked.replace(
        cards=cards, driver=str(branch), flavour=flavour, runtime=setting.cuda, python="", given=given
    )


def _least(setting: Setting, pick: _Pick) -> str:
    """ "570 or newer": the oldest driver that fully implements the CUDA that is wanted and knows the GPUs."""
    least: list[tuple[int, str]] = []
    if setting.cuda:
        minimum = knowledge.driver_minimum(setting.cuda, "windows" if setting.windows else "linux")
        text = (minimum.full or str(minimum.branch or "") or minimum.compatible or "") if minimum else ""
        if text:
            least.append((branch_of(text), text))
    for card in pick.cards:
        first = knowledge.first_branch(card.capability)
        if first is not None:
            least.append((first.branch, str(first.branch)))
    return max(least)[1] if least else ""


def _planned(setting: Setting, pick: _Pick, pinned: int | None) -> Installable:
    left_out = tuple(c.name for c in setting.asked.cards if c not in pick.cards)
    least = _least(setting, pick)
    legacy = pick.last is not None
    held = pinned or (pick.branch if legacy else None)
    version = f"branch {held}" if held else (f"{least} or newer" if least else "the newest")
    base = Installation(
        target="driver",
        version=version,
        method="windows",
        distribution=setting.asked.system,
        commands=(),
        branch=held,
        flavour="" if setting.windows else pick.flavour,
        legacy=legacy,
        gpus=tuple(c.name for c in pick.cards),
        left_out=left_out,
        caveats=pick.verdict.because,
        reasons=_reasons(setting, pick),
    )
    unknown = [c.name for c in pick.cards if pick.flavour == "open" and _new(c)]
    if unknown:
        words = f"the first branch that supports {', '.join(unknown)} is in no table"
        base = base.replace(caveats=(*base.caveats, Because("question", words)))
    if held and "." in setting.version:
        words = f"branch {held} is held, and the newest of it comes: not {setting.version} itself"
        base = base.replace(caveats=(*base.caveats, Because("question", words)))
    if setting.windows:
        notes = WSL if setting.asked.system == "WSL2" else WSL[:1]
        return Installable(base.replace(notes=tuple(n.replace("{driver}", version) for n in notes)))
    return _on_linux(setting, pick, base, held)


def _new(card: Card) -> bool:
    """Of an architecture whose first branch is known for other GPUs, not for this one."""
    flavour = knowledge.module_flavour(card.capability)
    return (
        flavour is not None
        and flavour.flavours == ("open",)
        and knowledge.first_branch(card.capability) is None
    )


def _on_linux(setting: Setting, pick: _Pick, base: Installation, held: int | None) -> Installable:
    on = setting.on
    words = f"{base.version}, {pick.flavour} kernel modules"
    if on is None:
        return no_repository(setting, f"the driver's own installer ({words})")
    own = install.legacy_driver(held, on.repository) if held and setting.asked.machine == "x86_64" else None
    if own is not None:
        return _from_the_archive(setting, pick, base, own, on.name)
    recipe = install.recipe("driver", on.repository, on.manager, pick.flavour, held is not None)
    if recipe is None or not on.arch or (held is not None and held < 580):
        where = f"{on.name} on {setting.asked.machine}"
        return not_known(f"which packages install it on {where} is in no table", f"driver: {words}")
    enable = install.enabling(on.manager)
    recipes = (*install.preparing(on, "driver"), enable, recipe)
    commands = (
        *migrated(setting),
        *distribution_mirror(setting),
        *fill(recipes, setting, {"branch": str(held or "")}),
        "sudo reboot",
    )
    guides = tuple(Evidence("commands", on.name, one.source) for one in (enable, recipe))
    found = base.replace(
        method=on.manager,
        distribution=on.name,
        commands=routed(commands, setting.way),
        caveats=(*base.caveats, *unverified(recipe)),
        reasons=(*base.reasons, *guides, *migration_reasons(setting)),
        notes=("With Secure Boot, enrol the key that signs the modules when the next start asks for it",),
    )
    return Installable(found)


def _from_the_archive(
    setting: Setting, pick: _Pick, base: Installation, recipe: install.Recipe, name: str
) -> Installable:
    """A branch that NVIDIA's repositories no longer hold, as the distribution has it."""
    generic = Because(
        "question", "these modules are for Ubuntu's generic kernels; others have packages of their own"
    )
    found = base.replace(
        method="apt",
        distribution=name,
        commands=routed(
            (*migrated(setting), *distribution_mirror(setting), *recipe.commands, "sudo reboot"), setting.way
        ),
        caveats=(*base.caveats, generic),
        reasons=(
            *base.reasons,
            Evidence("commands", name, recipe.source),
            *migration_reasons(setting),
        ),
    )
    return Installable(found)


def _reasons(setting: Setting, pick: _Pick) -> tuple[Evidence, ...]:
    found = []
    for card in pick.cards:
        found.append(Evidence("GPU", f"{card.name}: compute capability {card.capability}", card.source))
        flavour = knowledge.module_flavour(card.capability)
        last, first = knowledge.last_branch(card.capability), knowledge.first_branch(card.capability)
        if flavour is not None and not setting.windows:
            words = f"{flavour.architecture}: {' or '.join(flavour.flavours)}"
            found.append(Evidence("kernel modules", words, flavour.source))
        if last is not None:
            found.append(Evidence("last branch", f"{last.architecture}: {last.branch}", last.source))
        if first is not None:
            found.append(Evidence("first branch", f"{card.name}: {first.branch}", first.source))
    if setting.cuda:
        minimum = knowledge.driver_minimum(setting.cuda, "windows" if setting.windows else "linux")
        if minimum is not None:
            words = f"CUDA {setting.cuda} needs {minimum.full or minimum.branch or minimum.compatible}"
            found.append(Evidence("CUDA", words, minimum.source))
    now = setting.asked.driver
    if now and is_version(now):
        found.append(Evidence("driver", f"{now} is there now", "the machine, or as asked"))
    for card in setting.asked.cards:
        if card not in pick.cards:
            words = f"{card.name} is left out: no branch and flavour serves it together with the others"
            found.append(Evidence("left out", words, "every branch of the tables was judged"))
    newest = knowledge.newest("driver")
    found.append(Evidence("tables", f"they end at branch {newest.value}", newest.checked))
    return tuple(dict.fromkeys(found))
