"""image-runs-as-root."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.images import causes, healthy


@pytest.mark.parametrize("user", ["", "0", "root", "0:1000"])
def test_root_by_any_name(tmp_path: Path, user: str) -> None:
    assert causes(tmp_path, healthy(), user=user) == {"image-runs-as-root"}


@pytest.mark.parametrize("user", ["app", "1000", "app:app"])
def test_a_user_is_well(tmp_path: Path, user: str) -> None:
    assert causes(tmp_path, healthy(), user=user) == set()
