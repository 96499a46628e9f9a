"""containerd's config.toml: what must be kept, what must be said, and what must hold for any file."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpudoctor.codec import toml_loads
from gpudoctor.runtimes import containerd
from gpudoctor.runtimes.containerd import CRI, CriDisabled, Wanted
from gpudoctor.runtimes.edited import Refused
from tests.runtimes.toml_files import DEBIAN, DOCKERS, KUBEADM, REAL, VERSION_1, version_2

NVIDIA = Wanted("/usr/bin/nvidia-container-runtime")


def plain(text: str) -> dict[str, Any]:
    return toml_loads(text.replace("\r\n", "\n"))


def runtimes(text: str, version: int = 2) -> dict[str, Any]:
    found: dict[str, Any] = plain(text)["plugins"][CRI[version]]["containerd"]["runtimes"]
    return found


@pytest.mark.parametrize("name", REAL)
def test_configured_and_taken_back_a_real_file_is_the_same_to_the_byte(name: str) -> None:
    before = REAL[name]
    wanted = NVIDIA.replace(cdi=True, default=name not in ("kubeadm", "kubeadm-windows", "kubeadm-unended"))
    once = containerd.configure(before, wanted)
    assert once.changed and containerd.configure(once.text, wanted).text == once.text
    assert containerd.unconfigure(once.text, wanted).text == before


def test_comments_and_everything_else_stay() -> None:
    after = containerd.configure(KUBEADM, NVIDIA).text
    rest = iter(after.splitlines())
    assert all(line in rest for line in KUBEADM.splitlines())


@pytest.mark.parametrize(("name", "version"), [("kubeadm", 2), ("version-1", 1), ("version-3", 3)])
def test_the_nvidia_runtime_is_runcs_with_another_program(name: str, version: int) -> None:
    found = runtimes(containerd.configure(REAL[name], NVIDIA).text, version)
    runc = copy.deepcopy(found["runc"])
    runc["options"]["BinaryName"] = NVIDIA.path
    assert found["nvidia"] == runc and runc["options"]["SystemdCgroup"] is True


def test_without_runc_in_this_file_the_table_of_the_main_file_is_copied() -> None:
    table = {"runtime_type": "io.containerd.runc.v2", "options": {"SystemdCgroup": True}}
    found = runtimes(containerd.configure(DEBIAN, NVIDIA, table).text)
    assert found["nvidia"]["options"] == {"SystemdCgroup": True, "BinaryName": NVIDIA.path}


def test_cri_off_is_said_and_only_switched_on_when_asked() -> None:
    with pytest.raises(CriDisabled) as caught:
        containerd.configure(DOCKERS, NVIDIA)
    assert "Docker needs nothing here" in caught.value.hint
    after = containerd.configure(DOCKERS, NVIDIA.replace(enable_cri=True)).text
    assert plain(after)["disabled_plugins"] == [] and plain(after)["version"] == 2
    assert runtimes(after)["nvidia"]["options"] == {"BinaryName": NVIDIA.path}
    assert all(line in after.splitlines() for line in DOCKERS.splitlines() if line.startswith("#"))


def test_an_existing_runtime_is_kept_and_repointed_only_when_asked() -> None:
    own = containerd.configure(KUBEADM, NVIDIA.replace(path="/opt/ncr")).text
    kept = containerd.configure(own, NVIDIA)
    assert kept.text == own and "keeps its program /opt/ncr" in kept.notes[0]
    moved = containerd.configure(own, NVIDIA.replace(repoint=True)).text
    assert moved == own.replace("/opt/ncr", NVIDIA.path)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("version = 4\n", "version = 4"),
        ("version = true\n", "version = True"),
        ("a = [1,\n", "line 1, column 8"),
        ("a = 1\na = 2\n", "line 2"),
        ('version = 2\n[plugins]\n"io.containerd.grpc.v1.cri" = {containerd = {}}\n', "line 3, column 31"),
        ("version = 2\nplugins = 1\n", "plugins"),
    ],
)
def test_what_cannot_be_edited_is_refused_with_its_place(text: str, words: str) -> None:
    with pytest.raises(Refused, match=words):
        containerd.configure(text, NVIDIA)


def test_an_empty_file_gets_a_version() -> None:
    assert plain(containerd.configure("", NVIDIA).text)["version"] == 2
    assert plain(containerd.configure("# mine\n", NVIDIA.replace(new_version=3)).text)["version"] == 3


# ---------------------------------------------------------------- drop-ins


def test_the_last_imported_file_that_names_the_cri_plugin_is_the_one_to_edit() -> None:
    names = {"/etc/containerd/conf.d": ("20-b.toml", "10-a.toml", "x.txt"), "/opt": ("z.toml",)}
    main = 'version = 2\nimports = ["/etc/containerd/conf.d/*.toml", "/opt/z.toml", "none/*.toml"]\n'
    found = containerd.imported(main, "/etc/containerd", names)
    assert found == ("/etc/containerd/conf.d/10-a.toml", "/etc/containerd/conf.d/20-b.toml", "/opt/z.toml")
    texts = dict(zip(found, [KUBEADM, DEBIAN, "version = 2\n[grpc]\naddress = 'x'\n"], strict=True))
    assert containerd.target("/main", main, texts) == found[1]
    assert containerd.target("/main", main, {found[2]: texts[found[2]], "/x": "not toml ["}) == "/main"


# ---------------------------------------------------------------- any file

_WANTED = st.builds(
    Wanted, st.just("/usr/bin/ncr"), st.sampled_from(["nvidia", "gpu.x"]), st.booleans(), st.booleans()
)


def expected(text: str, wanted: Wanted) -> dict[str, Any]:
    data = plain(text)
    cri = data.setdefault("plugins", {}).setdefault(CRI[2], {})
    inner = cri.setdefault("containerd", {})
    found = inner.setdefault("runtimes", {})
    if not found:
        found["runc"] = {"runtime_type": "io.containerd.runc.v2"}
    table = copy.deepcopy(found.get("runc", {"runtime_type": "io.containerd.runc.v2"}))
    table.setdefault("options", {})["BinaryName"] = wanted.path
    found[wanted.runtime] = table
    if wanted.default:
        inner["default_runtime_name"] = wanted.runtime
    if wanted.cdi:
        cri["enable_cdi"] = True
    return data


@settings(max_examples=60)
@given(version_2(), _WANTED)
def test_only_what_was_asked_changes_and_twice_is_once(text: str, wanted: Wanted) -> None:
    after = containerd.configure(text, wanted).text
    assert plain(after) == expected(text, wanted)
    assert containerd.configure(after, wanted).text == after
    assert [line for line in text.splitlines() if "#" in line and "default_runtime" not in line] == [
        line
        for line in after.splitlines()
        if "#" in line and "default_runtime" not in line and containerd.RUNC_NOTE not in line
    ]


@settings(max_examples=60)
@given(version_2(), _WANTED)
def test_unconfigure_after_configure_is_the_file_before(text: str, wanted: Wanted) -> None:
    if wanted.default and "default_runtime_name" in text:
        return  # another default was there: taking ours out does not bring it back, `undo` does
    assert containerd.unconfigure(containerd.configure(text, wanted).text, wanted).text == text


def test_version_1_keeps_its_plugins_name() -> None:
    assert "[plugins.cri.containerd.runtimes.nvidia]" in containerd.configure(VERSION_1, NVIDIA).text
