"""configure: the tree's own script without questions, its result read back, and our block of options after it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

from gpudoctor.changes.plan import FileChange, Plan
from gpudoctor.tfbuild import configure as configuring
from gpudoctor.tfbuild import rcblock
from gpudoctor.tfbuild.changing import apply, save, settle
from gpudoctor.tfbuild.preflight.programs import venv
from gpudoctor.tfbuild.stages.logged import logged
from gpudoctor.tfbuild.stages.model import Build, Done, Failed
from gpudoctor.tfbuild.stages.prepare import view_folders

#: configure.py starts bazel once and clang once; bazelisk may have to download a Bazel first (seconds).
TIME = 600.0


def wanted(build: Build) -> configuring.Wanted:
    request, views = build.request, view_folders(build)
    return configuring.Wanted(
        build.cuda_version,
        build.cudnn_version,
        build.capabilities,
        views.get("cuda", _real(request.local_cuda)),
        views.get("cudnn", _real(request.local_cudnn)),
        views.get("nccl", _real(request.local_nccl)),
        build.clang,
        interpreter(build),
        libraries(build),
    )


def _real(path: str) -> str:
    return os.path.realpath(path) if path else ""


def interpreter(build: Build) -> str:
    """configure.py asks it for its library folder; the wheel's Python is another option (HERMETIC_PYTHON_VERSION)."""
    found = venv(build.look)
    return (
        found.get("executable", "")
        or shutil.which("python3", path=build.port.env.get("PATH"))
        or "/usr/bin/python3"
    )


def libraries(build: Build) -> str:
    """LD_LIBRARY_PATH, only where clang does not start without it (a clang that was built against its own libc++)."""
    value = build.port.env.get("LD_LIBRARY_PATH", "")
    if not value:
        return ""
    env = {n: v for n, v in build.port.env.items() if n != "LD_LIBRARY_PATH"}
    try:
        ran = build.port.run([build.clang.given, "--version"], 20.0, env=env)
    except OSError:
        return value
    return "" if ran.code == 0 else value


def rc_path(build: Build) -> str:
    """.bazelrc.user where the tree reads it; else a file in the work folder, given to Bazel as an option."""
    return (
        build.in_tree(".bazelrc.user")
        if rcblock.imported(build.tree)
        else build.workdir.file("gpudoctor.bazelrc")
    )


def block(build: Build) -> tuple[str, ...]:
    return rcblock.lines(build.tree, build.capabilities, build.python, build.clang, build.sources)


def block_plan(build: Build) -> Plan:
    path = rc_path(build)
    try:
        with open(path, "rb") as file:
            before: bytes | None = file.read()
    except FileNotFoundError:
        before = None
    text = rcblock.with_block((before or b"").decode("utf-8", "surrogateescape"), block(build))
    after = text.encode("utf-8", "surrogateescape")
    files = (
        ()
        if after == before
        else (FileChange(path, before, after, "options that the build needs beside configure's"),)
    )
    return Plan("build-tf-configure", "the options of build-tf", "safe", files=files)


def configure(build: Build) -> Done:
    if not build.tree.configure:
        raise Failed(
            "this tree has no configure.py",
            hint="it is a part of a TensorFlow tree: only detect, preflight and patch work on it",
        )
    asked = wanted(build)
    lacking = [folder for folder in view_folders(build).values() if not os.path.isdir(folder)]
    if lacking:
        raise Failed(f"the view {lacking[0]} is not there", hint="run the stage view first: --from view")
    if build.clang.shim:
        build.say(f"the build is given {build.clang.path}, a link to {build.clang.real}")
    build.state = save(build.workdir, build.state, build.tree.path)
    build.workdir.write(build.state)
    log = build.workdir.file("logs", "configure.log")
    env = configuring.environment(build.tree, asked, build.port.env)
    last: list[str] = []
    try:
        ended = logged(
            (asked.python, "configure.py"), log, TIME, env, build.tree.path,
            heard=lambda _, text: last.append(text), keep=build.lock,
        )  # fmt: skip
    finally:  # also when it fails: what it wrote until then is taken back like the rest
        build.state = settle(build.state)
    if ended.code != 0:
        how = "did not end" if ended.timed_out else f"ended with status {ended.code}"
        words = next((w.strip() for w in reversed(last) if w.strip()), "it said nothing")[:200]
        raise Failed(f"configure.py {how}: {words}", hint=f"its words are in {log}", log=log)
    written = _text(build.in_tree(configuring.RC))
    wrong = configuring.differs(build.tree, asked, written)
    if wrong:
        raise Failed(
            f"configure wrote something else than it was told: {'; '.join(wrong)}",
            hint=f"its words are in {log}; with its input closed it takes defaults instead of failing",
            cause="tf-build-configuration", log=log,
        )  # fmt: skip
    journal = apply(block_plan(build))
    journals = (*build.state.journals, journal) if journal else build.state.journals
    build.state = build.state.replace(journals=journals)
    return Done(
        f"configured for {build.capabilities}, read back from {configuring.RC} and {os.path.basename(rc_path(build))}",
        log=log,
    )


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def say_configure(build: Build) -> Iterator[str]:
    asked = wanted(build)
    env = configuring.environment(build.tree, asked, build.port.env)
    yield f"run {asked.python} configure.py in {build.tree.path}, nothing asked, with"
    yield from (f"  {n}={v}" for n, v in sorted(env.items()) if build.port.env.get(n) != v)
    yield f"write into {rc_path(build)}:"
    yield from (f"  {line}" for line in block(build))


def configured(build: Build) -> bool:
    """configure's file says what is wanted, and our block is there."""
    text = _text(build.in_tree(configuring.RC))
    return (
        bool(text)
        and not configuring.differs(build.tree, wanted(build), text)
        and not block_plan(build).files
    )


def python_tag(build: Build) -> str:
    return "cp" + build.python.replace(".", "")
