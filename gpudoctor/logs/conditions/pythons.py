"""Interpreters: the import that works in one place and fails in another, pip that serves one Python while another runs."""

from __future__ import annotations

import re

from gpudoctor.logs.lazy import Lazy
from gpudoctor.logs.told import Told

_PACKAGES = r"[`'\"]?(?:import )?(?:py)?(?:torch\w*|tensorflow|tf\b|jax|cupy|keras|paddle\w*|onnx\w*|vllm|transformers|mxnet|numba|cud[fn]\w*|modules?)"
#: The import fails: what Python says, and what people say.
_FAILS = Lazy(
    r"No module named|ModuleNotFoundError|\bImportError\b|import error|"
    r"(?:can't|cannot|can not|could not|couldn't|unable to|not able to|fail(?:s|ed)? to|won't|doesn't|does not|didn't|did not|isn't able to|never) (?:be )?"
    r"(?:import|find|load|detect|see|recogni[sz]e|locate)(?:ed|s)? (?:the )?" + _PACKAGES + r"|"
    r"error (?:when|while|on) (?:I )?(?:try(?:ing)? to |tried to )?import|(?:when|if) I (?:try|tried) to import|"
    r"module (?:is |was )?not found|无法导入|导入失败|导入不了|找不到.{0,6}(?:torch|tensorflow|模块)",
    re.I,
)
#: Where Python is started from; two of them may start two Pythons.
_PLACES = tuple(
    Lazy(pattern, re.I)
    for pattern in (
        r"\bjupyter(?! ?lab extension)|\bnotebooks?\b|\.ipynb\b|ipykernel|\bcolab\b",
        r"\bvs ?code\b|visual studio code|\bpylance\b|interactive window",
        r"\bpycharm\b",
        r"\bspyder\b",
        r"\bipython\b",
        r"\bterminals?\b|command[- ]?(?:line|prompt)|\bcmd\b|power ?shell|\bconsole\b|\bshell\b|anaconda prompt|\bbash\b|python prompt|在终端|命令行",
        r"\b(?:neo)?vim\b|\bemacs\b",
        r"\bstreamlit\b|\bgradio\b|\bflask\b|\bdjango\b|\buvicorn\b|\bgunicorn\b|\bceler[iy]\b",
        r"\bsudo\b",
        r"\bcron(?:tab|job)?\b|\bsystemd\b|\bsbatch\b",
        r"\brosrun\b|\broslaunch\b|\breticulate\b|\brstudio\b",
    )
)
_WORKS = Lazy(
    r"\bworks?\b|\bworked\b|\bworking\b|\bsuccess\w*|\bfine\b|no (?:problem|error|issue)s?|without (?:any )?(?:error|problem|issue|trouble)|"
    r"\bok(?:ay)?\b|perfect\w*|\bcorrectly\b|\bproperly\b|正常|可以|成功|没问题|\bbut (?:\w+ ){1,4}(?:does|can)\b|\bTrue\b",
    re.I,
)
#: Both at once: "is imported in cmd but not in Jupyter", "works in the terminal, not in VS Code".
_SPLIT = Lazy(
    r"\b(?:import\w*|works?|working|worked|runs?|available|detected|found|sees?)\b[^.\n]{0,80}(?:\bbut|,|\band|, yet) (?:it (?:is |does |will )?|is |does |yet )?(?:not|n't|doesn't|isn't|fails?|never)\b[^.\n]{0,16}\b(?:in|on|from|inside|with|when|under|by|via)\b",
    re.I,
)
#: What an import fails for, or a GPU is asked of.
_MATTER = Lazy(
    r"torch|tensorflow|\btf\b|\bjax|keras|cupy|cuda|\bgpus?\b|numba|onnx|vllm|paddle|cudf|No module|ModuleNotFound|ImportError",
    re.I,
)
#: The same question, answered in two ways.
_ANSWERS = Lazy(
    r"\bTrue\b[^.\n]{0,160}\bFalse\b|\bFalse\b[^.\n]{0,160}\bTrue\b|"
    r"\[\][^\n]{0,200}(?:\bGPU:\d|PhysicalDevice\()|(?:\bGPU:\d|PhysicalDevice\()[^\n]{0,200}\[\]|"
    r"CpuDevice[^\n]{0,160}(?:Cuda|Gpu)Device|(?:Cuda|Gpu)Device[^\n]{0,160}CpuDevice"
)
#: So far apart may the parts of one story stand.
_NEAR = 700
#: The same Python loads another library in another place: that is the environment's variables, and not its packages.
_LIBRARIES = Lazy(
    r"DLL load failed|undefined symbol|cannot open shared object|GLIBC|circular import|partially initialized",
    re.I,
)


def works_in_another_place(told: Told) -> bool:
    """One import, two places to start Python from, a failure and a success, all in one paragraph or two."""
    if not told.has("import", "module", "torch", "tensorflow", "tf.", "jax", "导入"):
        return False
    text = told.text
    if _LIBRARIES.search(text):
        return False
    for story in (
        _SPLIT.search(text),
        _ANSWERS.search(text) if told.has("available", "gpu", "cuda") else None,
    ):
        if story and _places(text, story) and _MATTER.search(_around(text, story)):
            return True
    for number, found in enumerate(_FAILS.finditer(text)):
        if number >= 20:
            break
        if _places(text, found) and _WORKS.search(_around(text, found)):
            return True
    return False


def _around(text: str, found: re.Match[str]) -> str:
    return text[max(0, found.start() - _NEAR) : found.end() + _NEAR]


def _places(text: str, found: re.Match[str]) -> bool:
    """Two or more are named around it."""
    around = _around(text, found)
    return sum(place.search(around) is not None for place in _PLACES) >= 2


#: Where pip put a package, by its own word.
_PIP_PUT = Lazy(
    r"(?:Requirement already satisfied: \S+.{0,80}? in |(?:^|[( ])Location: |^pip \d\S* from |Installed \S+ in )(?P<path>(?:[A-Za-z]:\\|[~./])[^\s,()]{3,200})",
    re.I | re.M,
)
_PIP_IS = Lazy(
    r"(?:which|where|whereis|type|command -v) (?:-a )?pip\d?(?:\.exe|\.\d+)?\s{0,3}\n(?:pip is )?(?P<path>(?:[A-Za-z]:\\|[~/])\S{3,200})",
    re.I,
)
_PYTHON_IS = Lazy(
    r"(?:(?:which|where|whereis|type|command -v) (?:-a )?python\d?(?:\.exe|\.\d+)?|sys\.executable\)?)\s{0,3}[:=]?\n?(?:python is )?\s{0,2}['\"]?(?P<path>(?:[A-Za-z]:\\|[~/])[^\s'\"]{3,200})",
    re.I,
)
_TRACED = Lazy(r"File \"(?P<path>[^\"\n]{3,200}?[/\\](?:lib/python3\.\d+|Lib))[/\\]", re.I)


def _prefix(path: str) -> str:
    """The environment of a path in it: "/home/u/env/bin/python3" and ".../lib/python3.10/site-packages" -> "/home/u/env"."""
    low = path.replace("\\", "/").rstrip("/'\"").lower()
    low = re.sub(r"^[a-z]:", "", low).replace("//", "/")
    cut = re.search(r"/(?:bin|scripts|lib|lib64|library)(?=/|$)|/python(?:\d[\d.]*)?(?:\.exe)?$", low)
    return low[: cut.start()] if cut else low


def pip_serves_another_python(told: Told) -> bool:
    """pip installs into, or is of, an environment, and the Python that runs is of another."""
    if not told.has("pip"):
        return False
    python = {_prefix(found["path"]) for found in _PYTHON_IS.finditer(told.text)}
    pip = {_prefix(found["path"]) for found in _PIP_IS.finditer(told.text)}
    put = {_prefix(found["path"]) for found in _PIP_PUT.finditer(told.text)}
    if not python and put:
        python = {_prefix(found["path"]) for found in _TRACED.finditer(told.text)}
    pip = {p for p in pip | put if not p.endswith("/.local") and p not in (".", "./venv", "")}
    return bool(python and pip) and not python & pip


#: The prompt of an active environment: "(ml) u@h:~$", "(venv) PS C:\\".
_ACTIVE = Lazy(r"^\((?!base\))[\w.-]{1,40}\) {0,2}(?:\S{0,80}[$#%>](?: |$)|PS |[A-Z]:\\)", re.M)
#: Folders of the system's Python, and of the user beside it.
_OUTSIDE = Lazy(
    r"^(?:/usr(?:/local)?/lib(?:64)?/python3|~/\.local/|/(?:home/[^/]+|root)/\.local/|/Library/Frameworks/|[a-z]:\\Users\\[^\\]+\\AppData\\(?:Roaming|Local)\\(?:Programs\\)?Python)",
    re.I,
)


def pip_outside_environment(told: Told) -> bool:
    """An environment is active, by its prompt, and all that pip says of folders is of the system's Python or the user's own."""
    if not told.has("pip") or not _ACTIVE.search(told.text):
        return False
    paths = [found["path"] for found in _PIP_PUT.finditer(told.text)]
    return bool(paths) and all(_OUTSIDE.match(path) for path in paths)


_INTERPRETER = Lazy(
    r"(?P<path>(?:[A-Za-z]:\\{1,2}|/)[^\s'\",:;()]{2,160}?)[/\\]{1,2}(?:bin[/\\])?python(?:\d[\d.]*)?(?:\.exe)?(?![\w/\\.-]*[/\\])\b",
    re.I,
)


def two_pythons_named(told: Told) -> bool:
    """The paths of two interpreters stand in the text."""
    if len(told.text) > 6000:  # a log of a build names many
        return False
    found = {_prefix(one["path"].replace("\\\\", "\\")) for one in _INTERPRETER.finditer(told.text)}
    return len(found) >= 2


_INSTALLED = Lazy(
    r"(?P<path>(?:[A-Za-z]:\\{1,2}|[~/])[^\s'\",:;()]{2,160}?[/\\]{1,2}(?:site|dist)-packages)[/\\]{1,2}(?P<name>torch|tensorflow|jax|jaxlib|cupy)[/\\]{1,2}__init__\.py",
    re.I,
)


def two_installations_shown(told: Told) -> bool:
    """One package's __file__ is shown in two environments, in a text that is no build's log."""
    if len(told.text) > 6000:
        return False
    found = {
        (_prefix(one["path"].replace("\\\\", "\\")), one["name"].lower())
        for one in _INSTALLED.finditer(told.text)
    }
    return len(found) > len({name for _, name in found})


_STDLIB = Lazy(r"[/\\]lib[/\\]python(3\.\d+)[/\\](?!site-packages|dist-packages)\w", re.I)
_SITE = Lazy(r"[/\\]lib[/\\]python(3\.\d+)[/\\](?:site-packages|dist-packages)", re.I)


def pythons_are_mixed(told: Told) -> bool:
    """A traceback with the standard library of one Python and packages of another."""
    stdlib = {found[1] for found in _STDLIB.finditer(told.text)}
    sites = {found[1] for found in _SITE.finditer(told.text)}
    return bool(stdlib and sites) and not stdlib & sites


def python_without_wheel(told: Told) -> bool:
    """A Python is told, and a release of torch or TensorFlow that no wheel for that Python exists of."""
    from gpudoctor.logs.wheels import python_told, supported

    python = python_told(told)
    if not python:
        return False
    for name in ("torch", "tensorflow"):
        version = told.packages.get(name, "")
        pythons = supported(name, version) if version else ()
        if pythons and python not in pythons:
            return True
    return False
