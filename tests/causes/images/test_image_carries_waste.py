"""image-carries-waste."""

from __future__ import annotations

from pathlib import Path

from tests.images import finding, healthy, judgement

CAUSE = "image-carries-waste"
BIG = bytes(11_000_000)


def test_lists_caches_static_libraries_and_what_was_removed_too_late(tmp_path: Path) -> None:
    carried = {
        "/var/lib/apt/lists/deb_Packages": bytes(2_000_000),
        "/home/u/.cache/pip/http/a": BIG,
        "/usr/local/cuda-12.4/targets/x86_64-linux/lib/libcublas_static.a": BIG,
        "/tmp/model.bin": BIG,
    }
    found = judgement(tmp_path, [*healthy(), carried, {"/tmp/.wh.model.bin": ""}])
    assert {f.id for f in found.findings} == {CAUSE}
    one = finding(found, CAUSE)
    assert one.severity == "note" and "35 MB" in one.title
    assert {e.via for e in one.evidence} == {
        "/var/lib/apt/lists", "/home/u/.cache", "/usr/local/cuda-12.4/targets/x86_64-linux/lib", "lower layers",
    }  # fmt: skip


def test_a_little_is_not_worth_a_line(tmp_path: Path) -> None:
    little = {
        "/var/lib/apt/lists/lock": "",
        "/home/u/.cache/pip/http/a": bytes(9_000_000),
        "/tmp/used.bin": BIG,
    }
    assert judgement(tmp_path, [*healthy(), little]).findings == ()
