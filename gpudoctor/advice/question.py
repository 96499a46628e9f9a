"""A what-if as it was asked: which GPU, driver, framework, toolkit... Names and versions are looked up here, and one
that can't be is refused with the nearest that can: a question that nobody understood never gets a verdict."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from gpudoctor import knowledge
from gpudoctor.advice import names, texts
from gpudoctor.advice.names import Card
from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.record import Record
from gpudoctor.versions import is_version, major

#: Every key of a question in a batch file, and option of the command line.
KEYS = (
    "os", "machine", "driver", "brand", "gpu", "cc", "cuda", "toolkit", "cudnn", "cudnn_package", "cuda_compat",
    "torch", "tensorflow", "keras", "jax", "jax_plugin", "plugin", "numpy", "python", "gcc", "clang", "image", "install",
    "package", "version", "installed", "look_for", "task", "needs",
)  # fmt: skip

#: Keys that say where, and are judged against nothing by themselves.
CONTEXT = frozenset({"os", "machine", "brand", "cc"})


class Wheel(Record):
    """A framework's wheel: `variant` "cu124", "cpu" or "" (what a plain install gets)."""

    framework: str
    version: str
    variant: str = ""

    @property
    def label(self) -> str:
        local = f"+{self.variant}" if self.variant and self.framework == "torch" else ""
        return f"{self.framework} {self.version}{local}"


class Question(Record):
    """`given`: the keys that were filled. `cuda` has been given its meaning: `wheels[...].variant`, `installed_cuda`
    (libraries beside TensorFlow or JAX), `toolkit` (nvcc), or `runtime`. `compat`: the CUDA of a cuda-compat package;
    `wanted`: sonames or paths that are looked for in `packages`; `fresh`: open ranges are resolved anew; `foreign`:
    GPUs of another capability than the one that is compiled for. `unread`: free
    text that was not understood; `renamed`: keys that said what another key says."""

    given: tuple[str, ...] = ()
    system: str = ""
    machine: str = ""
    driver: str = ""
    brand: str = ""
    cards: tuple[Card, ...] = ()
    runtime: str = ""
    toolkit: str = ""
    installed_cuda: str = ""
    cudnn: str = ""
    cudnn_cuda: int = 0
    compat: str = ""
    wheels: tuple[Wheel, ...] = ()
    keras: str = ""
    plugin: str = ""
    plugin_version: str = ""
    numpy: str = ""
    python: str = ""
    gcc: str = ""
    clang: str = ""
    image: str = ""
    flavour: str = ""
    command: str = ""
    packages: tuple[tuple[str, str], ...] = ()
    wanted: tuple[str, ...] = ()
    foreign: tuple[Card, ...] = ()
    compiles: bool = False
    runs: bool = False
    ptx: bool = False
    fresh: bool = False
    unread: tuple[str, ...] = ()
    renamed: tuple[str, ...] = ()

    def wheel(self, framework: str) -> Wheel | None:
        return next((w for w in self.wheels if w.framework == framework), None)

    def has(self, *keys: str) -> bool:
        return any(key in self.given for key in keys)


def bad(what: str, near: tuple[str, ...] | list[str] = (), key: str = "") -> GpudoctorError:
    """A question that can't be judged: exit 2, never a verdict."""
    hint = f"did you mean {' or '.join(near)}?" if near else ""
    return GpudoctorError(
        what, context=f"--{key.replace('_', '-')}" if key else "", note="nothing was judged", hint=hint
    )


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
    asked = _machine(asked, values)
    asked = _free_text(asked, values)
    asked = _frameworks(asked, values)
    asked = _cuda(asked, values)
    return _rest(asked, values)


def _text(key: str, value: Any) -> str:
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        raise bad(f'{key} is {value!r}, and belongs in quotes: "{value}"', key=key)
    return str(value).strip()


def _listed(key: str, value: Any) -> tuple[str, ...]:
    return (
        tuple(_text(key, one) for one in value) if isinstance(value, (list, tuple)) else (_text(key, value),)
    )


_SYSTEMS = {
    "linux": "Linux", "windows": "Windows", "win": "Windows", "win32": "Windows", "win64": "Windows", "wsl": "WSL2",
    "wsl2": "WSL2", "macos": "Darwin", "darwin": "Darwin", "mac": "Darwin", "osx": "Darwin",
}  # fmt: skip
_MACHINES = {
    "x86_64": "x86_64", "amd64": "x86_64", "x64": "x86_64", "aarch64": "aarch64", "arm64": "aarch64",
    "arm": "aarch64", "sbsa": "aarch64", "ppc64le": "ppc64le",
}  # fmt: skip
_BRANDS = {
    "geforce": "geforce", "tesla": "tesla", "datacenter": "tesla", 
    "quadro": "quadro", "rtx": "nvidiartx", "nvidiartx": "nvidiartx", "quadrortx": "quadrortx", "titan": "titan",
    "titanrtx": "titanrtx", "geforcertx": "geforcertx", "nvidia": "nvidia", "grid": "grid", "unknown": "unknown",
}  # fmt: skip


def _machine(asked: Question, values: Mapping[str, Any]) -> Question:
    system = values.get("os", "")
    known = _system(system) if system else "Linux"
    machine = values.get("machine", "")
    brand = re.sub(r"[\s_-]", "", values.get("brand", ""))
    for key, text, table in (("machine", machine, _MACHINES), ("brand", brand, _BRANDS)):
        if text and text.lower() not in table:
            raise bad(f"{text!r} is no {key} that is known here", sorted(set(table)), key)
    cards = names.cards(values.get("gpu", ()), values.get("cc", ()))
    driver = values.get("driver", "")
    if driver:
        driver = names.driver(driver)
    return asked.replace(
        system=known,
        machine=_MACHINES[machine.lower()] if machine else "x86_64",
        brand=_BRANDS[brand.lower()] if brand else "",
        cards=cards,
        driver=driver,
    )


def _system(text: str) -> str:
    word = re.split(r"[\s\d-]", text.lower())[0] or text.lower()
    if text.lower() in _SYSTEMS:
        return _SYSTEMS[text.lower()]
    if word in (
        "ubuntu",
        "debian",
        "fedora",
        "rhel",
        "centos",
        "rocky",
        "almalinux",
        "arch",
        "opensuse",
        "sles",
    ):
        return "Linux"
    if word in _SYSTEMS:
        return _SYSTEMS[word]
    raise bad(f"{text!r} is no operating system that is known here", ["linux", "windows", "wsl2"], "os")


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
    asked = asked.replace(compiles=task.compiles, runs=not task.compiles, ptx=task.ptx)
    if task.capability:
        target = names.cards((), (task.capability,))
        named = tuple(card.replace(capability=target[0].capability) for card in asked.cards[:1])
        foreign = tuple(c for c in asked.cards if c.capability != target[0].capability)
        asked = asked.replace(cards=named or target, foreign=foreign)
    return asked, True


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
    if name in ("torch", "tensorflow", "jax", "keras", "numpy") and name not in values:
        values[name] = (
            version or knowledge.newest(name).value if name in ("torch", "tensorflow", "jax") else version
        )
        if name == "torch" and found.variant and "cuda" not in values and "+" not in values[name]:
            values[name] += f"+{found.variant}"
        if name == "jax" and found.variant.startswith("cuda"):
            values.setdefault("jax_plugin", f"jax-{found.variant}-plugin")
        if not values[name]:
            del values[name]
    match = re.fullmatch(r"nvidia-cudnn-cu(\d+)", name)
    if match and "cudnn_package" not in values:
        values["cudnn_package"] = f"{name} {version}".strip()


def _frameworks(asked: Question, values: Mapping[str, Any]) -> Question:
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
        keras=_version(values, "keras"),
        numpy=_version(values, "numpy"),
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


def _cuda(asked: Question, values: Mapping[str, Any]) -> Question:
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


def _rest(asked: Question, values: Mapping[str, Any]) -> Question:
    cudnn = _version(values, "cudnn")
    cuda_major = 0
    if "cudnn_package" in values:
        match = re.fullmatch(
            r"(?:nvidia-)?cudnn-cu(\d+)(?:\s*[= ]=?\s*([\d.]+))?", values["cudnn_package"].strip()
        )
        if match is None and is_version(values["cudnn_package"]):
            cudnn = cudnn or values["cudnn_package"]
        elif match is None:
            near = ["nvidia-cudnn-cu12", "nvidia-cudnn-cu13"]
            raise bad(f"{values['cudnn_package']!r} is no package of cuDNN", near, "cudnn_package")
        else:
            cuda_major, cudnn = int(match[1]), cudnn or match[2] or ""
    packages = list(asked.packages)
    if "package" in values:
        named = texts.requirements(values["package"]) or [(values["package"].lower(), "")]
        packages += [(name, version or values.get("version", "")) for name, version in named]
    if "installed" in values:
        packages += texts.requirements(values["installed"])
    wanted = (*asked.wanted, *([values["look_for"]] if "look_for" in values else []))
    if "package" in values and not wanted and "package" not in asked.renamed and len(packages) == 1:
        wanted = _own_library(packages[0][0])
    return asked.replace(
        cudnn=cudnn,
        cudnn_cuda=cuda_major,
        gcc=names.compiler("gcc", values["gcc"]) if "gcc" in values else "",
        clang=names.compiler("clang", values["clang"]) if "clang" in values else "",
        image=values.get("image", ""),
        packages=tuple(packages),
        wanted=wanted,
    )


def _own_library(package: str) -> tuple[str, ...]:
    """What a package is installed for: some of NVIDIA's names on the index hold nothing."""
    match = re.fullmatch(r"nvidia-([a-z-]+?)(?:-cu(\d+))?", package)
    layout = knowledge.wheel_layout(int(match[2] or 13)) if match else None
    names = layout.sonames.get(match[1].replace("-", "_"), ()) if layout and match else ()
    return names[:1]


def _version(values: Mapping[str, Any], key: str) -> str:
    text: str = values.get(key, "")
    if text and not is_version(text.partition("+")[0]):
        raise bad(f"{text!r} is no version of {key}", key=key)
    return text
