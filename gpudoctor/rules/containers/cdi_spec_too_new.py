"""A CDI specification is newer than the engine understands

What it is: Each engine carries a CDI library that knows specifications up to a version. A file whose cdiVersion is newer is
left out as if it were not there.

Why it hurts: The engine says "unresolvable CDI devices nvidia.com/gpu=all", the same words as for no specification at all,
and the file looks fine.

How to tell: cdiVersion in the file against the engine's version. Measured: Docker 28.5.2 takes 1.0.0 and not more,
Podman 4.3.1 takes 0.5.0 and not more; a newer engine takes at least as much.

How to fix: A newer engine, or a specification written by an nvidia-ctk that picks the lowest version needed (it does so
by itself: look who wrote this file).

Sources: https://github.com/cncf-tags/container-device-interface/blob/main/SPEC.md
https://github.com/NVIDIA/nvidia-container-toolkit/issues/1853
https://github.com/NixOS/nixpkgs/issues/417312
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers, Engine
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.findings import CouldNotTell, DoesNotApply, Evidence, Fix, Problem, Subject, seen
from gpudoctor.rules.containers._cdi import overridden
from gpudoctor.rules.containers._shared import daemon, not_this_users, nvidia_specs
from gpudoctor.rules.judging import need
from gpudoctor.versions import is_version, older

#: Engine -> (its version, the newest cdiVersion that it took). Tried with the engines of Debian 12 and of Debian sid,
#: 2025; older engines take no more than these, newer ones no less.
MEASURED = {"docker": ("28.5.2", "1.0.0"), "podman": ("4.3.1", "0.5.0")}
#: Every Docker with CDI (25.0, of 2024, and later) is younger than this version of the specification (2022).
OLDEST = "0.5.0"


def check(containers: Containers) -> Iterator[Problem | CouldNotTell]:
    specs = nvidia_specs(containers)
    engines = [e for e in need(containers.engines, "container engine") if e.name in MEASURED]
    if not specs or not engines:
        raise DoesNotApply("no CDI specification, or no engine whose CDI we know")
    for spec in specs:
        version = value_of(spec.version, "")
        if overridden(spec, specs) or not is_version(version):
            continue
        for engine in engines:
            if older(OLDEST, version):
                yield from _judge(engine, spec.path, version)


def _judge(engine: Engine, path: str, version: str) -> Iterator[Problem | CouldNotTell]:
    tried, limit = MEASURED[engine.name]
    if not isinstance(engine.version, Known) or not engine.version.value[:1].isdigit():
        if value_of(engine.answers, True):
            yield CouldNotTell(
                f"which CDI versions {engine.name} takes: its version is not known",
                "",
                daemon(engine),
                not_this_users(engine),
            )
        return
    mine, beyond = engine.version.value, older(limit, version)
    if beyond and not older(tried, mine):
        yield _problem(engine, path, version, limit)
    elif beyond or older(mine, tried):
        # A newer engine takes as much at least, an older one as much at most: here neither helps.
        yield CouldNotTell(
            f"whether {engine.name} {mine} takes CDI {version} (known: {tried} takes up to {limit})"
        )


def _problem(engine: Engine, path: str, version: str, limit: str) -> Problem:
    return Problem(
        f"{path} has cdiVersion {version}; {engine.name} {value_of(engine.version, '')} takes up to {limit}",
        Subject("file", path, path),
        evidence=(Evidence("cdiVersion", version, path), seen(f"{engine.name}", engine.version)),
        fix=Fix(
            "Write the specification with an nvidia-ctk that picks the lowest version needed, or update the engine",
            (f"sudo nvidia-ctk cdi generate --output={path}",),
            "unsafe",
        ),
    )
