"""The bill of materials of small images: what their records name, and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gpudoctor.errors import GpudoctorError
from gpudoctor.workflows.image.sbom import sbom
from gpudoctor.workflows.image.verify import Request

DPKG = """Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.35-0ubuntu3.8

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1.0

Package: cuda-cudart-12-4
Status: hold ok installed
Architecture: amd64
Version: 12.4.127-1
Description: CUDA Runtime
 native
 libraries
"""


@pytest.fixture
def image(tmp_path: Path) -> Path:
    """Ubuntu with a wheel in two environments."""
    files = {
        "etc/os-release": 'ID=ubuntu\nVERSION_ID="22.04"\nPRETTY_NAME="Ubuntu 22.04"\n',
        "usr/bin/true": "",
        "var/lib/dpkg/status": DPKG,
        "usr/lib/python3/dist-packages/six-1.16.0.egg-info/PKG-INFO": "Name: six\nVersion: 1.16.0\n",
        "opt/venv/lib/python3.12/site-packages/torch-2.5.1+cu124.dist-info/METADATA": (
            "Metadata-Version: 2.4\nName: torch\nVersion: 2.5.1+cu124\nLicense-Expression: BSD-3-Clause\n\nName: no\n"
        ),
        "opt/conda/conda-meta/numpy-1.26.4.json": json.dumps({"name": "numpy", "version": "1.26.4"}),
        "opt/conda/conda-meta/broken.json": "{",
    }
    for name, text in files.items():
        path = tmp_path / "image" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "image"


def test_every_record_is_a_component_with_its_package_url(image: Path) -> None:
    document, found = sbom(Request(str(image)))
    assert [c["purl"] for c in document["components"]] == [
        "pkg:conda/numpy@1.26.4",
        "pkg:deb/ubuntu/cuda-cudart-12-4@12.4.127-1?arch=amd64&distro=ubuntu-22.04",
        "pkg:deb/ubuntu/libc6@2.35-0ubuntu3.8?arch=amd64&distro=ubuntu-22.04",
        "pkg:pypi/six@1.16.0",
        "pkg:pypi/torch@2.5.1%2Bcu124",
    ]
    torch = document["components"][-1]
    assert torch["licenses"] == [{"license": {"name": "BSD-3-Clause"}}]
    assert found.unread == ()
    assert len({c["bom-ref"] for c in document["components"]}) == len(document["components"])


def test_the_same_image_gives_the_same_bytes(image: Path) -> None:
    command = [sys.executable, "-m", "gpudoctor", "image", "sbom", str(image)]
    once, twice = (subprocess.run(command, capture_output=True, timeout=60).stdout for _ in range(2))
    assert once == twice and json.loads(once)["bomFormat"] == "CycloneDX"


def test_a_database_that_is_not_understood_is_told_of(image: Path) -> None:
    database = image / "var/lib/rpm/rpmdb.sqlite"
    database.parent.mkdir(parents=True)
    database.write_bytes(b"SQLite format 3\0")
    document, found = sbom(Request(str(image)))
    assert found.unread == ("/var/lib/rpm/rpmdb.sqlite",)
    assert document["metadata"]["properties"][0]["value"] == "/var/lib/rpm/rpmdb.sqlite"


def test_an_image_without_any_record_has_no_empty_bill(tmp_path: Path) -> None:
    (tmp_path / "usr/bin").mkdir(parents=True)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/group").touch()
    with pytest.raises(GpudoctorError, match="no package record"):
        sbom(Request(str(tmp_path)))
