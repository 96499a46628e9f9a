"""A virtual environment with PyTorch for CUDA 12.4, put together as pip leaves it: dist-infos with their RECORDs, NVIDIA's
wheels beside, and a libtorch_cuda.so of a real linker that wants them and carries GPU code.

Composed: names, versions and pins as in the METADATA of torch 2.6.0+cu124; RPATH and sonames as in its files. NVIDIA's small
libraries are the real ones where scripts/fetch-cuda-wheels has put them; the rest are empty shared objects.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from tests import fakes
from tests.toolkits import program
from tests.unit.test_fatbin import container, entry

REAL = fakes.BUILD.parent / "wheels" / "cuda"
#: Component -> (distribution, version, sonames).
WHEELS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "cuda_runtime": ("nvidia-cuda-runtime-cu12", "12.4.127", ("libcudart.so.12",)),
    "cuda_nvrtc": ("nvidia-cuda-nvrtc-cu12", "12.4.127", ("libnvrtc.so.12", "libnvrtc-builtins.so.12.4")),
    "cuda_cupti": ("nvidia-cuda-cupti-cu12", "12.4.127", ("libcupti.so.12",)),
    "cublas": ("nvidia-cublas-cu12", "12.4.5.8", ("libcublas.so.12", "libcublasLt.so.12")),
    "cufft": ("nvidia-cufft-cu12", "11.2.1.3", ("libcufft.so.11",)),
    "curand": ("nvidia-curand-cu12", "10.3.5.147", ("libcurand.so.10",)),
    "cusolver": ("nvidia-cusolver-cu12", "11.6.1.9", ("libcusolver.so.11",)),
    "cusparse": ("nvidia-cusparse-cu12", "12.3.1.170", ("libcusparse.so.12",)),
    "cusparselt": ("nvidia-cusparselt-cu12", "0.6.2", ("libcusparseLt.so.0",)),
    "nccl": ("nvidia-nccl-cu12", "2.21.5", ("libnccl.so.2",)),
    "nvtx": ("nvidia-nvtx-cu12", "12.4.127", ("libnvToolsExt.so.1",)),
    "nvjitlink": ("nvidia-nvjitlink-cu12", "12.4.127", ("libnvJitLink.so.12",)),
    "cudnn": (
        "nvidia-cudnn-cu12",
        "9.1.0.70",
        (
            "libcudnn.so.9",
            *(
                f"libcudnn_{part}.so.9"
                for part in (
                    "graph", "ops", "cnn", "adv", "heuristic", "engines_precompiled", "engines_runtime_compiled",
                )
            ),
        ),
    ),
}  # fmt: skip
#: The capabilities that torch 2.6.0+cu124 is compiled for.
COMPILED_FOR = (50, 60, 70, 75, 80, 86, 90)


def _linked(path: Path, soname: str, *arguments: str) -> None:
    assert fakes.CC is not None
    path.parent.mkdir(parents=True, exist_ok=True)
    command = [
        fakes.CC,
        "-shared",
        "-nostdlib",
        f"-Wl,-soname,{soname}",
        "-o",
        str(path),
        "-x",
        "c",
        "/dev/null",
        "-x",
        "none",
    ]
    subprocess.run([*command, *arguments], check=True, timeout=60)


class Venv:
    """`python` is its interpreter."""

    def __init__(self, folder: Path) -> None:
        version = f"{sys.version_info[0]}.{sys.version_info[1]}"
        base = Path(sys.executable).resolve()
        (folder / "bin").mkdir(parents=True)
        (folder / "bin" / "python").symlink_to(base)
        (folder / "pyvenv.cfg").write_text(f"home = {base.parent}\nversion = {sys.version.split()[0]}\n")
        self.site = folder / "lib" / f"python{version}" / "site-packages"
        self.site.mkdir(parents=True)
        self.folder, self.python = folder, folder / "bin" / "python"

    def distribution(
        self, name: str, version: str, files: Sequence[str], requires: Sequence[str] = ()
    ) -> None:
        """Its dist-info: the files are there already."""
        spelled = name.replace("-", "_")
        info = self.site / f"{spelled}-{version}.dist-info"
        info.mkdir()
        lines = [f"Requires-Dist: {line}" for line in requires]
        (info / "METADATA").write_text(
            "\n".join(["Metadata-Version: 2.1", f"Name: {name}", f"Version: {version}", *lines, ""])
        )
        (info / "INSTALLER").write_text("pip\n")
        (info / "WHEEL").write_text("Wheel-Version: 1.0\nRoot-Is-Purelib: false\n")
        own = [f"{info.name}/{file}" for file in ("METADATA", "INSTALLER", "WHEEL", "RECORD")]
        (info / "RECORD").write_text("".join(f"{file},,\n" for file in (*files, *own)))

    def wheel(self, component: str) -> None:
        """One of NVIDIA's: the real files and their dist-info, or empty libraries of the same names."""
        name, version, sonames = WHEELS[component]
        info = f"{name.replace('-', '_')}-{version}.dist-info"
        if (REAL / info).is_dir():
            shutil.copytree(REAL / "nvidia" / component, self.site / "nvidia" / component)
            shutil.copytree(REAL / info, self.site / info)
            return
        files = [f"nvidia/{component}/lib/{soname}" for soname in sonames]
        for file, soname in zip(files, sonames, strict=True):
            _linked(self.site / file, soname, "-Wl,-rpath,$ORIGIN")
        self.distribution(name, version, files)

    def torch(self, compiled_for: Sequence[int] = COMPILED_FOR) -> None:
        library = self.site / "torch" / "lib" / "libtorch_cuda.so"
        library.parent.mkdir(parents=True)
        fatbins = library.parent / "fatbins.bin"
        fatbins.write_bytes(container(*(entry(2, number) for number in compiled_for)))
        source = library.parent / "fatbins.s"
        source.write_text(
            f'.section .nv_fatbin,"a"\n.incbin "{fatbins}"\n.section .note.GNU-stack,"",@progbits\n'
        )
        wanted = [
            str(self.site / "nvidia" / component / "lib" / soname)
            for component, (_, _, sonames) in WHEELS.items()
            for soname in sonames
            if not soname.startswith(("libcudnn_", "libnvrtc-builtins"))
        ]
        places = ":".join(f"$ORIGIN/../../nvidia/{component}/lib" for component in WHEELS)
        options = ["-Wl,--no-as-needed", "-Wl,--disable-new-dtags", f"-Wl,-rpath,{places}:$ORIGIN"]
        options += ["-Wl,--allow-shlib-undefined"]
        _linked(library, "libtorch_cuda.so", str(source), *options, *wanted)
        fatbins.unlink()
        source.unlink()
        (self.site / "torch" / "__init__.py").write_text(
            "raise ImportError('composed: there is no code here')\n"
        )
        (self.site / "torch" / "version.py").write_text(
            "__version__ = '2.6.0+cu124'\ndebug = False\ncuda = '12.4'\ngit_version = 'x'\nhip = None\nxpu = None\n"
        )
        pins = [f"{name}=={version}; platform_system == 'Linux'" for name, version, _ in WHEELS.values()]
        files = ("torch/__init__.py", "torch/version.py", "torch/lib/libtorch_cuda.so")
        self.distribution("torch", "2.6.0+cu124", files, [*pins, "triton==3.2.0; platform_system == 'Linux'"])
        ptxas = self.site / "triton" / "backends" / "nvidia" / "bin" / "ptxas"
        ptxas.parent.mkdir(parents=True)
        ptxas.write_bytes(program("12.4.99"))
        ptxas.chmod(0o755)
        (self.site / "triton" / "__init__.py").write_text("")
        self.distribution("triton", "3.2.0", ("triton/__init__.py", "triton/backends/nvidia/bin/ptxas"))


def torch_cu124(folder: Path, compiled_for: Sequence[int] = COMPILED_FOR) -> Venv:
    made = Venv(folder)
    for component in WHEELS:
        made.wheel(component)
    made.torch(compiled_for)
    return made
