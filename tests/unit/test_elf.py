"""The ELF reader against readelf, on real files of this machine, and on garbage."""

from __future__ import annotations

import io
import mmap
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gpudoctor.parsers import elf
from tests.sysroot import shared_object

needs_cc = pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler")
needs_readelf = pytest.mark.skipif(not shutil.which("readelf"), reason="no readelf")


@pytest.fixture(scope="module")
def compiled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("elf")
    source = folder / "a.c"
    source.write_text(
        '#include <math.h>\n#include <stdio.h>\ndouble f(double x) { puts(""); return pow(x, x); }\n'
    )
    library = folder / "libcudnn_ops.so.9.1.0"
    flags = ["-Wl,-soname,libcudnn_ops.so.9", "-Wl,--enable-new-dtags,-rpath,$ORIGIN/../a:/opt/b", "-lm"]
    subprocess.run(["cc", "-shared", "-fPIC", "-o", str(library), str(source), *flags], check=True)
    return library


@needs_cc
@needs_readelf
@pytest.mark.cc
def test_a_compiled_library_reads_as_readelf_reads_it(compiled: Path) -> None:
    with compiled.open("rb") as file:
        ours = elf.read(file)
    said = subprocess.run(
        ["readelf", "-dVW", str(compiled)], capture_output=True, text=True, check=True
    ).stdout
    assert ours.needed == tuple(re.findall(r"\(NEEDED\).*\[(.*)\]", said))
    assert [ours.soname] == re.findall(r"\(SONAME\).*\[(.*)\]", said)
    assert ours.runpath == ("$ORIGIN/../a", "/opt/b") and ours.rpath == ()
    wanted = said[said.index("version_r") :]
    assert {v for need in ours.versions for v in need.versions} == set(re.findall(r"Name: (\S+)", wanted))
    assert {need.library for need in ours.versions} == set(re.findall(r"File: (\S+)", wanted))
    assert (ours.bits, ours.type, ours.little_endian) == (64, "shared", True)


@needs_cc
@needs_readelf
@pytest.mark.cc
def test_the_section_table_is_readelfs(compiled: Path) -> None:
    said = subprocess.run(
        ["readelf", "-SW", str(compiled)], capture_output=True, text=True, check=True
    ).stdout
    rows = re.findall(r"\] (\S*) +([A-Z_]+) +([0-9a-f]+) ([0-9a-f]+) ([0-9a-f]+)", said)
    theirs = [(n, int(o, 16), 0 if k == "NOBITS" else int(s, 16)) for n, k, _, o, s in rows if k != "NULL"]
    with compiled.open("rb") as file:
        ours = [(s.name, s.offset, s.size) for s in elf.sections(file)]
    assert ours[1:] == theirs
    with compiled.open("rb") as file:
        assert elf.section(file, ".nv_fatbin") is None
        assert b"\0" in (elf.section_bytes(file, ".dynstr") or b"")


def test_an_rpath_is_no_runpath() -> None:
    made = shared_object("libx.so.1", needed=("libcudnn.so.9",), rpath="$ORIGIN/../../nvidia/cudnn/lib")
    read = elf.read(io.BytesIO(made))
    assert (read.soname, read.needed) == ("libx.so.1", ("libcudnn.so.9",))
    assert (read.rpath, read.runpath) == (("$ORIGIN/../../nvidia/cudnn/lib",), ())


def test_a_32_bit_file_says_so() -> None:
    assert elf.read(io.BytesIO(shared_object("libx.so.1", bits=32))).bits == 32


def test_a_map_is_as_good_as_a_file(tmp_path: Path) -> None:
    path = tmp_path / "x.so"
    path.write_bytes(shared_object("libx.so.1"))
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert elf.read(mapped) == elf.read(file)


@pytest.mark.parametrize("data", [b"", b"\x7fELF", b"MZ" + b"\0" * 100, b"\x7fELF\x02\x01" + b"\xff" * 200])
def test_what_is_no_elf_file_is_a_value_error(data: bytes) -> None:
    for question in (elf.read, elf.sections):
        with pytest.raises(ValueError):
            question(io.BytesIO(data))


_SEED = shared_object("libx.so.1", needed=("liba.so", "libb.so"), runpath="$ORIGIN:/b", glibc="GLIBC_2.28")


@settings(max_examples=300, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, len(_SEED) - 1), st.integers(0, 255)), max_size=12),
    st.integers(0, len(_SEED)),
)
def test_damage_gives_a_value_error_or_a_value(changes: list[tuple[int, int]], cut: int) -> None:
    data = bytearray(_SEED)
    for at, byte in changes:
        data[at] = byte
    for question in (elf.read, elf.sections):
        for spoilt in (bytes(data), bytes(data[:cut])):
            try:
                question(io.BytesIO(spoilt))
            except ValueError:
                pass


def test_the_seed_of_the_damage_is_sound() -> None:
    read = elf.read(io.BytesIO(_SEED))
    assert read.versions == (elf.VersionNeed("libc.so.6", ("GLIBC_2.28",)),)
    assert read.runpath == ("$ORIGIN", "/b")
