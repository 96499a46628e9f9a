"""image-library-unreadable."""

from __future__ import annotations

from pathlib import Path

from tests.images import SITE, Meta, causes, finding, healthy, judgement
from tests.sysroot import shared_object

CAUSE = "image-library-unreadable"
CUDNN = f"{SITE}/nvidia/cudnn/lib/libcudnn.so.9"


def test_a_library_that_only_root_may_read(tmp_path: Path) -> None:
    strict = {CUDNN: Meta(shared_object("libcudnn.so.9", runpath="$ORIGIN"), 0o600)}
    found = judgement(tmp_path, [*healthy(), strict])
    assert {f.id for f in found.findings} == {CAUSE}
    assert CUDNN in finding(found, CAUSE).title
    assert causes(tmp_path, [*healthy(), strict], user="") == {"image-runs-as-root"}


def test_an_environment_below_a_closed_folder(tmp_path: Path) -> None:
    assert causes(tmp_path, [*healthy(), {"/opt": Meta(mode=0o700, kind="dir")}]) == {CAUSE}


def test_of_the_users_own_group_it_is_well(tmp_path: Path) -> None:
    own = {CUDNN: Meta(shared_object("libcudnn.so.9", runpath="$ORIGIN"), 0o640, gid=1000)}
    assert causes(tmp_path, [*healthy(), own]) == set()
