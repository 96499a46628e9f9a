"""`gpudoctor fix`."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import click

from gpudoctor.cli.options import CauseName
from gpudoctor.cli.output import split_names, write_out
from gpudoctor.workflows.check import DEFAULT_TIMEOUT

if TYPE_CHECKING:
    from gpudoctor.report.changes import Change
    from gpudoctor.workflows.fix import Fixed, Item


@click.command("fix", context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("causes", nargs=-1, type=CauseName(), metavar="[CAUSE]...")
@click.option("--apply", "act", is_flag=True, help="Make the changes; without it they are only shown.")
@click.option("--yes", "consent", is_flag=True, help="Consent to the changes that ask first.")
@click.option(
    "--root", metavar="DIR", default="", help="Mend another root file system: files only, nothing is run."
)
@click.option(
    "--python", "pythons", multiple=True, metavar="PATH", help="Also examine this interpreter (repeatable)."
)
@click.option("--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True)
@click.option("--output", metavar="FILE", help="Write the report there instead of to standard output.")
@click.option(
    "--timeout",
    type=click.FloatRange(min=1.0, max=3600.0),
    default=DEFAULT_TIMEOUT,
    show_default=True,
    metavar="SECONDS",
    help="For looking at the machine; changes have deadlines of their own.",
)
def command(
    causes: tuple[str, ...],
    act: bool,
    consent: bool,
    root: str,
    pythons: tuple[str, ...],
    form: str,
    output: str | None,
    timeout: float,
) -> int:
    """Mend what `check` finds: show the changes as a diff, and make them with --apply.

    Each change is journalled before it is made, checked after it, rolled back if it fails, and can be taken back with
    `gpudoctor undo`. Changes that could disturb ask first. What only a person can do (a reboot, the driver, the BIOS) is
    printed as commands and never run. Exit codes: 0 nothing to do, or all is well now; 1 something is pending or still
    ill; 2 could not tell, or wrong usage.

    \b
    Examples:
      gpudoctor fix                                  what would be changed, as a diff
      gpudoctor fix toolkit-not-on-path --apply      do it
      gpudoctor fix --apply --yes                    everything, without questions
      gpudoctor undo                                 take the last change back
    """
    from gpudoctor.report import changes as report
    from gpudoctor.report.style import Style, style_for
    from gpudoctor.system.port import Options
    from gpudoctor.workflows import fix

    ask = fix.Ask(split_names(causes), act, consent, root, timeout, Options(pythons=pythons))
    fixed = fix.run(ask, _consents, tell=_tell)
    changes = report.Changes(act, tuple(_change(item) for item in fixed.items), _notes(fixed))
    if form == "json":
        from gpudoctor.codec import to_json

        text = to_json(report.fix_report(changes, fixed.judgement, fixed.exit_code)) + "\n"
    else:
        style = style_for(sys.stdout) if output in (None, "-") else Style(unicode=True)
        text = report.render(changes, style, _again(causes, root, pythons))
    write_out(text, output)
    return fixed.exit_code


def _again(causes: tuple[str, ...], root: str, pythons: tuple[str, ...]) -> str:
    """The same command line, to which --apply is added."""
    import shlex

    words = ["gpudoctor", "fix", *causes, *(["--root", root] if root else [])]
    return shlex.join([*words, *(word for python in pythons for word in ("--python", python))])


def _tell(what: str) -> None:
    """An installation takes minutes: somebody who waits should know for what."""
    if sys.stderr is not None and sys.stderr.isatty():
        click.echo(f"... {what}", err=True)


def _notes(fixed: Fixed) -> tuple[str, ...]:
    return fixed.notes


def _change(item: Item) -> Change:
    from gpudoctor.report.changes import change_of, manual_change

    finding = item.finding
    if item.plan is None:
        summary = finding.fix.summary if finding.fix else finding.title
        return manual_change(finding.id, summary, finding.subject, item.manual, item.why)
    plan = item.plan.replace(subject=finding.subject)
    return change_of(plan, item.state, item.outcome, item.recheck, item.why, item.hint)


def _consents(item: Item) -> bool:
    """Ask where somebody can answer; a script has to say --yes."""
    if not (sys.stdin and sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    from gpudoctor.report.changes import render_change
    from gpudoctor.report.style import style_for

    click.echo("\n".join(render_change(_change(item), style_for(sys.stderr))), err=True)
    return click.confirm("Do this?", default=False, err=True)
