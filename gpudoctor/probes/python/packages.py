"""What is installed in an interpreter's site folders: names from the folders, details only of what concerns GPUs."""

from __future__ import annotations

import re
from collections.abc import Iterator

from gpudoctor.facts.frameworks import Package
from gpudoctor.parsers import pyfiles
from gpudoctor.probes.python.layout import Layout
from gpudoctor.system.port import Port, names, text

#: Whose metadata is read; everything else is not even recorded.
RELEVANT = re.compile(
    r"(?:py)?torch(?:$|-.*|vision|audio|text|ao|codec)|torch.*|tensorflow.*|tf-.*|keras|jax(?:$|lib|-.*)|triton(?:-.*)?|"
    r"onnxruntime.*|cupy.*|bitsandbytes.*|flash-attn.*|xformers|tensorrt.*|numba(?:-.*)?|numpy|nvidia(?:-.*)?|cuda-.*|"
    r"mmcv.*|detectron2|pytorch3d|apex|deepspeed|vllm.*|transformer-engine.*|causal-conv1d|mamba-ssm|auto-gptq|"
    r"autoawq.*|sageattention|pycuda|intel-extension-for-.*|ipykernel|cudatoolkit|cudnn|nccl|libtorch|cpuonly"
)
_KEEP_CONDA = re.compile(
    r"pytorch(?:-.*)?|libtorch|torchvision|torchaudio|tensorflow.*|jax(?:lib)?|cuda-version|cudatoolkit|cudnn|nccl|"
    r"cpuonly|cupy|onnxruntime.*|triton|numba|numpy|keras|xformers|flash-attn|bitsandbytes"
)
#: A METADATA file is mostly its long description; what we read stands at its head.
HEAD = 1 << 17


def packages(port: Port, layout: Layout) -> tuple[Package, ...]:
    """In the order in which imports find them; one distribution twice (two folders, two dist-infos) is kept twice."""
    return tuple(_all(port, layout))


def _all(port: Port, layout: Layout) -> Iterator[Package]:
    for site in layout.sites:
        for name in names(port, site):
            if name.endswith((".dist-info", ".egg-info")):
                named = pyfiles.distribution(name)
                if named and RELEVANT.fullmatch(named[0]):
                    yield _package(port, site, name, *named)
            elif name.endswith(".egg"):
                named = pyfiles.distribution(f"{name[:-4].partition('-py')[0]}.egg-info")
                if named and RELEVANT.fullmatch(named[0]):
                    yield Package(named[0], named[1], f"{site}/{name}", record_missing=True)
    if layout.kind == "conda":
        folder = f"{layout.prefix}/conda-meta"
        for name in names(port, folder):
            record = pyfiles.conda_record(name)
            if record and _KEEP_CONDA.fullmatch(record.name):
                yield Package(record.name, record.version, folder, build=record.build, installer="conda")


def _package(port: Port, site: str, folder: str, name: str, version: str) -> Package:
    base = Package(name, version, site)
    try:
        inside = set(port.listdir(f"{site}/{folder}"))
    except NotADirectoryError:
        return base.replace(record_missing=True)  # an .egg-info file of distutils
    except OSError:
        return base.replace(record_missing=True)
    head = _text(port, f"{site}/{folder}/{'METADATA' if 'METADATA' in inside else 'PKG-INFO'}")
    found = pyfiles.metadata(head)
    direct = _text(port, f"{site}/{folder}/direct_url.json") if "direct_url.json" in inside else ""
    return base.replace(
        # The folder's name has its local part escaped ("2.5.1_cu124" by old tools); METADATA says it as it is.
        version=found.version or version,
        requires=found.requires,
        installer=_text(port, f"{site}/{folder}/INSTALLER").strip() if "INSTALLER" in inside else "",
        editable=bool(re.search(r'"editable"\s*:\s*true', direct)),
        record_missing=not inside & {"RECORD", "installed-files.txt", "SOURCES.txt"},
        top_level=tuple(_text(port, f"{site}/{folder}/top_level.txt").split())
        if "top_level.txt" in inside
        else (),
    )


def _text(port: Port, path: str) -> str:
    try:
        return text(port, path, HEAD)
    except OSError:
        return ""


def wheel_glibc(port: Port, package: Package) -> str:
    """The glibc that the package's wheel tag promises, "" where there is none."""
    folder = f"{package.location}/{package.name.replace('-', '_')}-{package.version}.dist-info"
    return pyfiles.wheel_glibc(_text(port, f"{folder}/WHEEL"))
