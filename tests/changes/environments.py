"""Real virtual environments with stand-ins for frameworks: real wheels with the metadata, the RECORD and the few files that the
rules read, laid out as pip leaves them; a wheelhouse instead of an index; and pip itself."""

from __future__ import annotations

import base64
import hashlib
import io
import os
import sys
import tarfile
import venv
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

from gpudoctor.engine import Asking
from gpudoctor.facts.frameworks import Frameworks
from gpudoctor.facts.libraries import Library, Load
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.system.live import Live
from gpudoctor.system.port import Options

Files = Mapping[str, "str | bytes"]


class Dist(NamedTuple):
    """A distribution. `extras`: extra -> what it requires."""

    name: str
    version: str
    files: Files = MappingProxyType({})
    requires: tuple[str, ...] = ()
    extras: Mapping[str, tuple[str, ...]] = MappingProxyType({})

    @property
    def base(self) -> str:
        return f"{self.name.replace('-', '_')}-{self.version}"

    def content(self) -> dict[str, bytes]:
        """Everything in its wheel but the RECORD."""
        lines = ["Metadata-Version: 2.1", f"Name: {self.name}", f"Version: {self.version}"]
        lines += [f"Requires-Dist: {line}" for line in self.requires]
        for extra, wanted in self.extras.items():
            lines += [
                f"Provides-Extra: {extra}",
                *(f"Requires-Dist: {w}; extra == '{extra}'" for w in wanted),
            ]
        info = f"{self.base}.dist-info"
        named: dict[str, str | bytes] = {
            **self.files,
            f"{info}/METADATA": "\n".join([*lines, ""]),
            f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        }
        return {name: text.encode() if isinstance(text, str) else text for name, text in named.items()}

    def record(self, content: Mapping[str, bytes]) -> str:
        rows = []
        for name, data in content.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            rows.append(f"{name},sha256={digest},{len(data)}")
        return "\n".join([*rows, f"{self.base}.dist-info/RECORD,,", ""])

    def wheel(self, folder: Path) -> None:
        content = self.content()
        with zipfile.ZipFile(folder / f"{self.base}-py3-none-any.whl", "w") as wheel:
            for name, data in content.items():
                wheel.writestr(name, data)
            wheel.writestr(f"{self.base}.dist-info/RECORD", self.record(content))


#: A build backend of an extension: which of the libraries beside it is put into the wheel, the environment says, as with torch's.
_BACKEND = """
import os, pathlib, zipfile
HERE = pathlib.Path(__file__).parent
NAME, VERSION, FOLDER = {name!r}, {version!r}, {folder!r}
BASE = NAME.replace("-", "_") + "-" + VERSION

def build_wheel(directory, config_settings=None, metadata_directory=None):
    import torch.version  # compiled against the torch that is installed: --no-build-isolation
    wanted = "cuda" if os.environ.get("FORCE_CUDA") == "1" else os.environ.get("TORCH_CUDA_ARCH_LIST", "plain")
    content = {{
        FOLDER + "/__init__.py": b"",
        FOLDER + "/_C.so": (HERE / (wanted + ".so")).read_bytes(),
        BASE + ".dist-info/METADATA": ("Metadata-Version: 2.1\\nName: " + NAME + "\\nVersion: " + VERSION + "\\n").encode(),
        BASE + ".dist-info/WHEEL": b"Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n",
    }}
    path = BASE + "-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(directory, path), "w") as wheel:
        for name, data in content.items():
            wheel.writestr(name, data)
        rows = "".join(name + ",,\\n" for name in content)
        wheel.writestr(BASE + ".dist-info/RECORD", rows + BASE + ".dist-info/RECORD,,\\n")
    return path
"""


class Source(NamedTuple):
    """An extension's source distribution; `libraries`: what is compiled for, as the environment names it ("8.6", "cuda", "plain")."""

    name: str
    version: str
    folder: str
    libraries: Mapping[str, bytes]

    def wheel(self, place: Path) -> None:
        base = f"{self.name.replace('-', '_')}-{self.version}"
        backend = _BACKEND.format(name=self.name, version=self.version, folder=self.folder)
        content = {
            "PKG-INFO": f"Metadata-Version: 2.1\nName: {self.name}\nVersion: {self.version}\n".encode(),
            "pyproject.toml": b'[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n',
            "backend.py": backend.encode(),
            **{f"{name}.so": data for name, data in self.libraries.items()},
        }
        with tarfile.open(place / f"{base}.tar.gz", "w:gz") as archive:
            for name, data in content.items():
                info = tarfile.TarInfo(f"{base}/{name}")
                info.size = len(data)
                archive.addfile(info, io.BytesIO(data))


class Environment:
    """A venv of its own, whose pip is the template's (a link: real pip, made once)."""

    def __init__(self, place: Path, template: Path | None) -> None:
        self.place, self.prefix, self.house = place, place / "venv", place / "house"
        self.house.mkdir()
        venv.EnvBuilder(with_pip=False, symlinks=True).create(self.prefix)
        self.python = str(self.prefix / "bin" / "python")
        self.site = next(self.prefix.glob("lib/python*/site-packages"))
        if template is not None:
            for path in sorted(template.glob("lib/python*/site-packages/pip*")):
                (self.site / path.name).symlink_to(path)
        self.state = str(place / "state")

    def installed(self, dists: Iterable[Dist], installer: str = "pip") -> None:
        for dist in dists:
            content = dist.content()
            content[f"{dist.base}.dist-info/INSTALLER"] = f"{installer}\n".encode()
            content[f"{dist.base}.dist-info/RECORD"] = dist.record(content).encode()
            for name, data in content.items():
                path = self.site / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)

    def offered(self, dists: Iterable[Dist | Source]) -> None:
        for dist in dists:
            dist.wheel(self.house)

    def variables(self) -> dict[str, str]:
        """For pip and uv: the wheelhouse is all there is."""
        return {
            "PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.house), "PIP_CONFIG_FILE": os.devnull,
            "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_CACHE_DIR": "1",
            "UV_NO_INDEX": "1", "UV_FIND_LINKS": str(self.house), "UV_NO_CONFIG": "1", "UV_OFFLINE": "1",
            "UV_CACHE_DIR": str(self.place / "cache"), "GPUDOCTOR_STATE": self.state,
        }  # fmt: skip

    def port(self, imports: bool = False) -> Live:
        env = {"PATH": os.environ["PATH"], "HOME": str(self.place)}
        return Live(60.0, env, Options(pythons=(str(self.prefix),), imports=imports))

    def machine(self, base: Machine, imports: bool = False) -> Machine:
        """`base` with this environment, as the probes see it, and no other."""
        asked = Asking(self.port(imports), ("frameworks", "libraries", "cuda")).machine()
        mine = tuple(i for i in value_of(asked.frameworks.interpreters, ()) if i.prefix == str(self.prefix))
        assert len(mine) == 1
        loads: tuple[Load, ...] = tuple(
            one for one in value_of(asked.libraries.loads, ()) if one.interpreter == mine[0].path
        )
        copies: tuple[Library, ...] = tuple(
            one for one in value_of(asked.libraries.copies, ()) if one.owner == str(self.prefix)
        )
        return base.replace(
            frameworks=Frameworks(Known(mine, "--python"), Known((), "")),
            libraries=base.libraries.replace(loads=Known(loads, "ELF"), copies=Known(copies, "folders")),
            cuda=base.cuda.replace(libdevices=asked.cuda.libdevices),
        )

    def picture(self) -> dict[str, tuple[object, ...]]:
        """Every file of the environment: contents, mode, time. Without what Python itself compiles."""
        found: dict[str, tuple[object, ...]] = {}
        for folder, _, names in os.walk(self.prefix):
            for name in names:
                path = Path(folder, name)
                if "__pycache__" in folder or name == ".lock":  # uv's own
                    continue
                info = path.lstat()
                data = (
                    os.readlink(path) if path.is_symlink() else hashlib.sha256(path.read_bytes()).hexdigest()
                )
                found[str(path.relative_to(self.prefix))] = (data, info.st_mode, info.st_mtime_ns)
        return found


def template(place: Path) -> Path:
    """An environment with a real pip: the one that runs the tests, or a new one where that has none."""
    if list(Path(sys.prefix).glob("lib/python*/site-packages/pip")):
        return Path(sys.prefix)
    venv.EnvBuilder(with_pip=True, symlinks=True).create(place)
    return place
