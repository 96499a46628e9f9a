"""`build-tf`'s answer: for machines as a report of the common shape, for people as stages and rows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from gpudoctor.facts.observed import value_of
from gpudoctor.facts.record import Record
from gpudoctor.findings import Judgement
from gpudoctor.report.compat import wrapped
from gpudoctor.report.model import Report, head
from gpudoctor.report.style import Style
from gpudoctor.tfbuild.patching.pages import Patch
from gpudoctor.tfbuild.preflight.model import Row
from gpudoctor.tfbuild.ran import Ran
from gpudoctor.tfbuild.state import Stage, State
from gpudoctor.tfbuild.tree import Copy

#: Changes with every change of the shape that a reader could notice.
SCHEMA = "gpudoctor-build-tf/1"
REVERT_SCHEMA = "gpudoctor-build-tf-revert/1"
PATCH_SCHEMA = "gpudoctor-build-tf-patch/1"


class Line(Record):
    """What --dry-run says that a stage would do."""

    stage: str
    lines: tuple[str, ...]


class BuildTree(Record):
    """The tree in a few words; empty where it does not say."""

    path: str
    version: str
    bazel: str
    cuda: str
    rules: str
    clang_rule: str
    copies: tuple[Copy, ...]
    cuda_versions: tuple[str, ...]
    cudnn_versions: tuple[str, ...]
    pythons: tuple[str, ...]


class BuildSection(Record):
    """`stages`: those of this run, or (`status`) all that were ever run. `failed`: the one that stopped it. `running`: somebody works on it
    now. `would`: with --dry-run."""

    tree: BuildTree | None
    workdir: str
    preflight: tuple[Row, ...]
    stages: tuple[Stage, ...]
    failed: str
    hint: str
    running: bool
    would: tuple[Line, ...]


class BuildReport(Report):
    """What `gpudoctor build-tf --format json` prints."""

    build: BuildSection


class RevertSection(Record):
    """`lines`: what was taken back, or with --dry-run (`dry`) would be, and what is left for others to take away."""

    tree: str
    dry: bool
    lines: tuple[str, ...]


class RevertReport(Report):
    """What `gpudoctor build-tf revert --format json` prints."""

    revert: RevertSection


class PatchPage(Record):
    """What a file of bazel_patches/ says of itself."""

    id: str
    title: str
    what: str
    why: str
    trees: str
    recognised: str
    verified: str
    better: str
    limits: str


class PatchSection(Record):
    """`diff`: unified, paths relative to the tree; "" where nothing is left to patch, and with --list."""

    tree: str
    pages: tuple[PatchPage, ...]
    diff: str


class PatchReport(Report):
    """What `gpudoctor build-tf patch --format json` prints."""

    patch: PatchSection


def revert_report(tree: str, dry: bool, lines: tuple[str, ...]) -> RevertReport:
    return RevertReport(
        **head(REVERT_SCHEMA, "build-tf revert", 0, Judgement()),
        revert=RevertSection(tree, dry, lines),
    )


def patch_report(tree: str, pages: Iterable[Patch], diff: str) -> PatchReport:
    told = tuple(PatchPage(*(getattr(one, name) for name in PatchPage.record_fields)) for one in pages)
    return PatchReport(
        **head(PATCH_SCHEMA, "build-tf patch", 0, Judgement()),
        patch=PatchSection(tree, told, diff),
    )


def exit_code(ran: Ran) -> int:
    """0 all stages done, 1 one failed."""
    return 1 if ran.failed else 0


def build_report(ran: Ran) -> BuildReport:
    judgement = Judgement(findings=ran.findings)
    tree = ran.tree
    section = BuildSection(
        BuildTree(
            tree.path,
            value_of(tree.version, ""),
            value_of(tree.bazel, ""),
            value_of(tree.cuda, ""),
            tree.rules,
            value_of(tree.clang_rule, ""),
            tree.copies,
            value_of(tree.cuda_keys, ()),
            value_of(tree.cudnn_keys, ()),
            tree.pythons,
        ),
        ran.workdir,
        ran.rows,
        ran.stages,
        ran.failed,
        ran.hint,
        False,
        tuple(Line(name, lines) for name, lines in ran.lines),
    )
    return BuildReport(**head(SCHEMA, "build-tf", exit_code(ran), judgement), build=section)


def status_report(workdir: str, state: State, running: bool) -> BuildReport:
    stages = tuple(interrupted(s, running) for s in state.stages)
    failed = next((s.name for s in stages if s.state == "failed"), "")
    section = BuildSection(None, workdir, (), stages, failed, "", running, ())
    return BuildReport(**head(SCHEMA, "build-tf status", 0, Judgement()), build=section)


def interrupted(stage: Stage, running: bool) -> Stage:
    """A stage that is "running" while nobody works: it was killed."""
    if stage.state == "running" and not running:
        return stage.replace(state="failed", detail="interrupted; the next run does it again")
    return stage


_GLYPH = {
    "ok": "ok",
    "warning": "warning",
    "failure": "failure",
    "unknown": "note",
    "not-needed": "note",
    "done": "ok",
    "skipped": "note",
    "failed": "failure",
    "running": "note",
}


def render_rows(rows: tuple[Row, ...], style: Style, verbose: bool) -> str:
    """Failures, warnings and unknowns; all of them with -v."""
    lines: list[str] = []
    for row in rows:
        if row.level in ("ok", "not-needed") and not verbose:
            continue
        level = "" if row.level in ("ok", "warning", "failure") else f"{row.level}: "
        lines.append(f"  {style.glyph(_GLYPH[row.level])} {style.paint(row.id, 'bold')}  {level}{row.title}")
        if row.seen and (verbose or row.level == "failure"):
            lines += wrapped(style.paint(row.seen, "dim"), style, 6)
        if row.hint and row.level in ("failure", "warning", "unknown"):
            lines += wrapped(row.hint, style, 6)
    return "\n".join(lines) + "\n" if lines else ""


def render_stage(stage: Stage, style: Style) -> str:
    seconds = stage.ended - stage.started
    took = f" ({_time(seconds)})" if seconds >= 1 else ""
    state = "" if stage.state in ("done", "failed") else f"{stage.state}: "
    return (
        f"{style.glyph(_GLYPH[stage.state])} {style.paint(stage.name, 'bold')}{took}  {state}{stage.detail}\n"
    )


def render_end(ran: Ran, style: Style) -> str:
    lines: list[str] = []
    for name, would in ran.lines:
        lines.append(f"{style.paint(name, 'bold')}")
        lines += [f"  {line}" for line in would]
    if ran.failed:
        for finding in ran.findings:
            if finding.id != "tf-build-stopped":
                lines.append(f"  cause: {style.paint(finding.id, 'bold')}  (gpudoctor explain {finding.id})")
        if ran.hint:
            lines += wrapped(f"hint: {ran.hint}", style, 2)
    if ran.dry:
        lines.append("nothing was written")
    return "\n".join(lines) + "\n" if lines else ""


def render_status(workdir: str, state: State, running: bool, style: Style) -> str:
    return "".join(_status(workdir, state, running, style))


def _status(workdir: str, state: State, running: bool, style: Style) -> Iterator[str]:
    yield f"{style.paint(state.tree, 'bold')}\n  work folder: {workdir}\n"
    yield f"  {'a run works on it now' if running else 'nobody works on it now'}\n"
    for stage in state.stages:
        shown = interrupted(stage, running)
        yield render_stage(shown, style)
        if shown.log and shown.state == "failed":
            yield f"    log: {shown.log}\n"
        if shown.cause:
            yield f"    cause: {shown.cause}\n"
    for venv, had in state.venvs.items():
        yield f"  before it in {venv}: {'no TensorFlow' if had == 'none' else f'TensorFlow {had}'}\n"
    if state.journals or state.saved:
        yield f"  the tree was changed: `gpudoctor build-tf revert --source {state.tree}` takes it back\n"


def _time(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def progress_line(done: int, total: int, left: float, words: str) -> str:
    """ "[1,234 / 34,131] 4 %, about 5.2 h left" """
    share = f"{100 * done // total} %" if total else "?"
    remaining = f", about {_time(left)} left" if left else ""
    return f"[{done:,} / {total:,}] {share}{remaining}  {words}"
