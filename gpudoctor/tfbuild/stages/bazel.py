"""fetch and build: Bazel's command lines, its output followed, its repositories looked at before anything compiles."""

from __future__ import annotations

import glob
import os
import re
import shlex
import time
from collections.abc import Callable, Iterator, Sequence

from gpudoctor.facts.observed import value_of
from gpudoctor.system.job import Ended
from gpudoctor.tfbuild import rcblock
from gpudoctor.tfbuild.preflight.machine import baked
from gpudoctor.tfbuild.stages.configure import libraries, rc_path
from gpudoctor.tfbuild.stages.logged import logged
from gpudoctor.tfbuild.stages.model import Build, Done, Failed, Progress
from gpudoctor.versions import is_version, older

WHEEL = "//tensorflow/tools/pip_package:wheel"
OLD_WHEEL = "//tensorflow/tools/pip_package:build_pip_package"
LIBRARIES = ("//tensorflow:libtensorflow.so", "//tensorflow:libtensorflow_framework.so")
#: Downloads are tried so often; Bazel keeps what came.
TRIES = 3
#: Words of a download that may succeed the next time.
PASSING = re.compile(
    r"Error downloading|timed out|Connection (?:reset|refused)|GET returned (?:429|5\d\d)|Unknown host|"
    r"Premature EOF|Checksum was|unexpected end of (?:stream|file)|An error occurred during the fetch",
    re.I,
)
_COUNT = re.compile(r"\[([\d,]+) / ([\d,]+)\]\s*(.*)")


def labels(build: Build) -> tuple[str, ...]:
    found: list[str] = []
    if "wheel" in build.request.targets:
        found.append(OLD_WHEEL if not has_wheel_target(build) else WHEEL)
    if "libtensorflow" in build.request.targets:
        found += LIBRARIES
    return tuple(found)


def has_wheel_target(build: Build) -> bool:
    """From 2.17 on the wheel is a target of its own; before, a script makes it."""
    try:
        with open(
            build.in_tree("tensorflow/tools/pip_package/BUILD"), encoding="utf-8", errors="replace"
        ) as file:
            text = file.read()
    except OSError:
        version = value_of(build.tree.version, "")
        return not (version and is_version(version) and older(version, "2.17"))
    return re.search(r'name\s*=\s*"wheel"', text) is not None


def startup(build: Build) -> tuple[str, ...]:
    """bazel and its startup options. They are the same in every call: another value would start another server, and a new build."""
    argv = [build.bazel or "bazel"]
    if build.request.output_user_root:
        argv.append(f"--output_user_root={build.request.output_user_root}")
    if not rcblock.imported(build.tree):
        argv.append(f"--bazelrc={rc_path(build)}")
    return tuple(argv)


def options(build: Build) -> tuple[str, ...]:
    configs = build.tree.configs()
    found = ["--config=cuda"]
    if "wheel" in build.request.targets:
        if "cuda_wheel" in configs:
            found.append("--config=cuda_wheel")
        found.append("--repo_env=WHEEL_NAME=tensorflow")
        if build.tree.pywrap:
            found.append("--repo_env=USE_PYWRAP_RULES=1")
    found += [f"--jobs={build.jobs}", f"--local_cpu_resources={build.machine.cores}"]
    bazel = value_of(build.tree.bazel, "")
    if is_version(bazel) and not older(bazel, "8"):
        found[-1:] = [f"--local_resources=cpu={build.machine.cores}", "--local_resources=memory=HOST_RAM*.6"]
    else:
        found.append("--local_ram_resources=HOST_RAM*.6")
    return (*found, "--verbose_failures", "--color=no", "--curses=no", "--show_progress_rate_limit=5")


def fetch_argv(build: Build) -> tuple[str, ...]:
    return (*startup(build), "build", "--nobuild", *options(build), *labels(build))


def build_argv(build: Build) -> tuple[str, ...]:
    return (*startup(build), "build", *options(build), *labels(build))


def environment(build: Build) -> dict[str, str]:
    """The user's, without what rules would take over silently."""
    env = dict(build.port.env)
    kept = {n: v for n, v in env.items() if n not in baked(env) and n != "LD_LIBRARY_PATH"}
    needed = libraries(build)
    return kept | ({"LD_LIBRARY_PATH": needed} if needed else {})


def _bazel(
    build: Build, stage: str, argv: Sequence[str], log: str, mode: str = "w"
) -> tuple[Ended, list[str]]:
    """Run it, tell the progress; the last lines come back."""
    last: list[str] = []
    tell = counting(build, stage)

    def heard(_: object, text: str) -> None:
        last.append(text)
        del last[:-400]
        tell(text)

    env = environment(build)
    ended = logged(argv, log, build.request.timeout, env, build.tree.path, mode=mode, heard=heard, grace=60.0)
    return ended, last


def counting(build: Build, stage: str, clock: Callable[[], float] = time.monotonic) -> Callable[[str], None]:
    """Reads "[1,234 / 34,131] Compiling ..." and tells how far it is. The estimate is time so far by actions so far: what came from
    the cache in the first seconds is not counted as speed."""
    first: list[tuple[float, int]] = []

    def tell(text: str) -> None:
        match = _COUNT.search(text)
        if match is None:
            return
        done, total = int(match[1].replace(",", "")), int(match[2].replace(",", ""))
        now = clock()
        if not first:
            first.append((now, done))
        began, had = first[0]
        left = (now - began) / (done - had) * (total - done) if done > had and now - began > 5 else 0.0
        build.progress(Progress(stage, done, total, left, match[3][:120]))

    return tell


def output_base(build: Build) -> str:
    """`bazel info output_base`; "" where it does not answer."""
    try:
        ran = build.port.run(
            (*startup(build), "info", "output_base"), 60.0, environment(build), cwd=build.tree.path
        )
    except OSError:
        return ""
    lines = [x for x in ran.stdout.splitlines() if x.startswith("/")]
    return lines[-1] if ran.code == 0 and lines else ""


def fetch(build: Build) -> Done:
    _need_configured(build)
    _need_bazel(build)
    log = build.workdir.file("logs", "fetch.log")
    for attempt in range(1, TRIES + 1):
        ended, last = _bazel(build, "fetch", fetch_argv(build), log, "w" if attempt == 1 else "a")
        if ended.code == 0:
            break
        passing = any(PASSING.search(x) for x in last)
        if not passing or attempt == TRIES:
            raise Failed(_why(ended, last), hint=f"the whole log is {log}", log=log)
        build.say(f"a download failed; try {attempt + 1} of {TRIES} in {build.request.pause * attempt:.0f} s")
        time.sleep(build.request.pause * attempt)
    base = output_base(build)
    empty = dummies(base)
    if empty:
        raise Failed(
            f"the CUDA repositories {', '.join(empty)} came out empty: their targets are commented out",
            hint="the build would fail hours later on missing headers or undefined symbols; use the view (--from view), or --patch lib64,cupti",
            cause="tf-build-cuda-repositories-empty", log=log,
        )  # fmt: skip
    there = len(glob.glob(f"{base}/external/cuda_*")) if base else 0
    seen = (
        f"{there} CUDA repositories, none empty"
        if there
        else "no CUDA repository of the hermetic kind to look at"
    )
    return Done(f"everything is downloaded and analysed; {seen}", {"output_base": base}, log)


def dummies(base: str) -> tuple[str, ...]:
    """CUDA repositories whose rule found no library: an empty version.txt, and a BUILD file with its targets commented out."""
    found = []
    for path in sorted(glob.glob(f"{base}/external/cuda_*/version.txt")) if base else []:
        folder = os.path.dirname(path)
        try:
            with open(path, encoding="utf-8") as file:
                version = file.read().strip()
            with open(os.path.join(folder, "BUILD"), encoding="utf-8", errors="replace") as file:
                text = file.read()
        except OSError:
            continue
        if not version and ("\n'''" in text or re.search(r"^\s*#(?:deps|hdrs|srcs)\b", text, re.M)):
            found.append(os.path.basename(folder))
    return tuple(found)


def build(build: Build) -> Done:
    _need_configured(build)
    _need_bazel(build)
    log = build.workdir.file("logs", "build.log")
    started = time.monotonic()
    ended, last = _bazel(build, "build", build_argv(build), log)
    if ended.code != 0:
        raise Failed(
            _why(ended, last),
            hint=f"the whole log is {log}; the next run goes on where this one stopped",
            log=log,
        )
    minutes = (time.monotonic() - started) / 60
    return Done(
        f"built in {minutes:.0f} min with {build.jobs} jobs", {"argv": shlex.join(build_argv(build))}, log
    )


def _why(ended: Ended, last: Sequence[str]) -> str:
    if ended.timed_out:
        return f"no end after {ended.seconds / 3600:.1f} h (--timeout)"
    errors = [x.strip() for x in last if re.search(r"\berror\b[:\s]|\bFAILED\b|^ERROR", x, re.I)]
    words = errors[-1] if errors else (last[-1].strip() if last else "it said nothing")
    how = f"signal {ended.signal}" if ended.signal else f"status {ended.code}"
    return f"bazel ended with {how}: {words[:300]}"


def _need_configured(build: Build) -> None:
    if not os.path.isfile(build.in_tree(".tf_configure.bazelrc")):
        raise Failed("the tree is not configured", hint="run the stage configure first: --from configure")


def _need_bazel(build: Build) -> None:
    if not build.bazel:
        raise Failed(
            "there is no bazel and no bazelisk on PATH", hint="install bazelisk and put it on PATH as bazel"
        )


def built(build: Build) -> bool:
    """Bazel itself knows best; its output is there."""
    return os.path.isdir(build.in_tree("bazel-bin"))


def say_fetch(build: Build) -> Iterator[str]:
    yield shlex.join(fetch_argv(build))
    yield "then look into the CUDA repositories for empty ones"


def say_build(build: Build) -> Iterator[str]:
    yield shlex.join(build_argv(build))
