"""Which GPU code runs where. Composed targets; the rules' sources are in gpudoctor/rules/targets.py."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gpudoctor.facts.frameworks import Cubin, Ptx, Targets
from gpudoctor.rules.targets import Served, serves, spelled
from gpudoctor.versions import capability

CAPABILITIES = [
    "3.5", "5.0", "5.2", "5.3", "6.0", "6.1", "6.2", "7.0", "7.2", "7.5", "8.0", "8.6", "8.7", "8.8", "8.9",
    "9.0", "10.0", "10.1", "10.3", "10.7", "11.0", "12.0", "12.1",
]  # fmt: skip


def build(*cubins: str, ptx: tuple[str, ...] = (), isa: str = "8.4") -> Targets:
    """Targets as people write them: "8.6", "9.0a", "10.0f"."""

    def split(text: str) -> tuple[str, str]:
        return (text[:-1], text[-1]) if text[-1] in "af" else (text, "")

    return Targets(
        tuple(Cubin(*split(c)) for c in cubins),  # type: ignore[arg-type]
        tuple(Ptx(*split(p), isa) for p in ptx),  # type: ignore[arg-type]
        "fatbin",
    )


def how(targets: Targets, gpu: str, isa: str | None = "8.4") -> str:
    return serves(targets, gpu, isa).how


@pytest.mark.parametrize(
    ("cubin", "gpu", "expected"),
    [
        ("8.6", "8.6", "cubin"),
        ("8.0", "8.6", "cubin"),
        ("8.6", "8.9", "cubin"),
        ("8.6", "8.0", "none"),  # never to an older minor
        ("8.9", "8.6", "none"),
        ("7.5", "8.0", "none"),  # never to another major
        ("7.0", "7.5", "cubin"),
        ("6.0", "6.1", "cubin"),
        ("12.0", "12.1", "cubin"),  # GB10
        ("10.0", "10.3", "cubin"),  # B300
        ("10.0", "12.0", "none"),
        ("9.0a", "9.0", "cubin"),
        ("10.0a", "10.3", "none"),
        ("12.0a", "12.1", "none"),
        ("10.0f", "10.0", "cubin"),
        ("10.0f", "10.3", "cubin"),
        ("10.3f", "10.0", "none"),
        ("12.0f", "12.1", "cubin"),
        ("12.1f", "12.0", "none"),
        ("10.0f", "12.0", "none"),
        ("10.0f", "10.7", "unknown"),  # Rubin's family is not published
    ],
)
def test_one_cubin_on_one_gpu(cubin: str, gpu: str, expected: str) -> None:
    assert how(build(cubin), gpu) == expected


@pytest.mark.parametrize(
    ("cubin", "gpu", "expected"),
    [
        ("8.7", "8.7", "cubin"),
        ("8.7", "8.9", "none"),  # Orin's code is Orin's alone
        ("7.2", "7.5", "none"),
        ("5.3", "5.3", "cubin"),
        ("6.1", "6.2", "unknown"),  # desktop code on a Jetson: not documented
        ("8.0", "8.7", "unknown"),
        ("8.9", "8.7", "none"),  # a newer minor is out in any case
        ("8.8", "8.9", "unknown"),  # nobody has published what 8.8 is
        ("10.1", "11.0", "unknown"),  # Thor by its old name
        ("11.0", "10.1", "unknown"),
        ("10.1a", "11.0", "unknown"),
        ("11.0", "11.0", "cubin"),
        ("10.0", "10.1", "unknown"),
        ("10.1", "10.3", "none"),
        ("9.0", "11.0", "none"),
    ],
)
def test_jetson_parts_stand_apart(cubin: str, gpu: str, expected: str) -> None:
    assert how(build(cubin), gpu) == expected


@pytest.mark.parametrize(
    ("ptx", "isa", "gpu", "newest", "expected"),
    [
        ("9.0", "8.4", "12.0", "8.7", "ptx"),
        ("9.0", "8.4", "9.0", "8.4", "ptx"),
        ("9.0", "8.7", "12.0", "8.4", "none"),  # written by a newer toolkit than the driver
        ("9.0", "8.10", "12.0", "8.9", "none"),  # numbers, not text
        ("9.0", "", "12.0", "8.7", "unknown"),
        ("9.0", "8.4", "12.0", None, "unknown"),
        ("9.0", "8.4", "8.9", "8.7", "none"),  # PTX never goes to an older GPU
        ("8.0", "7.0", "8.7", "8.7", "ptx"),  # Jetson parts take PTX as all do
        ("9.0a", "8.4", "9.0", "8.7", "ptx"),
        ("9.0a", "8.4", "10.0", "8.7", "none"),
        ("10.0f", "8.8", "10.3", "8.8", "ptx"),
        ("10.0f", "8.8", "12.0", "8.8", "none"),
        ("10.3f", "8.8", "10.0", "8.8", "none"),
    ],
)
def test_ptx_needs_a_driver_that_knows_its_isa(
    ptx: str, isa: str, gpu: str, newest: str | None, expected: str
) -> None:
    assert serves(build(ptx=(ptx,), isa=isa), gpu, newest).how == expected


def test_machine_code_goes_before_ptx() -> None:
    assert serves(build("8.0", ptx=("8.0",)), "8.6", None) == Served("cubin", "machine code for sm_80")


def test_the_closest_code_is_named() -> None:
    assert serves(build("8.0", "8.6", "9.0"), "8.9", None).detail == "machine code for sm_86"


def test_ptx_goes_before_a_doubtful_cubin() -> None:
    """torch's sm_80 on Orin: nobody documents it, but PTX is sure."""
    assert how(build("8.0", ptx=("8.0",)), "8.7") == "ptx"


def test_a_doubtful_cubin_goes_before_ptx_that_is_too_new() -> None:
    assert serves(build("8.0", ptx=("8.0",), isa="9.0"), "8.7", "8.4").how == "unknown"


def test_reasons_are_spelled_out() -> None:
    assert (
        serves(build("7.0", "7.5"), "12.0", "8.7").detail == "it holds sm_70, sm_75, and nothing for sm_120"
    )
    assert serves(build(), "8.6", "8.4").detail == "it holds no GPU code"
    too_new = serves(build("8.0", ptx=("9.0",), isa="8.7"), "12.0", "8.4")
    assert too_new == Served(
        "none", "it holds PTX for compute_90 (ISA 8.7), and this driver compiles PTX up to ISA 8.4"
    )


def test_nonsense_is_not_known() -> None:
    assert how(build("8.6"), "eight") == "unknown"
    assert how(build("new"), "8.6") == "unknown"
    assert how(build("8.6", "new"), "8.6") == "cubin"


def test_tensorflow_on_a_new_gpu_goes_through_ptx() -> None:
    """TensorFlow 2.18: sm_60, 70, 80, 89 and compute_90; an RTX 5090 has 12.0."""
    tensorflow = build("6.0", "7.0", "8.0", "8.9", ptx=("9.0",), isa="8.5")
    assert how(tensorflow, "12.0", "8.7") == "ptx"
    assert how(tensorflow, "9.0", "8.5") == "ptx"
    assert how(tensorflow, "7.5", "8.7") == "cubin"
    assert how(tensorflow, "5.2", "8.7") == "none"


@given(st.sampled_from(CAPABILITIES), st.sampled_from(CAPABILITIES))
def test_no_cubin_ever_crosses_a_major_or_goes_down(built: str, gpu: str) -> None:
    verdict = how(build(built), gpu)
    if {built, gpu} == {"10.1", "11.0"}:
        assert verdict == "unknown"
    elif capability(built)[0] != capability(gpu)[0] or capability(built) > capability(gpu):
        assert verdict == "none"
    if built == gpu:
        assert verdict == "cubin"


@given(st.lists(st.sampled_from(CAPABILITIES), max_size=4), st.sampled_from(CAPABILITIES), st.data())
def test_more_code_never_serves_less(cubins: list[str], gpu: str, data: st.DataObject) -> None:
    rank = {"none": 0, "unknown": 1, "ptx": 2, "cubin": 3}
    more = [*cubins, data.draw(st.sampled_from(CAPABILITIES))]
    assert rank[how(build(*more), gpu)] >= rank[how(build(*cubins), gpu)]


def test_every_pair_has_an_answer() -> None:
    for built, gpu in itertools.product(CAPABILITIES, CAPABILITIES):
        for variant in ("", "a", "f"):
            assert serves(build(built + variant, ptx=(built + variant,)), gpu, "8.4").detail


def test_spelling() -> None:
    assert [spelled(c) for c in build("9.0a", "12.0").cubins] == ["sm_90a", "sm_120"]
