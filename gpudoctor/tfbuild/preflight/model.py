"""What a preflight row is, and what it may ask."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from gpudoctor.facts.record import Record
from gpudoctor.knowledge.mirrors import Profile
from gpudoctor.knowledge.tfbuild import TfBuild
from gpudoctor.system.port import NotHere, Port, Ran, names, which
from gpudoctor.tfbuild.request import Machine, Request
from gpudoctor.tfbuild.tree import Tree

Level = Literal["ok", "warning", "failure", "unknown", "not-needed"]


class Row(Record):
    """One line of the preflight. `seen`: what was found and where; `hint`: what mends it. `cause`: the catalogue's id of what would
    come of it, "" where there is none."""

    id: str
    level: Level
    title: str
    seen: str = ""
    hint: str = ""
    cause: str = ""


class Clang(Record):
    """The compiler. `given`: as asked or found; `path`: what the rules shall get; `real`: links followed. `shim`: the path
    has to be made by us, because no name of it ends in clang. `major` 0: it did not tell."""

    given: str
    path: str
    real: str
    major: int
    shim: bool = False
    environment: str = ""


class Look:
    """The tree, the request, this machine, and a port to ask it. Answers that several rows need are kept."""

    def __init__(
        self,
        tree: Tree,
        request: Request,
        machine: Machine,
        profile: Profile,
        release: TfBuild | None,
        port: Port,
        workdir: str,
    ) -> None:
        self.tree, self.request, self.machine = tree, request, machine
        self.profile, self.release, self.port, self.workdir = profile, release, port, workdir

    def run(
        self,
        *argv: str,
        timeout: float = 20.0,
        stdin: bytes = b"",
        cwd: str | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Ran | None:
        """None where the program is not there or can't be started."""
        try:
            return self.port.run(argv, timeout, env, stdin=stdin, cwd=cwd)
        except NotHere:
            raise
        except OSError:
            return None

    def clang(self) -> Clang | None:
        return self.port.memo("clang", lambda: find_clang(self))


def find_clang(look: Look) -> Clang | None:
    """--clang, else the recommended major's Debian folder, the other accepted ones, then PATH."""
    port, release = look.port, look.release
    majors = [release.clang, *release.clangs] if release else []
    places = [f"/usr/lib/llvm-{m}/bin/clang" for m in majors]
    places += [
        f"/usr/lib/{n}/bin/clang"
        for n in sorted(names(port, "/usr/lib"), reverse=True)
        if re.fullmatch(r"llvm-\d+", n)
    ]
    found = (
        look.request.clang or next((p for p in places if which(port, p)), "") or which(port, "clang") or ""
    )
    if not found:
        found = next((p for m in majors if (p := which(port, f"clang-{m}") or "")), "")
    if not found:
        return None
    if "/" not in found:
        found = which(port, found) or found
    real = port.realpath(found)
    path, shim = usable(look, found, real)
    ran = look.run(found, "--version")
    text = ran.stdout if ran and ran.code == 0 else ""
    match = re.search(r"clang version (\d+)", text)
    return Clang(found, path, real, int(match[1]) if match else 0, shim, text.splitlines()[0] if text else "")


def usable(look: Look, given: str, real: str) -> tuple[str, bool]:
    """A path to the same program that ends in "clang", as 2.18's rule demands, and whether it has to be made.

    LLVM's own archives have bin/clang -> clang-17; configure.py follows the link, so the path is given to the build after it."""
    folder = real.rpartition("/")[0]
    for path in (real, given, f"{folder}/clang", given.rpartition("/")[0] + "/clang"):
        if path.endswith("/clang") and look.port.realpath(path) == real and which(look.port, path):
            return path, False
    return f"{look.workdir}/clang/bin/clang", True
