"""A framework's libraries need a newer C library than this system has

What it is: Compiled libraries name the newest glibc version whose functions they use. This one was compiled on a newer
distribution than the one it runs on; or it needs glibc and the system has musl (Alpine).

Why it hurts: Loading fails with "version `GLIBC_2.32' not found", or on musl with missing symbols.

How to tell: The GLIBC_ versions in the library's dynamic section, against the system's C library.

How to fix: Use a newer distribution or container image, or compile the package here. Do not replace the system's glibc.

Sources: https://peps.python.org/pep-0600/
https://github.com/Dao-AILab/flash-attention/issues/1708
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.frameworks import Build, Frameworks, Interpreter
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Known
from gpudoctor.findings import DoesNotApply, Fix, Problem, seen
from gpudoctor.rules.judging import need
from gpudoctor.rules.pythons import installed, pip, public, subject
from gpudoctor.signature import Signature
from gpudoctor.versions import is_version, older

explains = ("import-fails",)

signatures: tuple[Signature | str, ...] = (
    # ld.so.
    Signature(
        r"version [`'\"]?GLIBC_(?P<wants>2\.\d+)'? not found",
        0.97,
        explanation="The binary needs glibc {wants}, and this system's is older.",
    ),
    Signature(r"version [`'\"]?(?:GLIBCXX_(?P<wants>3\.\d\.\d+)|CXXABI_1\.\d+\.?\d*)'? not found", 0.85),
    Signature(r"GLIBC_2\.\d\d.{0,20}not found", 0.9),
    Signature(r"manylinux_2_\d\d.{0,120}(?:not supported|not compatible|is not a supported wheel)", 0.8),
    # Alpine's musl, conda's virtual package, installers that look first.
    Signature(r"Error loading shared library (?:ld-linux-x86-64|libresolv)\S*: No such file", 0.75),
    Signature(
        r"nothing provides __glibc|__glibc ?(?:>=|\[version=)|__glibc==2\.\d+=0",
        0.85,
        needs=(r"conflict|incompatible|nothing provides|Unsatisfiable|feature:",),
    ),
    Signature(
        r"(?:requires?|needs?) (?:at least )?(?:the )?(?:GNU libc|glibc|GLIBC)(?: version)? ?(?:>=? ?)?2\.\d\d.{0,80}(?:but|found|have|has|current|installed|your)",
        0.85,
    ),
    Signature(r"glibc (?:version )?(?:2\.\d\d )?(?:is )?too old", 0.85),
    # In prose.
    Signature(
        r"(?:requires?|requiring|needs?|needing|wants?|depend\w*|due to|because of|built (?:with|against|for)|compiled (?:with|against|for)|linked (?:with|against)|(?:fail\w*|error|issue|problem|incompat\w*) (?:\S+ ){0,4}(?:with|about|of|from|due to|because of)) (?:\S+ ){0,5}\W?glibc(?:xx)?[ _=>]{1,4}(?:version )?[23]\.\d",
        0.74,
        needs=(
            r"wheel|import|binar|\.so\b|\bpip\b|conda|torch|tensorflow|load",
            # A change log names the same: somebody must have failed.
            r"error|fail|cannot|can't|unable|n't\b|not (?:found|support|install|work|compatib|available|import|load|run)|too old|older|crash|problem|issue|refus|CentOS|RHEL|报错|无法|不",
        ),
        unless=(r"driver version is insufficient",),
    ),
    Signature(
        r"(?:glibc|GLIBC)(?: version)? ?2\.\d\d(?: \S+){1,10} (?:needs?|requires?|wants?) (?:at least |>=? ?)?(?:glibc )?2\.\d\d|(?:glibc|GLIBC)(?: version)?(?: of \S+ \S+)? (?:is |was )?(?:only |still )?2\.\d\d.{0,60}(?:too (?:high|new|low|old)|higher|lower|older|newer)|(?:cannot|can't|won't|doesn't|does not|unable to|fails? to) (?:\S+ ){0,4}(?:with|on|under) (?:\S+ ){0,4}glibc ?2\.\d\d|glibc ?(?:版本)?(?:太低|过低|太旧|不够)",
        0.82,
    ),
    Signature(
        r"(?:glibc|GNU libc\)?)(?: version)?(?: is| =| here is|:)? ?2\.(?:1\d|2[0-7])\b",
        0.75,
        needs=(r"manylinux", r"wheel|\bpip\b|install"),
    ),
)


def check(host: Host, frameworks: Frameworks) -> Iterator[Problem]:
    found = [
        (p, b) for p, b in installed(frameworks) if isinstance(b.glibc, Known) and is_version(b.glibc.value)
    ]
    if not found:
        raise DoesNotApply("no framework whose need of glibc is known")
    name, _, version = need(host.libc, "C library").partition(" ")
    for python, build in found:
        assert isinstance(build.glibc, Known)
        if name == "musl" or (name == "glibc" and is_version(version) and older(version, build.glibc.value)):
            yield _problem(host, python, build, build.glibc.value)


def _problem(host: Host, python: Interpreter, build: Build, wanted: str) -> Problem:
    has = seen("C library", host.libc)
    return Problem(
        f"{build.framework} {build.version} needs glibc {wanted}, this system has {has.value}",
        subject=subject(python, build),
        evidence=(has, seen(f"glibc that {build.framework} needs", build.glibc)),
        fix=Fix(
            "Use a newer distribution or image, or compile the package here",
            (
                f"{pip(python, build)} --no-binary :all: --no-build-isolation {build.framework}=={public(build.version)}",
            )
            if build.framework not in ("torch", "tensorflow", "jax", "onnxruntime")
            else (),
        ),
    )
