"""What a smoke run found: the training that failed, and how. Judged only after `gpudoctor smoke`."""

from __future__ import annotations

from gpudoctor.facts.observed import Known
from gpudoctor.facts.smoke import Smoke


def not_applicable(smoke: Smoke) -> str:
    return "" if isinstance(smoke.run, Known) else "nothing was trained (gpudoctor smoke does that)"
