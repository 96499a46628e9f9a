"""Where a Python has its parts, by the rules of CPython's getpath and site modules, without running it."""

from __future__ import annotations

import re
from collections.abc import Mapping

from gpudoctor.facts.observed import Known, Observed, Unknown
from gpudoctor.facts.record import Record
from gpudoctor.parsers import pyfiles
from gpudoctor.system.port import Port, exists, is_dir, names, text

_STDLIB = re.compile(r"(python|pypy)(3\.\d+)t?")
#: A runaway .pth file or a loop of them is cut here (entries).
MOST_PATHS = 200


class Layout(Record):
    """`stdlib` is the folder with os.py (empty when it was not found); `release` "3.11"; `sites` in import order."""

    path: str
    real_path: str
    prefix: str
    base_prefix: str
    kind: str
    stdlib: str = ""
    release: str = ""
    implementation: str = ""
    config: Mapping[str, str] = {}
    sites: tuple[str, ...] = ()
    python_path: tuple[str, ...] = ()

    @property
    def order(self) -> tuple[str, ...]:
        stdlib = (self.stdlib, f"{self.stdlib}/lib-dynload") if self.stdlib else ()
        return (*self.python_path, *stdlib, *self.sites)


def layout(port: Port, path: str) -> Layout:
    """`path` of an executable, as it would be called."""
    real = port.realpath(path)
    folder = path.rpartition("/")[0]
    prefix, config = _venv(port, folder)
    if config:
        home = config.get("home", "")
        base = _home(port, home) if home else _home(port, real.rpartition("/")[0])
    else:
        base = _base(port, path)
        prefix = base
    stdlib, implementation, release = _stdlib(port, base, real.rpartition("/")[2])
    kind = _kind(port, prefix, real, bool(config))
    start = Layout(path, real, prefix, base, kind, stdlib, release, implementation, config)
    sites = _with_pth(port, _sites(port, start))
    return start.replace(sites=sites, python_path=_python_path(port))


def version(port: Port, found: Layout) -> Observed[str]:
    """The full version by what lies on disk, at least "3.11"."""
    config = found.config
    for key in ("version_info", "version"):
        match = re.match(r"\d+\.\d+\.\d+", config.get(key, ""))
        if match:
            return Known(match.group(), f"{found.prefix}/pyvenv.cfg")
    for name in names(port, f"{found.base_prefix}/conda-meta"):
        record = pyfiles.conda_record(name) if name.startswith("python-3") else None
        if record is not None and record.name == "python":
            return Known(record.version, f"{found.base_prefix}/conda-meta/{name}")
    header = f"{found.base_prefix}/include/python{found.release}/patchlevel.h"
    try:
        match = re.search(r'#define PY_VERSION\s+"([^"]+)"', text(port, header))
    except OSError:
        match = None
    if match:
        return Known(match.group(1), header)
    match = re.search(r"/versions/(?:[a-z0-9-]*-)?(\d+\.\d+\.\d+)/", found.real_path)
    if match:
        return Known(match.group(1), found.real_path)
    if found.release:
        return Known(found.release, found.stdlib or found.real_path)
    return Unknown(f"{found.path}: nothing on disk says its version")


def _venv(port: Port, folder: str) -> tuple[str, Mapping[str, str]]:
    # CPython looks beside the executable and one folder up, at the path as called: links are not resolved.
    for place in (folder, folder.rpartition("/")[0]):
        try:
            return place, pyfiles.pyvenv(text(port, f"{place}/pyvenv.cfg")) or {"home": ""}
        except OSError:
            continue
    return "", {}


def _home(port: Port, folder: str) -> str:
    up = folder.rpartition("/")[0] or "/"
    if _stdlib(port, up, "")[0]:
        return up
    resolved = port.realpath(folder).rpartition("/")[0]
    return resolved or "/"


def _base(port: Port, path: str) -> str:
    """Follow the executable's links one at a time, and take the first folder above that holds a standard library."""
    at = path
    for _ in range(20):
        up = at.rpartition("/")[0].rpartition("/")[0]
        if up and _stdlib(port, up, "")[0]:
            return up
        try:
            target = port.readlink(at)
        except OSError:
            break
        at = target if target.startswith("/") else f"{at.rpartition('/')[0]}/{target}"
        at = _plain(at)
    return port.realpath(path).rpartition("/")[0].rpartition("/")[0] or "/usr"


def _plain(path: str) -> str:
    done: list[str] = []
    for part in path.split("/"):
        if part == "..":
            done and done.pop()
        elif part not in ("", "."):
            done.append(part)
    return "/" + "/".join(done)


def _stdlib(port: Port, base: str, executable: str) -> tuple[str, str, str]:
    """Folder, implementation and release of a prefix's standard library. /usr may hold several: the executable's
    own name ("python3.11") decides."""
    found = []
    for lib in ("lib", "lib64"):
        for name in names(port, f"{base}/{lib}"):
            match = _STDLIB.fullmatch(name)
            if match and exists(port, f"{base}/{lib}/{name}/os.py"):
                found.append((f"{base}/{lib}/{name}", match[1].replace("python", "cpython"), match[2]))
    mine = [f for f in found if executable.startswith(("python", "pypy")) and executable.endswith(f[2])]
    return (mine or found or [("", "", "")])[0] if mine or len(found) == 1 else _newest(found)


def _newest(found: list[tuple[str, str, str]]) -> tuple[str, str, str]:
    return max(found, key=lambda f: [int(n) for n in f[2].split(".")], default=("", "", ""))


def _kind(port: Port, prefix: str, real: str, venv: bool) -> str:
    if venv:
        return "venv"
    if is_dir(port, f"{prefix}/conda-meta"):
        return "conda"
    if "/.pyenv/" in real or "/pyenv/versions/" in real:
        return "pyenv"
    return "system" if prefix in ("/usr", "/", "/usr/local") else "other"


def _sites(port: Port, at: Layout) -> list[str]:
    lib = at.stdlib.rpartition("/")[2] or f"python{at.release or '3'}"
    if at.kind == "venv":
        own = _existing(
            port, (f"{at.prefix}/lib/{lib}/site-packages", f"{at.prefix}/lib64/{lib}/site-packages")
        )
        if (
            not own
        ):  # a venv of another release than what its home now holds: it is broken, but its packages are there
            own = [
                f"{at.prefix}/lib/{name}/site-packages"
                for name in names(port, f"{at.prefix}/lib")
                if _STDLIB.fullmatch(name)
            ]
        if at.config.get("include-system-site-packages", "").lower() != "true":
            return own
        return own + _user_site(port, lib) + _installed_sites(port, at.base_prefix, lib)
    return _user_site(port, lib) + _installed_sites(port, at.prefix, lib)


def _installed_sites(port: Port, prefix: str, lib: str) -> list[str]:
    candidates = [f"{prefix}/lib/{lib}/site-packages", f"{prefix}/lib64/{lib}/site-packages"]
    if prefix in ("/usr", "/"):
        candidates = [
            f"/usr/local/lib/{lib}/dist-packages",
            f"/usr/local/lib64/{lib}/site-packages",
            f"/usr/local/lib/{lib}/site-packages",
            *candidates,
            "/usr/lib/python3/dist-packages",
            f"/usr/lib/{lib}/dist-packages",
        ]
    return _existing(port, candidates)


def _user_site(port: Port, lib: str) -> list[str]:
    home = port.env.get("HOME", "")
    base = port.env.get("PYTHONUSERBASE", "") or (f"{home}/.local" if home else "")
    if not base or port.env.get("PYTHONNOUSERSITE"):
        return []
    return _existing(port, [f"{base}/lib/{lib}/site-packages"])


def _existing(port: Port, folders: tuple[str, ...] | list[str]) -> list[str]:
    """Those that are there, each once (lib64 is mostly a link to lib)."""
    found: list[str] = []
    seen: set[str] = set()
    for folder in folders:
        real = port.realpath(folder)
        if real not in seen and is_dir(port, folder):
            seen.add(real)
            found.append(folder)
    return found


def _with_pth(port: Port, sites: list[str]) -> tuple[str, ...]:
    """The site folders and what their .pth files add; lines that are code are not run (site would run them)."""
    found: list[str] = []
    for site in sites:
        found.append(site)
        for name in names(port, site):
            if not name.endswith(".pth") or name.startswith("."):
                continue
            try:
                lines = text(port, f"{site}/{name}", 1 << 16).splitlines()
            except OSError:
                continue
            for line in lines:
                line = line.strip()
                if not line or line.startswith(("#", "import ", "import\t")) or len(found) > MOST_PATHS:
                    continue
                folder = _plain(line if line.startswith("/") else f"{site}/{line}")
                if folder not in found and is_dir(port, folder):
                    found.append(folder)
    return tuple(found)


def _python_path(port: Port) -> tuple[str, ...]:
    return tuple(part for part in port.env.get("PYTHONPATH", "").split(":") if part.startswith("/"))
