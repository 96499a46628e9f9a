"""The package has no wheel for this Python

What it is: Compiled packages are published per Python release. There is no build of the wanted package for the Python
that asks, mostly because that Python is too new or has reached its end.

Why it hurts: pip says "Could not find a version that satisfies the requirement torch (from versions: none)", lists other
versions only, or tries to compile from source and fails.

How to tell: No wheel of the release has this Python's tag (cp314) on any index: for torch, TensorFlow and JAX the tables
hold the Pythons of each release.

How to fix: Make an environment with a Python that the release supports: `uv venv --python 3.12`, or conda with
python=3.12.

Sources: https://github.com/pytorch/pytorch/blob/main/RELEASE.md
https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor import knowledge
from gpudoctor.facts.frameworks import Frameworks
from gpudoctor.facts.machine import Expectation, Wanted
from gpudoctor.facts.observed import Known
from gpudoctor.findings import CouldNotTell, DoesNotApply, Evidence, Fix, Problem, package, seen
from gpudoctor.rules.pythons import pythons
from gpudoctor.signature import Signature
from gpudoctor.versions import release

signatures: tuple[Signature | str, ...] = (
    Signature(
        r"Could not find a version that satisfies the requirement (?:torch|torchvision|torchaudio|tensorflow|tensorflow-gpu|jaxlib|onnxruntime-gpu|xformers|flash-attn|triton|open3d|nvidia-\S+)\b.{0,60}\(from versions: none\)",
        0.88,
        explanation="pip found no file at all for this Python and platform: no release has a wheel for it.",
    ),
    Signature(r"\(from versions: none\)", 0.6),
    Signature(r"Ignored the following versions that require a different python version", 0.88),
    Signature(
        r"Could not find a version that satisfies the requirement (?:torch|tensorflow(?:-gpu)?|jaxlib|onnxruntime-gpu) ?==\s?[\d.]+ \(from versions: (?P<versions>.{1,600})\)",
        0.75,
    ),
    Signature(r"is not a supported wheel on this platform", 0.8),
    Signature(r"has no wheels with a matching Python (?:ABI|version|implementation) tag", 0.93),
    Signature(r"doesn't have a source distribution or wheel for the current platform", 0.75),
    Signature(
        r"Requires-Python.{0,60}(?:<|>=|!=)\d", 0.7, needs=(r"No matching distribution|Could not find",)
    ),
    Signature(
        r"(?:torch|tensorflow|vllm|xformers) .{0,40}(?:does not support|not (?:yet )?supported on|requires) Python (?:3\.\d+|version)",
        0.8,
    ),
    Signature(
        r"UnsatisfiableError|LibMambaUnsatisfiableError|PackagesNotFoundError", 0.45, needs=(r"python",)
    ),
    Signature(r"no wheels (?:are )?(?:available )?with a matching Python", 0.9),
    Signature(r"no wheels with a matching (?:platform|ABI) tag", 0.8),
    Signature(
        r"requirement onnxruntime-gpu ?==\s?[\d.]+ \(from versions: \d",
        0.78,
    ),
    # The list that pip found begins after the wanted release, or ends before it, or holds PyPI's placeholders alone.
    Signature(
        r"requirement (?P<name>torch|torchvision|torchaudio|tensorflow(?:-gpu|-cpu)?|jaxlib|onnxruntime(?:-gpu)?|numba|triton|xformers|vllm|open3d|paddlepaddle(?:-gpu)?) ?(?:==|~=|>=|>|<=|<)\s?(?P<wanted>\d[\w.+]*)(?: \(from -r [^()]{1,80}\([^()]{1,20}\)\)|[^(\n]{0,80})\s{0,3}\(from versions:? (?P<versions>[^)]{1,3000})\)?",
        0.9,
        when="python-lacks-version",
        explanation="Of the releases that have a file for this Python and platform none is {name} {wanted}: the list shows which are.",
    ),
    Signature(
        r"\b(?P<name>torch|torchvision|torchaudio|tensorflow(?:-gpu|-cpu)?|jaxlib|onnxruntime(?:-gpu)?|numba|triton|xformers|vllm|open3d) ?(?:==|~=)\s?(?P<wanted>\d[\w.+]*)[^\n]{0,60}?\bfrom versions:? (?P<versions>[^)\"'\n]{1,3000})",
        0.88,
        when="python-lacks-version",
        needs=(r"no matching|could not find|not find|says|->|error|fail",),
        unless=(r"satisfies the requirement", r"from versions:? none"),
    ),
    # The same command under another Python does it.
    Signature(
        r"(?:same|identical) (?:line|command|install\w*|pip\w*|requirements?\S*)(?: \S+){0,4}? (?:in|on|with|under|for|using) (?:an? |the )?(?:cp|python ?|py)?3\.?\d{1,2}\b(?: \S+){0,4}? (?:installs?|works?|downloads?|succeeds?|fine|finds?|resolves?)\b",
        0.86,
        needs=(
            r"from versions|No matching distribution|no wheels?|not a supported wheel|could not find a version",
        ),
    ),
    Signature(
        r"only found wheels for \S{2,60} (?:\(\S{1,30}\) )?with the following Python",
        0.94,
    ),
    # pip, uv and Poetry in their own words; the web UI's check.
    Signature(r"requires a different Python: \d\S+ not in ", 0.93),
    Signature(r"only has wheels (?:with|for) the following Python", 0.93),
    Signature(
        r"Unable to find installation candidates for (?:torch|tensorflow|jaxlib|triton|onnxruntime|xformers|vllm|nvidia)",
        0.8,
    ),
    Signature(
        r"current project's (?:supported )?Python (?:requirement|range) .{0,60}is not compatible with some of the required packages",
        0.9,
    ),
    Signature(r"INCOMPATIBLE PYTHON VERSION", 0.93),
    Signature(
        r"(?:pytorch|torch|tensorflow|jaxlib)\S{0,20} .{0,60}(?:->|requires|depends on|would require) python ?(?:\[version=|>=?|<|3\.)",
        0.75,
        needs=(r"conda|mamba|conflict|incompatible|UnsatisfiableError",),
    ),
    Signature(r"Cannot install on Python version \d[\d.]+; only versions", 0.96),
    Signature(
        r"Python ?3\.\d+(?:\.\d+)?(?:,? \S+){0,5} no (?:\w+ )?wheels?|no (?:\w+ )?wheels? for \S+(?: \S+){0,6} python ?3\.\d",
        0.8,
    ),
    # The Python and the release that the text names, by the tables.
    Signature(
        r"No matching distribution|could not find a version|(?:can't|cannot|can not|could not|couldn't|unable to|not able to|fail(?:s|ed|ing)? to|won't|doesn't) (?:be )?(?:pip )?install|"
        r"install(?:ation|ing)? (?:\S+ ){0,3}(?:fails?|failed|error)|error (?:\S+ ){0,3}install|not (?:yet )?(?:available|supported|compatible)|找不到|安装失败|无法安装|装不上|安装不了|安装报错",
        0.82,
        when="python-without-wheel",
        unless=(r"from versions", r"already satisfied"),
        explanation="No wheel of this release was published for this Python.",
    ),
    # Prose: what pip says last, and a Python.
    Signature(
        r"No matching distribution found for (?:torch|torchvision|tensorflow(?:-gpu)?|jaxlib|numba|onnxruntime(?:-gpu)?|open3d|triton|xformers|vllm|spconv\S{0,8}|mmcv\S{0,6})(?![\w.=]*\+)",
        0.7,
        needs=(r"python ?3\.\d|py3\d|cp3\d|python-3\.\d",),
        unless=(r"from versions",),
    ),
    Signature(
        r"(?:no|any) (?:prebuilt |pre-built |binary |matching |compatible )?wheels? (?:exists? |is |are |available |published )*(?:available )?(?:for|on) (?:Python ?|cp)3\.?1\d|Python 3\.\d+ .{0,30}(?:没有|不支持).{0,30}(?:whl|wheel|轮子|torch|tensorflow)",
        0.8,
    ),
    Signature(
        r"32[- ]bit (?:version of )?Python|Python .{0,30}32[- ]bit|win32\)|\[MSC v\.\d+ 32 bit",
        0.75,
        needs=(r"No matching distribution|from versions|could not find a version",),
    ),
)


def check(frameworks: Frameworks, expectation: Expectation) -> Iterator[Problem | CouldNotTell]:
    if not expectation.wheels:
        raise DoesNotApply("nothing is to be installed")
    for python in pythons(frameworks):
        if not isinstance(python.version, Known):
            yield CouldNotTell(f"the version of {python.path}")
            continue
        for wheel in expectation.wheels:
            row = _row(wheel)
            if row is None:
                yield CouldNotTell(f"{wheel.package} {wheel.version} is not in the table")
                continue
            if release(python.version.value) in row.pythons:
                continue
            yield Problem(
                f"{wheel.package} {wheel.version} has no wheel for Python {release(python.version.value)}; "
                f"it has them for {', '.join(row.pythons)}",
                subject=package(python.path, wheel.package),
                evidence=(
                    seen("Python", python.version),
                    Evidence(
                        f"wheels of {wheel.package} {wheel.version}", ", ".join(row.pythons), row.source
                    ),
                ),
                fix=Fix(f"Use Python {' or '.join(row.pythons[-2:])}, or another release of {wheel.package}"),
            )


def _row(wheel: Wanted) -> knowledge.FrameworkBuild | None:
    if wheel.package == "torch":
        return knowledge.torch_build(wheel.version, wheel.variant)
    if wheel.package == "tensorflow":
        return knowledge.tensorflow_build(wheel.version)
    return knowledge.jax_build(wheel.package, wheel.version)
