"""What `plan` says is what pip finds: a real resolver for the described machine's Python and platform, with nothing
downloaded (pip 25.3 reads metadata alone). Builds of PyTorch's own indexes are counted apart: they can't be reached here."""

from __future__ import annotations

import json
import os
import subprocess
from functools import cache
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name
from packaging.version import Version

from gpudoctor.advice.route import Route
from gpudoctor.workflows.plan import plan
from tests.described import MACHINES

PYTHON = Path(os.environ.get("GPUDOCTOR_TEST_BUILD", "build")) / "resolver" / "bin" / "python"
pytestmark = [
    pytest.mark.wheels,
    pytest.mark.skipif(not PYTHON.exists(), reason="no build/resolver: run scripts/fetch-resolver"),
]
RESOLVED = [name for name, row in MACHINES.items() if not row[3][2]]


def test_ten_machines_are_resolved_and_the_others_are_counted() -> None:
    """Not resolved here: those of download.pytorch.org, which can't be reached."""
    apart = [name for name in MACHINES if name not in RESOLVED]
    assert len(RESOLVED) >= 10
    assert apart == [
        "v100-535-torch",
        "rtx5090-570-torch",
        "a100-470-torch",
        "gtx1080-and-rtx4090-torch",
    ]


@cache
def _plain_pip() -> dict[str, str]:
    """The environment without local folders of wheels, so that nothing but the index answers."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith("PIP_") or k == "PIP_CERT"}
    return {**kept, "PIP_CONFIG_FILE": os.devnull}


@pytest.mark.parametrize("name", RESOLVED)
def test_pip_finds_it(name: str, tmp_path: Path) -> None:
    target, version, given, _, _ = MACHINES[name]
    # with the options that `plan --wheelhouse` writes for `pip download`
    advice = plan(target, version, given, "", Route(wheelhouse=str(tmp_path))).advice
    assert advice is not None
    report = tmp_path / "report.json"
    argv = [
        str(PYTHON),
        "-m",
        "pip",
        "install",
        "-q",
        "--dry-run",
        "--ignore-installed",
        "--report",
        str(report),
    ]
    argv += ["--target", str(tmp_path / "none"), "--only-binary=:all:", "--python-version", advice.python]
    for platform in advice.platforms:
        argv += ["--platform", platform]
    ran = subprocess.run(
        [*argv, *advice.requirements],
        env=_plain_pip(),
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    found = {canonicalize_name(i["metadata"]["name"]): i for i in json.loads(report.read_text())["install"]}
    assert found[target]["metadata"]["version"] == advice.version
    tag = found[f"jax-{advice.variant}-plugin" if target == "jax" else target]["download_info"]["url"]
    assert f"-cp{advice.python.replace('.', '')}-" in tag and (given.get("machine") or "x86_64") in tag
    cudnn = [Version(i["metadata"]["version"]) for n, i in found.items() if n.startswith("nvidia-cudnn")]
    assert len(cudnn) == 1
    if advice.cudnn:
        assert cudnn[0] <= Version(advice.cudnn.partition("<=")[2])
