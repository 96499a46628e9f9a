"""Room, memory, the environment that configure would write down, and the hosts that the tree names."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

from gpudoctor.system.port import is_dir, names, text
from gpudoctor.tfbuild.mirrors import NEEDED, OPTIONAL, answers
from gpudoctor.tfbuild.preflight.model import Level, Look, Row
from gpudoctor.tfbuild.request import jobs_for

#: Free bytes on the disk of the output root. No source names a number: a rule of thumb, as the page says.
ENOUGH, TOO_LITTLE = 60 << 30, 30 << 30
#: How long all hosts together may take (seconds), and each.
HOSTS_TIME, HOST_TIME = 5.0, 4.0


def output_root(look: Look) -> str:
    """--output-user-root, else where Bazel puts it."""
    env = look.port.env
    user = env.get("USER") or env.get("LOGNAME") or "root"
    cache = env.get("XDG_CACHE_HOME") or os.path.join(env.get("HOME") or "/", ".cache")
    return look.request.output_user_root or os.path.join(cache, "bazel", f"_bazel_{user}")


def _existing(path: str) -> str:
    while path != "/" and not os.path.isdir(path):
        path = os.path.dirname(path)
    return path


def disk(look: Look) -> Iterator[Row]:
    root = output_root(look)
    _, free = look.port.space(_existing(root))
    seen = f"{free >> 30} GiB free at {root}"
    if free < TOO_LITTLE and not is_dir(look.port, root):
        yield Row(
            "disk",
            "failure",
            "too little room for the build",
            seen,
            "--output-user-root on a larger disk",
            "no-space-left",
        )
    elif free < ENOUGH:
        yield Row(
            "disk",
            "warning",
            "room may run short",
            f"{seen}; 60 GiB is a rule of thumb",
            "--output-user-root",
            "no-space-left",
        )
    else:
        yield Row("disk", "ok", "room enough", seen)
    temporary = look.port.env.get("TMPDIR") or "/tmp"
    _, left = look.port.space(_existing(temporary))
    if left < 2 << 30:
        yield Row(
            "disk",
            "warning",
            f"only {left >> 20} MiB free in {temporary}",
            "",
            "TMPDIR names another folder",
            "no-space-left",
        )


def memory(look: Look) -> Iterator[Row]:
    machine = look.machine
    if not machine.memory:
        yield Row("memory", "unknown", "how much memory there is could not be read")
        return
    jobs = jobs_for(machine.cores, machine.memory)
    seen = f"{machine.memory >> 30} GiB available, {machine.cores} cores"
    asked = look.request.jobs
    if asked != "auto" and int(asked) > jobs:
        yield Row("memory", "warning", f"{asked} jobs may need more memory than there is", seen,
                  f"--jobs {jobs}, by two gigabytes a job", "build-killed-for-memory")  # fmt: skip
    elif machine.memory < 8 << 30:
        yield Row(
            "memory", "warning", f"little memory: {jobs} job(s)", seen, "add swap", "build-killed-for-memory"
        )
    else:
        yield Row("memory", "ok", f"{jobs if asked == 'auto' else asked} jobs", seen)


#: Variables that configure.py or a repository rule would take over silently, and what we do with them.
BAKED = ("CC", "CXX", "PYTHONPATH", "PYTHON_BIN_PATH", "PYTHON_LIB_PATH", "CC_OPT_FLAGS", "TF_SYSTEM_LIBS", "BAZEL_CXXOPTS", "BAZEL_LINKOPTS",
         "CUDA_NVCC", "TF_NVCC_CLANG", "TF_SYSROOT", "GCC_HOST_COMPILER_PATH")  # fmt: skip
PREFIXES = ("TF_NEED_", "TF_CUDA", "TF_CUDNN", "TF_NCCL", "TF_TENSORRT", "TF_ENABLE_XLA", "TF_DOWNLOAD_CLANG", "TF_SET_ANDROID", "TF_CONFIGURE_",
            "TF_PYTHON_VERSION", "HERMETIC_", "LOCAL_CUDA", "LOCAL_CUDNN", "LOCAL_NCCL", "CUDA_TOOLKIT", "CUDNN_INSTALL", "NCCL_INSTALL", "CLANG_CUDA")  # fmt: skip


def baked(env: dict[str, str]) -> tuple[str, ...]:
    return tuple(sorted(n for n in env if n in BAKED or n.startswith(PREFIXES)))


def environment(look: Look) -> Iterator[Row]:
    found = baked(dict(look.port.env))
    if found:
        yield Row(
            "environment", "warning", f"{', '.join(found)} set here: not passed on to configure and build",
            "; ".join(f"{n}={look.port.env[n]}" for n in found)[:300],
            "use the options of build-tf; what a build depends on shall stand in its command",
        )  # fmt: skip
    libraries = look.port.env.get("LD_LIBRARY_PATH", "")
    if libraries:
        yield Row("environment", "warning", "LD_LIBRARY_PATH is set: configure would write it into every action",
                  libraries[:300], "it is left out, unless clang does not start without it")  # fmt: skip
    if not found and not libraries:
        yield Row("environment", "ok", "no variable that configure would write down")


def rules_python(look: Look) -> Iterator[Row]:
    """An edit of the fetched rules_python (a mirror written into wheel_installer.py) is lost at the next fetch."""
    root = output_root(look)
    edited = []
    for base in names(look.port, root):
        if len(base) != 32:
            continue
        path = (
            f"{root}/{base}/external/rules_python/python/pip_install/tools/wheel_installer/wheel_installer.py"
        )
        try:
            content = text(look.port, path)
        except OSError:
            continue
        if any(word in content for word in ('"-i"', "'-i'", "--index-url", "index-url", "--trusted-host")):
            edited.append(path)
    if edited:
        yield Row(
            "rules-python", "warning", "rules_python was edited in the output root for a mirror", edited[0],
            "it is lost at the next fetch, and not needed: --mirror gives the pip inside Bazel its index by PIP_CONFIG_FILE",
        )  # fmt: skip
    else:
        yield Row("rules-python", "ok", "rules_python is as it was fetched")


def reach(host: str, timeout: float = HOST_TIME) -> str:
    """ "" if something answers on port 443 there, else why not."""
    try:
        with socket.create_connection((host, 443), timeout):
            return ""
    except OSError as error:
        return error.strerror or str(error)


def hosts(look: Look) -> Iterator[Row]:
    """A connection to each host that the tree names, as the mirror profile turns it. Nothing is downloaded."""
    from concurrent.futures import ThreadPoolExecutor, wait

    if look.request.distdir:
        yield Row("hosts", "ok", "downloads are looked for in --distdir first", look.request.distdir)
    proxy = next((look.port.env[n] for n in ("HTTPS_PROXY", "https_proxy") if look.port.env.get(n)), "")
    if proxy:
        yield Row(
            "hosts", "unknown", "a proxy is set: whether it reaches the tree's hosts is not tried", proxy
        )
        return
    named = [h for h, _ in look.tree.hosts if h not in OPTIONAL][:16]
    turned = {h: answers(look.profile, h) for h in named}
    asked = sorted({t for t in turned.values() if t})
    pool = ThreadPoolExecutor(max(1, len(asked)))
    futures = {t: pool.submit(reach, t) for t in asked}
    wait(futures.values(), timeout=min(HOSTS_TIME, look.port.remaining()))
    found = {t: f.result() if f.done() else "no answer" for t, f in futures.items()}
    pool.shutdown(wait=False, cancel_futures=True)
    silent = [h for h in named if turned[h] and found[turned[h]]]
    serious = [h for h in silent if h in NEEDED]
    blocked = [h for h in named if not turned[h]]
    note = f"{', '.join(blocked)} not asked, by the profile {look.profile.name}" if blocked else ""
    if serious:
        level: Level = "warning" if look.request.distdir or look.request.repository_cache else "failure"
        yield Row(
            "hosts", level, f"no connection to {', '.join(serious)}", "; ".join(f"{turned[h]}: {found[turned[h]]}" for h in serious),
            "--mirror FILE with rewrites for them, --distdir with the archives, or HTTPS_PROXY", "tf-build-download-failed",
        )  # fmt: skip
    elif silent:
        yield Row(
            "hosts",
            "warning",
            f"no connection to {', '.join(silent)}",
            note,
            "a build may need some of them",
            "tf-build-download-failed",
        )
    else:
        yield Row("hosts", "ok", f"{len(asked)} hosts answer", note)
