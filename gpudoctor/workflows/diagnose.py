"""`diagnose`: read the text, find signatures and facts in it, judge the facts, join, rank, answer."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from functools import partial
from types import ModuleType
from typing import IO

from gpudoctor import rules
from gpudoctor.errors import GpudoctorError
from gpudoctor.findings import Finding
from gpudoctor.logs import verdicts
from gpudoctor.logs.answers import complaint_left, explained, of_cause, verdict
from gpudoctor.logs.diagnosis import Result
from gpudoctor.logs.index import Entry, Runs, entry, runs_of
from gpudoctor.logs.matching import Hit, literals, match
from gpudoctor.logs.ranking import SURE, Candidate, rank, second_opinion
from gpudoctor.logs.reading import Text, read
from gpudoctor.logs.sieve import Sieve
from gpudoctor.logs.told import Told
from gpudoctor.rules.registry import Cause, causes, find
from gpudoctor.signature import Signature

#: A file of a folder that is larger is passed over when its name says that it is no text.
_NO_TEXT = (
    ".so",
    ".pyc",
    ".png",
    ".jpg",
    ".pt",
    ".pth",
    ".whl",
    ".zip",
    ".tar",
    ".bin",
    ".onnx",
    ".h5",
    ".pdf",
    ".json.gz",
)
#: In a long text these lines matter too: facts stand on them.
_FACTS = (
    "nvidia-smi",
    "driver version",
    "pytorch version:",
    "cuda used to build pytorch",
    "cuda compilation tools",
    "cuda_visible_devices",
    "ld_library_path",
    "nvrm:",
    "nvidia-container",
)
#: How sure a finding of `check` on this machine makes us, where the text speaks of it.
JUDGED = 0.8


def diagnose_paths(paths: Sequence[str]) -> Result:
    """Files, folders, "-" for standard input. Raises GpudoctorError for what can't be read or is no text."""
    return diagnose(_sources(paths))


def diagnose_text(text: str, name: str = "text") -> Result:
    import io

    return diagnose([(name, io.BytesIO(text.encode("utf-8", "replace")))])


def diagnose(
    sources: Iterable[tuple[str, IO[bytes]]], here: Callable[[], Sequence[Finding]] | None = None
) -> Result:
    """`here`: what `check` finds on this machine, asked for where the text comes from it. Such a finding counts where
    the text speaks of it, or of what it explains."""
    entries = _entries()
    sieve = Sieve(lambda: [*literals(entries), *_FACTS])
    text = read(sources, sieve)
    told = Told(text)
    hits = match(entries, text, told)
    weighed, looked_for = _judged(told)
    if here is not None:
        said = {h.id for h in hits}
        weighed += [(f, JUDGED) for f in here() if f.id in said or said & _explains(f.id)]
    findings = [finding for finding, _ in weighed]
    named = {e.id for e in entries if e.id not in verdicts.IDS}
    judged = {f.id: sure for f, sure in reversed(weighed)}
    explains = {name: _explains(name) for name in {h.id for h in hits} | set(judged) if name in named}
    ranked = rank([h for h in hits if h.id in named], judged, explains)
    best = ranked[0].confidence if ranked else 0.0
    instead = verdict(hits, text, told, best) if best < SURE else None
    by_id = {f.id: f for f in reversed(findings)}
    if instead is None:
        ranked = _with_resembling(ranked, hits, text, looked_for - set(judged), explains)
    diagnoses = [instead] if instead else [of_cause(c, text, told, by_id.get(c.id)) for c in ranked]
    return Result(tuple(diagnoses), tuple(findings), len(text.lines))


#: Surer than that is not asked a second time.
_CERTAIN = 0.98


def _with_resembling(
    ranked: list[Candidate],
    hits: Sequence[Hit],
    text: Text,
    refuted: Collection[str],
    explains: Mapping[str, frozenset[str]],
) -> list[Candidate]:
    """`refuted`: what the rules looked for in the facts of the text and did not find. Lines that are known to be harmless
    resemble nothing."""
    if ranked and ranked[0].confidence >= _CERTAIN:
        return ranked
    from gpudoctor.logs.resemblance import nearest

    known = explained(hits, text)
    near = [one for one in nearest(text.lines, known) if one.id not in refuted]
    if near and near[0].id == "harmless" and complaint_left(text, known):
        near = []
    if near and not ranked and near[0].id not in verdicts.IDS:
        from gpudoctor.logs.healthy import content

        if content(text.lines, known):
            near = []
    return second_opinion(ranked, near, explains)


def redacted(paths: Sequence[str]) -> str:
    """The text of the files, line by line, without names, hosts, tokens and keys."""
    from gpudoctor.logs.reading import raw_lines
    from gpudoctor.workflows.redaction import Redactor, names_in, names_of_this_machine

    whole = "\n".join(line for source in _sources(paths) for line in raw_lines(*source))
    redactor = Redactor((*names_of_this_machine(), *names_in(whole)))
    return redactor.text(whole) + "\n"


def diagnose_program(program: Sequence[str]) -> tuple[int, Result | None]:
    """Run it, pass its output through, diagnose what it said if it failed. 127: it could not be started, as a shell
    has it; a signal's number + 128."""
    import subprocess
    import tempfile
    import threading

    try:
        child = subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    except OSError as error:
        print(f"gpudoctor: {program[0]}: {error.strerror or error}", file=sys.stderr)
        return (126 if isinstance(error, PermissionError) else 127), None
    with tempfile.TemporaryFile() as kept:
        lock = threading.Lock()

        def pass_on(source: IO[bytes], sink: IO[bytes]) -> None:
            read1 = getattr(source, "read1", source.read)
            begun = b""  # the two streams are kept by whole lines, or they would run into each other
            while piece := read1(1 << 16):
                try:
                    sink.write(piece)
                    sink.flush()
                except (BrokenPipeError, ValueError):
                    pass  # nobody reads it any more; the program goes on, and so does the recording
                whole, newline, begun = (begun + piece).rpartition(b"\n")
                if len(begun) > 1 << 16:
                    whole, newline, begun = whole + newline + begun, b"\n", b""
                with lock:
                    kept.write(whole + newline)
            with lock:
                kept.write(begun + b"\n" if begun else b"")

        assert child.stdout is not None and child.stderr is not None
        threads = [
            threading.Thread(target=pass_on, args=(child.stdout, sys.stdout.buffer)),
            threading.Thread(target=pass_on, args=(child.stderr, sys.stderr.buffer)),
        ]
        for thread in threads:
            thread.start()
        while True:
            try:
                code = child.wait()
                break
            except KeyboardInterrupt:
                continue  # the terminal sent it to the program too: its end decides
        for thread in threads:
            thread.join()
        code = code if code >= 0 else 128 - code
        if code == 0 or kept.tell() == 0:
            return code, None
        kept.seek(0)
        return code, diagnose([(program[0], kept)], _found_here)


def _found_here() -> Sequence[Finding]:
    from gpudoctor.workflows.check import Request, run

    try:
        judgement = run(Request(timeout=10.0)).judgement
    except GpudoctorError:  # no Linux: the text must do
        return ()
    return [f for f in judgement.findings if f.severity == "failure" and f.caused_by is None]


# ---------------------------------------------------------------- input


def _sources(paths: Sequence[str]) -> Iterator[tuple[str, IO[bytes]]]:
    for path in paths:
        if path == "-":
            yield "standard input", sys.stdin.buffer
            continue
        if os.path.isdir(path):
            names = sorted(_files_in(path))
            if not names:
                raise GpudoctorError(f"{path} holds no files to read", note="nothing was diagnosed")
            for name in names:
                yield from _opened(name)
            continue
        yield from _opened(path)


def _opened(path: str) -> Iterator[tuple[str, IO[bytes]]]:
    try:
        with open(path, "rb") as file:
            yield path, file
    except OSError as error:
        raise GpudoctorError(
            f"{path} can't be read: {error.strerror or error}", note="nothing was diagnosed"
        ) from None


def _files_in(folder: str) -> Iterator[str]:
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith("."))
        for name in sorted(names):
            path = os.path.join(place, name)
            if not name.startswith(".") and not name.endswith(_NO_TEXT) and os.path.isfile(path):
                with open(path, "rb") as file:
                    start = file.read(512)
                if start and (start[:2] in (b"\x1f\x8b", b"\xff\xfe", b"\xfe\xff") or b"\0" not in start):
                    yield path


# ---------------------------------------------------------------- the catalogue's part


def _entries() -> list[Entry]:
    folders = {cause.family: next(iter(rules.__path__)) + f"/{cause.family}/" for cause in causes()}
    found = [
        entry(cause.id, f"{folders[cause.family]}{cause.id.replace('-', '_')}.py", partial(_of, cause))
        for cause in causes()
    ]
    place = next(iter(verdicts.__path__))
    found += [
        entry(n, f"{place}/{n.replace('-', '_')}.py", partial(_of_verdict_file, n)) for n in verdicts.IDS
    ]
    return found


def _of(cause: Cause) -> tuple[Signature | str, ...]:
    return _signatures(cause.load())


def _of_verdict_file(name: str) -> tuple[Signature | str, ...]:
    return _signatures(verdicts.load(name))


def index() -> dict[str, tuple[int, Runs]]:
    """For scripts/publish-literals: of every cause the size of its file, and what the prefilter looks for."""
    found: dict[str, tuple[int, Runs]] = {}
    for module, name in [(c.load(), c.id) for c in causes()] + [(verdicts.load(n), n) for n in verdicts.IDS]:
        runs = runs_of(_signatures(module))
        found[name] = (os.stat(str(module.__file__)).st_size, runs)
    return found


def _signatures(module: ModuleType) -> tuple[Signature | str, ...]:
    return tuple(getattr(module, "signatures", ()))


def _explains(name: str) -> frozenset[str]:
    """What it explains, directly or through what that explains."""
    reached: set[str] = set()
    todo = [name]
    while todo:
        cause = find(todo.pop())
        for other in cause.explains if cause else ():
            if other not in reached and other != name:
                reached.add(other)
                todo.append(other)
    return frozenset(reached)


def _judged(told: Told) -> tuple[list[tuple[Finding, float]], frozenset[str]]:
    """What the rules say of the facts in the text, each with how sure that makes us; and what they looked for."""
    from gpudoctor.logs.hearsay import DECIDED, machine_told

    hearsay = machine_told(told)
    if hearsay is None:
        return [], frozenset()
    from gpudoctor.engine import judge

    chosen = [cause for cause in causes() if cause.id in hearsay.causes and cause.id in DECIDED]
    found = []
    for finding in judge(hearsay.machine, chosen).findings:
        weight = DECIDED[finding.id]
        sure = (
            weight.failure
            if finding.severity == "failure"
            else weight.warning
            if finding.severity == "warning"
            else 0.0
        )
        if sure and (told.complains or not (weight.asked or finding.severity == "warning")):
            found.append((finding, sure))
    return found, hearsay.causes
