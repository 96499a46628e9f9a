"""Fake driver libraries in C, built when a test first asks for them."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
#: scripts/test says where things are built: it runs the tests through a link.
BUILD = Path(os.environ.get("GPUDOCTOR_TEST_BUILD", HERE.parents[1] / "build")) / "fakes"
#: Source -> the file name that the loader knows.
SONAMES = {"nvml": "libnvidia-ml.so.1", "cuda": "libcuda.so.1"}

CC = shutil.which("cc") or shutil.which("gcc")


def libraries(*names: str) -> Path:
    """A folder with these fakes under their sonames; built once for each state of their sources."""
    assert CC is not None
    sources = [HERE / "answers.h", *(HERE / f"{name}.c" for name in names)]
    digest = hashlib.sha256(b"".join(s.read_bytes() for s in sources) + repr(names).encode()).hexdigest()[:16]
    folder = BUILD / digest
    if not folder.is_dir():
        half = BUILD / f"{digest}.{os.getpid()}"
        half.mkdir(parents=True)
        for name in names:
            flags = ["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-fvisibility=hidden"]
            soname = f"-Wl,-soname,{SONAMES[name]}"
            command = [CC, *flags, soname, "-o", str(half / SONAMES[name]), str(HERE / f"{name}.c")]
            subprocess.run(command, check=True, timeout=60)
        try:
            half.rename(folder)
        except OSError:  # another worker was first
            shutil.rmtree(half)
    return folder


def answers(name: str) -> Path:
    """The file of a fake machine's answers."""
    return HERE / "answers" / f"{name}.txt"
