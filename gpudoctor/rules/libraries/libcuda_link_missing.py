"""There is a libcuda.so.1 and no libcuda.so to link with

What it is: Programs load the driver's library by the name libcuda.so.1; a linker that is told -lcuda looks for libcuda.so, mostly a
link to it. (Triton from 3.6 on links with libcuda.so.1 itself.) Drivers that were copied or mounted into place, and some distributions' packages, bring the first name only.

Why it hurts: What compiles at run time and links with the driver stops: Triton (and with it torch.compile) with "cannot find
-lcuda" or "libcuda.so cannot found", DeepSpeed's and PyCUDA's builds likewise. Programs that are already built run.

How to tell: The folder of the loader's libcuda.so.1, where a libcuda.so belongs, and a package that would link with it.

How to fix: Make the link beside the library. Do not put the toolkit's stubs on LD_LIBRARY_PATH for it.

Sources: https://github.com/triton-lang/triton/pull/1981
https://github.com/triton-lang/triton/pull/8668
https://github.com/pytorch/pytorch/issues/103417
https://github.com/pytorch/pytorch/issues/94585
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.driver import Driver
from gpudoctor.facts.frameworks import Frameworks, Package
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem, seen
from gpudoctor.rules.judging import need, need_or
from gpudoctor.signature import Signature
from gpudoctor.versions import at_least, is_version

#: Packages that link with the driver's library where they run.
LINKING = ("triton", "deepspeed", "pycuda")
#: The first Triton whose nvidia/driver.py says libraries = ['libcuda.so.1'].
TRITON_BY_SONAME = "3.6"

signatures: tuple[Signature | str, ...] = (
    # Triton's driver.py; GNU ld.
    Signature(r"libcuda\.so cannot found", 0.85),
    Signature(r"cannot find -lcuda(?::|\s|$)", 0.8),
)


def check(driver: Driver, frameworks: Frameworks) -> Iterator[Problem]:
    copies = [c for c in need(driver.libraries, "driver libraries") if c.name == "libcuda.so.1"]
    first = next((c for c in copies if c.origin not in ("unreached", "stub") and c.size != 0), None)
    if first is None:
        raise DoesNotApply("no libcuda.so.1 of a driver")
    users = [
        f"{p.name} {p.version} in {i.path}"
        for i in value_of(frameworks.interpreters, ())
        for p in value_of(i.packages, ())
        if p.name in LINKING and not _by_soname(p)
    ]
    if not users:
        raise DoesNotApply("nothing here links with the driver's library where it runs")
    if need_or(driver.linkable, "libcuda.so", ""):
        return
    folder = first.path.rpartition("/")[0]
    yield Problem(
        f"{first.path} is there, and no libcuda.so beside it to link with",
        severity="warning",
        evidence=(
            Evidence("libcuda.so.1", first.path, first.real_path),
            seen("libcuda.so", driver.linkable),
            *(Evidence("links with it", user, "installed packages") for user in users[:3]),
        ),
        fix=Fix("Make the link", (f"sudo ln -s libcuda.so.1 {folder}/libcuda.so",), "unsafe"),
    )


def _by_soname(package: Package) -> bool:
    version = package.version.partition("+")[0]
    return package.name == "triton" and is_version(version) and at_least(version, TRITON_BY_SONAME)
