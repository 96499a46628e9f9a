"""Reading any text, finding signatures in it fast, and the arithmetic that decides between causes."""

from __future__ import annotations

import gzip
import io
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from gpudoctor.errors import GpudoctorError
from gpudoctor.logs import index, verdicts
from gpudoctor.logs.conditions import CONDITIONS
from gpudoctor.logs.matching import literals
from gpudoctor.logs.patterns import compiled, demands_of, literals_of
from gpudoctor.logs.reading import Text, read
from gpudoctor.logs.sieve import _ENOUGH, Sieve
from gpudoctor.rules.registry import causes
from gpudoctor.signature import Signature
from gpudoctor.workflows import diagnose as workflow
from gpudoctor.workflows.diagnose import diagnose_paths, diagnose_text

OOM = "RuntimeError: CUDA error: out of memory"


def every_signature() -> list[tuple[str, Signature]]:
    found = []
    modules = [(c.id, c.load()) for c in causes()] + [(n, verdicts.load(n)) for n in verdicts.IDS]
    for name, module in modules:
        for given in getattr(module, "signatures", ()):
            found.append((name, given if isinstance(given, Signature) else Signature(given)))
    return found


def reading(data: bytes) -> Text:
    return read([("a.log", io.BytesIO(data))], Sieve(lambda: ["out of memory"]))


def first(text: str) -> str:
    found = diagnose_text(text).diagnoses
    return found[0].id if found else ""


# ---------------------------------------------------------------- reading


def test_lines_keep_their_numbers_through_colours_carriage_returns_and_prefixes() -> None:
    text = reading(b"\x1b[31mone\x1b[0m\r\n\r\n10%\r20%\rthree\n[rank3]: four\nsvc-1  | five\n")
    assert list(zip(text.numbers, text.lines, strict=True)) == [
        (1, "one"),
        (3, "10%"),
        (3, "20%"),
        (3, "three"),
        (4, "four"),
        (5, "five"),
    ]


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be", "utf-8-sig", "utf-8"])
def test_what_powershell_and_editors_write_is_read(encoding: str) -> None:
    assert reading(f"first line\n{OOM}\n".encode(encoding)).lines == ["first line", OOM]


def test_gzip_is_read_in_all_its_members() -> None:
    assert reading(gzip.compress(b"one\n", mtime=0) + gzip.compress(b"two\n")).lines == ["one", "two"]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "is empty"),
        (b"  \n\n", "is empty"),
        (bytes(range(256)) * 8, "is not text"),
        (b"\x7fELF\x02\x01\x01" + bytes(400), "is not text"),
        (gzip.compress(b"x" * 90_000, mtime=0)[:60], "breaks off"),
        (b"\x1f\x8b\x08\x00" + b"garbage" * 20, "is damaged"),
    ],
)
def test_what_is_no_text_is_refused_with_a_reason(data: bytes, said: str) -> None:
    with pytest.raises(GpudoctorError, match=said):
        reading(data)


def test_of_a_long_text_the_lines_that_matter_are_kept_with_their_numbers() -> None:
    noise = "".join(f"step {n} loss {n / 7:.3f} {chr(97 + n % 26) * 9}\n" for n in range(60_000))
    data = (noise + OOM + "\n" + noise).encode()
    assert len(data) > 1 << 20
    text = reading(data)
    assert len(text.lines) < 10_000
    assert text.numbers[text.lines.index(OOM)] == 60_001


def test_a_message_that_was_wrapped_still_matches() -> None:
    assert (
        first(
            "The detected CUDA version (12.6) mismatches the version that was used to\ncompile PyTorch (11.8)"
        )
        == "nvcc-mismatch-with-torch"
    )


def test_a_folder_is_read_without_its_binaries(tmp_path: Path) -> None:
    (tmp_path / "weights.bin").write_bytes(bytes(4000))
    (tmp_path / "b.log").write_text(f"hello\n{OOM}\n")
    found = diagnose_paths([str(tmp_path)])
    proof = found.diagnoses[0].evidence[0]
    assert (found.diagnoses[0].id, proof.line, proof.file) == ("out-of-memory", 2, str(tmp_path / "b.log"))


# ---------------------------------------------------------------- signatures


@pytest.mark.parametrize(("name", "signature"), every_signature())
def test_a_signature_can_be_prefiltered_and_compiled(name: str, signature: Signature) -> None:
    for pattern in (signature.pattern, *signature.needs, *signature.unless):
        compiled(pattern)
        assert literals_of(pattern), f"{name}: no run of ordinary characters in {pattern}"
    assert (
        min(
            len(x.translate({ord(d): None for d in "0123456789"}).strip())
            for x in literals_of(signature.pattern)
        )
        >= 3
    )
    assert 0 < signature.confidence <= 1
    assert not signature.when or signature.when in CONDITIONS
    groups = set(compiled(signature.pattern).groupindex)
    for template in (signature.explanation, signature.fix):
        named = {n.removesuffix("_cuda") for n in re.findall(r"\{(\w+)\}", template)}
        assert named <= groups, f"{name} quotes groups that it has not"


def test_what_is_written_down_of_causes_is_right_and_mostly_there() -> None:
    written = json.loads((Path(index.__file__).parent / "literals.json").read_text("utf-8"))
    wanted = json.loads(json.dumps(workflow.index()))
    lies = [
        n
        for n, (size, runs) in written.items()
        if n in wanted and wanted[n][0] == size and wanted[n][1] != runs
    ]
    assert lies == [], "run scripts/publish-literals"
    old = [name for name in wanted if written.get(name) != wanted[name]]
    assert len(old) <= 0.1 * len(wanted), f"run scripts/publish-literals: {old[:3]}"


def test_a_cause_whose_file_has_changed_is_looked_at_itself(tmp_path: Path) -> None:
    file = tmp_path / "out_of_memory.py"
    file.write_text("x")
    mine = index.entry("out-of-memory", str(file), lambda: ("a wording that is new",))
    assert mine.runs is None
    assert literals([mine]) == ["a wording that is new"]
    gone = index.entry("out-of-memory", str(tmp_path / "in a zip"), lambda: ())
    assert gone.runs


def test_a_paste_imports_the_causes_that_it_may_speak_of_and_no_others() -> None:
    code = (
        "import sys; from gpudoctor.workflows.diagnose import diagnose_text;"
        "found = diagnose_text(sys.argv[1]).diagnoses[0].id;"
        "print(found, sum(name.startswith('gpudoctor.rules.') and name.count('.') == 3 for name in sys.modules))"
    )
    said = subprocess.run(
        [sys.executable, "-c", code, OOM], capture_output=True, text=True, check=True
    ).stdout
    cause, count = said.split()
    assert cause == "out-of-memory"
    assert int(count) < 60


def test_what_a_match_must_contain_is_found_in_each_alternative() -> None:
    found = literals_of(r"Xid .{0,30}\): 79\b|GPU (?:is lost|has fallen)")
    assert set(found) == {"xid", "is lost", "has fallen"}
    assert literals_of(r"a?b*[xy]\d") == ()


@pytest.mark.parametrize(
    ("pattern", "demanded"),
    [
        (
            r"\bfoo\b (?:\S+ ){0,3}bar(?:s|ed)? (?=x)baz|(?P<a>\d+) of",
            ((("foo",), ("bar",), ("baz",)), (("of",),)),
        ),
        (r"a{0,3}bc|x?", ((("bc",),), ())),
        (r"(?:no|not) [gc]pu(?: here)?", ((("no",), ("pu",)),)),
        (r"(?:one|two\d) three", ((("one", "two"), ("three",)),)),
        (r"err(?:or)?s?: (?!none)", ((("err:", "errs:", "error:", "errors:"),),)),
    ],
)
def test_what_all_matches_of_a_pattern_hold(pattern: str, demanded: object) -> None:
    assert demands_of(pattern) == demanded


def test_what_a_pattern_demands_is_in_all_that_it_matches() -> None:
    twins = Path(__file__).parents[1] / "data" / "signature-twins.jsonl"
    texts = [json.loads(line)["fires"] for line in twins.read_text("utf-8").splitlines()]
    matched = 0
    for _, one in every_signature():
        for text in texts:
            low = text.lower()
            if any(literal in low for literal in literals_of(one.pattern)) and (
                compiled(one.pattern).search(text)
            ):
                flat = " ".join(low.split())
                demands = demands_of(one.pattern)
                assert any(all(any(run in flat for run in runs) for runs in all_of) for all_of in demands)
                matched += 1
    assert matched > 200


HOSTILE = {
    "one letter": "a" * 200_000,
    "blanks": "CUDA " + " " * 200_000 + "x",
    "numbers": "1." * 100_000,
    "half a match": "nvidia-container-cli: mount error: " * 6000,
    "half a traceback": "RuntimeError: CUDA error: " * 8000,
    "sizes": "(GPU 0; 10.76 GiB total capacity; " * 6000,
    "paths": "/usr/lib/x86_64-linux-gnu/libcudnn" * 6000,
    "tables": "| NVIDIA-SMI 550 | " * 10_000,
    "lines": "Unsupported gpu architecture\n" * 8000,
    "quotes": "LD_LIBRARY_PATH=" + "cuda:" * 40_000,
    "a list without end": "a==1.0\n" * 30_000,
    "rows of a table": ("| 0 " + "x " * 4000 + "\n") * 10,
    "a name without end": ("01:00.0 VGA compatible controller: NVIDIA Corporation " + "[x] " * 2000 + "\n")
    * 10,
    "sections": "Volatile\n" + "x\n" * 40_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_no_line_makes_the_matching_run_away(kind: str) -> None:
    start = time.process_time()
    diagnose_text(HOSTILE[kind] + "\n" + HOSTILE[kind][:5000])
    assert time.process_time() - start < 5


def test_what_must_stand_beside_a_pattern_can_be_looked_for() -> None:
    """Of `999|nothing` the first holds no letters: nobody could tell without compiling it, and the signature would never match."""
    assert [p for _, s in every_signature() for p in s.needs if not literals_of(p)] == []


def test_no_repeated_group_may_begin_with_what_it_ends_with() -> None:
    """`(?:\\S* \\S+){0,12}` can cut each word in as many places as it has letters: a text of a megabyte took it for ever."""
    twofold = re.compile(r"\(\?:(\\[Sw])\*[^()|]*\1[+*]\)[{*+]")
    assert twofold.search(r"a(?:\S* \S+){0,12}b") and not twofold.search(r"a\S*(?: \S+){0,12}b")
    parts = [p for _, s in every_signature() for p in (s.pattern, *s.needs, *s.unless)]
    assert [p for p in parts if twofold.search(p)] == []


def test_every_signature_survives_what_almost_matches_it() -> None:
    """Each pattern against long lines of its own literal: what costs most is what begins to match again and again."""
    for name, signature in every_signature():
        text = "\n".join(
            f"{literal} " * (4000 // (len(literal) + 1)) for literal in literals_of(signature.pattern)
        )
        start = time.process_time()
        list(compiled(signature.pattern).finditer(text))
        assert time.process_time() - start < 2, f"{name}: {signature.pattern}"


def test_the_sieve_knows_every_signature() -> None:
    runs = [run for run in dict.fromkeys(literals(workflow._entries())) if run]
    sieve = Sieve(lambda: runs)
    letters = "abcdefghijklmnopqrstuvwxyz"
    missed = []
    for number, run in enumerate(runs):  # no two lines alike, and words before and after that touch it
        mark = "".join(letters[number // 26**place % 26] for place in range(3))
        words = re.findall(r"[a-z_]+", run)
        # Runs of short words only are looked for as whole words: there nothing may touch them.
        line = f"{mark} x{run}y {mark}" if max(map(len, words), default=0) > 4 else f"{mark} {run} {mark}"
        if not sieve.pick([line.encode()]) and sieve._counts.get(run.encode(), 0) < _ENOUGH:
            missed.append(run)
    assert not [run for run in missed if not _often_enough(sieve, run)]


def _often_enough(sieve: Sieve, run: str) -> bool:
    """A run that holds a common word is no longer picked for that word's sake."""
    plain = "".join(c for c in run.lower() if not c.isdigit())
    return any(found.decode() in plain and count >= _ENOUGH for found, count in sieve._counts.items())


# ---------------------------------------------------------------- ties


@pytest.mark.parametrize(
    ("request_gib", "free_gib", "unused_gib", "cause"),
    [
        (2.0, 1.0, 3.0, "oom-fragmentation"),
        (2.0, 1.0, 0.5, "out-of-memory"),
        (2.0, 2.5, 0.1, "out-of-memory"),  # enough was free: somebody else took it meanwhile
    ],
)
def test_memory_that_would_have_been_enough_is_fragmentation(
    request_gib: float, free_gib: float, unused_gib: float, cause: str
) -> None:
    text = (
        f"torch.OutOfMemoryError: CUDA out of memory. Tried to allocate {request_gib:.2f} GiB. GPU 0 has a total capacity "
        f"of 23.64 GiB of which {free_gib:.2f} GiB is free. Of the allocated memory 7.63 GiB is allocated by PyTorch, and "
        f"{unused_gib:.2f} GiB is reserved by PyTorch but unallocated."
    )
    assert first(text) == cause


def test_an_architecture_above_the_list_wants_a_newer_build_and_below_it_an_older_one() -> None:
    line = "{} with CUDA capability sm_{} is not compatible with the current PyTorch installation.\nThe current PyTorch install supports CUDA capabilities sm_75 sm_80 sm_86 sm_90."
    assert first(line.format("RTX 5090", "120")) == "wheel-lacks-gpu-arch"
    assert first(line.format("GTX 1070", "61")) == "gpu-too-old-for-toolkit"


def test_nvcc_refuses_what_it_does_not_know_yet_and_what_it_has_dropped() -> None:
    line = (
        "nvcc fatal   : Unsupported gpu architecture 'compute_{}'\nCuda compilation tools, release {}, V{}.1"
    )
    assert first(line.format(89, "11.6", "11.6")) == "nvcc-arch-unsupported"
    assert first(line.format(35, "12.1", "12.1")) == "gpu-too-old-for-toolkit"
    assert first(line.format(61, "13.0", "13.0")) == "gpu-too-old-for-toolkit"


def test_a_driver_that_is_too_old_outranks_the_missing_gpu_that_follows() -> None:
    text = (
        "PyTorch version: 2.5.1+cu124\nCUDA used to build PyTorch: 12.4\nIs CUDA available: False\n"
        "GPU models and configuration: GPU 0: Tesla T4\nNvidia driver version: 470.82.01\n"
        "RuntimeError: No CUDA GPUs are available\n"
    )
    found = diagnose_text(text).diagnoses
    assert found[0].id == "driver-too-old-for-runtime"
    assert "470.82.01" in found[0].title and "12.4" in found[0].title


def test_the_same_dump_with_a_new_driver_names_no_cause() -> None:
    text = (
        "PyTorch version: 2.5.1+cu124\nCUDA used to build PyTorch: 12.4\nIs CUDA available: True\n"
        "GPU models and configuration: GPU 0: Tesla T4\nNvidia driver version: 550.90.07\n"
    )
    assert diagnose_text(text).diagnoses == ()


def test_harmless_lines_are_not_the_answer_where_something_complains_that_they_do_not_explain() -> None:
    harmless = "Unable to register cuDNN factory: Attempting to register factory for plugin cuDNN"
    assert first(harmless) == "harmless"
    assert first(f"{harmless}\nsome tool: fatal: the frobnicator failed") == ""
    assert first(f"{harmless}\n{OOM}") == "out-of-memory"


@pytest.mark.parametrize(
    "text", ["hello world", "all tests passed in 3.2 s", "error: something went wrong", "今天天气很好"]
)
def test_silence_where_nothing_names_a_cause(text: str) -> None:
    assert diagnose_text(text).diagnoses == ()


# ---------------------------------------------------------------- nothing wrong

SMI = """+-----------------------------------------------------------------------------------------+
| NVIDIA-SMI 550.163.01             Driver Version: 550.163.01     CUDA Version: 12.4     |
|=========================================+========================+======================|
|   0  NVIDIA T4                      On  |   00000000:3B:00.0 Off |                    0 |
| N/A   35C    P8             10W /   70W |       1MiB /  15360MiB |      0%      Default |
+-----------------------------------------------------------------------------------------+"""


def test_nvidia_smi_of_a_machine_at_work_is_harmless_and_says_what_it_shows() -> None:
    (found,) = diagnose_text("$ nvidia-smi\n" + SMI).diagnoses
    assert (found.id, found.title) == (
        "harmless",
        "nvidia-smi works and shows nothing wrong: NVIDIA T4, driver 550.163.01, runs CUDA up to 12.4",
    )


@pytest.mark.parametrize(
    "more",
    ["torch still runs on the CPU", "RuntimeError: something", "| N/A  ERR!  P0  ERR! / 70W | ERR! |"],
)
def test_nvidia_smi_beside_a_complaint_is_not_called_harmless(more: str) -> None:
    assert first(f"{SMI}\n{more}") != "harmless"


def test_a_notice_does_not_hide_an_exception_of_any_name() -> None:
    notice = "Unable to register cuDNN factory: Attempting to register factory for plugin cuDNN"
    assert first(notice) == "harmless"
    assert first(f"{notice}\nmylib.WeirdError: stopped") == ""


def test_a_listing_that_breaks_off_is_not_called_harmless() -> None:
    text = "==============NVSMI LOG==============\nDriver Version : 550.163.01\nAttached GPUs : 2\nGPU 00000000:3B:00.0\nProduct Name : NVIDIA T4"
    assert first(text) == ""
    assert first(text.replace("GPUs : 2", "GPUs : 1")) == "harmless"


def test_the_xml_of_nvidia_smi_says_what_its_table_says() -> None:
    assert (
        first(
            '<nvidia_smi_log>\n<gpu id="00000000:07:00.0">\n<ecc_errors>\n<volatile>\n<dram_uncorrectable>3</dram_uncorrectable>\n</volatile>\n'
        )
        == "ecc-uncorrectable"
    )


def test_two_streams_of_a_program_do_not_run_into_each_other(capfd: pytest.CaptureFixture[str]) -> None:
    import sys

    program = "import sys; sys.stderr.write('RuntimeError: CUDA error: out of mem'); sys.stderr.flush(); print('hello', flush=True); sys.stderr.write('ory\\n'); sys.exit(1)"
    code, result = workflow.diagnose_program([sys.executable, "-c", program])
    capfd.readouterr()
    assert code == 1 and result is not None
    assert [d.evidence[0].text for d in result.diagnoses] == ["RuntimeError: CUDA error: out of memory"]
