"""The real PyTorch that scripts/fetch-torch put into an environment."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests import fakes


def torch_folder() -> Path:
    found = sorted((fakes.BUILD.parent / "env-torch" / "lib").glob("python3*/site-packages/torch"))
    if not found:
        pytest.skip("no build/env-torch: run scripts/fetch-torch")
    return found[0]
