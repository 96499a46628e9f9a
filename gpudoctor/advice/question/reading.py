"""From a question's keys to a `Question`: `read` is the way in."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gpudoctor import knowledge
from gpudoctor.advice import names, texts
from gpudoctor.advice.question import KEYS, Question, bad
from gpudoctor.advice.question.machine import machine
from gpudoctor.advice.question.packages import rest
from gpudoctor.advice.question.software import cuda, frameworks


def read(given: Mapping[str, Any]) -> Question:
    """Raises GpudoctorError for an unknown key, a value of the wrong kind, an unknown product or version."""
    values: dict[str, Any] = {}
    for key, value in given.items():
        if key not in KEYS:
            import difflib

            near = difflib.get_close_matches(str(key), KEYS, 2, 0.5)
            raise bad(f"there is no key {key!r} in a question", near)
        if value is None or value == "" or value == []:
            continue
        if key in ("gpu", "cc"):
            values[key] = _listed(key, value)
        elif key == "cuda_compat" and isinstance(value, bool):
            values[key] = "yes" if value else "no"
        elif key in ("installed", "package", "look_for", "needs", "install") and isinstance(value, list):
            values[key] = ", ".join(_listed(key, value))
        else:
            values[key] = _text(key, value)
    if not values:
        raise bad("the question is empty")
    asked = Question(given=tuple(k for k in KEYS if k in values))
    asked = _package(asked, values)
    asked = machine(asked, values)
    asked = _free_text(asked, values)
    asked = frameworks(asked, values)
    asked = cuda(asked, values)
    return rest(asked, values)


def _text(key: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise bad(f'{key} is {value!r}, and belongs in quotes: "{value}"', key=key)
    return str(value).strip()


def _listed(key: str, value: Any) -> tuple[str, ...]:
    return (
        tuple(_text(key, one) for one in value) if isinstance(value, (list, tuple)) else (_text(key, value),)
    )


def _package(asked: Question, values: dict[str, Any]) -> Question:
    """A package that is a framework, a plugin or a cuDNN is a question about that."""
    name, version = values.get("package", "").lower().replace("_", "-"), values.get("version", "")
    if "look_for" in values or "needs" in values:
        return asked
    if name in ("torch", "tensorflow", "jax", "keras", "numpy") and version:
        values.setdefault(name, version)
    elif re.fullmatch(r"jax-cuda\d+-plugin", name) or (
        not name and version and asked.has("jax_plugin", "plugin")
    ):
        key = "plugin" if "plugin" in values else "jax_plugin"
        values.setdefault(key, name)
        if version and version not in values[key]:
            values[key] = f"{values[key]} {version}"
    elif re.fullmatch(r"nvidia-cudnn-cu\d+", name):
        values.setdefault("cudnn_package", f"{name} {version}".strip())
    else:
        return asked
    return asked.replace(renamed=("package", "version"))


def _free_text(asked: Question, values: Mapping[str, Any]) -> Question:
    unread: list[str] = []
    if "install" in values:
        found = texts.install(values["install"])
        if found is None:
            unread.append("install")
        else:
            for name, version in found.packages:
                _add(values, name, version, found)
            flavour, fresh = found.flavour, found.fresh
            asked = asked.replace(
                flavour=flavour,
                fresh=fresh,
                command=values["install"],
                packages=asked.packages + found.packages,
            )
    if "task" in values:
        asked, understood = _task(asked, values["task"])
        unread += [] if understood else ["task"]
    if "needs" in values:
        needed = texts.needs(values["needs"])
        if needed is None:
            unread.append("needs")
        else:
            asked = asked.replace(
                wanted=asked.wanted + needed.sonames,
                flavour=asked.flavour or needed.flavour,
                ptx=asked.ptx or needed.ptx,
            )
    if "cuda_compat" in values:
        compat = texts.cuda_compat(values["cuda_compat"], values.get("cuda", ""))
        if compat is None:
            unread.append("cuda_compat")
        else:
            asked = asked.replace(
                compat=compat, renamed=(*asked.renamed, *(() if compat else ("cuda_compat",)))
            )
    return asked.replace(unread=tuple(unread))


def _task(asked: Question, text: str) -> tuple[Question, bool]:
    """A target that is named ("compile sm_110") is what the toolkit has to know, whatever the GPU is."""
    task = texts.task(text)
    if task is None:
        return asked, False
    asked = asked.replace(compiles=task.compiles, runs=not task.compiles, ptx=task.ptx, target=task.target)
    if task.capability:
        target = names.cards((), (task.capability,))
        named = tuple(card.replace(capability=target[0].capability) for card in asked.cards[:1])
        foreign = tuple(c for c in asked.cards if c.capability != target[0].capability)
        asked = asked.replace(cards=named or target, foreign=foreign)
    return asked, True


def _newest(name: str, variant: str) -> str:
    """What a command gets that names no version: an index of PyTorch's has the newest with that CUDA."""
    if name == "torch" and variant.startswith("cu"):
        from gpudoctor.knowledge.tables import table

        having = [r["versions"][-1] for r in table("torch")["builds"] if variant in r["variants"]]
        if having:
            return str(having[-1])
    return knowledge.newest(name).value


def _add(values: Any, name: str, version: str, found: texts.Install) -> None:
    """What a command would install, where the question does not say it itself."""
    if (
        name == "torch"
        and "torch" in values
        and found.variant
        and "cuda" not in values
        and "+" not in values[name]
    ):
        values[name] += f"+{found.variant}"
    if name == "jax" and found.variant.startswith("cuda") and "cuda" not in values:
        values.setdefault("jax_plugin", f"jax-{found.variant}-plugin")
    if name in ("torch", "tensorflow", "jax", "keras", "numpy") and name not in values:
        newest = _newest(name, found.variant) if name in ("torch", "tensorflow", "jax") else ""
        values[name] = version or newest
        if name == "torch" and found.variant and "cuda" not in values and "+" not in values[name]:
            values[name] += f"+{found.variant}"
        if not values[name]:
            del values[name]
    match = re.fullmatch(r"nvidia-cudnn-cu(\d+)", name)
    if match and "cudnn_package" not in values:
        values["cudnn_package"] = f"{name} {version}".strip()
