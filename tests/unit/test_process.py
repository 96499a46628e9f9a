"""The loader's rules as we play them, against the real loader: dlopen of compiled libraries in a child process."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gpudoctor.probes._process import Process
from gpudoctor.system.live import Live
from gpudoctor.system.root import Root
from tests.sysroot import build, loader_cache, shared_object

needs_cc = pytest.mark.skipif(not shutil.which("cc"), reason="no C compiler")

TAGS = ("none", "rpath", "runpath")
_CHILD = """
import ctypes, json, sys
try:
    ctypes.CDLL(sys.argv[1])
    error = ""
except OSError as e:
    error = str(e)
maps = {line.split()[-1] for line in open("/proc/self/maps") if "/libt" in line}
print(json.dumps([error, sorted(maps)]))
"""


def _link(folder: Path, soname: str, needs: Path | None, tag: str, path: str, source: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / soname
    flags = [f"-Wl,-soname,{soname}"]
    if needs:
        flags += ["-Wl,--no-as-needed", str(needs)]
    if tag != "none":
        flags.append(f"-Wl,{'--disable' if tag == 'rpath' else '--enable'}-new-dtags,-rpath,{path}")
    subprocess.run(["cc", "-shared", "-fPIC", "-nostdlib", "-o", str(made), str(source), *flags], check=True)
    return made


@pytest.fixture(scope="module")
def libraries(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """root/<r>: libtroot.so.1 with tag r to <r><m>/; libtmid.so.1 with tag m to mid's leaf; a leaf in each folder."""
    top = tmp_path_factory.mktemp("loading")
    source = top / "a.c"
    source.write_text("int a;\n")
    for name in ("beside", "environment", "of_mid"):
        leaf = _link(top / name, "libtleaf.so.1", None, "none", "", source)
    for m in TAGS:
        mid = _link(top / f"mid_{m}", "libtmid.so.1", leaf, m, "$ORIGIN/../of_mid", source)
        _link(top / f"environment_{m}", "libtmid.so.1", leaf, m, "$ORIGIN/../of_mid", source)
        for r in TAGS:
            _link(
                top / f"root_{r}_{m}",
                "libtroot.so.1",
                mid,
                r,
                f"$ORIGIN/../mid_{m}:$ORIGIN/../beside",
                source,
            )
    return top


@needs_cc
@pytest.mark.cc
@pytest.mark.parametrize("environment", ["", "environment", "environment_{m}", "environment:environment_{m}"])
@pytest.mark.parametrize(("r", "m"), list(itertools.product(TAGS, TAGS)))
def test_what_we_say_is_what_dlopen_does(libraries: Path, r: str, m: str, environment: str) -> None:
    value = ":".join(str(libraries / part.format(m=m)) for part in environment.split(":") if part)
    env = {k: v for k, v in os.environ.items() if k != "LD_LIBRARY_PATH"} | (
        {"LD_LIBRARY_PATH": value} if value else {}
    )
    root = libraries / f"root_{r}_{m}" / "libtroot.so.1"
    said = subprocess.run(
        [sys.executable, "-c", _CHILD, str(root)], env=env, capture_output=True, text=True, check=True
    )
    error, mapped = json.loads(said.stdout)
    process = Process(Live(env=env), os.path.realpath(sys.executable))
    process.open(str(root), lambda soname: soname.startswith("libt"))
    ours = {hit.path for hit, _ in process.asked.values()}
    if error:
        assert "" in ours, (error, process.asked)
    else:
        assert {os.path.realpath(p) for p in ours} == {
            os.path.realpath(p) for p in mapped if "root" not in p.split("/")[-1]
        }


@needs_cc
@pytest.mark.cc
def test_the_real_cache_is_found_as_the_loader_finds_it() -> None:
    """libz or libm of this machine: no RPATH, no LD_LIBRARY_PATH."""
    env = {k: v for k, v in os.environ.items() if k != "LD_LIBRARY_PATH"}
    child = "import ctypes,sys; ctypes.CDLL('libm.so.6'); print([l.split()[-1] for l in open('/proc/self/maps') if 'libm.so' in l][0])"
    real = subprocess.run([sys.executable, "-c", child], env=env, capture_output=True, text=True, check=True)
    process = Process(Live(env=env), os.path.realpath(sys.executable))
    assert process.program is not None
    hit = process.search("libm.so.6", process.program)
    assert os.path.realpath(hit.path) == os.path.realpath(real.stdout.strip())


def _root(tmp_path: Path, env: dict[str, str] | None = None, **more: bytes) -> Root:
    files: dict[str, bytes | str] = {
        "/usr/bin/python3": shared_object(),
        "/app/libapp.so": shared_object("libapp.so", needed=("libcudnn.so.9",), runpath="$ORIGIN/lib"),
        "/app/lib/libcudnn.so.9": shared_object("libcudnn.so.9"),
    }
    return Root(build(tmp_path, files | more), env=env)


def _hit(port: Root) -> tuple[str, str, str]:
    process = Process(port, "/usr/bin/python3")
    process.open("/app/libapp.so", lambda soname: True)
    hit, _ = process.asked["libcudnn.so.9"]
    return hit.path, hit.via, hit.error


def test_an_empty_file_stops_the_search(tmp_path: Path) -> None:
    """ld.so says "file too short" and looks no further (glibc, elf/dl-load.c, open_verify)."""
    port = _root(tmp_path, {"LD_LIBRARY_PATH": "/opt"}, **{"/opt/libcudnn.so.9": b""})
    assert _hit(port) == ("/opt/libcudnn.so.9", "LD_LIBRARY_PATH", "file too short")


def test_a_32_bit_file_is_passed_by(tmp_path: Path) -> None:
    port = _root(tmp_path, {"LD_LIBRARY_PATH": "/opt"}, **{"/opt/libcudnn.so.9": shared_object("x", bits=32)})
    assert _hit(port) == ("/app/lib/libcudnn.so.9", "RUNPATH", "")


def test_another_machine_is_passed_by(tmp_path: Path) -> None:
    arm = shared_object("libcudnn.so.9", machine=0xB7)
    assert _hit(_root(tmp_path, {"LD_LIBRARY_PATH": "/opt"}, **{"/opt/libcudnn.so.9": arm}))[1] == "RUNPATH"


def test_the_cache_comes_before_the_default_folders_and_after_runpath(tmp_path: Path) -> None:
    more = {
        "/app/libapp.so": shared_object("libapp.so", needed=("libcudnn.so.9",)),
        "/opt/c/libcudnn.so.9": shared_object("libcudnn.so.9"),
        "/usr/lib/libcudnn.so.9": shared_object("libcudnn.so.9"),
        "/etc/ld.so.cache": loader_cache([("libcudnn.so.9", "/opt/c/libcudnn.so.9")]),
    }
    assert _hit(_root(tmp_path, None, **more)) == ("/opt/c/libcudnn.so.9", "cache", "")


def test_the_programs_own_rpath_counts_for_what_has_no_runpath(tmp_path: Path) -> None:
    """conda's python has RPATH $ORIGIN/../lib."""
    more = {
        "/usr/bin/python3": shared_object(rpath="$ORIGIN/../lib"),
        "/app/libapp.so": shared_object("libapp.so", needed=("libcudnn.so.9",)),
        "/usr/lib/libcudnn.so.9": shared_object("libcudnn.so.9"),
        "/opt/libcudnn.so.9": shared_object("libcudnn.so.9"),
    }
    assert _hit(_root(tmp_path, {"LD_LIBRARY_PATH": "/opt"}, **more)) == (
        "/usr/lib/libcudnn.so.9",
        "RPATH",
        "",
    )
