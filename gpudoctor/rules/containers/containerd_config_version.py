"""containerd's files are of versions that don't go together

What it is: containerd's configuration has versions: 2 for containerd 1.x, 3 since containerd 2.0. A file of version 3 given
to containerd 1.x is refused (1.7) or silently ignored (1.6); a drop-in of another version than the main file makes
containerd 2 drop the main file's CRI section.

Why it hurts: containerd does not start ("config version `3` is not supported"), or starts without the nvidia runtime, or without
the main file's settings: runc's SystemdCgroup = true is lost, and pods flap.

How to tell: `version` in the main file and in the drop-ins with an nvidia runtime, and `containerd --version`. What counts
in the end shows `containerd config dump`.

How to fix: Write all files in one version that this containerd takes: 2 is fine with all of them.

Sources: https://github.com/NVIDIA/nvidia-container-toolkit/issues/803
https://github.com/containerd/containerd/blob/main/docs/cri/config.md
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers, Engine
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.findings import CouldNotTell, Evidence, Fix, Problem, Subject, seen
from gpudoctor.rules.containers._shared import daemon, engines, names_nvidia
from gpudoctor.rules.judging import need_or
from gpudoctor.signature import Signature
from gpudoctor.versions import is_version, older

signatures: tuple[Signature | str, ...] = (
    Signature(
        r"(?:expected containerd config version|unsupported config version|unsupported version).{0,40}\d",
        0.85,
        needs=(r"containerd",),
    ),
    Signature(r"failed to load TOML .{0,80}containerd", 0.7),
)


def check(containers: Containers) -> Iterator[Problem | CouldNotTell]:
    for engine in engines(containers, "containerd"):
        main = need_or(engine.config_version, "version of containerd's configuration", 0)
        drop_ins = value_of(engine.drop_ins, {})
        if not (names_nvidia(engine) or drop_ins):
            continue  # nothing of NVIDIA's in it
        files = {value_of(engine.config_file, "/etc/containerd/config.toml"): main, **drop_ins}
        newest = max(files, key=lambda path: files[path])
        yield from _refused(engine, newest, files[newest])
        ignored = value_of(engine.drop_ins_ignored, ())
        for path, version in drop_ins.items():
            if version > main > 0 and path not in ignored and not _before_two(engine):
                yield Problem(
                    f"{path} is of version {version}, the main file of version {main}: its CRI section is dropped",
                    Subject("file", path, path),
                    "warning",
                    tuple(Evidence("version", str(v), p) for p, v in files.items()),
                    fix=_fix(),
                )


def _before_two(engine: Engine) -> bool:
    version = value_of(engine.version, "")
    return is_version(version) and older(version, "2.0")


def _refused(engine: Engine, path: str, version: int) -> Iterator[Problem | CouldNotTell]:
    if version < 3:
        return
    if not isinstance(engine.version, Known):
        reason = getattr(engine.version, "reason", "no program found")
        yield CouldNotTell(f"containerd's version: {reason}", "", daemon(engine))
        return
    if not _before_two(engine):
        return
    silent = older(engine.version.value, "1.7")
    yield Problem(
        f"{path} is of version {version}, which containerd {engine.version.value} "
        + ("silently ignores" if silent else "refuses"),
        Subject("file", path, path),
        evidence=(Evidence("version", str(version), path), seen("containerd", engine.version)),
        fix=_fix(),
    )


def _fix() -> Fix:
    return Fix(
        "Write the files in one version (2 is taken by all of containerd 1.x and 2.x), and look at the result",
        ("sudo containerd config dump | grep -A3 nvidia",),
    )
