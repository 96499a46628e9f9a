"""JUnit XML: a test case per cause, for CI systems that show it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from gpudoctor.findings import Finding, Judgement
from gpudoctor.report.model import CheckReport
from gpudoctor.rules.registry import causes

if TYPE_CHECKING:
    from xml.etree import ElementTree as ET


def render(report: CheckReport, judgement: Judgement, strict: bool = False) -> str:
    """A suite per family. A failure (with `strict` a warning too) fails its case; other findings are its output;
    what could not look or does not apply is skipped with its reason; a rule that broke is an error."""
    from xml.etree import ElementTree as ET

    cases = _cases(judgement)
    family_of = {cause.id: cause.family for cause in causes()}
    top = ET.Element("testsuites", name=f"gpudoctor {report.command}", tests=str(len(cases)))
    suites: dict[str, ET.Element] = {}
    for name in sorted(cases, key=lambda n: (family_of.get(n, ""), n)):
        family = family_of.get(name, "")
        suite = suites.get(family)
        if suite is None:
            suite = suites[family] = ET.SubElement(
                top, "testsuite", name=f"gpudoctor.{family}", timestamp=report.taken_at
            )
        case = ET.SubElement(suite, "testcase", classname=f"gpudoctor.{family}", name=name)
        _fill(case, name, cases[name], judgement, strict)
    for suite in suites.values():
        for tag, kind in (("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
            suite.set(tag, str(sum(child.find(kind) is not None for child in suite)))
        suite.set("tests", str(len(suite)))
    ET.indent(top)
    return '<?xml version="1.0" encoding="utf-8"?>\n' + ET.tostring(top, encoding="unicode") + "\n"


def _cases(judgement: Judgement) -> dict[str, list[Finding]]:
    cases: dict[str, list[Finding]] = {name: [] for name in judgement.passed}
    others = (
        [s.id for s in judgement.skipped]
        + [c.id for c in judgement.crashed]
        + [n.id for n in judgement.not_applicable]
    )
    for name in others:
        cases.setdefault(name, [])
    for finding in judgement.findings:
        cases.setdefault(finding.id, []).append(finding)
    return cases


def _fill(case: ET.Element, name: str, findings: list[Finding], judgement: Judgement, strict: bool) -> None:
    from xml.etree import ElementTree as ET

    bad = ("failure", "warning") if strict else ("failure",)
    for crash in judgement.crashed:
        if crash.id == name:
            ET.SubElement(case, "error", message=clean(crash.error))
    failing = [f for f in findings if f.severity in bad]
    for finding in failing:
        ET.SubElement(case, "failure", message=clean(finding.title), type=finding.severity).text = clean(
            _body(finding)
        )
    rest = [f for f in findings if f.severity not in bad]
    if rest:
        ET.SubElement(case, "system-out").text = clean(
            "\n".join(f"{f.severity}: {f.title}\n{_body(f)}" for f in rest)
        )
    if not findings and case.find("error") is None:
        reasons = [s.reason for s in judgement.skipped if s.id == name]
        reasons += [n.reason for n in judgement.not_applicable if n.id == name]
        if reasons:
            ET.SubElement(case, "skipped", message=clean(reasons[0]))


def _body(finding: Finding) -> str:
    lines = [finding.explanation, *(f"{e.what}: {e.value} ({e.via})" for e in finding.evidence)]
    if finding.caused_by:
        lines.append(f"caused by: {finding.caused_by}")
    if finding.fix:
        lines += [f"fix: {finding.fix.summary}", *(f"$ {c}" for c in finding.fix.commands)]
    return "\n".join(lines)


def clean(text: str) -> str:
    """XML 1.0 has no way to write most control characters."""
    return "".join(
        c if c in "\t\n" or (c >= " " and c not in "\ufffe\uffff" and not "\ud800" <= c <= "\udfff") else "?"
        for c in text
    )
