"""Archives of images: what is in them after all layers, whatever form they come in, and every way of being broken."""

from __future__ import annotations

import gzip
import io
import json
import os
import subprocess
import tarfile
from pathlib import Path

import pytest

from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.observed import value_of
from gpudoctor.parsers import fatbin
from gpudoctor.system.image import sources
from gpudoctor.system.image.archive import open_image
from gpudoctor.system.image.port import LayeredImage
from gpudoctor.system.image.sources import Damaged, File, Gzip
from gpudoctor.system.image.tar import Entry, entries
from gpudoctor.system.port import NotHere
from tests.images import Files, Meta, config, docker_archive, healthy, layer, oci_members
from tests.sysroot import build
from tests.unit.test_fatbin import container, elf, entry

#: Bytes between two kept states, so that a small stream has several.
STRIDE = 1 << 16


def opened(path: Path, *layers: Files) -> LayeredImage:
    image = open_image(str(docker_archive(path / "i.tar", layers)))
    assert isinstance(image, LayeredImage)
    return image


def written(path: Path, data: bytes) -> str:
    path.write_bytes(data)
    return str(path)


# ---------------------------------------------------------------- layers


def test_whiteouts_and_opaque_folders_hide_only_what_lies_below(tmp_path: Path) -> None:
    image = opened(
        tmp_path,
        {"/a/1": "1", "/a/2": "2", "/b/old": "x", "/b/deep/er": "x", "/c": "file"},
        {"/a/.wh.1": "", "/b/.wh..wh..opq": "", "/b/new": "n", "/c/now-a-folder": "y"},
        {"/a/1": "again"},
    )
    assert image.listdir("/a") == ["1", "2"] and image.read("/a/1") == b"again"
    assert image.listdir("/b") == ["new"] and image.listdir("/c") == ["now-a-folder"]
    layers = value_of(image.image.layers, ())
    assert [(one.files, one.size, one.hidden) for one in layers] == [(5, 8, 7), (2, 2, 0), (1, 5, 0)]


def test_an_opaque_marker_after_its_own_layers_files_spares_them(tmp_path: Path) -> None:
    image = opened(tmp_path, {"/b/old": "x"}, {"/b/new": "n", "/b/.wh..wh..opq": ""})
    assert image.listdir("/b") == ["new"]


def test_links_stay_inside_and_hard_links_are_one_file(tmp_path: Path) -> None:
    image = opened(
        tmp_path,
        {
            "/usr/lib/x.so.1": "bytes",
            "/lib": "-> usr/lib",
            "/abs": "-> /usr/../../../usr/lib/x.so.1",
            "/loop": "-> loop",
            "/usr/lib/hard": Meta("/usr/lib/x.so.1", kind="hardlink"),
        },
        {"/lib/y": "through the link"},
    )
    assert image.read("/abs") == b"bytes" and image.realpath("/lib/x.so.1") == "/usr/lib/x.so.1"
    assert image.read("/usr/lib/y") == b"through the link"
    assert image.stat("/usr/lib/hard").inode == image.stat("/usr/lib/x.so.1").inode
    assert image.stat("/lib", follow=False).kind == "link" and image.readlink("/lib") == "usr/lib"
    with pytest.raises(OSError, match="symbolic links"):
        image.read("/loop")
    with pytest.raises(FileNotFoundError):
        image.read("/usr/lib/none")
    with pytest.raises(NotHere):
        image.listdir("/proc")
    with pytest.raises(NotHere):
        image.run(["true"], 1.0)


def test_names_longer_than_a_header_and_not_in_ascii(tmp_path: Path) -> None:
    long = "/" + "/".join(["deep" * 12] * 5) + "/文件.so"
    for form in (tarfile.PAX_FORMAT, tarfile.GNU_FORMAT):
        out = io.BytesIO()
        with tarfile.open(fileobj=out, mode="w", format=form) as tar:
            info = tarfile.TarInfo(long[1:])
            info.size, info.uid = 3, 3_000_000
            tar.addfile(info, io.BytesIO(b"abc"))
            link = tarfile.TarInfo("etc/passwd")
            link.type, link.linkname = tarfile.SYMTYPE, long
            tar.addfile(link)
        path = written(tmp_path / "flat.tar", out.getvalue())
        found = [e for e in entries(File(os.open(path, os.O_RDONLY), path)) if isinstance(e, Entry)]
        assert [(e.path, e.size, e.uid, e.target) for e in found] == [
            (long, 3, 3_000_000, ""),
            ("/etc/passwd", 0, 0, long),
        ]


def test_gpu_code_is_read_within_the_archive(tmp_path: Path) -> None:
    code = elf(container(entry(2, 90), entry(1, 90, isa=0x80004)))
    image = opened(tmp_path, {"/x.so": code})
    with image.open("/x.so") as file:
        targets = fatbin.read(file)
    assert [c.capability for c in targets.cubins] == ["9.0"] and targets.ptx[0].isa == "8.4"


# ---------------------------------------------------------------- forms


def forms(folder: Path) -> dict[str, str]:
    """One image in every form that tools write."""
    members = oci_members(healthy())
    plain = docker_archive(folder / "docker.tar", healthy())
    return {
        "docker archive": str(plain),
        "the same in gzip": written(folder / "docker.tar.gz", gzip.compress(plain.read_bytes())),
        "OCI archive": written(folder / "oci.tar", layer(members)),
        "OCI layout": build(folder / "layout", {f"/{k}": v for k, v in members.items()}),  # type: ignore[misc]
        "exported file system": written(
            folder / "flat.tar", layer({k: v for files in healthy() for k, v in files.items()})
        ),
    }


def test_every_form_shows_the_same_files(tmp_path: Path) -> None:
    walked = {}
    for name, path in forms(tmp_path).items():
        image = open_image(path)
        assert isinstance(image, LayeredImage)
        walked[name] = [(p, i.kind, i.mode, i.uid, i.size) for p, i in image.walk()]
        assert image.read("/etc/group").startswith(b"root:x:0:"), name
    first = next(iter(walked.values()))
    assert len(first) > 40
    assert [name for name, files in walked.items() if files != first] == []


def test_a_folder_is_read_as_it_lies(tmp_path: Path) -> None:
    folder = build(tmp_path / "r", {"/etc/os-release": "ID=x", "/usr/lib/libcuda.so.1": b""})
    image = open_image(folder)
    assert image.image.kind == "folder" and ("/usr/lib/libcuda.so.1", 0) in [
        (p, i.size) for p, i in image.walk()
    ]


def test_old_engines_write_a_shared_layer_once_and_link_to_it(tmp_path: Path) -> None:
    manifest = [{"Config": "c.json", "RepoTags": None, "Layers": ["a/layer.tar", "b/layer.tar"]}]
    data = layer(
        {
            "a/layer.tar": layer({"/x": "1"}),
            "b/layer.tar": "-> ../a/layer.tar",
            "c.json": config(),
            "manifest.json": json.dumps(manifest),
        }
    )
    assert open_image(written(tmp_path / "i.tar", data)).read("/x") == b"1"


def test_of_several_images_one_must_be_chosen(tmp_path: Path) -> None:
    one = {"Config": "c.json", "Layers": ["l"]}
    manifest = [{**one, "RepoTags": ["a:1"]}, {**one, "RepoTags": ["b:1"]}]
    data = layer({"l": layer({"/x": ""}), "c.json": config(), "manifest.json": json.dumps(manifest)})
    path = written(tmp_path / "i.tar", data)
    with pytest.raises(GpudoctorError, match="holds 2 images") as error:
        open_image(path)
    assert "a:1; b:1" in error.value.context and "--tag" in error.value.hint
    assert open_image(path, tag="b:1").image.reference == "b:1"  # type: ignore[union-attr]
    with pytest.raises(GpudoctorError, match="no image 'c:1'"):
        open_image(path, tag="c:1")


def test_a_platform_that_is_not_there(tmp_path: Path) -> None:
    path = written(tmp_path / "oci.tar", layer(oci_members(healthy(), architecture="arm64")))
    assert open_image(path).image.kind == "oci-archive"  # the only one, whatever it is for
    with pytest.raises(GpudoctorError, match="no image 'linux/s390x'"):
        open_image(path, platform="linux/s390x")


# ---------------------------------------------------------------- compressed


def test_any_place_of_a_gzip_stream_is_reached_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "STRIDE", STRIDE)
    data = b"".join(n.to_bytes(8, "big") for n in range(3 * STRIDE // 8))
    half = len(data) // 2  # two members, as tools that compress in parallel write them
    path = written(
        tmp_path / "x.gz", gzip.compress(data[:half], 1) + gzip.compress(data[half:], 1) + bytes(100)
    )
    stream = Gzip(File(os.open(path, os.O_RDONLY), path))
    for at in (len(data) - 8, 0, half - 4, STRIDE + 3, 5, 2 * STRIDE + 1):
        assert stream.pread(8, at) == data[at : at + 8]
    assert stream.pread(20, len(data) - 4) == data[-4:] and stream.pread(1, len(data)) == b""


def test_zstd_is_read_or_says_what_is_missing(tmp_path: Path) -> None:
    plain = written(tmp_path / "p", layer({"/etc/passwd": "x"}))
    try:
        subprocess.run(["zstd", "-q", plain, "-o", f"{plain}.zst"], check=True)
    except FileNotFoundError:
        pytest.skip("no zstd program to write one with")
    try:
        found = open_image(f"{plain}.zst").read("/etc/passwd")
    except GpudoctorError as error:
        assert "zstandard" in error.hint
    else:
        assert found == b"x"


# ---------------------------------------------------------------- broken


@pytest.mark.parametrize(
    "form", ["docker archive", "the same in gzip", "OCI archive", "exported file system"]
)
def test_a_file_that_was_cut_short_is_an_error_wherever_the_cut_is(tmp_path: Path, form: str) -> None:
    whole = Path(forms(tmp_path)[form]).read_bytes().rstrip(b"\0")  # what lies after it is padding
    for part in range(1, 16):
        path = written(tmp_path / "cut", whole[: len(whole) * part // 16])
        with pytest.raises(GpudoctorError) as error:
            open_image(path)
        assert "no whole image" in error.value.what and error.value.hint


def test_a_header_that_was_damaged_is_not_taken_for_the_end(tmp_path: Path) -> None:
    data = bytearray(docker_archive(tmp_path / "i.tar", healthy()).read_bytes())
    data[700] ^= 0xFF  # within the first layer's first header
    with pytest.raises(GpudoctorError, match="layer 0 is"):
        open_image(written(tmp_path / "i.tar", bytes(data)))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "without the mark"),
        (b"#!/bin/sh\n" * 100, "no tar archive"),
        (layer({"readme": "x"}), "neither manifest.json"),
        (layer({"manifest.json": "{"}), "no JSON"),
        (layer({"manifest.json": "[]"}), "no image"),
        (layer({"manifest.json": '[{"Config": "c", "Layers": ["l"]}]', "c": "{}"}), "layer l is not in it"),
        (layer({"index.json": '{"manifests": [{"digest": "sha256:../../etc"}]}'}), "no digest"),
        (layer({"index.json": '{"manifests": [{"digest": "sha256:ab"}]}'}), "blobs/sha256/ab is not in it"),
    ],
)
def test_what_is_no_image_says_why(tmp_path: Path, data: bytes, words: str) -> None:
    with pytest.raises(GpudoctorError, match=words):
        open_image(written(tmp_path / "x.tar", data))


@pytest.mark.parametrize(
    ("name", "document"),
    [
        ("manifest.json", '[{"Config": 7, "Layers": 7}]'),
        ("manifest.json", '[{"Config": "c", "Layers": [[]]}]'),
        ("manifest.json", '[{"Config": "c", "Layers": [], "RepoTags": 7}]'),
        ("index.json", '{"manifests": 7}'),
        ("index.json", '{"manifests": [7]}'),
        ("index.json", "[]"),
    ],
)
def test_documents_of_another_shape(tmp_path: Path, name: str, document: str) -> None:
    with pytest.raises(GpudoctorError):
        open_image(written(tmp_path / "x.tar", layer({name: document, "c": config()})))


@pytest.mark.parametrize("inner", ['{"config": []}', '{"config": {"Env": 7}}', '{"history": 7}', "7"])
def test_configurations_of_another_shape(tmp_path: Path, inner: str) -> None:
    members = {"manifest.json": '[{"Config": "c", "Layers": []}]', "c": inner}
    try:
        image = open_image(written(tmp_path / "x.tar", layer(members)))
    except GpudoctorError:
        return
    assert image.env == {}


def test_folders_nested_deeper_than_python_recurses(tmp_path: Path) -> None:
    deep = "/" + "/".join(["d"] * 3000) + "/f"
    image = opened(tmp_path, {deep: "x"}, {"/.wh.d": ""})
    assert list(image.walk()) == []


def test_a_hard_link_to_nothing(tmp_path: Path) -> None:
    with pytest.raises(GpudoctorError, match="hard link"):
        opened(tmp_path, {"/a": Meta("/gone", kind="hardlink")})


@pytest.mark.parametrize("files", [(), ("etc/",), ("usr/lib/x.so", "bin/tool", "etc/my.conf", "lib/main.py")])
def test_a_folder_that_is_no_image(tmp_path: Path, files: tuple[str, ...]) -> None:
    """Nothing that a rule looks for would be found in it, and it would be called well."""
    for name in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).mkdir() if name.endswith("/") else (tmp_path / name).touch()
    with pytest.raises(GpudoctorError, match="is no image") as error:
        open_image(str(tmp_path))
    assert error.value.exit_code == 2 and "etc/passwd" in error.value.context


def test_a_name_as_long_as_a_file_is_refused(tmp_path: Path) -> None:
    head = bytearray(tarfile.TarInfo("x").tobuf(tarfile.GNU_FORMAT))
    head[156:157] = b"L"
    head[124:136] = b"77777777777\0"
    head[148:156] = b" " * 8
    head[148:156] = b"%06o\0 " % sum(head)
    path = written(tmp_path / "x", bytes(head) + bytes(1024))
    with pytest.raises(Damaged, match="a name of"):
        list(entries(File(os.open(path, os.O_RDONLY), path)))
