"""The fake NVML speaks as the real one does: its structures are as large as nvidia-ml-py's, its functions are the real ones'."""

from __future__ import annotations

import ctypes
import re
import subprocess
from pathlib import Path

import pynvml
import pytest

from tests import fakes
from tests.real.driver import FOLDER

pytestmark = [pytest.mark.cc, pytest.mark.skipif(fakes.CC is None, reason="no C compiler")]

#: The C fake's name of a structure -> nvidia-ml-py's.
STRUCTURES = {
    "nvmlPciInfo_t": "nvmlPciInfo_t",
    "nvmlMemory_t": "c_nvmlMemory_t",
    "nvmlProcessInfo_t": "c_nvmlProcessInfo_t",
    "nvmlGpuFabricInfoV_t": "c_nvmlGpuFabricInfo_v2_t",
}
#: Functions that came with a driver branch; an older one lacks them (seen: 535.261.03).
SINCE = {"nvmlDeviceGetGpuFabricInfoV": 545}
DEFINITION = re.compile(r"typedef struct \{(?P<fields>[^}]*)\} (?P<name>nvml\w+_t);")


def definitions() -> dict[str, str]:
    source = (fakes.HERE / "nvml.c").read_text()
    return {m["name"]: m["fields"] for m in DEFINITION.finditer(source)}


def test_every_structure_is_compared() -> None:
    assert set(definitions()) == set(STRUCTURES)


@pytest.mark.parametrize("name", sorted(STRUCTURES))
def test_a_structure_has_the_size_and_offsets_of_nvidia_ml_pys(name: str, tmp_path: Path) -> None:
    real = getattr(pynvml, STRUCTURES[name])
    own = re.findall(r"(\w+)(?:\[\d+\])?\s*[,;]", definitions()[name])
    source = tmp_path / "layout.c"
    offsets = "".join(f' printf(" %zu", offsetof({name}, {field}));' for field in own)
    source.write_text(
        f"#include <stdio.h>\n#include <stddef.h>\ntypedef struct {{{definitions()[name]}}} {name};\n"
        f'int main(void) {{ printf("%zu", sizeof({name}));{offsets} return 0; }}\n'
    )
    assert fakes.CC is not None
    subprocess.run([fakes.CC, "-o", str(tmp_path / "layout"), str(source)], check=True, timeout=60)
    said = subprocess.run([str(tmp_path / "layout")], capture_output=True, text=True, check=True, timeout=10)
    size, *at = map(int, said.stdout.split())
    assert size == ctypes.sizeof(real)
    assert at == [getattr(real, field[0]).offset for field in real._fields_]


def test_the_fabrics_version_is_the_one_that_nvidia_ml_py_sends() -> None:
    """The upper byte is the structure's version, the rest its size (NVML_STRUCT_VERSION)."""
    sent = pynvml.nvmlGpuFabricInfo_v2
    assert sent >> 24 == 2 and sent & 0xFFFFFF == ctypes.sizeof(pynvml.c_nvmlGpuFabricInfo_v2_t)
    assert f"out->version >> 24 != {sent >> 24}" in (fakes.HERE / "nvml.c").read_text()


def exported(library: Path) -> set[str]:
    ran = subprocess.run(
        ["nm", "-D", "--defined-only", str(library)], capture_output=True, text=True, timeout=60
    )
    return {line.split()[-1].partition("@")[0] for line in ran.stdout.splitlines()}


@pytest.mark.realdriver
@pytest.mark.parametrize("soname", sorted(fakes.SONAMES.values()))
def test_every_function_of_a_fake_is_one_of_the_real_drivers(soname: str) -> None:
    drivers = sorted(p.parent for p in FOLDER.glob("*/complete"))
    if not drivers:
        pytest.skip(f"no real driver in {FOLDER}: run scripts/fetch-real-driver")
    own = {
        name for name in exported(fakes.libraries("nvml", "cuda") / soname) if name.startswith(("nvml", "cu"))
    }
    assert own
    for driver in drivers:
        missing = own - exported(driver / "lib" / soname)
        assert missing <= {
            name for name, branch in SINCE.items() if int(driver.name.split(".")[0]) < branch
        }, missing
