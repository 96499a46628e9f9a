"""The machine is no longer what its baseline says

What it is: A snapshot of this machine, or of one that should be like it, was given as the baseline, and something that
matters to GPU work differs: the driver, a GPU, a toolkit, a library, a framework, the kernel.

Why it hurts: "It worked yesterday" begins here. One node with another driver makes a job's results or its speed depend
on where it ran.

How to tell: `gpudoctor diff BASELINE NOW` prints every difference; this finding names the first ones.

How to fix: Bring the machine back, or, if the change was meant, take a new baseline: `gpudoctor snapshot --output FILE`.

Sources: docs/preflight.md, baselines
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.machine import Expectation
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem

#: So many differences are shown; `gpudoctor diff` has them all.
SHOWN = 12


def check(expectation: Expectation) -> Iterator[Problem]:
    if not expectation.baseline:
        raise DoesNotApply("no baseline")
    drift = expectation.drift
    if not drift:
        return
    more = f" and {len(drift) - SHOWN} more" if len(drift) > SHOWN else ""
    yield Problem(
        f"{len(drift)} difference{'s' if len(drift) > 1 else ''} from {expectation.baseline}: "
        + ", ".join(dict.fromkeys(d.where for d in drift[:3]))
        + (" ..." if len(drift) > 3 else ""),
        severity="warning",
        evidence=tuple(
            Evidence(d.where, f"{d.before or 'nothing'} -> {d.after or 'nothing'}", expectation.baseline)
            for d in drift[:SHOWN]
        )
        + ((Evidence("differences", f"{SHOWN} shown{more}", expectation.baseline),) if more else ()),
        fix=Fix(
            "Bring the machine back, or take a new baseline if the change was meant",
            (f"gpudoctor snapshot --output {expectation.baseline}",),
        ),
    )
