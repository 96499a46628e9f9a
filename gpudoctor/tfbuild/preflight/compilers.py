"""clang: its version, its path, its linker, and whether it compiles C++ at all."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpudoctor.facts.observed import value_of
from gpudoctor.system.port import names, which
from gpudoctor.tfbuild.preflight.model import Clang, Level, Look, Row

_PROGRAM = b"#include <memory>\n#include <iostream>\nint main() { auto p = std::make_unique<int>(41); std::cout << *p + 1; return 0; }\n"


def clang(look: Look) -> Iterator[Row]:
    found, release = look.clang(), look.release
    wants = f"clang {release.clang}" if release else "a clang"
    package = f"apt install clang-{release.clang} lld-{release.clang}" if release else "apt install clang lld"
    if found is None:
        yield Row("clang", "failure", "there is no clang", f"the release is built with {wants}",
                  f"{package}, or --clang PATH; apt.llvm.org has the older ones")  # fmt: skip
        return
    if found.major == 0:
        yield Row("clang", "failure", f"{found.given} does not tell its version", "", package)
    elif release is None:
        yield Row(
            "clang", "unknown", f"clang {found.major}; which one this tree wants is not known", found.given
        )
    elif found.major == release.clang:
        yield Row("clang", "ok", f"clang {found.major}, with which this release is tested", found.given)
    elif found.major in release.clangs:
        yield Row("clang", "ok", f"clang {found.major}, with which released wheels were built", found.given)
    else:
        yield Row(
            "clang", "warning", f"clang {found.major} where the release is tested with {release.clang}", found.given,
            f"{package}: others trip over third-party code hours in", "tf-build-wrong-compiler",
        )  # fmt: skip


def clang_path(look: Look) -> Iterator[Row]:
    found = look.clang()
    if found is None:
        yield Row("clang-path", "unknown", "no clang to look at")
        return
    rule = value_of(look.tree.clang_rule, "")
    if rule == "ends-with-clang":
        if found.real.endswith("clang"):
            yield Row("clang-path", "ok", "the path ends in clang, as this tree's rule demands", found.real)
        elif "clang-path" in look.request.patches:
            yield Row(
                "clang-path", "ok", "the rule is patched: any name with clang in it will do", found.real
            )
        else:
            how = "a folder of links in the work folder" if found.shim else found.path
            yield Row(
                "clang-path", "ok", f"{found.real} does not end in clang: the build is given {how} after configure",
                "configure.py follows links; the rule takes anything that does not end in clang for an unknown compiler",
            )  # fmt: skip
    elif rule == "contains-clang":
        level: Level = "ok" if "clang" in found.real else "failure"
        yield Row("clang-path", level, "the path has clang in it" if level == "ok" else f"{found.real} has no clang in its path",
                  "", "" if level == "ok" else "--clang PATH", "" if level == "ok" else "tf-build-cuda-not-clang")  # fmt: skip
    else:
        yield Row(
            "clang-path",
            "not-needed" if look.tree.rules == "" else "unknown",
            "no rule on the path in this tree",
        )


def lld(look: Look) -> Iterator[Row]:
    """cuda_clang links with -fuse-ld=lld: clang looks for ld.lld beside itself and on PATH."""
    found = look.clang()
    if found is None:
        yield Row("lld", "unknown", "no clang to look at")
        return
    wanted = any("-fuse-ld=lld" in line.option for line in look.tree.rc if line.config == "cuda_clang")
    ran = look.run(found.path if not found.shim else found.given, "-print-prog-name=ld.lld")
    path = ran.stdout.strip() if ran and ran.code == 0 else ""
    if not path.startswith("/"):
        path = which(look.port, "ld.lld") or ""
    if not path:
        yield Row(
            "lld", "failure" if wanted else "not-needed",
            "clang finds no lld" if wanted else "no lld, and this tree does not ask for it",
            "the tree links with -fuse-ld=lld" if wanted else "",
            f"apt install lld-{found.major or 17}" if wanted else "", "tf-build-wrong-compiler" if wanted else "",
        )  # fmt: skip
        return
    said = look.run(path, "--version")
    match = re.search(r"LLD (\d+)", said.stdout) if said else None
    major = int(match[1]) if match else 0
    if major and found.major and major != found.major:
        yield Row("lld", "warning", f"lld {major} beside clang {found.major}", path, f"apt install lld-{found.major}",
                  "tf-build-wrong-compiler")  # fmt: skip
    else:
        yield Row("lld", "ok" if major else "unknown", f"lld {major or 'of unknown version'}", path)


def _verbose(look: Look, found: Clang) -> str:
    def ask() -> str:
        ran = look.run(found.given, "-E", "-xc++", "-", "-v", stdin=b"\n")
        return ran.stderr if ran else ""

    return look.port.memo("clang -v", ask)


def selected_gcc(look: Look) -> Iterator[Row]:
    """clang takes the newest GCC folder for its C++ headers, also where only that GCC's runtime is installed."""
    found = look.clang()
    if found is None:
        yield Row("gcc-selected", "unknown", "no clang to look at")
        return
    text = _verbose(look, found)
    match = re.search(r"Selected GCC installation: (\S+)", text)
    if match is None:
        yield Row("gcc-selected", "unknown", "clang names no GCC installation", "", "apt install g++-12")
        return
    folder = match[1]
    version = folder.rstrip("/").rpartition("/")[2]
    headers = re.findall(r"^ (/\S*c\+\+/\S*)$", text, re.M)
    have = [h for h in headers if which_header(look, h)]
    if have:
        yield Row("gcc-selected", "ok", f"clang uses GCC {version}'s C++ headers", f"{folder}; {have[0]}")
        return
    others = sorted(n for n in names(look.port, folder.rstrip("/").rpartition("/")[0]) if n != version)
    yield Row(
        "gcc-selected", "failure", f"clang selects GCC {version}, which has no C++ headers here",
        f"{folder}{'; also there: ' + ', '.join(others) if others else ''}",
        f"apt install libstdc++-{version}-dev (or g++-{version})", "clang-cxx-headers-missing",
    )  # fmt: skip


def which_header(look: Look, folder: str) -> bool:
    try:
        return look.port.stat(f"{folder}/memory").kind == "file"
    except OSError:
        return False


def headers(look: Look) -> Iterator[Row]:
    """A program with <memory>: compiled, linked and run, with no flags, as the build's rules do."""
    found = look.clang()
    if found is None:
        yield Row("cxx-headers", "unknown", "no clang to look at")
        return
    import tempfile

    with tempfile.TemporaryDirectory(prefix="gpudoctor-") as folder:
        ran = look.run(
            found.given,
            "-xc++",
            "-",
            "-o",
            f"{folder}/program",
            "-lstdc++",
            timeout=60.0,
            stdin=_PROGRAM,
            cwd=folder,
        )
        if ran is None or ran.code != 0:
            words = (ran.stderr if ran else "").strip().splitlines()
            wrong = next(
                (w for w in words if "error:" in w), words[-1] if words else "it could not be started"
            )
            yield Row(
                "cxx-headers", "failure", "clang can't compile and link `#include <memory>`", wrong,
                "install the g++ of the GCC that clang selects: `clang -E -xc++ - -v </dev/null` names it",
                "clang-cxx-headers-missing",
            )  # fmt: skip
            return
        started = look.run(f"{folder}/program")
    if started is None or started.stdout != "42":
        words = (started.stderr if started else "").strip().splitlines()
        yield Row(
            "cxx-headers",
            "failure",
            "what clang makes does not run",
            words[-1] if words else "",
            "",
            "libcxx-mismatch",
        )
    else:
        yield Row("cxx-headers", "ok", "a program with <memory> compiles, links and runs", found.given)
