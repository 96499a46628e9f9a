"""`build-tf`: read the tree and the machine, go through the stages, keep the state, name the cause of what fails."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

from gpudoctor import knowledge
from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.findings import Evidence, Finding, Fix, Subject
from gpudoctor.knowledge.mirrors import profile as mirror_profile
from gpudoctor.knowledge.tfbuild import TfArchive, tf_archive, tf_archives, tf_build, tf_image
from gpudoctor.system.live import Live
from gpudoctor.tfbuild import changing, patching
from gpudoctor.tfbuild.patching.pages import NAMES
from gpudoctor.tfbuild.ran import Ran
from gpudoctor.tfbuild.request import STAGES, Machine, Request, check, default_workdir
from gpudoctor.tfbuild.stages import STEPS
from gpudoctor.tfbuild.stages.model import Build, Done, Failed, Progress, Step
from gpudoctor.tfbuild.state import Stage, State, Workdir, digest
from gpudoctor.tfbuild.tree import Tree, detect

#: Questions to the machine (versions, a compiled program, hosts) in all, seconds; Bazel's jobs have their own time.
ASKING = 3600.0


def run(
    request: Request,
    stages: Sequence[str],
    *,
    forced: Sequence[str] = (),
    dry: bool = False,
    say: Callable[[str], None] = lambda text: None,
    progress: Callable[[Progress], None] = lambda told: None,
    began: Callable[[str], None] = lambda name: None,
) -> Ran:
    """Go through `stages`. Those that are done for the same inputs are not done again, but for `forced` ones. Raises GpudoctorError for
    what is refused before anything is done."""
    check(request)
    if not dry:
        settled(say)
    build = open_build(request, say, progress)
    if dry:
        return _dry(build, stages)
    with build.workdir.locked() as lock:
        build.lock = (lock,)
        state = build.workdir.read()
        journals = changing.standing(state, build.tree.path, build.workdir.path)
        build.state = state.replace(tree=build.tree.path, journals=tuple(j.id for j in journals))
        return _stages(build, stages, forced, began)


def settled(say: Callable[[str], None]) -> None:
    """A change that was interrupted is taken back before the tree is read: half of a patch is another tree. What a finished one left lying
    beside its files is removed. Raises GpudoctorError."""
    from gpudoctor.changes.journal import journals
    from gpudoctor.changes.outcome import run_program
    from gpudoctor.changes.restore import settle
    from gpudoctor.system.writer import Writer

    writer = Writer(command="gpudoctor build-tf")
    if journals(writer):
        with writer.locked():
            for note in settle(writer, run_program):
                say(note)


def open_build(
    request: Request,
    say: Callable[[str], None] = lambda text: None,
    progress: Callable[[Progress], None] = lambda told: None,
) -> Build:
    """The tree read, the machine asked, the profile looked up. Nothing is written."""
    tree = detect(request.source)
    port = Live(ASKING)
    folder = request.workdir or default_workdir(tree.path, port.env)
    _outside(tree.path, folder)
    release = tf_build(value_of(tree.version, ""))
    build = Build(
        request,
        tree,
        machine(port),
        mirror_profile(request.mirror),
        release,
        port,
        Workdir(folder),
        say,
        progress,
    )
    build.state = build.workdir.read()
    return build


def _outside(tree: str, folder: str) -> None:
    if os.path.realpath(folder) == tree or os.path.realpath(folder).startswith(tree + "/"):
        raise GpudoctorError(
            "the work folder lies in the tree", context=folder,
            note="Bazel would read it as a part of the sources", hint="--workdir names a folder outside",
        )  # fmt: skip


def machine(port: Live) -> Machine:
    """GPUs, cores, memory: the facts of `check`, those that this command needs."""
    from gpudoctor.engine import Asking
    from gpudoctor.rules.judging import devices, gpu_ruled_out

    found = Asking(Live(15.0), ("host", "gpu", "driver")).machine()
    capabilities = tuple(
        str(d.compute_capability.value) for d in devices(found.gpu) if isinstance(d.compute_capability, Known)
    )
    if not capabilities:  # no driver answers: the bus may know the product
        on_bus = [
            knowledge.gpu_by_pci(d.device)
            for d in value_of(found.gpu.pci, ())
            if d.vendor == 0x10DE and d.is_display
        ]
        capabilities = tuple(m.capability for m in on_bus if m and m.capability)
    ruled_out = gpu_ruled_out(found.gpu, isinstance(found.host.wsl, Known))
    return Machine(capabilities, bool(capabilities) or ruled_out, os.cpu_count() or 1, _memory(port))


def _memory(port: Live) -> int:
    """MemAvailable and free swap, bytes; 0 where /proc/meminfo does not say."""
    try:
        text = port.read("/proc/meminfo").decode()
    except OSError:
        return 0
    values = {
        line.split(":")[0]: int(line.split()[1]) << 10 for line in text.splitlines() if len(line.split()) > 1
    }
    return values.get("MemAvailable", 0) + values.get("SwapFree", 0)


# ---------------------------------------------------------------- the stages


def _dry(build: Build, stages: Sequence[str]) -> Ran:
    found: list[tuple[str, tuple[str, ...]]] = []
    for step in STEPS:
        if step.name in stages:
            try:
                found.append((step.name, tuple(step.say(build))))
            except Failed as error:
                found.append((step.name, (f"can't be told: {error.what}",)))
    failed = "preflight" if any(r.level == "failure" for r in build.rows) else ""
    hint = "the rows above that failed stop a run before it writes anything" if failed else ""
    return Ran(build.tree, build.workdir.path, (), build.rows, failed, hint, (), tuple(found), True)


def inputs(build: Build, step: Step, before: str) -> str:
    """A hash of what a stage is made from: what was asked for, and the stages before."""
    request = build.request.replace(ignored=(), timeout=0.0, pause=0.0, allow_cpu=False)
    if STAGES.index(step.name) < STAGES.index("install"):
        request = request.replace(venv="")
    if STAGES.index(step.name) < STAGES.index("fetch"):
        request = request.replace(jobs="auto", output_user_root="", targets=())
    extra = (
        [build.tree.rc, build.tree.copies, build.python]
        if step.name in ("configure", "fetch", "build")
        else []
    )
    return digest(step.name, request, extra, before)


def _stages(build: Build, stages: Sequence[str], forced: Sequence[str], began: Callable[[str], None]) -> Ran:
    done: list[Stage] = []
    chain = ""
    for step in STEPS:
        chain = inputs(build, step, chain)
        if step.name not in stages:
            continue
        old = build.state.stage(step.name)
        if old and _still_done(build, step, old, chain) and step.name not in forced:
            build.say(f"{step.name}: done before, and nothing it was made from has changed")
            done.append(old)
            continue
        stage, error = _one(build, step, chain, began)
        done.append(stage)
        if error is not None:
            findings = (_finding(build, stage, error),)
            return Ran(
                build.tree, build.workdir.path, tuple(done), build.rows, step.name, error.hint, findings
            )
    return Ran(build.tree, build.workdir.path, tuple(done), build.rows)


def _still_done(build: Build, step: Step, old: Stage, chain: str) -> bool:
    if step.always or old.state not in ("done", "skipped") or old.inputs != chain:
        return False
    try:
        return step.there(build)
    except (Failed, GpudoctorError):
        return False


def _one(build: Build, step: Step, chain: str, began: Callable[[str], None]) -> tuple[Stage, Failed | None]:
    stage = Stage(step.name, "running", chain, time.time())
    _keep(build, stage)
    began(step.name)
    try:
        result: Done = step.run(build)
    except Failed as error:
        cause = error.cause or classify(error.log)
        error.cause = cause
        stage = stage.replace(
            state="failed", ended=time.time(), detail=error.what, log=error.log, cause=cause
        )
        _keep(build, stage)
        return stage, error
    except BaseException as stop:
        _keep(
            build, stage.replace(state="failed", ended=time.time(), detail=f"stopped: {type(stop).__name__}")
        )
        raise
    stage = stage.replace(
        state="skipped" if result.skipped else "done",
        ended=time.time(),
        detail=result.detail,
        log=result.log,
        data=dict(result.data),
    )
    _keep(build, stage)
    return stage, None


def _keep(build: Build, stage: Stage) -> None:
    build.state = build.state.with_stage(stage)
    build.workdir.write(build.state)


def classify(log: str) -> str:
    """The catalogue's cause of what a log says, "" where none is recognised."""
    if not log or not os.path.isfile(log):
        return ""
    from gpudoctor.logs import verdicts
    from gpudoctor.workflows.diagnose import diagnose_paths

    try:
        found = diagnose_paths([log]).known
    except GpudoctorError:
        return ""
    return next((d.id for d in found if d.id not in verdicts.IDS), "")


def _finding(build: Build, stage: Stage, error: Failed) -> Finding:
    """What stopped the build, as every command's report has it."""
    from gpudoctor.rules.page import page_of
    from gpudoctor.rules.registry import find

    cause = find(stage.cause) if stage.cause else None
    page = page_of(cause) if cause else None
    summary = error.hint or (page.fix if page else "")
    return Finding(
        stage.cause or "tf-build-stopped",
        "failure",
        f"{stage.name}: {error.what}",
        Subject("file", build.tree.path, build.tree.path),
        (Evidence("log", stage.log),) if stage.log else (),
        page.why if page else "",
        Fix(summary, id=stage.cause) if summary else None,
        None,
        tuple(page.sources) if page else (),
    )


# ---------------------------------------------------------------- status, revert, export, versions


def status(source: str, workdir: str = "") -> tuple[str, State, bool]:
    """The work folder, its state, and whether somebody works there now. Raises GpudoctorError where no build was begun."""
    folder = Workdir(workdir or default_workdir(source, os.environ))
    if not os.path.isfile(folder.file("state.json")):
        raise GpudoctorError(
            f"no build of {source} was begun",
            context=folder.path,
            hint=f"gpudoctor build-tf --source {source} --dry-run",
        )
    return folder.path, folder.read(), folder.busy()


def revert(source: str, workdir: str = "", *, force: bool = False, dry: bool = False) -> tuple[str, ...]:
    """Take back what was changed in the tree: patches, the block in .bazelrc.user, configure's files. Says what was, or would be, done.

    Raises GpudoctorError where a file was changed by somebody since; then nothing is taken back."""
    from gpudoctor.changes.restore import undo
    from gpudoctor.system.writer import Writer

    folder = Workdir(workdir or default_workdir(source, os.environ))
    if not os.path.isfile(folder.file("state.json")):
        if not os.path.isdir(source):
            raise GpudoctorError(f"{source} is not there", context="--source", note="nothing was changed")
        return ("nothing was changed in this tree",)
    said: list[str] = []
    if not dry:
        settled(said.append)
    with folder.locked():
        state = folder.read()
        left = list(changing.standing(state, os.path.realpath(source), folder.path))
        plan = changing.revert_saved(folder, state, force=force)
        said += plan.notes
        if dry:
            said += [
                f"would put back {f.path}" if f.after is not None else f"would remove {f.path}"
                for f in plan.files
            ]
            said += [
                f"would {'remove' if f.before.kind == 'absent' else 'put back'} {f.path} (change {j.id})"
                for j in reversed(left)
                for f in j.files
            ]
            return tuple(said) or ("nothing to take back",)
        while left:
            last = left.pop().id
            outcome = undo(Writer(command="gpudoctor build-tf revert"), last, leave=force)
            if outcome.state != "undone":
                raise GpudoctorError(
                    f"change {last} could not be taken back: {outcome.why}",
                    hint=f"gpudoctor undo {last}",
                )
            said += [f"took back {path}" for path in outcome.files]
        if plan.files:
            changing.keep_interrupted(folder, state)
            changing.apply(plan)
            said += [f"put back {f.path}" if f.after is not None else f"removed {f.path}" for f in plan.files]
        kept = tuple(s for s in state.stages if s.name not in ("patch", "configure"))
        folder.write(state.replace(journals=(), saved=(), stages=kept))
        said += _left(state)
    return tuple(said) or ("nothing to take back",)


def _left(state: State) -> list[str]:
    """What a revert leaves, and who can take it away."""
    said = []
    for venv, had in state.venvs.items():
        back = "uninstall tensorflow" if had == "none" else f"install tensorflow=={had}"
        said.append(f"left in the venv; to take it back: {venv}/bin/python -m pip {back}")
    if state.stage("build"):
        said.append(
            "left: Bazel's output (bazel clean --expunge in the tree removes it) and its links bazel-*"
        )
    return said


def export_patch(source: str, names: Sequence[str]) -> str:
    """The patches as one unified diff of the user's own tree. Nothing is changed."""
    tree = detect(source)
    return patching.diff(patching.plan(tree, names or NAMES), tree.path)


def archive(version: str) -> TfArchive:
    """Where a release's source is. Raises GpudoctorError for one whose checksum is not known."""
    found = tf_archive(version)
    if found is None:  # "2.18" is its newest patch
        newest = next((v for v in tf_archives() if v.startswith(f"{version}.")), "")
        found = tf_archive(newest) if version.count(".") == 1 else None
    if found is None:
        raise GpudoctorError(
            f"the checksum of TensorFlow {version}'s source is not known",
            note=f"known: {', '.join(tf_archives())}",
            hint="git clone --branch vX.Y.Z https://github.com/tensorflow/tensorflow gets any release; --source names the folder then",
        )
    return found


def image(tree: Tree, python: str) -> str:
    version = value_of(tree.version, "")
    return tf_image(".".join(version.split(".")[:2]), python or "3.10")
