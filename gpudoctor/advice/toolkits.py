"""`plan cuda` and `plan cudnn`."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator

from gpudoctor import knowledge
from gpudoctor.advice import names
from gpudoctor.advice.answer import Verdict, decide
from gpudoctor.advice.doubts import Because
from gpudoctor.advice.hypothesis import implemented
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
    pip_commands,
    refused,
    routed,
    unverified,
)
from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.observed import Known
from gpudoctor.findings import Evidence
from gpudoctor.knowledge import install
from gpudoctor.knowledge.install import Recipe
from gpudoctor.knowledge.tables import table
from gpudoctor.versions import compare, is_version, major, numbers, release

#: Inside WSL2 the toolkit alone: the packages cuda and cuda-drivers would bring a Linux driver.
WSL_REPOSITORY = "wsl-ubuntu"


# ---------------------------------------------------------------- CUDA toolkit


def plan_cuda(setting: Setting) -> Installable:
    wanted = names.cuda(setting.version, "version") if setting.version else ""
    tried: list[Verdict] = []
    limited: list[tuple[str, Verdict]] = []
    for version in _toolkits(wanted):
        verdict = _judged(setting, toolkit=release(version))
        if verdict is None or (verdict.compatible and not verdict.because):
            return _cuda(setting, version, verdict)
        if verdict.compatible:
            limited.append((version, verdict))
        else:
            tried.append(verdict)
    # the newest one that works in full comes first, then the newest that works at all
    if limited:
        return _cuda(setting, *limited[0])
    if not tried:
        newest = knowledge.newest("cuda")
        return not_known(f"CUDA {wanted} is newer than the tables, which end at {newest.value}")
    known = [v for v in tried if v.compatible is False]
    if len(known) == len(tried):
        return refused(tried[0].because, tried[0].needs)
    open_end = next(v for v in tried if v.compatible is None)
    return Installable(None, None, open_end.because, open_end.needs)


def _toolkits(wanted: str) -> Iterator[str]:
    """Newest first; "12.8" is its newest update."""
    rows = [row["cuda"] for row in table("driver")["toolkits"]]
    rows = [r for r in rows if r.count(".") == 2 and compare(r, "11.0") >= 0]
    if wanted.count(".") == 2:
        yield from (r for r in rows if r == wanted)
        return
    for version in sorted(rows, key=numbers, reverse=True):
        newest = max((r for r in rows if release(r) == release(version)), key=numbers)
        if version == newest and (not wanted or release(version) == wanted):
            yield version


def _judged(setting: Setting, **parts: str | int) -> Verdict | None:
    """None where there is neither a GPU nor a driver to judge by: a build machine."""
    asked = setting.asked
    given = tuple(
        key for key, there in (("gpu", asked.cards), ("driver", asked.driver), *parts.items()) if there
    )
    if not asked.cards and not asked.driver:
        return None
    keys = tuple(k for k in given if k != "cudnn_cuda")
    return decide(asked.replace(given=keys, python="", wheels=(), **parts))


def _cuda(setting: Setting, version: str, verdict: Verdict | None) -> Installable:
    method = setting.method or _usual(setting)
    maker: dict[str, Callable[[Setting, str], Installable]] = {
        "runfile": _runfile,
        "pip": _cuda_by_pip,
        "conda": _cuda_by_conda,
    }
    if setting.asked.system == "Windows" and method not in ("pip", "conda"):
        return not_known("NVIDIA's installers for Windows are in no table", "--method pip or conda")
    found = maker.get(method, _cuda_by_packages)(setting, version)
    return _with(found, setting, verdict)


def _usual(setting: Setting) -> str:
    if setting.on is not None and (setting.on.arch or setting.asked.system == "WSL2"):
        return setting.on.manager
    return "pip" if setting.asked.system == "Windows" else ""


def _with(found: Installable, setting: Setting, verdict: Verdict | None) -> Installable:
    one = found.installation
    if one is None:
        return found
    judged: list[Evidence] = []
    if verdict is None:
        words = "no GPU and no driver is known: whether they fit was not judged"
        caveats = (*one.caveats, Because("question", words))
    else:
        caveats = (*verdict.because, *one.caveats)
        judged = [
            Evidence("GPU", f"{c.name}: compute capability {c.capability or 'not decided'}", c.source)
            for c in setting.asked.cards
        ]
        has = implemented(setting.asked.driver, setting.asked.system) if setting.asked.driver else None
        if isinstance(has, Known):
            judged.append(Evidence("driver", f"{setting.asked.driver} implements CUDA {has.value}", has.via))
    return found.replace(
        installation=one.replace(
            gpus=tuple(c.name for c in setting.asked.cards),
            caveats=caveats,
            reasons=(*judged, *one.reasons, *migration_reasons(setting)),
        )
    )


def _values(version: str) -> dict[str, str]:
    return {"version": version, "dashed": release(version).replace(".", "-"), "major": str(major(version))}


def base(target: str, version: str, method: str, setting: Setting) -> Installation:
    name = setting.on.name if setting.on is not None else setting.distribution or setting.asked.system
    return Installation(target, version, method, name, ())


_NO_DRIVER = "The driver is not part of it: `gpudoctor plan driver`"
_PATH = "Then put it on PATH: export PATH={prefix}/bin${{PATH:+:$PATH}}"


def _cuda_by_packages(setting: Setting, version: str) -> Installable:
    on = setting.on
    if on is None or (not on.arch and setting.asked.system != "WSL2"):
        return no_repository(setting, "runfile, pip, conda")
    if setting.asked.system == "WSL2":
        if on.manager != "apt" or setting.asked.machine == "aarch64":
            return not_known(f"the packages for {on.name} inside WSL2 are in no table", "--method runfile")
        on = on.replace(repository=WSL_REPOSITORY, arch="x86_64", images="")
        setting = setting.replace(on=on)
    recipe = install.recipe("cuda", on.repository, on.manager)
    if recipe is None:
        return not_known(f"the packages for {on.name} are in no table", "--method runfile")
    enable = install.enabling(on.manager)
    recipes = (*install.preparing(on, "cuda"), enable, recipe)
    commands = (*migrated(setting), *distribution_mirror(setting), *fill(recipes, setting, _values(version)))
    held = install.holds(on, version)
    doubt = f"whether NVIDIA's repository {on.repository} holds CUDA {release(version)} is in no table"
    notes = (_NO_DRIVER, _PATH.format(prefix=f"/usr/local/cuda-{release(version)}"))
    if setting.asked.system == "WSL2":
        notes = ("Never the packages cuda or cuda-drivers inside WSL2: the driver is Windows'", notes[1])
    return Installable(
        base("cuda", version, on.manager, setting).replace(
            commands=routed(commands, setting.way),
            caveats=(*unverified(recipe), *(() if held else (Because("question", doubt),))),
            reasons=tuple(Evidence("commands", on.name, one.source) for one in (enable, recipe)),
            notes=notes,
        )
    )


def _runfile(setting: Setting, version: str) -> Installable:
    """The toolkit alone, into a folder of its own: no driver, nothing outside the folder unless it is the usual one."""
    file = install.runfile(version)
    recipe = install.method("cuda", "runfile", version)
    if not file or recipe is None or setting.asked.machine != "x86_64":
        what = f"the runfile of CUDA {version} for {setting.asked.machine}"
        return not_known(f"{what} is in no table: its name has a driver's version in it")
    prefix = setting.prefix or f"/usr/local/cuda-{release(version)}"
    own = bool(setting.prefix) and not re.match(r"/(usr|opt)(/|$)", prefix)
    values = {
        **_values(version),
        "file": file,
        "prefix": shlex.quote(prefix),
        "sudo": "" if own else "sudo ",
        "root": f" --defaultroot={shlex.quote(prefix)} --no-man-page" if own else "",
    }
    path = _PATH.format(prefix=prefix)
    return Installable(
        base("cuda", version, "runfile", setting).replace(
            commands=routed(fill((recipe,), setting, values), setting.way),
            reasons=(Evidence("commands", "--toolkit leaves the driver alone", recipe.source),),
            notes=(_NO_DRIVER, "--silent accepts NVIDIA's licence", path),
        )
    )


def _cuda_by_pip(setting: Setting, version: str) -> Installable:
    recipe = install.method("cuda", "pip", version)
    if recipe is None:
        return not_known(f"the Python index has no package cuda-toolkit {release(version)}")
    # the updates of the index are not all NVIDIA's: 12.8.2.0
    requirement = recipe.commands[0].format(
        version=f"{release(version)}.*" if setting.version.count(".") != 2 else version
    )
    return by_pip(setting, "cuda", version, requirement, recipe)


def by_pip(
    setting: Setting, target: str, version: str, requirement: str, recipe: Recipe, extra: tuple[str, ...] = ()
) -> Installable:
    from gpudoctor.advice import route as routes

    return Installable(
        base(target, version, "pip", setting).replace(
            commands=pip_commands(setting, requirement, extra),
            reasons=(
                Evidence("commands", requirement, recipe.source),
                *routes.reasons(setting.way, ""),
            ),
        )
    )


def _cuda_by_conda(setting: Setting, version: str) -> Installable:
    recipe = install.method("cuda", "conda", version)
    if recipe is None:
        return not_known(f"NVIDIA's conda channel of CUDA {release(version)} is in no table")
    commands = fill((recipe,), setting, _values(version))
    return Installable(
        base("cuda", version, "conda", setting).replace(
            commands=routed(commands, setting.way),
            reasons=(Evidence("commands", "in an environment of its own, not in base", recipe.source),),
            notes=(_NO_DRIVER,),
        )
    )


# ---------------------------------------------------------------- cuDNN


def plan_cudnn(setting: Setting) -> Installable:
    wanted = [cuda_major(setting)] if setting.cuda else majors(setting)
    tried: list[Verdict] = []
    for number in wanted:
        runs = _runs(setting, number)
        if runs is not None and runs.compatible is not True:
            tried.append(runs)
            continue
        for version in _cudnns(number, setting.version):
            # the driver has been judged by the CUDA that goes with it
            verdict = _judged(
                setting.replace(asked=setting.asked.replace(driver="")), cudnn=version, cudnn_cuda=number
            )
            if verdict is None or verdict.compatible:
                return _cudnn(setting, version, number, verdict)
            tried.append(verdict)
    if not tried:
        newest = knowledge.newest("cudnn")
        words = f"cuDNN {setting.version} for CUDA {' or '.join(map(str, wanted))} is in no table, which end at {newest.value}"
        return not_known(words)
    if all(v.compatible is False for v in tried):
        return refused(tried[0].because, tried[0].needs)
    open_end = next(v for v in tried if v.compatible is None)
    return Installable(None, None, open_end.because, open_end.needs)


def _runs(setting: Setting, number: int) -> Verdict | None:
    """Whether the driver that is there runs libraries of this CUDA major; None where none is known."""
    if not setting.asked.driver:
        return None
    asked = setting.asked.replace(cards=(), runtime=f"{number}.0", python="", given=("driver", "cuda"))
    return decide(asked)


def cuda_major(setting: Setting) -> int:
    number = major(names.cuda(setting.cuda, "cuda", major_will_do=True))
    if number not in (11, 12, 13):
        raise GpudoctorError(
            f"nothing is known of packages for CUDA {number}",
            context="--cuda",
            note="nothing was planned",
            hint="11, 12 or 13",
        )
    return number


def majors(setting: Setting) -> list[int]:
    """The newest CUDA that the driver runs first."""
    has = implemented(setting.asked.driver, setting.asked.system) if setting.asked.driver else None
    newest = major(has.value) if isinstance(has, Known) else 13
    return [number for number in (13, 12, 11) if number <= newest and _compiles(setting, number)]


def _compiles(setting: Setting, number: int) -> bool:
    """Whether some toolkit of this CUDA compiles for all the GPUs: else its libraries have no code for them either."""
    rows = [row["cuda"] for row in table("driver")["toolkits"] if major(row["cuda"]) == number]
    targets = [found.sm for row in rows if (found := knowledge.toolkit_targets(release(row))) is not None]
    wanted = {card.capability for card in setting.asked.cards if card.capability}
    return any(wanted <= set(one) for one in targets)


def jetson(setting: Setting) -> Installable | None:
    """NVIDIA's software for Jetson is that of its JetPack: not of the desktop's packages, as far as is written here."""
    odd = [
        c.name for c in setting.asked.cards if c.capability and knowledge.module_flavour(c.capability) is None
    ]
    if not odd:
        return None
    return not_known(f"what {odd[0]} takes is in no table: the software of Jetson comes with JetPack")


def _cudnns(number: int, wanted: str) -> Iterator[str]:
    rows = [r for r in table("cudnn")["kernels"] if r["cuda"] == number]
    if not wanted:
        yield from (row["to"] for row in reversed(rows))
        return
    if not is_version(wanted) or wanted.count(".") > 3:
        raise names.bad_version(wanted, "cuDNN", knowledge.newest("cudnn").value)
    exact = [v for row in rows for v in (row["to"], row["from"]) if v == wanted or v.startswith(wanted + ".")]
    if exact:
        yield max(exact, key=numbers)
    elif wanted.count(".") >= 2 and knowledge.cudnn_kernels(number, wanted) is not None:
        yield wanted


def _cudnn(setting: Setting, version: str, number: int, verdict: Verdict | None) -> Installable:
    method = setting.method or _usual(setting) or "pip"
    # "9.8.0" is any of its builds
    full = version if version.count(".") == 3 else f"{version}.*"
    if method == "pip":
        recipe = install.method("cudnn", "pip", version)
        assert recipe is not None  # the table has it for every version
        requirement = recipe.commands[0].format(major=number, version=full)
        return _with(by_pip(setting, "cudnn", version, requirement, recipe), setting, verdict)
    if method in ("conda", "runfile"):
        return not_known(f"cuDNN by {method} is in no table", "--method pip, apt or dnf")
    on = setting.on
    if on is None or not on.arch:
        return no_repository(setting, "pip")
    found = install.recipe("cudnn", on.repository, on.manager)
    if found is None or major(version) < 9:
        return not_known(f"the packages of cuDNN {version} for {on.name} are in no table", "--method pip")
    pinned = f"{full}-1" if full == version else full
    enable = install.enabling(on.manager)
    values = {"major": str(number), "version": pinned}
    commands = (*migrated(setting), *distribution_mirror(setting), *fill((enable, found), setting, values))
    one = base("cudnn", version, on.manager, setting).replace(
        commands=routed(commands, setting.way),
        reasons=tuple(Evidence("commands", on.name, r.source) for r in (enable, found)),
    )
    return _with(Installable(one), setting, verdict)
