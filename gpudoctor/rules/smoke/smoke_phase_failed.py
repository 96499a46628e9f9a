"""The framework raises an error

What it is: A phase of the training ended with an exception that none of the other causes fits.

Why it hurts: Jobs that use the same part of the framework end the same way.

How to tell: The exception's text is in the evidence, the traceback in the child's output (--format json, or
-v).

How to fix: What `diagnose` recognised in the output stands above this finding. Where it recognised nothing, the
text itself is the clue: search it in the framework's issue tracker.

Sources: https://docs.pytorch.org/docs/stable/notes/faq.html
https://github.com/tensorflow/tensorflow/issues
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.smoke import Smoke
from gpudoctor.findings import Fix, Problem
from gpudoctor.rules.smoke._trials import evidence, ill, names, software, where


def check(smoke: Smoke) -> Iterator[Problem]:
    for trial, phases in ill(smoke, lambda p: p.state == "failed" and not p.illness and p.name != "import"):
        yield Problem(
            f"{where(trial)} raises an error ({names(phases)})",
            software(trial),
            evidence=evidence(trial, phases),
            fix=Fix(
                "See what is wrong with the environment",
                (f"gpudoctor check --import --python {trial.interpreter}",),
            ),
        )
