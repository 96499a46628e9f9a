"""A choice as something to run or to keep: commands, a requirements file, uv, a conda environment."""

from __future__ import annotations

import shlex

from gpudoctor.advice import route as routes
from gpudoctor.advice.choose import Choice, Choices, driver_needed, on_default_index, reasons
from gpudoctor.advice.route import Route
from gpudoctor.facts.record import Record
from gpudoctor.findings import Evidence


class RunnerUp(Record):
    """`changes`: what of the machine it would need changed ("driver 580 or newer", "Python 3.12")."""

    version: str
    variant: str
    changes: tuple[str, ...]
    caveats: tuple[str, ...]


class Advice(Record):
    """What to install. `variant` "cu126" or "cuda12"; `index` "" is the installer's own, `extra_indexes` are asked beside
    it; `cudnn`: a pin, "" where none is needed; `python` "3.12"; `driver`: what it has to be, "" where the machine's
    will do. `gpus` are served, `left_out` are not. `requirements`: as pip reads them. `mirror`, `proxy` and
    `wheelhouse` as asked; `platforms`: the wheel tags that the machine takes, best first, for `pip download`."""

    target: str
    version: str
    variant: str
    index: str
    cudnn: str
    python: str
    driver: str
    gpus: tuple[str, ...]
    left_out: tuple[str, ...]
    requirements: tuple[str, ...]
    commands: tuple[str, ...]
    reasons: tuple[Evidence, ...]
    runners_up: tuple[RunnerUp, ...]
    extra_indexes: tuple[str, ...] = ()
    mirror: str = "none"
    proxy: str = ""
    wheelhouse: str = ""
    channels: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()

    @property
    def indexes(self) -> tuple[str, ...]:
        return (self.index, *self.extra_indexes) if self.index else self.extra_indexes


class Planned(Record):
    """`advice` is None where nothing fits, and `choices` says why."""

    advice: Advice | None
    choices: Choices


def advice(best: Choice, others: tuple[Choice, ...], way: Route) -> Advice:
    wheel = best.wheel
    variant = "" if on_default_index(best) else best.row.variant
    indexes = way.indexes(variant)
    found = Advice(
        target=wheel.framework,
        version=_version(best),
        variant=best.row.variant or wheel.variant,
        index=indexes[0] if indexes else "",
        extra_indexes=indexes[1:],
        cudnn=best.cudnn,
        python=best.asked.python,
        driver=driver_needed(best),
        gpus=tuple(c.name for c in best.asked.cards),
        left_out=tuple(c.name for c in best.left_out),
        requirements=requirements(best),
        commands=(),
        reasons=(*reasons(best), *routes.reasons(way, variant)),
        runners_up=tuple(_runner_up(c) for c in others),
        mirror=way.mirror.name,
        proxy=way.proxy,
        wheelhouse=way.wheelhouse,
        channels=way.mirror.conda_channels[:1],
        platforms=_platforms(best.asked.system, best.asked.machine) if way.wheelhouse else (),
    )
    return found.replace(commands=pip_commands(found, best.asked.system == "Windows"))


def _version(choice: Choice) -> str:
    """With its local version, where the index tells builds apart by it."""
    wheel = choice.wheel
    local = wheel.framework == "torch" and not on_default_index(choice)
    return f"{wheel.version}+{choice.row.variant}" if local else wheel.version


def _runner_up(choice: Choice) -> RunnerUp:
    changes = [f"Python {choice.asked.python}"] if "python" in choice.freed else []
    changes += [driver_needed(choice)] if "driver" in choice.freed else []
    caveats = tuple(b.explanation for b in choice.verdict.because)
    return RunnerUp(
        _version(choice), choice.row.variant or choice.wheel.variant, tuple(c for c in changes if c), caveats
    )


def requirements(choice: Choice) -> tuple[str, ...]:
    wheel = choice.wheel
    extra = "[and-cuda]" if wheel.framework == "tensorflow" and choice.row.requires else ""
    extra = f"[{wheel.variant}]" if wheel.framework == "jax" else extra
    found = (f"{wheel.framework}{extra}=={_version(choice)}",)
    return (*found, choice.cudnn) if choice.cudnn else found


_PROVES = {
    "torch": "import torch; print(torch.__version__, torch.cuda.is_available())",
    "tensorflow": "import tensorflow as tf; print(tf.__version__, tf.config.list_physical_devices('GPU'))",
    "jax": "import jax; print(jax.__version__, jax.devices())",
}

#: pip takes --platform literally, so every tag that the machine can run is named. glibc 2.28 is what the wheels of the
#: frameworks need at most (manylinux_2_28).
_GLIBC = range(28, 16, -1)


def _platforms(system: str, machine: str) -> tuple[str, ...]:
    if system == "Windows":
        return ("win_amd64",)
    arch = machine or "x86_64"
    return (*(f"manylinux_2_{minor}_{arch}" for minor in _GLIBC), f"manylinux2014_{arch}")


def pip_commands(found: Advice, windows: bool) -> tuple[str, ...]:
    if windows:
        # cmd.exe knows no single quotes
        made, python = f"py -{found.python} -m venv .venv", ".venv\\Scripts\\python"
        words = " ".join(f'"{w}"' for w in found.requirements)
    else:
        made, python = f"python{found.python} -m venv .venv", ".venv/bin/python"
        words = " ".join(map(shlex.quote, found.requirements))
    proves = f'{python} -c "{_PROVES[found.target]}"'
    if found.wheelhouse:
        return (*_carried(found, words, windows), made, _offline(found, python, words, windows), proves)
    return made, f"{python} -m pip install {words}{routes.pip_options(found.indexes, found.proxy)}", proves


def _folder(found: Advice, windows: bool = False) -> str:
    return f'"{found.wheelhouse}"' if windows else shlex.quote(found.wheelhouse)


def _carried(found: Advice, words: str, windows: bool = False) -> tuple[str, ...]:
    """To run where there is a network; the folder is then brought to the machine."""
    python = "py -m pip" if windows else "python3 -m pip"
    platforms = "".join(f" --platform {p}" for p in found.platforms)
    options = routes.pip_options(found.indexes, found.proxy)
    return (
        f"{python} download --dest {_folder(found, windows)} --only-binary=:all: --implementation cp "
        f"--python-version {found.python}{platforms} {words}{options}",
    )


def _offline(found: Advice, python: str, words: str, windows: bool = False) -> str:
    return f"{python} -m pip install --no-index --find-links {_folder(found, windows)} {words}"


def render(found: Advice, form: str) -> str:
    """`form`: commands, requirements, uv, conda."""
    return "\n".join(_FORMS[form](found)) + "\n"


def _commands(found: Advice) -> list[str]:
    if not found.wheelhouse:
        return list(found.commands)
    # both halves are shell: a word about where each is run
    mark = "REM" if found.platforms == ("win_amd64",) else "#"
    first, *rest = found.commands
    return [f"{mark} where there is a network:", first, f"{mark} on the machine, with the folder:", *rest]


def _lines(found: Advice) -> list[str]:
    if found.wheelhouse:
        return ["--no-index", f"--find-links {shlex.quote(found.wheelhouse)}"]
    # Beside the installer's own index: the local version is published on this one only.
    indexes = found.indexes if found.mirror != "none" else ("", *found.indexes)
    return routes.requirement_lines(indexes)


def _comments(found: Advice, words: str) -> list[str]:
    """What such a file has no place for."""
    found_lines = []
    if found.wheelhouse:
        joined = " ".join(map(shlex.quote, found.requirements))
        found_lines += ["# Fill the folder where there is a network:", f"# {_carried(found, joined)[0]}"]
    elif found.proxy:
        found_lines.append(f"# {words.format(proxy=shlex.quote(found.proxy))}")
    return found_lines


def _requirements(found: Advice) -> list[str]:
    comments = _comments(found, "pip install --proxy {proxy} -r this file")
    return [f"# Python {found.python}", *comments, *_lines(found), *found.requirements]


def _uv(found: Advice) -> list[str]:
    words = " ".join(map(shlex.quote, found.requirements))
    made = f"uv venv --python {found.python}"
    if found.wheelhouse:
        return [
            *_comments(found, ""),
            f"{made} --offline",
            f"uv pip install --offline --no-index --find-links {_folder(found)} {words}",
        ]
    # uv has no option for a proxy, only the environment
    before = f"ALL_PROXY={shlex.quote(found.proxy)} " if found.proxy else ""
    return [f"{before}{made}", f"{before}uv pip install {words}{routes.uv_options(found.indexes)}"]


def _conda(found: Advice) -> list[str]:
    """An environment file. The wheel comes from pip: which GPU code conda's builds hold is in no table."""
    channels = (
        ["channels:", *(f"- {url}" for url in found.channels), "- nodefaults"] if found.channels else []
    )
    return [
        f"name: {found.target}",
        *_comments(found, "conda config --set proxy_servers.https {proxy}; and HTTPS_PROXY={proxy} for pip"),
        *channels,
        "dependencies:",
        f"- python={found.python}",
        "- pip",
        "- pip:",
        *(f"    - {line}" for line in _lines(found)),
        *(f'    - "{line}"' for line in found.requirements),
    ]


_FORMS = {"commands": _commands, "requirements": _requirements, "uv": _uv, "conda": _conda}
