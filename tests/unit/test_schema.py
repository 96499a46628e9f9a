"""The published schemas are those of the types; make them again with `scripts/publish-schema`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from gpudoctor.codec import schema
from gpudoctor.facts.record import Record
from gpudoctor.report.changes import FIX_SCHEMA, UNDO_SCHEMA, FixReport, UndoReport
from gpudoctor.report.compat import SCHEMA as COMPAT
from gpudoctor.report.compat import CompatReport
from gpudoctor.report.diagnosis import SCHEMA as DIAGNOSE
from gpudoctor.report.diagnosis import DiagnoseReport
from gpudoctor.report.model import SCHEMA as CHECK
from gpudoctor.report.model import CheckReport
from gpudoctor.report.plan import SCHEMA as PLAN
from gpudoctor.report.plan import PlanReport
from gpudoctor.report.smoke import SCHEMA as SMOKE
from gpudoctor.report.smoke import SmokeReport
from gpudoctor.workflows.snapshot import SCHEMA as SNAPSHOT
from gpudoctor.workflows.snapshot import Snapshot

DOCS = Path(__file__).parents[2] / "docs" / "schema"


@pytest.mark.parametrize(
    ("kind", "identifier"),
    [
        (CheckReport, CHECK),
        (CompatReport, COMPAT),
        (DiagnoseReport, DIAGNOSE),
        (FixReport, FIX_SCHEMA),
        (UndoReport, UNDO_SCHEMA),
        (PlanReport, PLAN),
        (SmokeReport, SMOKE),
        (Snapshot, SNAPSHOT),
    ],
)
def test_the_published_schema_is_current(kind: type[Record], identifier: str) -> None:
    name, _, version = identifier.removeprefix("gpudoctor-").partition("/")
    published = json.loads((DOCS / f"{name}-{version}.json").read_text())
    made = schema(kind, published["$id"], published["title"])
    assert published == json.loads(json.dumps(made)), "run scripts/publish-schema"
