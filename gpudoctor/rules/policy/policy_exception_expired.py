"""An exception of the policy has expired

What it is: The policy allowed a cause until a day that has passed.

Why it hurts: Nothing by itself: the cause counts again if it is found. But somebody meant to look at it before that
day, and an exception that stays in the file is read as if it still held.

How to tell: The row's `until` is before today.

How to fix: Mend the cause and remove the row, or give it a new day and say why in its `reason`.

Sources: docs/preflight.md, the policy file's format
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.machine import Expectation
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem, Subject


def check(expectation: Expectation) -> Iterator[Problem]:
    if not expectation.exemptions:
        raise DoesNotApply("the policy allows no cause")
    for row in expectation.exemptions:
        if row.expired:
            yield Problem(
                f"{expectation.policy} allowed {row.cause} until {row.until}: that day has passed",
                Subject("file", f"{expectation.policy}:{row.cause}", f"[[allow]] {row.cause}"),
                severity="warning",
                evidence=(
                    Evidence("until", row.until, expectation.policy),
                    Evidence("reason then", row.reason, expectation.policy),
                ),
                fix=Fix("Mend the cause and remove the row, or give it a new day and a reason"),
            )
