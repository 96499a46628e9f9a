"""A choice as something to run or to keep: commands, a requirements file, uv, a conda environment."""

from __future__ import annotations

import shlex

from gpudoctor.advice.choose import Choice, Choices, driver_needed, on_default_index, reasons
from gpudoctor.facts.record import Record
from gpudoctor.findings import Evidence

#: Where PyTorch publishes its builds, one index for each variant.
TORCH_INDEX = "https://download.pytorch.org/whl/"


class RunnerUp(Record):
    """`changes`: what of the machine it would need changed ("driver 580 or newer", "Python 3.12")."""

    version: str
    variant: str
    changes: tuple[str, ...]
    caveats: tuple[str, ...]


class Advice(Record):
    """What to install. `variant` "cu126" or "cuda12"; `index` "" is the installer's own; `cudnn`: a pin, "" where none is
    needed; `python` "3.12"; `driver`: what it has to be, "" where the machine's will do. `gpus` are served, `left_out`
    are not. `requirements`: as pip reads them."""

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


class Planned(Record):
    """`advice` is None where nothing fits, and `choices` says why."""

    advice: Advice | None
    choices: Choices


def advice(best: Choice, others: tuple[Choice, ...]) -> Advice:
    wheel = best.wheel
    index = "" if on_default_index(best) else f"{TORCH_INDEX}{best.row.variant}"
    wanted = requirements(best)
    return Advice(
        target=wheel.framework,
        version=_version(best),
        variant=best.row.variant or wheel.variant,
        index=index,
        cudnn=best.cudnn,
        python=best.asked.python,
        driver=driver_needed(best),
        gpus=tuple(c.name for c in best.asked.cards),
        left_out=tuple(c.name for c in best.left_out),
        requirements=wanted,
        commands=_pip(best, wanted, index),
        reasons=reasons(best),
        runners_up=tuple(_runner_up(c) for c in others),
    )


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


def _pip(choice: Choice, wanted: tuple[str, ...], index: str) -> tuple[str, ...]:
    if choice.asked.system == "Windows":
        # cmd.exe knows no single quotes
        made, python = f"py -{choice.asked.python} -m venv .venv", ".venv\\Scripts\\python"
        words = " ".join(f'"{w}"' for w in wanted)
    else:
        made, python = f"python{choice.asked.python} -m venv .venv", ".venv/bin/python"
        words = " ".join(map(shlex.quote, wanted))
    from_index = f" --index-url {index}" if index else ""
    return (
        made,
        f"{python} -m pip install {words}{from_index}",
        f'{python} -c "{_PROVES[choice.wheel.framework]}"',
    )


def render(found: Advice, form: str) -> str:
    """`form`: commands, requirements, uv, conda."""
    return "\n".join(_FORMS[form](found)) + "\n"


def _commands(found: Advice) -> list[str]:
    return list(found.commands)


def _requirements(found: Advice) -> list[str]:
    # Beside the installer's own index: the local version is published on this one only.
    index = [f"--extra-index-url {found.index}"] if found.index else []
    return [f"# Python {found.python}", *index, *found.requirements]


def _uv(found: Advice) -> list[str]:
    words = " ".join(map(shlex.quote, found.requirements))
    index = f" --index-url {found.index}" if found.index else ""
    return [f"uv venv --python {found.python}", f"uv pip install {words}{index}"]


def _conda(found: Advice) -> list[str]:
    """An environment file. The wheel comes from pip: which GPU code conda's builds hold is in no table."""
    index = [f"    - --extra-index-url {found.index}"] if found.index else []
    return [
        f"name: {found.target}",
        "dependencies:",
        f"- python={found.python}",
        "- pip",
        "- pip:",
        *index,
        *(f'    - "{line}"' for line in found.requirements),
    ]


_FORMS = {"commands": _commands, "requirements": _requirements, "uv": _uv, "conda": _conda}
