"""Docker was started before the toolkit was installed

What it is: dockerd looks for the toolkit's hook once, when it starts. The toolkit came later, and a reload (SIGHUP) does
not make it look again.

Why it hurts: Everything is installed and configured, and `docker run --gpus all` still says: could not select device driver
"" with capabilities: [[gpu]].

How to tell: The start of the dockerd process against the time at which the hook's file came to this machine. If the
package was only upgraded since, the hook was there before, and nothing is wrong.

How to fix: Restart Docker. Its containers stop, unless live-restore is on.

Sources: https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/install-guide.html
https://github.com/NVIDIA/nvidia-docker/issues/1352
https://github.com/NVIDIA/nvidia-docker/issues/1682
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.driver import Driver
from gpudoctor.facts.observed import Absent, Known, value_of
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.containers._shared import daemon, docker_daemons, restart, the_toolkit
from gpudoctor.rules.judging import need

HOOK = "nvidia-container-runtime-hook"
#: The start is told to the hundredth, the file's time by a coarser clock (seconds).
ROUNDED = 0.1


def check(driver: Driver, containers: Containers) -> Iterator[Problem]:
    daemons = [
        d for d in docker_daemons(containers) if d.flavour != "snap" and not isinstance(d.started, Absent)
    ]
    toolkit = the_toolkit(containers)
    if HOOK not in toolkit.binaries or not daemons:
        raise DoesNotApply("no running Docker, or no hook of the toolkit")
    installed = need(toolkit.installed_at, "time at which the toolkit was installed")
    for engine in daemons:
        started = need(engine.started, "start of dockerd")
        if installed <= started + ROUNDED:
            continue
        changes = [
            change
            for change in value_of(driver.changes_since_boot, ())
            if change.name.startswith("nvidia-container-toolkit") and change.when > started
        ]
        if changes and all(change.action != "install" for change in changes):
            continue  # an upgrade: the daemon found the hook of the version before
        sure = any(change.action == "install" for change in changes)
        minutes = max(1, round((installed - started) / 60))
        yield Problem(
            f"Docker was started {minutes} min before the container toolkit was installed: --gpus "
            + ("does not work until it is restarted" if sure else "may not work until it is restarted"),
            daemon(engine),
            "failure" if sure else "warning",
            (
                Evidence("dockerd started (seconds since the epoch)", f"{started:.0f}", _via(engine.started)),
                Evidence("hook installed", f"{installed:.0f}", toolkit.binaries[HOOK]),
                *(Evidence("package", f"{c.action} {c.name} {c.new}") for c in changes),
            ),
            fix=Fix(
                "Restart Docker (its containers stop, unless live-restore is on)",
                (restart(engine),),
                "unsafe",
            ),
        )


def _via(observed: object) -> str:
    return observed.via if isinstance(observed, Known) else ""
