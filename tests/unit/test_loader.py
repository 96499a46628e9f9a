"""The loader's view: which file dlopen would take."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from gpudoctor.parsers import ldsocache
from gpudoctor.system import loader
from gpudoctor.system.live import Live
from gpudoctor.system.root import Root

ELF64, ELF32 = b"\x7fELF\x02" + bytes(60), b"\x7fELF\x01" + bytes(60)


def cache_bytes(entries: list[tuple[str, str, int]], old: bool = False) -> bytes:
    """A cache in the new layout; with `old`, as ldconfig before glibc 2.32 wrote it: the old one in front."""
    strings, offsets, base = b"", [], 48 + 24 * len(entries)
    for name, path, flags in entries:
        key = base + len(strings)
        strings += name.encode() + b"\0"
        value = base + len(strings)
        strings += path.encode() + b"\0"
        offsets.append((flags, key, value))
    data = b"glibc-ld.so.cache1.1" + len(entries).to_bytes(4, "little") + len(strings).to_bytes(4, "little")
    data += bytes(48 - len(data))
    for numbers in offsets:
        data += b"".join(n.to_bytes(4, "little") for n in numbers) + bytes(12)
    data += strings
    if old:
        front = b"ld.so-1.7.0\0" + len(entries).to_bytes(4, "little") + bytes(12 * len(entries))
        data = front + bytes(-len(front) % 8) + data
    return data


def put(root: Path, path: str, data: bytes = ELF64) -> None:
    file = root / path.lstrip("/")
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(data)


def paths(root: Path, soname: str, env: dict[str, str] | None = None) -> list[tuple[str, str]]:
    return [(f.path, f.source) for f in loader.find(Root(str(root), env=env), soname)]


@pytest.mark.parametrize("old", [False, True])
def test_both_layouts_of_the_cache(old: bool) -> None:
    entries = ldsocache.parse(
        cache_bytes(
            [("libcuda.so.1", "/a/libcuda.so.1", 0x303), ("libcuda.so.1", "/b/libcuda.so.1", 0x3)], old
        )
    )
    assert [(e.path, e.is_64_bit) for e in entries] == [("/a/libcuda.so.1", True), ("/b/libcuda.so.1", False)]


@pytest.mark.skipif(
    not (shutil.which("ldconfig") or Path("/sbin/ldconfig").exists()), reason="no ldconfig here"
)
def test_this_machines_cache_reads_as_ldconfig_prints_it() -> None:
    printed = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, timeout=10).stdout
    expected = [line.rpartition(" => ")[2] for line in printed.splitlines() if " => " in line]
    assert expected and [e.path for e in loader.read_cache(Live())] == expected


def test_find_agrees_with_the_real_loader() -> None:
    assert loader.find(Live(env={}), "libc.so.6")
    mapped = {
        line.split()[-1] for line in Path("/proc/self/maps").read_text().splitlines() if "libc.so.6" in line
    }
    assert Live().realpath(loader.find(Live(env={}), "libc.so.6")[0].path) in mapped


@pytest.mark.parametrize("cut", range(0, 140, 7))
def test_a_cut_cache_is_an_error_and_never_a_wrong_answer(cut: int) -> None:
    whole = cache_bytes([("libcuda.so.1", "/a/libcuda.so.1", 0x303)])
    assert len(whole) < 140
    if cut < len(whole):
        with pytest.raises(ValueError, match=r"cache|cut|outside"):
            ldsocache.parse(whole[:cut])


def test_the_order_is_library_path_cache_defaults(tmp_path: Path) -> None:
    for folder in ("/opt/x", "/usr/lib/x86_64-linux-gnu", "/opt/driver"):
        put(tmp_path, f"{folder}/libcuda.so.1")
    put(tmp_path, "/etc/ld.so.cache", cache_bytes([("libcuda.so.1", "/opt/driver/libcuda.so.1", 0x303)]))
    assert paths(tmp_path, "libcuda.so.1", {"LD_LIBRARY_PATH": "/nowhere:/opt/x"}) == [
        ("/opt/x/libcuda.so.1", "LD_LIBRARY_PATH"),
        ("/opt/driver/libcuda.so.1", "/etc/ld.so.cache"),
        ("/usr/lib/x86_64-linux-gnu/libcuda.so.1", "default"),
    ]


def test_32_bit_copies_are_passed_by_and_empty_files_marked(tmp_path: Path) -> None:
    put(tmp_path, "/usr/lib/libcuda.so.1", ELF32)
    put(tmp_path, "/usr/lib64/libcuda.so.1", b"")
    found = loader.find(Root(str(tmp_path)), "libcuda.so.1")
    assert [(f.path, f.empty) for f in found] == [("/usr/lib64/libcuda.so.1", True)]


def test_an_entry_for_32_bit_programs_is_passed_by(tmp_path: Path) -> None:
    put(tmp_path, "/lib32/libcuda.so.1", b"")
    put(tmp_path, "/etc/ld.so.cache", cache_bytes([("libcuda.so.1", "/lib32/libcuda.so.1", 0x3)]))
    assert paths(tmp_path, "libcuda.so.1") == []


def test_a_cached_file_that_is_gone_is_not_found(tmp_path: Path) -> None:
    put(tmp_path, "/etc/ld.so.cache", cache_bytes([("libcuda.so.1", "/gone/libcuda.so.1", 0x303)]))
    assert paths(tmp_path, "libcuda.so.1") == []


def test_what_ldconfig_was_told_but_never_ran_for_is_unreached(tmp_path: Path) -> None:
    put(tmp_path, "/etc/ld.so.conf", b"include ld.so.conf.d/*.conf # all\n")
    put(tmp_path, "/etc/ld.so.conf.d/ld.wsl.conf", b"/usr/lib/wsl/lib\n")
    put(tmp_path, "/usr/lib/wsl/lib/libcuda.so.1")
    root = Root(str(tmp_path))
    assert loader.find(root, "libcuda.so.1") == []
    found = loader.unreached(root, "libcuda.so.1")
    assert [(f.path, f.source) for f in found] == [
        ("/usr/lib/wsl/lib/libcuda.so.1", "/etc/ld.so.conf.d/ld.wsl.conf")
    ]
    assert loader.SearchDir("/usr/lib/wsl/lib", "/etc/ld.so.conf.d/ld.wsl.conf") in loader.search_dirs(root)


def test_a_conf_that_includes_itself_ends(tmp_path: Path) -> None:
    put(tmp_path, "/etc/ld.so.conf", b"include /etc/ld.so.conf\n/opt/x\n")
    assert loader.configured_dirs(Root(str(tmp_path)))[0].path == "/opt/x"


def test_an_empty_element_means_the_current_folder(tmp_path: Path) -> None:
    root = Root(str(tmp_path), env={"LD_LIBRARY_PATH": "/a:"})
    assert loader.library_path(root)[1] == loader.SearchDir(".", "LD_LIBRARY_PATH", True)
