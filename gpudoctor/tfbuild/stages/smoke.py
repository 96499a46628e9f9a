"""smoke: the wheel trains on the GPU in the environment that it needs, and the C library runs a model that Python exported."""

from __future__ import annotations

import glob
import json
import os
import shlex
import sys
from collections.abc import Iterator, Mapping, Sequence

from gpudoctor.tfbuild.stages import bazel
from gpudoctor.tfbuild.stages.configure import libraries
from gpudoctor.tfbuild.stages.logged import logged
from gpudoctor.tfbuild.stages.model import Build, Done, Failed
from gpudoctor.tfbuild.stages.prepare import view_folders

#: The smoke test of the wheel, and each part of the C library's (seconds).
SMOKE_TIME, PART_TIME = 1800.0, 600.0
#: The C library's answer and Python's may differ so much (float32, other kernels).
TOLERANCE = 1e-4
PASSED, UNCONFIRMED = 0, 2


def cuda_root(build: Build) -> str:
    """A folder with nvvm/libdevice for XLA: the local CUDA, else the wheels' nvcc in the venv, else what Bazel downloaded.

    The last one goes away with the build's cache: it is taken where there is nothing better."""
    places = [view_folders(build).get("cuda", ""), build.request.local_cuda]
    places += (
        glob.glob(f"{glob.escape(build.request.venv)}/lib/python*/site-packages/nvidia/cuda_nvcc")
        if build.request.venv
        else []
    )
    places.append(f"{build.data('fetch', 'output_base')}/external/cuda_nvcc")
    return next(
        (os.path.abspath(p) for p in places if p and os.path.isfile(f"{p}/nvvm/libdevice/libdevice.10.bc")),
        "",
    )


def library_folders(build: Build) -> tuple[str, ...]:
    """For the loader: the local CUDA's and cuDNN's own folders (not the view's), and what clang itself needed."""
    from gpudoctor.tfbuild import view

    found: list[str] = []
    if build.request.local_cuda:
        found += view.cuda_layout(build.request.local_cuda).libs
    if build.request.local_cudnn:
        found += view.cudnn_layout(build.request.local_cudnn).libs
    if build.request.local_nccl:
        found += view.nccl_layout(build.request.local_nccl).libs
    found += [f for f in libraries(build).split(":") if f]
    return tuple(dict.fromkeys(f for f in found if f not in ("/usr/lib", "/usr/lib64")))


def variables(build: Build) -> dict[str, str]:
    """What a job that uses this build sets. TF_ENABLE_ONEDNN_OPTS=0: results do not depend on the CPU's own kernels."""
    found = {"TF_ENABLE_ONEDNN_OPTS": "0"}
    root = cuda_root(build)
    if root:
        found["XLA_FLAGS"] = f"--xla_gpu_cuda_data_dir={root}"
    folders = library_folders(build)
    if folders:
        found["LD_LIBRARY_PATH"] = ":".join(folders)
    return found


def env_sh(build: Build) -> str:
    """A script to source. An LD_LIBRARY_PATH that was not set gets no empty element (it would mean the working directory)."""
    lines = ["# Made by gpudoctor build-tf: what a job needs that uses this TensorFlow.  . env.sh"]
    for name, value in sorted(variables(build).items()):
        text = shlex.quote(value)
        if name == "LD_LIBRARY_PATH":
            text += "${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
        elif name == "XLA_FLAGS":
            text += '"${XLA_FLAGS:+ $XLA_FLAGS}"'
        lines.append(f"export {name}={text}")
    if build.request.venv:
        lines.append(f". {shlex.quote(os.path.join(build.request.venv, 'bin', 'activate'))}")
    return "\n".join(lines) + "\n"


def _environment(build: Build) -> dict[str, str]:
    env = bazel.environment(build)
    for name, value in variables(build).items():
        env[name] = f"{value}:{env[name]}" if name == "LD_LIBRARY_PATH" and env.get(name) else value
    return env


def smoke_argv(build: Build) -> tuple[str, ...]:
    argv = (
        sys.executable,
        "-m",
        "gpudoctor",
        "smoke",
        "--framework",
        "tensorflow",
        "--python",
        f"{build.request.venv}/bin/python",
    )
    return (*argv, "--allow-cpu") if build.request.allow_cpu else argv


def smoke(build: Build) -> Done:
    script = build.workdir.put("env.sh", env_sh(build).encode())
    if not build.request.venv:
        return Done(
            f"no --venv: nothing to try; {script} sets what a job needs", {"env": script}, skipped=True
        )
    log = build.workdir.file("logs", "smoke.log")
    env = _environment(build)
    ended = logged(smoke_argv(build), log, SMOKE_TIME, env, keep=build.lock)
    if ended.code == UNCONFIRMED:
        raise Failed(
            "the smoke test could not confirm that a GPU does the work", log=log,
            hint=f"{log} says why; without a GPU here, --allow-cpu tries what can be tried",
        )  # fmt: skip
    if ended.code != PASSED:
        raise Failed(f"the smoke test failed (status {ended.code})", hint=f"its words are in {log}", log=log)
    said = "the wheel trains" + (
        " (on the CPU if there is no GPU: that proves nothing of one)"
        if build.request.allow_cpu
        else " on the GPU"
    )
    if "libtensorflow" in build.request.targets:
        said += f"; {model_run(build, env, log)}"
    return Done(f"{said}; {script} sets what a job needs", {"env": script}, log)


# ---------------------------------------------------------------- the C library


def model_run(build: Build, env: Mapping[str, str], log: str) -> str:
    """Train, export, compile the C program, run it, compare. The sentence for the report; raises Failed."""
    folder = build.workdir.file("model")
    told = export(f"{build.request.venv}/bin/python", folder, env, log)
    compiler = build.clang.given
    program = compile_program(
        compiler, build.workdir.file("model_run"), [str(told["include"])], c_libraries(build), log
    )
    number, version = run_program(program, folder, told, dict(env), c_libraries(build)[0], log)
    wanted = float(str(told["wanted"]))
    if abs(number - wanted) > TOLERANCE * max(1.0, abs(wanted)):
        raise Failed(f"the C library answers {number} where Python answers {wanted}", log=log)
    if version and version != told["version"]:
        raise Failed(
            f"the C library is TensorFlow {version}, the wheel {told['version']}",
            hint="build both from one tree",
            log=log,
        )
    return (
        f"the C library runs the exported model ({told['input']} to {told['output']}) and agrees with Python"
    )


def c_libraries(build: Build) -> tuple[str, ...]:
    """The folder of libtensorflow, and the linker's names."""
    return (build.in_tree("bazel-bin/tensorflow"), "-ltensorflow", "-ltensorflow_framework")


def export(python: str, folder: str, env: Mapping[str, str], log: str) -> dict[str, object]:
    """Train and export in the venv's interpreter. Raises Failed where it does not, or where the loss does not fall."""
    lines: list[str] = []

    def heard(stream: str, text: str) -> None:
        if stream == "stdout" and text.startswith("{"):
            lines.append(text)

    program = os.path.join(os.path.dirname(folder), "train_and_export.py")
    with open(program, "w", encoding="utf-8") as file:
        file.write(source("train_and_export.py"))
    argv = [python, program, folder]
    ended = logged(argv, log, PART_TIME, env, os.path.dirname(folder), mode="a", heard=heard)
    if ended.code != 0 or not lines:
        raise Failed(
            f"training and exporting a model failed (status {ended.code})",
            hint=f"its words are in {log}",
            log=log,
        )
    told: dict[str, object] = json.loads(lines[-1])
    losses = told["losses"]
    if not isinstance(losses, list) or not losses[-1] < losses[0]:
        raise Failed(f"the loss does not fall: {losses}", log=log)
    return told


def compile_program(
    compiler: str, program: str, includes: Sequence[str], libraries_of: Sequence[str], log: str
) -> str:
    """Compile model_run.c. `libraries_of`: a folder, then the linker's words."""
    text = f"{program}.c"
    with open(text, "w", encoding="utf-8") as file:
        file.write(source("model_run.c"))
    argv = [
        compiler,
        "-O1",
        "-Wall",
        text,
        "-o",
        program,
        *(f"-I{i}" for i in includes),
        f"-L{libraries_of[0]}",
        *libraries_of[1:],
    ]
    ended = logged(argv, log, PART_TIME, dict(os.environ), mode="a")
    if ended.code != 0:
        raise Failed(
            "the C program does not compile against the library that was built",
            hint=f"the compiler's words are in {log}",
            log=log,
        )
    return program


def run_program(
    program: str, folder: str, told: Mapping[str, object], env: dict[str, str], library: str, log: str
) -> tuple[float, str]:
    """The number that it prints, and the library's version."""
    out: list[str] = []
    words: list[str] = []
    before = env.get("LD_LIBRARY_PATH", "")
    env["LD_LIBRARY_PATH"] = f"{library}:{before}" if before else library
    row = told["row"]
    argv = [
        program,
        folder,
        str(told["input"]),
        str(told["output"]),
        *map(str, row if isinstance(row, list) else []),
    ]
    ended = logged(
        argv, log, PART_TIME, env, mode="a",
        heard=lambda stream, line: (out if stream == "stdout" else words).append(line),
    )  # fmt: skip
    if ended.code != 0 or not out:
        raise Failed(
            f"the C program ended with status {ended.code}: {words[-1] if words else 'it said nothing'}",
            hint=f"the log is {log}",
            log=log,
        )
    version = next((w.removeprefix("TensorFlow ") for w in words if w.startswith("TensorFlow ")), "")
    return float(out[-1]), version


def source(name: str) -> str:
    """A program's text, read by the package's own loader."""
    from importlib.resources import files

    return files("gpudoctor.tfbuild.programs").joinpath(name).read_text("utf-8")


def say_smoke(build: Build) -> Iterator[str]:
    yield f"write {build.workdir.file('env.sh')}:"
    yield from (f"  {line}" for line in env_sh(build).splitlines())
    if build.request.venv:
        yield shlex.join(smoke_argv(build))
        if "libtensorflow" in build.request.targets:
            yield "train and export a model, compile model_run.c, run it, compare the numbers"
