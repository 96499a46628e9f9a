"""The frameworks of a what-if, and what `cuda` means beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gpudoctor.advice import names, texts
from gpudoctor.advice.question import Question, Wheel, bad
from gpudoctor.versions import is_version, major


def frameworks(asked: Question, values: Mapping[str, Any]) -> Question:
    wheels: list[Wheel] = []
    for framework in ("torch", "tensorflow"):
        if framework in values:
            version, _, local = values[framework].partition("+")
            wheels.append(Wheel(framework, names.framework(framework, version), local.lower()))
    plugin = values.get("jax_plugin", "") or values.get("plugin", "")
    if "jax" in values or plugin:
        asked, wheels = _jax(asked, values, wheels, plugin)
    return asked.replace(
        wheels=tuple(wheels),
        keras=version_of(values, "keras"),
        numpy=version_of(values, "numpy"),
        python=names.python(values["python"]) if "python" in values else "",
    )


def _jax(
    asked: Question, values: Mapping[str, Any], wheels: list[Wheel], plugin: str
) -> tuple[Question, list[Wheel]]:
    version = re.sub(r"\[.*?\]", "", values.get("jax", "")).strip()
    extra = re.search(r"\[cuda(\d+)", values.get("jax", ""))
    package, plugin_version = texts.plugin(plugin) if plugin else ("", "")
    if plugin and not package and not plugin_version:
        raise bad(
            f"{plugin!r} is no CUDA plugin of JAX", ["jax-cuda12-plugin", "jax-cuda13-plugin"], "jax_plugin"
        )
    if not package and (extra or values.get("cuda")):
        wanted = extra[1] if extra else str(major(values["cuda"])) if is_version(values["cuda"]) else ""
        # CUDA 11's plugin is in no table: it will be said not to be known
        package = f"jax-cuda{wanted}-plugin" if wanted else ""
    package = package or "jax-cuda12-plugin"
    if not version and not plugin_version:
        raise bad("a plugin of JAX alone has no version: name --jax too", key="jax")
    version = names.framework("jax", version or plugin_version)
    wheels.append(Wheel("jax", version, package.removeprefix("jax-").removesuffix("-plugin")))
    return asked.replace(plugin=package, plugin_version=plugin_version), wheels


def cuda(asked: Question, values: Mapping[str, Any]) -> Question:
    """What `cuda` means: the wheel's flavour beside torch, the installed libraries beside TensorFlow or JAX, the
    toolkit beside a task or a compiler, else the runtime."""
    toolkit = names.cuda(values["toolkit"], "toolkit") if "toolkit" in values else ""
    asked = asked.replace(toolkit=toolkit)
    text = values.get("cuda", "")
    torch = asked.wheel("torch")
    if torch is not None:
        variant = torch.variant
        if text and variant not in ("", _variant(text)):
            raise bad(f"torch is +{variant} and cuda {text}: one of them", key="cuda")
        variant = variant or (_variant(text) if text else "")
        wheel = Wheel("torch", torch.version, names.variant(torch.version, variant))
        return asked.replace(wheels=tuple(wheel if w is torch else w for w in asked.wheels))
    if not text:
        return asked
    if re.fullmatch(r"cu\d{2,3}", text):
        text = f"{text[2:-1]}.{text[-1]}"
    if asked.wheels:
        return asked.replace(installed_cuda=names.cuda(text, "cuda", major_will_do=True))
    if asked.has("task", "gcc", "clang") and not toolkit:
        return asked.replace(toolkit=names.cuda(text, "cuda"))
    return asked.replace(runtime=names.cuda(text, "cuda", major_will_do=True))


def _variant(text: str) -> str:
    if re.fullmatch(r"(?:cu\d{2,3}|cpu)", text.lower()):
        return text.lower()
    version = names.cuda(text, "cuda")
    parts = version.split(".")
    return f"cu{parts[0]}{parts[1]}"


def version_of(values: Mapping[str, Any], key: str) -> str:
    text: str = values.get(key, "")
    if text and not is_version(text.partition("+")[0]):
        raise bad(f"{text!r} is no version of {key}", key=key)
    return text
