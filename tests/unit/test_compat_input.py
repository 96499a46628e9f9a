"""Bad input: the nearest names, and never a verdict."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpudoctor.advice.question import KEYS
from gpudoctor.errors import GpudoctorError
from gpudoctor.workflows.compat import Batch, ask


@pytest.mark.parametrize(
    ("question", "near"),
    [
        ({"gpu": "RTX 5096", "torch": "2.8.0"}, "5090"),
        ({"gpu": "GTX 1085", "driver": "550.54.14"}, "1080"),
        ({"gpu": "Radeon RX 7900", "torch": "2.8.0"}, ""),
        ({"cc": "8.5", "torch": "2.8.0"}, "8.6"),
        ({"gpu": "RTX 3050", "cc": "8.0"}, "8.6"),
        ({"driver": "5700", "cuda": "12.4"}, "570"),
        ({"driver": "abc", "cuda": "12.4"}, "570"),
        ({"driver": "55.1", "cuda": "12.4"}, ""),
        ({"driver": "565.57.01", "cuda": "12.7"}, "12.6 or 12.8"),
        ({"driver": "565.57.01", "cuda": "40.0"}, "13.5"),
        ({"driver": "565.57.01", "cuda": "twelve"}, "12.8"),
        ({"torch": "2.5.9", "gpu": "T4"}, "2.5.1"),
        ({"torch": "25.1", "gpu": "T4"}, "2.15.0"),
        ({"torch": "2.5.1+cu126", "gpu": "T4"}, "2.5.1+cu124"),
        ({"torch": "2.5.1", "cuda": "12.6", "gpu": "T4"}, "2.5.1+cu124"),
        ({"torch": "2.5.1+cu124", "cuda": "12.1", "gpu": "T4"}, ""),
        ({"tensorflow": "2.18.7", "gpu": "T4"}, "2.18.1"),
        ({"jax": "0.6.9", "gpu": "T4"}, "0.6.2"),
        ({"python": "3.99", "torch": "2.5.1"}, "3.13"),
        ({"python": "snake", "torch": "2.5.1"}, "3.12"),
        ({"gcc": "99", "cuda": "12.4"}, "gcc 16"),
        ({"clang": "1", "cuda": "12.4"}, "clang"),
        ({"os": "beos", "tensorflow": "2.10.0"}, "linux"),
        ({"machine": "z80", "torch": "2.10.0"}, "x86_64"),
        ({"brand": "voodoo", "driver": "535", "cuda": "12.8"}, "geforce"),
        ({"gpuu": "T4"}, "gpu"),
        ({"tourch": "2.5.1"}, "torch"),
        ({"cudnn_package": "cudnn", "cudnn": "9.1.0", "gpu": "T4"}, "nvidia-cudnn-cu12"),
        ({"jax": "0.9.0", "jax_plugin": "metal"}, "jax-cuda12-plugin"),
        ({"cudnn": "nine", "gpu": "T4"}, ""),
        ({"python": 3.12, "torch": "2.5.1"}, ""),
        ({"gpu": True}, ""),
        ({}, ""),
        ({"gpu": ""}, ""),
    ],
    ids=lambda value: json.dumps(value) if isinstance(value, dict) else "",
)
def test_it_is_refused_with_the_nearest(question: dict[str, Any], near: str) -> None:
    with pytest.raises(GpudoctorError) as refused:
        ask(question)
    assert near in refused.value.hint
    assert refused.value.exit_code == 2


class TestBatch:
    def answers(self, *lines: str | bytes) -> tuple[list[dict[str, Any]], int]:
        batch = Batch()
        raw = [line.encode() if isinstance(line, str) else line for line in lines]
        return [json.loads(answer) for answer in batch.answers(raw)], batch.exit_code

    def test_one_line_out_for_every_line_in_in_order(self) -> None:
        found, code = self.answers(
            '{"driver": "550.54.14", "cuda": "12.4"}',
            '{"driver": "470.82.01", "cuda": "12.4"}',
            '{"gpu": "GT 1030", "torch": "2.8.0"}',
        )
        assert [line["compatible"] for line in found] == [True, False, None]
        assert code == 0
        assert set(found[0]) == {"compatible", "because", "needs", "recommend", "understood"}

    @pytest.mark.parametrize(
        "bad",
        [
            "",
            "{",
            "[]",
            "7",
            "null",
            '{"gpuu": "T4"}',
            '{"gpu": "RTX 5096"}',
            b"\xff\xfe",
            "[" * 100000,
            '{"gpu": {"a": 1}}',
            '{"driver": NaN}',
        ],
        ids=range(11),
    )
    def test_a_bad_line_is_an_error_and_the_others_are_answered(self, bad: str | bytes) -> None:
        good = '{"driver": "550.54.14", "cuda": "12.4"}'
        found, code = self.answers(good, bad, good)
        assert code == 2 and len(found) == 3
        assert found[1]["compatible"] is None and found[1]["error"]
        assert found[0]["compatible"] is found[2]["compatible"] is True

    @settings(deadline=None, max_examples=150)
    @given(
        st.dictionaries(
            st.sampled_from(KEYS),
            st.text(max_size=12) | st.integers() | st.none() | st.lists(st.text(max_size=5), max_size=2),
            max_size=4,
        )
    )
    def test_no_line_breaks_it(self, question: dict[str, Any]) -> None:
        found, _ = self.answers(json.dumps(question))
        assert "broke" not in found[0].get("error", "")
        assert found[0]["compatible"] is None or "error" not in found[0]
