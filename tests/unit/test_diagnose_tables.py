"""docs/diagnose.md says which text is answered with which cause: each row is asked."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from gpudoctor.workflows.diagnose import diagnose_text

PAGE = Path(__file__).parents[2] / "docs" / "diagnose.md"
ROWS = re.findall(r"^\| `(.+)` \| `([\w-]+)` \|$", PAGE.read_text("utf-8"), re.M)


def test_the_tables_hold_the_failures_of_builds_and_containers() -> None:
    assert len(ROWS) >= 60


@pytest.mark.parametrize(("text", "cause"), ROWS)
def test_a_row_of_the_page_is_true(text: str, cause: str) -> None:
    assert [d.id for d in diagnose_text(text.replace("\\|", "|")).diagnoses][:1] == [cause]
