"""daemon.json: each defect of other tools that was measured is a case, named after it; and what must hold for any file."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpudoctor.runtimes import docker
from gpudoctor.runtimes.docker import Wanted
from gpudoctor.runtimes.edited import Refused, excerpt

NVIDIA = Wanted("/usr/bin/nvidia-container-runtime")
ALL = NVIDIA.replace(default=True, cdi=True)


def configured(text: str, wanted: Wanted = NVIDIA) -> str:
    return docker.configure(text, wanted).text


def refusal(text: str, wanted: Wanted = NVIDIA) -> Refused:
    with pytest.raises(Refused) as caught:
        docker.configure(text, wanted)
    return caught.value


# ---------------------------------------------------------------- what nvidia-ctk does wrong, one by one


def test_cdi_keeps_the_other_features() -> None:
    before = '{"features":{"buildkit":true,"containerd-snapshotter":true}}'
    after = json.loads(configured(before, NVIDIA.replace(cdi=True)))
    assert after["features"] == {"buildkit": True, "containerd-snapshotter": True, "cdi": True}


@pytest.mark.parametrize("nothing", ["", "\n", "  \r\n", "\ufeff"])
def test_an_empty_file_is_an_empty_object(nothing: str) -> None:
    assert set(json.loads(configured(nothing).removeprefix("\ufeff"))) == {"runtimes"}


def test_text_behind_the_object_is_refused_with_its_place() -> None:
    error = refusal('{"debug":true} garbage')
    assert (error.line, error.column) == (1, 16) and "behind the closing brace" in error.problem
    assert docker.clean('{"debug":true} garbage') is None  # it is not ours to say what is garbage


@pytest.mark.parametrize(
    ("text", "line", "column", "words"),
    [
        ('{\n  // why\n  "debug": true\n}', 2, 3, "comment"),
        ('{\n  "debug": true, # why\n  "a": 1\n}', 2, 18, "comment"),
        ('{"debug": true /* why */}', 1, 16, "comment"),
        ('{\n  "debug": true,\n}', 3, 1, "comma before the closing }"),
        ('{"dns": ["8.8.8.8",]}', 1, 20, "comma before the closing ]"),
    ],
)
def test_comments_and_extra_commas_are_refused_with_their_place_and_can_be_cleaned(
    text: str, line: int, column: int, words: str
) -> None:
    error = refusal(text)
    # Python 3.13 points at the comma, older ones behind it.
    assert error.line in (line, line - 1) and words in error.problem and "--clean" in error.hint
    if "comment" in words:
        assert (error.line, error.column) == (line, column)
        assert excerpt(text, line, column).endswith("\n" + " " * (column - 1) + "^")
    cleaned = docker.clean(text)
    assert cleaned is not None and isinstance(json.loads(cleaned), dict)


def test_cleaning_leaves_strings_alone() -> None:
    text = '{"a": "http://x/#y", "b": "/* no */", "c": ",}",}'
    assert docker.clean(text) == '{"a": "http://x/#y", "b": "/* no */", "c": ",}"}'


def test_a_byte_order_mark_stays() -> None:
    assert configured('\ufeff{"debug": true}').startswith('\ufeff{"debug": true, "runtimes"')


@pytest.mark.parametrize(
    ("text", "column"), [('{"runtimes": []}', 14), ('{"debug": true, "runtimes": {"nvidia": 1}}', 40)]
)
def test_runtimes_of_another_type_get_a_message(text: str, column: int) -> None:
    error = refusal(text)
    assert (error.line, error.column) == (1, column) and "must be an object" in error.problem


def test_runtimes_null_is_as_if_not_there() -> None:
    assert json.loads(configured('{"runtimes": null}'))["runtimes"]["nvidia"] == {"path": NVIDIA.path}


OWN = '{"runtimes": {"nvidia": {"path": "/opt/nv", "runtimeArgs": ["--debug"]}}}'


def test_an_existing_runtime_keeps_its_program_and_arguments() -> None:
    edited = docker.configure(OWN, NVIDIA)
    assert edited.text == OWN and not edited.changed and "keeps its program /opt/nv" in edited.notes[0]


def test_asked_to_repoint_it_still_keeps_its_arguments() -> None:
    after = json.loads(configured(OWN, NVIDIA.replace(repoint=True)))
    assert after["runtimes"]["nvidia"] == {"path": NVIDIA.path, "runtimeArgs": ["--debug"]}


def test_order_large_numbers_and_text_stay() -> None:
    before = '{\n  "z": 12345678901234567890,\n  "a": 1e400,\n  "t": "<&> \\u00e9 é",\n  "m": 1.50\n}\n'
    after = configured(before, ALL)
    assert after.startswith(before[: before.rindex("\n}")])
    assert list(json.loads(after)) == ["z", "a", "t", "m", "runtimes", "default-runtime", "features"]


def test_a_key_that_stands_there_twice_is_told() -> None:
    edited = docker.configure('{"debug": true, "debug": false, "log-opts": {"a": "1", "a": "2"}}', NVIDIA)
    assert [note.partition(" stands")[0] for note in edited.notes] == ['"debug"', '"log-opts.a"']


def test_the_default_runtime_is_unset_again() -> None:
    before = '{\n    "debug": true\n}'
    after = configured(before, NVIDIA.replace(default=True))
    assert json.loads(after)["default-runtime"] == "nvidia"
    assert docker.unconfigure(after, NVIDIA).text == before


def test_another_default_runtime_is_none_of_ours() -> None:
    before = '{"default-runtime": "kata", "runtimes": {"kata": {"path": "/k"}}}'
    assert docker.unconfigure(configured(before), NVIDIA).text == before


# ---------------------------------------------------------------- style


def test_indentation_and_line_endings_are_the_files_own() -> None:
    after = configured('{\r\n\t"debug": true\r\n}\r\n')
    assert after == (
        '{\r\n\t"debug": true,\r\n\t"runtimes": {\r\n\t\t"nvidia": {\r\n\t\t\t"path": '
        '"/usr/bin/nvidia-container-runtime"\r\n\t\t}\r\n\t}\r\n}\r\n'
    )


def test_a_file_on_one_line_stays_on_one_line() -> None:
    assert configured('{"debug":true}') == (
        '{"debug":true, "runtimes": {"nvidia": {"path": "/usr/bin/nvidia-container-runtime"}}}'
    )


@pytest.mark.parametrize(
    ("changed", "enough"),
    [
        (("runtimes.nvidia", "default-runtime"), True),
        (("runtimes.nvidia", "features.cdi"), False),
        (("cdi-spec-dirs",), False),
    ],
)
def test_when_a_signal_is_enough(changed: tuple[str, ...], enough: bool) -> None:
    assert docker.only_reload(changed) is enough


# ---------------------------------------------------------------- any file

_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
_RUNTIMES = st.dictionaries(
    st.sampled_from(["kata", "nvidia", "runsc"]),
    st.fixed_dictionaries({"path": st.sampled_from(["/a", "b"])}, optional={"runtimeArgs": st.just(["--x"])}),
    min_size=1,
)
_FILES = st.fixed_dictionaries(
    {},
    optional={
        "debug": st.booleans(),
        "runtimes": _RUNTIMES,
        "default-runtime": st.sampled_from(["runc", "kata", "nvidia"]),
        "features": st.dictionaries(st.sampled_from(["buildkit", "cdi"]), st.booleans(), min_size=1),
        "dns": st.lists(st.text(max_size=4), max_size=2),
        "labels": st.just([]),
        "other": _VALUES,
    },
)
_WANTED = st.builds(
    Wanted,
    st.just("/usr/bin/ncr"),
    st.sampled_from(["nvidia", "gpu"]),
    st.booleans(),
    st.booleans(),
    repoint=st.booleans(),
)


@st.composite
def files(draw: st.DrawFn) -> str:
    data = draw(_FILES)
    items = draw(st.permutations(list(data.items())))
    text = json.dumps(
        dict(items), indent=draw(st.sampled_from([None, 2, 4, "\t"])), ensure_ascii=draw(st.booleans())
    )
    text = text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))
    return text + draw(st.sampled_from(["", "\n"]))


def expected(data: dict[str, Any], wanted: Wanted) -> dict[str, Any]:
    """The same, on values: written apart from the code under test."""
    wished = json.loads(json.dumps(data))
    runtimes = wished.setdefault("runtimes", {})
    if wanted.runtime not in runtimes:
        runtimes[wanted.runtime] = {"path": wanted.path}
    elif wanted.repoint:
        runtimes[wanted.runtime]["path"] = wanted.path
    if wanted.default:
        wished["default-runtime"] = wanted.runtime
    if wanted.cdi:
        wished.setdefault("features", {})["cdi"] = True
    return dict(wished)


@settings(max_examples=60)
@given(files(), _WANTED)
def test_only_what_was_asked_changes_and_twice_is_once(text: str, wanted: Wanted) -> None:
    after = configured(text, wanted)
    assert json.loads(after) == expected(json.loads(text), wanted)
    assert configured(after, wanted) == after


@settings(max_examples=60)
@given(files(), _WANTED)
def test_unconfigure_after_configure_is_the_file_before(text: str, wanted: Wanted) -> None:
    data = json.loads(text)
    features = data.get("features", {})
    if (
        wanted.runtime in data.get("runtimes", {})
        or "cdi" in features
        or (wanted.default and "default-runtime" in data)
    ):
        return  # then there was something of that name before, and taking it out is another file
    if data.get("default-runtime") == wanted.runtime or not data:
        return
    assert docker.unconfigure(configured(text, wanted), wanted).text == text
