"""`diagnose`: read the text, find signatures and facts in it, judge the facts, join, rank, answer."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from types import ModuleType
from typing import IO

from gpudoctor import rules
from gpudoctor.errors import GpudoctorError
from gpudoctor.findings import Finding, Fix
from gpudoctor.logs import verdicts
from gpudoctor.logs.diagnosis import Diagnosis, ProvingLine, Result
from gpudoctor.logs.index import Entry, entry, runs_of
from gpudoctor.logs.matching import Hit, literals, match
from gpudoctor.logs.ranking import SURE, Candidate, rank
from gpudoctor.logs.reading import Text, read
from gpudoctor.logs.sieve import Sieve
from gpudoctor.logs.told import Told
from gpudoctor.rules.page import Page, page_of, parse_page
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
    weighed = _judged(told)
    if here is not None:
        said = {h.id for h in hits}
        weighed += [(f, JUDGED) for f in here() if f.id in said or said & _explains(f.id)]
    findings = [finding for finding, _ in weighed]
    named = {e.id for e in entries if e.id not in verdicts.IDS}
    judged = {f.id: sure for f, sure in reversed(weighed)}
    explains = {name: _explains(name) for name in {h.id for h in hits} | set(judged) if name in named}
    ranked = rank([h for h in hits if h.id in named], judged, explains)
    best = ranked[0].confidence if ranked else 0.0
    verdict = _verdict(hits, text, told, best) if best < SURE else None
    by_id = {f.id: f for f in reversed(findings)}
    diagnoses = [verdict] if verdict else [_of_cause(c, text, told, by_id.get(c.id)) for c in ranked]
    return Result(tuple(diagnoses), tuple(findings), len(text.lines))


def redacted(paths: Sequence[str]) -> str:
    """The text of the files, line by line, without names, hosts, tokens and keys."""
    from gpudoctor.logs.reading import raw_lines
    from gpudoctor.workflows.redaction import Redactor, names_of_this_machine

    redactor = Redactor(names_of_this_machine())
    whole = "\n".join(line for source in _sources(paths) for line in raw_lines(*source))
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


def index() -> dict[str, tuple[int, list[list[str]]]]:
    """For scripts/publish-literals: of every cause the size of its file, and what the prefilter looks for."""
    found = {}
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


def _judged(told: Told) -> list[tuple[Finding, float]]:
    """What the rules say of the facts in the text, each with how sure that makes us."""
    from gpudoctor.logs.hearsay import DECIDED, machine_told

    hearsay = machine_told(told)
    if hearsay is None:
        return []
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
    return found


# ---------------------------------------------------------------- answers


def _of_cause(candidate: Candidate, text: Text, told: Told, finding: Finding | None) -> Diagnosis:
    from gpudoctor.logs.remedies import remedy

    cause = find(candidate.id)
    assert cause is not None
    page = page_of(cause)
    said = [h for h in candidate.hits if h.signature.explanation]
    mending = [h for h in candidate.hits if h.signature.fix]
    explanation = " ".join(
        part
        for part in (
            finding.title + "." if finding else "",
            _filled(said[0].signature.explanation, said[0]) if said else "",
            page.what,
            page.why,
        )
        if part
    )
    fix = remedy(candidate.id, told) or (finding.fix if finding else None)
    if fix is None:
        fix = Fix(_filled(mending[0].signature.fix, mending[0]) if mending else page.fix, id=candidate.id)
    return Diagnosis(
        candidate.id,
        candidate.confidence,
        finding.title if finding else page.title,
        explanation,
        fix,
        _evidence(candidate.hits, text) or (_told_lines(finding, text) if finding else ()),
        candidate.below or None,
        page.sources,
    )


def _filled(template: str, hit: Hit) -> str:
    """The template with the groups of the match. `{name_cuda}` is group `name`, CUDA's number 12040 written as 12.4."""
    from collections import defaultdict

    values: dict[str, str] = defaultdict(lambda: "?", hit.groups)
    for name, value in hit.groups.items():
        if value.isdigit() and 4 <= len(value) <= 6:
            values[f"{name}_cuda"] = f"{int(value) // 1000}.{int(value) % 1000 // 10}"
    return template.format_map(values)


def _evidence(hits: Sequence[Hit], text: Text) -> tuple[ProvingLine, ...]:
    indices: list[int] = []
    for hit in hits:
        indices += [i for i in hit.indices if i not in indices]
    return tuple(ProvingLine(text.numbers[i], text.lines[i], text.files[i]) for i in sorted(indices[:8]))


#: What of a judgement can be looked up in the text: versions, numbers of three digits and more, names, addresses, paths.
_TOKEN = re.compile(r"[\w.+/:-]*\d[\w.+/:-]*|[A-Z][A-Z0-9]*_[A-Z0-9_]+|[a-z]+-[a-z-]+")
#: Of a judgement that stands on facts alone so many lines are shown.
_LINES_OF_FACTS = 4


def _told_lines(finding: Finding, text: Text) -> tuple[ProvingLine, ...]:
    """The lines on which a judgement of facts stands: the first ones that hold the words of its evidence and title."""
    wanted: list[str] = []
    for one in finding.evidence:
        if not one.value.startswith(("could not look", "not there")):
            wanted += [
                one.value.strip("'\"").partition("; ")[0],
                *_TOKEN.findall(one.value),
                *_TOKEN.findall(one.what),
            ]
    wanted += [finding.subject.name, *_TOKEN.findall(finding.title)]
    low = [line.lower() for line in text.lines]
    indices: list[int] = []
    for value in dict.fromkeys(word.lower().strip(".:-/") for word in wanted):
        if len(value) < 3 or len(indices) >= _LINES_OF_FACTS:
            continue
        pattern = re.compile(rf"(?<![\w.]){re.escape(value)}(?![\w.]*\d)")
        index = next((i for i, line in enumerate(low) if value in line and pattern.search(line)), None)
        if index is not None and index not in indices:
            indices.append(index)
    return tuple(ProvingLine(text.numbers[i], text.lines[i], text.files[i]) for i in sorted(indices))


#: A line that complains. What only harmless lines explain away leaves none of these.
_COMPLAINT = re.compile(
    r"\b(?:\w*error|fatal|traceback|\w*exception|failed|failure|cannot|can't|could not|couldn't|unable|aborted|killed|segfault|"
    r"segmentation fault|core dumped|not found|no such|denied|Xid)\b",
    re.I,
)


def _verdict(hits: Sequence[Hit], text: Text, told: Told, best: float) -> Diagnosis | None:
    """`best`: the confidence of the likeliest cause. A mere symptom does not outrank an ordinary bug that is shown."""
    fault = sorted((h for h in hits if h.id == "not-gpu-environment"), key=lambda h: -h.signature.confidence)
    harmless = [h for h in hits if h.id == "harmless"]
    if fault and (not best or fault[0].signature.confidence >= 0.8):
        return _of_verdict("not-gpu-environment", fault, text, told, fault[0].signature.confidence - 0.1)
    if best:
        return None
    if not harmless:
        return _nothing_wrong(text, told)
    from gpudoctor.logs.patterns import compiled

    explained = [compiled(h.signature.pattern) for h in harmless]
    for line in text.lines:
        if _COMPLAINT.search(line) and not any(p.search(line) for p in explained):
            return None
    return _of_verdict("harmless", harmless, text, told, 0.8)


def _nothing_wrong(text: Text, told: Told) -> Diagnosis | None:
    """`harmless` for what shows a machine at work and nothing else: nvidia-smi's own output, or log lines of which
    each calls itself information or a warning."""
    from gpudoctor.logs.quiet import nvidia_smi_at_work, only_mild

    seen, indices = nvidia_smi_at_work(text.lines, told)
    confidence = 0.7
    if not seen:
        seen, indices = only_mild(text.lines)
        confidence = 0.5
    if not seen:
        return None
    evidence = tuple(ProvingLine(text.numbers[i], text.lines[i], text.files[i]) for i in indices[:4])
    explanation = (
        "Nothing in this text reports a fault. It does not show what a program says that uses the GPU."
    )
    fix = Fix(
        "Nothing to fix here. If a program fails or does not see the GPU, give its own output, or run `gpudoctor check` on the machine."
    )
    return Diagnosis("harmless", confidence, seen, explanation, fix, evidence, None, ())


def _of_verdict(name: str, hits: Sequence[Hit], text: Text, told: Told, confidence: float) -> Diagnosis:
    from gpudoctor.logs.remedies import remedy

    page: Page = parse_page(verdicts.load(name).__doc__ or "", name)
    explanation = f"{page.what} {page.tell}"
    return Diagnosis(
        name,
        round(confidence, 2),
        page.title,
        explanation,
        remedy(name, told) or Fix(page.fix),
        _evidence(hits, text),
        None,
        page.sources,
    )
