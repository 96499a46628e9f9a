"""A wheel in the image is for another Python, C library or processor

What it is: A wheel says in its tags for which Python (cp310), which C library (manylinux_2_28: glibc 2.28 or newer) and which
processor it was built. This one lies in the site folder of an interpreter that none of its tags fits: site-packages was
copied from another stage, from another base image or from another platform.

Why it hurts: The import ends with "No module named torch._C", "version `GLIBC_2.28' not found", or "wrong ELF class". pip would
have refused to install it; COPY does not.

How to tell: The Tag lines of the wheel's WHEEL file against the interpreter's version, the image's C library and its architecture.

How to fix: Build and run on the same Python and base image, or install the requirements in the last stage.

Sources: https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/
https://peps.python.org/pep-0600/
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from gpudoctor.facts.frameworks import Frameworks
from gpudoctor.facts.host import Host
from gpudoctor.facts.image import Image, WheelTag
from gpudoctor.facts.observed import Known, Observed, Unknown, value_of
from gpudoctor.findings import CouldNotTell, Evidence, Fix, Problem, package, seen
from gpudoctor.rules.images._image import the_image
from gpudoctor.rules.judging import need
from gpudoctor.versions import is_version, older

explains = ("glibc-too-old", "import-fails")

#: Before PEP 600 the C library had names of its own.
_OLD = {"manylinux1": "2.5", "manylinux2010": "2.12", "manylinux2014": "2.17"}


def check(host: Host, frameworks: Frameworks, image: Image) -> Iterator[Problem | CouldNotTell]:
    wheels = need(the_image(image).wheels, "wheels of the image")
    versions = {i.path: i.version for i in value_of(frameworks.interpreters, ())}
    for wheel in wheels:
        version: Observed[str] = versions.get(wheel.interpreter, Unknown("not known"))
        if not isinstance(version, Known):
            yield CouldNotTell(f"{wheel.package}: the version of {wheel.interpreter} is not known")
            continue
        reasons = [_misfit(tag, version.value, host) for tag in wheel.tags]
        if all(reasons):
            yield _problem(wheel, reasons, host, version)


def _problem(wheel: WheelTag, reasons: Sequence[str], host: Host, version: Observed[str]) -> Problem:
    return Problem(
        f"{wheel.package} {wheel.version} {reasons[0]}",
        subject=package(wheel.interpreter, wheel.package),
        evidence=(
            Evidence("tags of the wheel", ", ".join(wheel.tags[:4]), "WHEEL"),
            seen("Python", version),
            seen("C library", host.libc),
            seen("processor", host.architecture),
        ),
        fix=Fix(
            "Install it in the last stage, with that stage's own Python",
            (f"RUN {wheel.interpreter} -m pip install --force-reinstall {wheel.package}=={wheel.version}",),
        ),
    )


def _misfit(tag: str, python: str, host: Host) -> str:
    """Why a tag does not fit, "" where it does. "cp310-cp310-manylinux_2_28_x86_64"."""
    parts = tag.split("-")
    if len(parts) != 3:
        return ""
    return _of_python(parts[0], parts[1], python) or _of_platform(parts[2], host)


def _of_python(interpreter: str, abi: str, python: str) -> str:
    number = python.split(".")
    own = (int(number[0]), int(number[1])) if len(number) > 1 and number[1].isdigit() else None
    match = re.fullmatch(r"cp(\d)(\d+)", interpreter)
    if match is None or own is None:
        return ""
    built = (int(match[1]), int(match[2]))
    fits = own >= built if abi in ("abi3", "none") else own == built
    return "" if fits else f"is for Python {built[0]}.{built[1]}, and lies in Python {own[0]}.{own[1]}"


def _of_platform(platform: str, host: Host) -> str:
    if platform == "any":
        return ""
    libc, _, version = value_of(host.libc, "").partition(" ")
    machine = value_of(host.architecture, "")
    reasons = []
    for one in platform.split("."):
        reason = ""
        if machine and one.endswith(("x86_64", "aarch64")) and not one.endswith(machine):
            reason = (
                f"is for {'aarch64' if one.endswith('aarch64') else 'x86_64'}, and the image is {machine}"
            )
        wants = _glibc(one)
        if not reason and wants and libc == "musl":
            reason = "needs glibc, and the image has musl"
        elif not reason and wants and is_version(version) and older(version, wants):
            reason = f"needs glibc {wants}, and the image has {version}"
        elif not reason and one.startswith("musllinux") and libc == "glibc":
            reason = "needs musl, and the image has glibc"
        reasons.append(reason)
    return reasons[0] if all(reasons) else ""


def _glibc(platform: str) -> str:
    match = re.match(r"manylinux_(\d+)_(\d+)_", platform)
    if match:
        return f"{match[1]}.{match[2]}"
    return next((version for name, version in _OLD.items() if platform.startswith(f"{name}_")), "")
