"""Mirror profiles: the two with names, and a user's own file."""

from __future__ import annotations

import json
import pathlib

import pytest

from gpudoctor.errors import GpudoctorError
from gpudoctor.knowledge.mirrors import Mirror, names, profile

NVIDIA = "developer.download.nvidia.com/compute/cuda/redist/redistrib_12.4.0.json"
OWN = """
name = "office"
pip = "https://mirror.example.com/pypi/simple"
torch = "https://mirror.example.com/pytorch/{variant}"
conda = ["https://mirror.example.com/conda-forge"]
blocked = ["storage.googleapis.com"]
[[apt]]
path = "/ubuntu"
to = "https://mirror.example.com/ubuntu/"
[[rewrites]]
prefix = "github.com/"
to = ["mirror.example.com/github/", "http://10.0.0.1:8080/gh/"]
keep = true
"""


@pytest.fixture
def own(tmp_path: pathlib.Path) -> pathlib.Path:
    file = tmp_path / "office.toml"
    file.write_text(OWN)
    return file


@pytest.mark.parametrize("name", ["none", ""])
def test_none_changes_nothing(name: str) -> None:
    found = profile(name)
    assert (found.pip_index, found.torch_index("cu126"), found.conda_channels) == ("", "", ())
    assert found.downloader_config() == ""
    assert found.urls("https://github.com/a.tar.gz") == ("https://github.com/a.tar.gz",)
    assert found.apt_uri("http://a.host/ubuntu/") == "http://a.host/ubuntu/"


def test_china_gets_pages_from_ustc_and_nvidias_archives_from_nvidia() -> None:
    found = profile("cn")
    assert found.pip_index == "https://mirrors.ustc.edu.cn/pypi/simple"
    assert found.torch_index("cu126") == "https://mirror.sjtu.edu.cn/pytorch-wheels"
    assert found.conda_channels[0].endswith("/cloud/conda-forge")
    first = f"https://storage.googleapis.com/mirror.tensorflow.org/{NVIDIA}"
    assert found.urls(first) == (f"https://{NVIDIA}",) == found.urls(f"https://{NVIDIA}")
    assert found.urls("https://storage.googleapis.com/mirror.tensorflow.org/github.com/a.zip") == ()


def test_what_nobody_verified_is_told_of_and_never_used() -> None:
    found = profile("cn")
    doubtful: list[Mirror] = [m for m in (*found.pip, *found.torch, *found.conda) if not m.verified]
    assert {m.name for m in doubtful} == {"Aliyun"}
    used = [found.pip_index, found.torch_index("cu126"), *found.conda_channels, found.downloader_config()]
    assert not [text for text in used if "aliyun" in text]
    address = "https://developer.download.nvidia.com/compute/cuda/repos/ubuntu2404/x86_64/a.deb"
    assert found.urls(address) == (address,)


@pytest.mark.parametrize(
    ("uri", "becomes"),
    [
        ("http://a.host/ubuntu", "https://mirrors.ustc.edu.cn/ubuntu"),
        ("http://cn.a.host/ubuntu/", "https://mirrors.ustc.edu.cn/ubuntu/"),
        ("https://a.host/ubuntu-ports/", "https://mirrors.ustc.edu.cn/ubuntu-ports/"),
        ("https://a.host/debian", "https://mirrors.ustc.edu.cn/debian"),
        ("http://security.a.host/ubuntu", "http://security.a.host/ubuntu"),  # mirrors lag
        ("http://a.host/debian-security", "http://a.host/debian-security"),
        ("https://a.host/linux/ubuntu", "https://a.host/linux/ubuntu"),  # another archive's
        ("https://a.host/ubuntustudio", "https://a.host/ubuntustudio"),
        ("cdrom:[Ubuntu]/", "cdrom:[Ubuntu]/"),
    ],
)
def test_an_archive_is_known_by_its_path(uri: str, becomes: str) -> None:
    assert profile("cn").apt_uri(uri) == becomes


def test_a_file_of_ones_own(own: pathlib.Path) -> None:
    found = profile(str(own))
    assert (found.name, found.origin) == ("office", str(own))
    assert found.pip_index == "https://mirror.example.com/pypi/simple"
    assert found.torch_index("cu128") == "https://mirror.example.com/pytorch/cu128"
    assert found.conda_channels == ("https://mirror.example.com/conda-forge",)
    assert found.apt_uri("http://a.host/ubuntu") == "https://mirror.example.com/ubuntu"
    assert found.urls("https://github.com/a/b.zip") == (
        "https://mirror.example.com/github/a/b.zip",
        "http://10.0.0.1:8080/gh/a/b.zip",
        "https://github.com/a/b.zip",
    )
    assert found.downloader_config().splitlines() == [
        "block storage.googleapis.com",
        r"rewrite github\.com/(.*) mirror.example.com/github/$1",
        r"rewrite github\.com/(.*) http://10.0.0.1:8080/gh/$1",
        r"rewrite github\.com/(.*) github.com/$1",
    ]


def test_the_same_as_json(tmp_path: pathlib.Path) -> None:
    file = tmp_path / "p"
    file.write_text(json.dumps({"pip": ["https://a.example/simple", "https://b.example/simple"]}))
    found = profile(str(file))
    assert found.pip_index == "https://a.example/simple" and len(found.pip) == 2


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("pip = 3", "needs text"),
        ("pip = 'mirror.example.com'", "no address"),
        ("pip = 'https://a b'", "no address"),
        ("pip = 'https://a.example/$(reboot)'", "no address"),
        ("pipp = 'https://a.example'", "has no field 'pipp'"),
        ("name = 3", "name"),
        ("apt = 3", "tables"),
        ("[[apt]]\npath = '/ubuntu'", "tables"),
        ("[[apt]]\npath = 'ubuntu'\nto = 'https://a.example'", "path"),
        ("[[apt]]\npath = '/ubuntu'\nto = ['https://a.example']", "one address"),
        ("[[rewrites]]\nprefix = 'https://github.com/'\nto = 'a.example/'", "prefix"),
        ("[[rewrites]]\nprefix = 'github.com/'\nto = 'a.example'", "target"),
        ("[[rewrites]]\nprefix = 'github.com/'\nto = 'a.example/'\nkeep = 'yes'", "keep"),
        ("blocked = ['https://a.example']", "no host name"),
        ("{", "neither JSON nor TOML"),
        ("{" + '"a":[' * 3, "neither JSON nor TOML"),
        ("\x00\xff", "neither JSON nor TOML"),
        ("#" * 1_000_001, "larger than a megabyte"),
    ],
)
def test_a_bad_file_is_refused_in_words(tmp_path: pathlib.Path, text: str, says: str) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(text, encoding="latin-1")
    with pytest.raises(GpudoctorError) as raised:
        profile(str(file))
    assert says in raised.value.what and raised.value.context == str(file)
    assert raised.value.note and raised.value.hint


def test_an_unknown_name_says_which_there_are(tmp_path: pathlib.Path) -> None:
    for wrong in ("china", str(tmp_path)):
        with pytest.raises(GpudoctorError, match="there is no mirror profile") as raised:
            profile(wrong)
        assert all(name in raised.value.note for name in names())
