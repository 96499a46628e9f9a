"""A tree, stub programs and a state folder, on which the whole command runs in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.tfbuild import stubs, trees


class Bench:
    """A tree, stub programs, a state folder; `run` is the command in a process of its own."""

    def __init__(self, root: Path, kind: str = "2.18", clang: str = "clang") -> None:
        self.root = root
        self.tree = stubs.configurable(root / "tensorflow", kind)
        self.bin = stubs.programs(root / "bin", clang)
        headers = trees.put(root, "c++/12/memory", "").parent
        self.env = {
            "PATH": f"{self.bin}:{os.path.dirname(sys.executable)}:/usr/bin:/bin",
            "HOME": str(root),
            "LANG": "C.UTF-8",
            "GPUDOCTOR_STATE": str(root / "state"),
            "STUB_CXX": str(headers),
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        if "PYTHONPATH" in os.environ:
            self.env["PYTHONPATH"] = os.environ["PYTHONPATH"]
        self.always = [
            "--ignore",
            "hosts,patchelf,disk",
            "--clang",
            str(self.bin / clang),
            "--retry-pause",
            "0",
        ]

    def command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "gpudoctor", "build-tf", *arguments]

    def run(self, *arguments: str, code: int = 0, **env: str) -> str:
        more = [] if arguments and arguments[0] in ("status", "revert", "patch") else self.always
        if "--capabilities" not in arguments and more:
            more = [*more, "--capabilities", "sm_80,compute_86"]
        ended = subprocess.run(
            [*self.command(), *(arguments[:1] if not more else []), "--source", str(self.tree), *more, *(arguments if more else arguments[1:])],
            env={**self.env, **env}, capture_output=True, text=True, timeout=120, cwd=self.root,
        )  # fmt: skip
        assert ended.returncode == code, ended.stdout + ended.stderr
        assert "Traceback" not in ended.stderr
        self.words = ended.stderr
        return ended.stdout

    def json(self, *arguments: str, code: int = 0, **env: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run(*arguments, "--format", "json", code=code, **env))
        return found

    def rc(self) -> str:
        return (self.tree / ".bazelrc.user").read_text()

    def calls(self) -> list[list[str]]:
        text = (self.bin / "bazel.log").read_text() if (self.bin / "bazel.log").exists() else ""
        return [c for c in map(eval, text.splitlines()) if "--version" not in c and "info" not in c]

    def workdir(self) -> Path:
        return next((self.root / "state" / "build-tf").iterdir())
