"""libc++ of two versions: the one that clang links and the one that the loader will meet, compared by what they define.

    symbol lookup error: ./program: undefined symbol: _ZNSt3__122__libcpp_verbose_abortEPKcz

A program that was linked against libc++ 15 or later does not run with an older one; with lazy binding that shows only when the
missing function is called.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator

from gpudoctor.parsers.elf import exported
from gpudoctor.system.port import names
from gpudoctor.tfbuild.preflight.model import Clang, Look, Row

#: Variables by which a build is told of libc++.
VARIABLES = ("CFLAGS", "CXXFLAGS", "LDFLAGS", "BAZEL_CXXOPTS", "BAZEL_LINKOPTS", "CC_OPT_FLAGS")
SONAME = "libc++.so.1"
#: Without exceptions, as much of TensorFlow is compiled: from libc++ 17 on, what would throw calls the function that older ones lack.
_FLAGS = ("-xc++", "-", "-stdlib=libc++", "-fno-exceptions", "-lc++")
_PROGRAM = b'#include <vector>\n#include <cstdio>\nint main(int n, char **) { std::vector<int> v{42}; printf("%d", v.at(n - 1)); return 0; }\n'
_SYMBOL = re.compile(r"undefined symbol: (\S+)")
_REMEDY = "build without -stdlib=libc++, or leave only the compiler's own libc++ on LD_LIBRARY_PATH"


def libcxx(look: Look) -> Iterator[Row]:
    """libc++ comes into a build by flags alone; then the loader must find the same one at run time."""
    env = look.port.env
    flags = [n for n in VARIABLES if "libc++" in env.get(n, "")]
    flags += [
        f".bazelrc line {line.line}"
        for line in look.tree.rc
        if "stdlib=libc++" in line.option and "macos" not in line.config
    ]
    folders = [f for f in env.get("LD_LIBRARY_PATH", "").split(":") if f]
    copies = [f for f in folders if any(n.startswith("libc++.so") for n in names(look.port, f))]
    found = look.clang()
    if not flags:
        seen = f"libc++ on LD_LIBRARY_PATH ({', '.join(copies)}) is not used by this build" if copies else ""
        yield Row("libcxx", "ok", "the build uses libstdc++", seen)
    elif found is None:
        yield Row("libcxx", "unknown", "no clang to look at", ", ".join(flags))
    else:
        yield _with(look, found, ", ".join(flags))


def _with(look: Look, found: Clang, flags: str) -> Row:
    with tempfile.TemporaryDirectory(prefix="gpudoctor-") as folder:
        program = f"{folder}/program"
        made = look.run(found.given, *_FLAGS, "-o", program, timeout=60.0, stdin=_PROGRAM, cwd=folder)
        if made is None or made.code != 0:
            words = [w for w in (made.stderr if made else "").splitlines() if "error" in w]
            major = found.major or 17
            return Row(
                "libcxx", "failure", "the build uses libc++, and clang can't compile with it", f"{flags}; {words[0] if words else ''}",
                f"build without -stdlib=libc++, or apt install libc++-{major}-dev libc++abi-{major}-dev", "clang-cxx-headers-missing",
            )  # fmt: skip
        # all of it at once: what is missing shows before it is called
        ran = look.run(program, env={**look.port.env, "LD_BIND_NOW": "1"})
        traced = look.run(program, env={**look.port.env, "LD_TRACE_LOADED_OBJECTS": "1"})
    linked, loaded = _linked(look, found), _loaded(traced.stdout if traced else "")
    lacking = _lacking(look, linked, loaded)
    refused = _SYMBOL.search(ran.stderr) if ran else None
    seen = f"{flags}; linked: {linked or 'not known'}; loaded: {loaded or 'not known'}"
    if refused or lacking:
        first = refused[1] if refused else next((s for s in lacking if "verbose_abort" in s), lacking[0])
        more = f" and {len(lacking) - 1} more" if len(lacking) > 1 else ""
        return Row("libcxx", "failure", f"the loader meets another libc++ than the one that is linked: it lacks {first}{more}",
                   seen, _REMEDY, "libcxx-mismatch")  # fmt: skip
    if ran is None or ran.code != 0:
        words = (ran.stderr if ran else "").strip().splitlines()
        return Row("libcxx", "failure", "a program with libc++ does not run here", f"{seen}; {words[-1] if words else ''}",
                   _REMEDY, "libcxx-mismatch")  # fmt: skip
    if linked and loaded and look.port.realpath(linked) != look.port.realpath(loaded):
        return Row(
            "libcxx", "warning", "the loader meets another libc++ than the one that is linked", seen, _REMEDY
        )
    return Row(
        "libcxx", "warning", "the build uses libc++", seen,
        "the wheel then needs that libc++ on LD_LIBRARY_PATH wherever it runs; without -stdlib=libc++ it does not",
    )  # fmt: skip


def _linked(look: Look, found: Clang) -> str:
    """Where clang takes libc++ from; "" where it does not tell."""
    ran = look.run(found.given, "-stdlib=libc++", f"-print-file-name={SONAME}")
    path = ran.stdout.strip() if ran and ran.code == 0 else ""
    return path if path.startswith("/") else ""


def _loaded(trace: str) -> str:
    """From what the loader says of itself: "\\tlibc++.so.1 => /usr/lib/x86_64-linux-gnu/libc++.so.1 (0x00007f...)"."""
    match = re.search(rf"{re.escape(SONAME)} => (/\S+)", trace)
    return match[1] if match else ""


def _lacking(look: Look, linked: str, loaded: str) -> list[str]:
    """What the one defines and the other does not, sorted; nothing where one of them can't be read."""
    if not linked or not loaded or look.port.realpath(linked) == look.port.realpath(loaded):
        return []
    try:
        with look.port.open(linked) as one, look.port.open(loaded) as other:
            return sorted(exported(one) - exported(other))
    except (OSError, ValueError):
        return []
