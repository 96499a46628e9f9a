"""`check --build`: compile a three-line kernel with the nvcc that would run, and read back what came out.

The one place where a probe writes: into a temporary folder that is gone when it returns."""

from __future__ import annotations

import os

from gpudoctor.facts.cuda import CompiledKernel
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown
from gpudoctor.system.port import NotHere, Port, Ran

KERNEL = """__global__ void fill(int *out) { *out = 42; }
int main() { int *out = nullptr; cudaMalloc(&out, sizeof *out); fill<<<1, 1>>>(out); return cudaFree(out) != cudaSuccess; }
"""
#: A healthy nvcc takes under a second; from a cold network file system it can take a minute.
TIMEOUT = 90.0
#: How much of what the compiler says is kept (characters).
OUTPUT = 4000


def compile_kernel(port: Port, nvcc: str) -> Observed[CompiledKernel]:
    """For this machine's GPU where nvcc can see one (-arch=native), else for the toolkit's default target."""
    if not port.live:
        return Unknown("nothing is compiled under --root")
    if not nvcc:
        return Absent("no nvcc to compile with")
    import shutil
    import tempfile

    try:
        folder = tempfile.mkdtemp(prefix="gpudoctor-build-")
    except OSError as error:
        return Unknown(f"no temporary folder: {error.strerror or error}")
    try:
        return _compile(port, nvcc, folder)
    except NotHere as error:
        return Unknown(str(error))
    except OSError as error:
        return Unknown(f"{nvcc}: {error.strerror or error}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _compile(port: Port, nvcc: str, folder: str) -> Observed[CompiledKernel]:
    with open(os.path.join(folder, "kernel.cu"), "w", encoding="ascii") as file:
        file.write(KERNEL)
    argv = [nvcc, "-arch=native", "-o", "kernel", "kernel.cu"]
    ran = port.run(argv, TIMEOUT, cwd=folder)
    if ran.code != 0 and not ran.timed_out and "native" in ran.stderr:
        # Before CUDA 11.6 nvcc does not know "native".
        argv = [nvcc, "-o", "kernel", "kernel.cu"]
        ran = port.run(argv, TIMEOUT, cwd=folder)
    if ran.timed_out:
        return Unknown(f"{nvcc} had not finished after {ran.seconds:.0f} s")
    targets = _targets(os.path.join(folder, "kernel")) if ran.code == 0 else ()
    said = _said(ran, folder)
    return Known(CompiledKernel(ran.code == 0, " ".join(argv), said, ran.seconds, targets), " ".join(argv))


def _said(ran: Ran, folder: str) -> str:
    text = (ran.stderr + ran.stdout).replace(folder + "/", "").strip()
    if ran.signal is not None:
        text += f"\n(killed by signal {ran.signal})"
    return text[:OUTPUT]


def _targets(path: str) -> tuple[str, ...]:
    from gpudoctor.parsers import fatbin
    from gpudoctor.versions import capability

    try:
        with open(path, "rb") as file:
            read = fatbin.read(file)
    except (OSError, ValueError):
        return ()

    def number(text: str) -> str:
        return "".join(str(part) for part in capability(text))

    cubins = [f"sm_{number(c.capability)}{c.variant}" for c in read.cubins]
    return tuple(cubins + [f"compute_{number(p.capability)}{p.variant}" for p in read.ptx])
