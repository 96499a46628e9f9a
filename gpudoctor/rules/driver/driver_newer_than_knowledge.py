"""This driver is newer than gpudoctor's tables

What it is: The driver's branch came out after the tables of this gpudoctor were made.

Why it hurts: What depends on the branch (which CUDA it has, which GPUs it dropped) is not judged, and said to be so. All
else stands.

How to tell: The branch of the running driver against the newest branch in the tables.

How to fix: Update gpudoctor.

Sources: https://docs.nvidia.com/cuda/cuda-toolkit-release-notes/index.html
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.driver import Driver
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Known
from gpudoctor.findings import Evidence, Fix, Problem, seen
from gpudoctor.rules.judging import driver_version, need
from gpudoctor.versions import branch


def check(host: Host, driver: Driver, gpu: Gpu) -> Iterator[Problem]:
    from gpudoctor import knowledge

    version = need(driver_version(driver, gpu), "running NVIDIA driver")
    newest = knowledge.newest("driver")
    if isinstance(host.wsl, Known) or branch(version) <= int(newest.value):
        return
    yield Problem(
        f"Driver {version} is newer than the tables here, which end at branch {newest.value} ({newest.checked})",
        severity="note",
        evidence=(
            seen("driver", driver_version(driver, gpu)),
            Evidence("newest branch on record", newest.value, f"checked {newest.checked}"),
        ),
        fix=Fix("Update gpudoctor", ("python -m pip install --upgrade gpudoctor",)),
    )
