"""Layers as an engine's overlay keeps them: the same image as from its archive, or none at all."""

from __future__ import annotations

import errno
import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from gpudoctor.facts.observed import value_of
from gpudoctor.system.image.archive import open_image
from gpudoctor.system.image.folders import Folder, NotInPlace, may_read
from gpudoctor.system.image.layered import image_of
from gpudoctor.system.image.port import LayeredImage
from tests.images import Files, Meta, config, docker_archive

pytestmark = pytest.mark.skipif(not may_read(), reason="an engine's layers are read by root alone")

LAYERS: tuple[Files, ...] = (
    {
        "/etc/passwd": "root", "/a/1": "1", "/a/2": "2", "/b/old": "x", "/b/deep/er": "x", "/c": "file",
        "/lib": "-> usr/lib", "/usr/lib/so": Meta("code", 0o755), "/usr/lib/twin": Meta("/usr/lib/so", kind="hardlink"),
    },
    {"/a/.wh.1": "", "/b/.wh..wh..opq": "", "/b/new": "n", "/c/now-a-folder": "y", "/usr/lib/so": "newer"},
    {"/a/1": "again", "/.wh.lib": ""},
)  # fmt: skip


def lay(folder: Path, files: Files) -> None:
    """A layer's archive as overlayfs has it: what is removed is a device 0:0, what hides all below an attribute."""
    for path, content in files.items():
        one = content if isinstance(content, Meta) else Meta(content)
        at = folder / path.lstrip("/")
        at.parent.mkdir(parents=True, exist_ok=True)
        if at.name == ".wh..wh..opq":
            os.setxattr(at.parent, "trusted.overlay.opaque", b"y")
        elif at.name.startswith(".wh."):
            os.mknod(at.with_name(at.name[4:]), stat.S_IFCHR, os.makedev(0, 0))
        elif isinstance(one.content, str) and one.content.startswith("-> "):
            at.symlink_to(one.content[3:])
        elif one.kind == "hardlink":
            at.hardlink_to(folder / str(one.content).lstrip("/"))
        else:
            at.write_bytes(one.content if isinstance(one.content, bytes) else one.content.encode())
            at.chmod(one.mode)


def opened(folder: Path, *layers: Files) -> LayeredImage:
    folders = []
    for number, files in enumerate(layers):
        lay(folder / str(number), files)
        folders.append((f"sha256:{number}", Folder(str(folder / str(number)), "")))
    document = json.loads(config(layers=len(layers)))
    return image_of("x:1", "engine", "x:1", document, list(folders), 60.0)


def tree(image: LayeredImage) -> dict[str, tuple[str, int, bytes]]:
    return {
        path: (
            info.kind,
            info.mode if info.kind == "file" else 0,
            image.read(path) if info.kind == "file" else b"",
        )
        for path, info in image.walk()
    }


def test_it_is_the_image_that_the_archive_holds(tmp_path: Path) -> None:
    archive = open_image(str(docker_archive(tmp_path / "i.tar", LAYERS)))
    assert isinstance(archive, LayeredImage)
    image = opened(tmp_path, *LAYERS)
    files = {path: told for path, told in tree(image).items() if told[0] != "dir"}
    assert files == {path: told for path, told in tree(archive).items() if told[0] != "dir"}
    sizes = [(one.files, one.size, one.hidden) for one in value_of(image.image.layers, ())]
    assert sizes == [(one.files, one.size, one.hidden) for one in value_of(archive.image.layers, ())]
    assert image.env == archive.env and image.image.kind == "engine"
    assert image.read("/usr/lib/twin") == b"code" and image.read("/usr/lib/so") == b"newer"
    assert image.listdir("/b") == ["new"] and image.read("/a/1") == b"again"


@pytest.mark.parametrize("change", ["removed", "rewritten"])
def test_a_file_that_went_away_meanwhile_is_not_called_absent(tmp_path: Path, change: str) -> None:
    image = opened(tmp_path, {"/etc/passwd": "root", "/etc/group": "root"})
    file = tmp_path / "0/etc/passwd"
    if change == "removed":
        file.unlink()
    else:
        file.write_text("somebody else")
    with pytest.raises(OSError, match=r"layer sha256:0: /etc/passwd") as error:
        image.read("/etc/passwd")
    assert error.value.errno == errno.EIO
    assert image.read("/etc/group") == b"root"


def _attribute(name: str, value: bytes = b"y") -> Callable[[Path], None]:
    return lambda file: os.setxattr(file, name, value)


@pytest.mark.parametrize(
    "unusual",
    [
        _attribute("trusted.overlay.redirect", b"/elsewhere"),
        _attribute("trusted.overlay.metacopy", b""),
        _attribute("user.overlay.metacopy", b""),
        _attribute("trusted.overlay.opaque", b"x"),
        lambda file: (file if file.is_dir() else file.parent).joinpath(".wh.gone").touch(),
    ],
    ids=["redirect", "metacopy", "of-a-user", "opaque-x", "whiteout-file"],
)
@pytest.mark.parametrize("where", ["etc", "etc/passwd"])
def test_what_is_written_in_other_words_is_not_guessed(
    tmp_path: Path, unusual: Callable[[Path], None], where: str, request: pytest.FixtureRequest
) -> None:
    lay(tmp_path / "0", {"/etc/passwd": "root"})
    unusual(tmp_path / "0" / where)
    if "opaque-x" in request.node.name and where != "etc":
        assert len(Folder(str(tmp_path / "0"), "").entries()) == 3  # on a file it says nothing
        return
    with pytest.raises(NotInPlace):
        Folder(str(tmp_path / "0"), "").entries()


def test_what_is_no_file_is_never_opened(tmp_path: Path) -> None:
    lay(tmp_path / "0", {"/etc/passwd": "root"})
    os.mkfifo(tmp_path / "0/etc/pipe")
    os.mknod(tmp_path / "0/etc/null", stat.S_IFCHR, os.makedev(1, 3))
    (tmp_path / "0/etc/outside").symlink_to("/etc/hosts")
    image = image_of("x:1", "engine", "", {}, [("", Folder(str(tmp_path / "0"), ""))], 60.0)
    kinds = {path: info.kind for path, info in image.walk()}
    assert (kinds["/etc/pipe"], kinds["/etc/null"], kinds["/etc/outside"]) == ("other", "char", "link")
    with pytest.raises(OSError, match="not a regular file"):
        image.read("/etc/pipe")
    with pytest.raises(FileNotFoundError):
        image.read("/etc/outside")
