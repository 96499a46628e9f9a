"""A machine within this one: its own /opt, /home and users, seen by what is started in it and by nobody else.

Needs root, for a mount namespace. The shells, runuser and the files are real; the toolkit's nvcc is a small real program.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests import schemas

REPOSITORY = Path(__file__).parents[2]
ANN = 12345

_ENTER = (
    'for pair in $BINDS; do mount --bind "${pair%%=*}" "${pair#*=}" || exit 99; done; unset BINDS; exec "$@"'
)
_NVCC = """#include <stdio.h>
int main(void) { puts("nvcc: NVIDIA (R) Cuda compiler driver"); puts("Cuda compilation tools, release %s, V%s.131"); }
"""


def missing() -> str:
    """Why no box can be made here, "" if one can."""
    if os.geteuid() != 0:
        return "only root can make a mount namespace"
    if sys.base_prefix.startswith(("/usr/local", "/opt", "/home")):
        return f"this Python lies in {sys.base_prefix}, which a box has of its own"
    for program in ("unshare", "runuser", "cc"):
        if shutil.which(program) is None:
            return f"no {program}"
    ran = subprocess.run(
        ["unshare", "-m", "mount", "--bind", "/opt", "/opt"], capture_output=True, check=False
    )
    return "" if ran.returncode == 0 else "no mount namespace can be made here"


class Box:
    """`home`: ann's, on this machine's side."""

    def __init__(self, place: Path, shell: str) -> None:
        self.place = place
        self.shell = shell
        self.home = place / "home/ann"
        self.home.mkdir(parents=True)
        (place / "opt").mkdir()
        (place / "local/bin").mkdir(parents=True)
        (place / "state").mkdir(mode=0o700)
        passwd = Path("/etc/passwd").read_text() + f"ann:x:{ANN}:{ANN}::/home/ann:{shell}\n"
        (place / "passwd").write_text(passwd)
        self.own()

    def own(self) -> None:
        """Everything in ann's home is hers, as it would be."""
        for path in (self.home, *self.home.rglob("*")):
            os.chown(path, ANN, ANN, follow_symlinks=False)
        for path in (self.place, *self.place.parents):
            if path.stat().st_mode & 0o055 != 0o055 and str(path).startswith("/tmp/"):
                path.chmod(path.stat().st_mode | 0o055)

    def toolkit(self, prefix: str, release: str = "12.4") -> None:
        """A toolkit below /opt that is complete as far as anyone looks, and whose nvcc runs."""
        from tests.sysroot import build
        from tests.toolkits import files

        build(self.place, dict(files(prefix, f"{release}.131")))
        for name in ("nvcc", "ptxas"):
            target = self.place / prefix.lstrip("/") / "bin" / name
            source = self.place / "nvcc.c"
            source.write_text(_NVCC % (release, release))
            subprocess.run(["cc", "-o", target, source], check=True)

    def run(self, *argv: str, env: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """As root, called by ann through sudo."""
        binds = {"opt": "/opt", "local": "/usr/local", "home": "/home", "passwd": "/etc/passwd"}
        pairs = " ".join(f"{self.place / name}={where}" for name, where in binds.items())
        variables = {
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
            "HOME": "/root",
            "SUDO_USER": "ann",
            "GPUDOCTOR_STATE": str(self.place / "state"),
            "BINDS": pairs,
            "LANG": "C.UTF-8",
            **(env or {}),
        }
        return subprocess.run(
            ["unshare", "-m", "sh", "-c", _ENTER, "sh", *argv],
            env=variables,
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
            stdin=subprocess.DEVNULL,
        )

    def doctor(
        self, *arguments: str, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        return self.run(sys.executable, "-m", "gpudoctor", *arguments, env=env)

    def fix(self, *arguments: str, env: Mapping[str, str] | None = None) -> tuple[int, dict[str, Any]]:
        """Exit code and the report; fails where there is none."""
        ran = self.doctor("fix", *arguments, "--format", "json", env=env)
        assert ran.stdout, ran.stderr
        return ran.returncode, schemas.report(ran.stdout)

    def login(self, command: str) -> subprocess.CompletedProcess[str]:
        """`command` in a new login shell of ann."""
        return self.run("runuser", "-u", "ann", "--", "env", "-i", "HOME=/home/ann", "TERM=dumb",
                        "PATH=/usr/bin:/bin", self.shell, "-l", "-i", "-c", command)  # fmt: skip
