"""The framework can't be imported

What it is: The import of the framework ended with an exception, a crash or not at all, in the interpreter under
test.

Why it hurts: Nothing that uses it can run.

How to tell: The last lines of the traceback name the library or module that was not found or does not fit.
`gpudoctor check --import --python PATH` compares what the import says with what the files say.

How to fix: The causes that stand above this one name what is missing. Where none does: reinstall the framework
into a fresh environment with the commands that `gpudoctor plan` prints.

Sources: https://docs.pytorch.org/docs/stable/notes/faq.html
https://www.tensorflow.org/install/pip
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.smoke import Smoke
from gpudoctor.findings import Fix, Problem
from gpudoctor.rules.smoke._trials import evidence, ill, software

explains = ("smoke-phase-crashed", "smoke-phase-hung")


def check(smoke: Smoke) -> Iterator[Problem]:
    broken = ("failed", "crashed", "hung")
    for trial, phases in ill(
        smoke, lambda p: p.name == "import" and p.state in broken and p.illness in ("", "import")
    ):
        lines = [line for line in phases[0].message.splitlines() if line.strip()]
        yield Problem(
            f"{trial.framework} {trial.version} can't be imported: {(lines or [phases[0].state])[0][:160]}",
            software(trial),
            evidence=evidence(trial, phases),
            fix=Fix(
                "Install it afresh",
                (
                    f"gpudoctor check --import --python {trial.interpreter}",
                    f"gpudoctor plan {trial.framework}",
                ),
            ),
        )
