"""Small images, composed file by file and written with Python's own tarfile: as `docker save` and OCI layouts have them."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, Union

from gpudoctor.findings import Finding, Judgement
from gpudoctor.workflows.image.verify import Request, verify
from tests.sysroot import loader_cache, shared_object
from tests.unit.test_libraries_probe import TF_RUNPATH


class Meta(NamedTuple):
    """A file, folder or hard link with more than its bytes. `kind`: "file", "dir", "hardlink" (`content` its target)."""

    content: bytes | str = b""
    mode: int = 0o644
    uid: int = 0
    gid: int = 0
    kind: str = "file"


Content = Union[bytes, str, Meta]
Files = Mapping[str, Content]

LIB = "/usr/lib/x86_64-linux-gnu"
SITE = "/opt/venv/lib/python3.11/site-packages"
NVIDIA_ENV = {
    "PATH": "/opt/venv/bin:/usr/local/bin:/usr/bin:/bin",
    "NVIDIA_VISIBLE_DEVICES": "all",
    "NVIDIA_DRIVER_CAPABILITIES": "compute,utility",
}
#: A size at which a file counts as a real driver's; nothing reads its bytes.
DRIVER_SIZE = 1 << 20


def layer(files: Files) -> bytes:
    """A layer's tar; "-> target" is a link."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for path, content in files.items():
            one = content if isinstance(content, Meta) else Meta(content)
            info = tarfile.TarInfo(path.lstrip("/"))
            info.mode, info.uid, info.gid = one.mode, one.uid, one.gid
            data = b""
            if isinstance(one.content, str) and one.content.startswith("-> "):
                info.type, info.linkname = tarfile.SYMTYPE, one.content[3:]
            elif one.kind == "dir":
                info.type = tarfile.DIRTYPE
            elif one.kind == "hardlink":
                info.type, info.linkname = tarfile.LNKTYPE, str(one.content).lstrip("/")
            else:
                data = one.content.encode() if isinstance(one.content, str) else one.content
                info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return out.getvalue()


def config(
    env: Mapping[str, str] = NVIDIA_ENV,
    user: str = "app",
    labels: Mapping[str, str] | None = None,
    layers: int = 0,
) -> bytes:
    document = {
        "architecture": "amd64",
        "os": "linux",
        "created": "2026-01-01T00:00:00Z",
        "config": {"Env": [f"{k}={v}" for k, v in env.items()], "User": user, "Labels": dict(labels or {})},
        "history": [{"created_by": f"step {n}"} for n in range(layers)],
        "rootfs": {"type": "layers", "diff_ids": []},
    }
    return json.dumps(document).encode()


def docker_archive(
    path: Path,
    layers: Sequence[Files],
    env: Mapping[str, str] = NVIDIA_ENV,
    user: str = "app",
    labels: Mapping[str, str] | None = None,
) -> Path:
    """As Docker before 25 wrote it: a folder for each layer."""
    members: dict[str, Content] = {f"{n}/layer.tar": layer(files) for n, files in enumerate(layers)}
    members["c.json"] = config(env, user, labels, len(layers))
    manifest = [
        {"Config": "c.json", "RepoTags": ["made:1"], "Layers": [f"{n}/layer.tar" for n in range(len(layers))]}
    ]
    path.write_bytes(layer({**members, "manifest.json": json.dumps(manifest)}))
    return path


def oci_members(
    layers: Sequence[Files],
    env: Mapping[str, str] = NVIDIA_ENV,
    user: str = "app",
    architecture: str = "amd64",
) -> dict[str, Content]:
    """An OCI layout with gzip-compressed layers, and an attestation beside the image as BuildKit writes it."""
    blobs: dict[str, bytes] = {}

    def blob(data: bytes, kind: str) -> dict[str, object]:
        digest = hashlib.sha256(data).hexdigest()
        blobs[digest] = data
        return {
            "mediaType": f"application/vnd.oci.image.{kind}",
            "digest": f"sha256:{digest}",
            "size": len(data),
        }

    packed = [blob(gzip.compress(layer(files), 6, mtime=0), "layer.v1.tar+gzip") for files in layers]
    document = {"schemaVersion": 2, "config": blob(config(env, user), "config.v1+json"), "layers": packed}
    manifest = blob(json.dumps(document).encode(), "manifest.v1+json")
    attested = blob(json.dumps({**document, "layers": []}).encode(), "manifest.v1+json")
    index = {
        "manifests": [
            {**manifest, "platform": {"os": "linux", "architecture": architecture}},
            {**attested, "platform": {"os": "unknown", "architecture": "unknown"}},
        ]
    }
    members: dict[str, Content] = {f"blobs/sha256/{digest}": data for digest, data in blobs.items()}
    return {"oci-layout": '{"imageLayoutVersion":"1.0.0"}', **members, "index.json": json.dumps(index)}


# ---------------------------------------------------------------- what is in them


def debian(cache: Sequence[tuple[str, str]] = ()) -> dict[str, Content]:
    """Debian 12 with Python 3.11 and a user app (uid 1000)."""
    return {
        "/etc/os-release": 'ID=debian\nVERSION_ID="12"\nPRETTY_NAME="Debian GNU/Linux 12"\n',
        "/etc/passwd": "root:x:0:0:root:/root:/bin/bash\napp:x:1000:1000::/home/app:/bin/bash\n",
        "/etc/group": "root:x:0:\napp:x:1000:\n",
        "/etc/ld.so.cache": loader_cache(cache),
        "/lib": "-> usr/lib",
        "/root": Meta(mode=0o700, kind="dir"),
        "/home/app": Meta(mode=0o755, uid=1000, gid=1000, kind="dir"),
        "/usr/bin/env": shared_object(),
        f"{LIB}/libc.so.6": b"\x7fELF GNU C Library (Debian GLIBC 2.36-9) stable release version 2.36.\n",
        "/usr/bin/python3.11": Meta(shared_object(), 0o755),
        "/usr/bin/python3": "-> python3.11",
        "/usr/lib/python3.11/os.py": "",
    }


def venv() -> dict[str, Content]:
    return {
        "/opt/venv/bin/python": "-> /usr/bin/python3.11",
        "/opt/venv/bin/python3": "-> python",
        "/opt/venv/pyvenv.cfg": "home = /usr/bin\nversion = 3.11.2\n",
        f"{SITE}/README": "",
    }


def distribution(
    name: str, version: str, *requires: str, tag: str = "", site: str = SITE
) -> dict[str, Content]:
    folder = f"{site}/{name.replace('-', '_')}-{version}.dist-info"
    head = "\n".join(
        [
            "Metadata-Version: 2.1",
            f"Name: {name}",
            f"Version: {version}",
            *(f"Requires-Dist: {r}" for r in requires),
        ]
    )
    tag = tag or "cp311-cp311-manylinux_2_17_x86_64"
    return {
        f"{folder}/METADATA": head + "\n\n",
        f"{folder}/RECORD": "",
        f"{folder}/WHEEL": f"Wheel-Version: 1.0\nTag: {tag}\n",
    }


BUILD_INFO = (
    'build_info = {"cuda_version": "12.5.1", "cudnn_version": "9", "is_cuda_build": True, '
    '"cuda_compute_capabilities": ["sm_60", "sm_70", "sm_80", "sm_89", "compute_90"]}\n'
)
CUDNN_PARTS = ("graph", "ops", "cnn", "adv", "engines_precompiled", "engines_runtime_compiled", "heuristic")


def tensorflow(tag: str = "") -> dict[str, Content]:
    """TensorFlow 2.18.0's wheel, as far as anything reads it."""
    return {
        **distribution("tensorflow", "2.18.0", tag=tag),
        **distribution("numpy", "2.0.2"),
        f"{SITE}/tensorflow/libtensorflow_framework.so.2": shared_object(
            "libtensorflow_framework.so.2", runpath=TF_RUNPATH, glibc="GLIBC_2.17"
        ),
        f"{SITE}/tensorflow/python/platform/build_info.py": BUILD_INFO,
    }


#: Component of the wheels -> its sonames; versions as tensorflow[and-cuda] 2.18.0 pins them.
_WHEELS = {
    "cuda_runtime": ("12.5.82", ("libcudart.so.12",)),
    "cublas": ("12.5.3.2", ("libcublas.so.12", "libcublasLt.so.12")),
    "cufft": ("11.2.3.61", ("libcufft.so.11",)),
    "cusolver": ("11.6.3.83", ("libcusolver.so.11",)),
    "cusparse": ("12.5.1.3", ("libcusparse.so.12",)),
    "cudnn": ("9.3.0.75", ("libcudnn.so.9", *(f"libcudnn_{part}.so.9" for part in CUDNN_PARTS))),
}


def cuda_wheels() -> dict[str, Content]:
    found: dict[str, Content] = {}
    for component, (version, sonames) in _WHEELS.items():
        found |= distribution(
            f"nvidia-{component.replace('_', '-')}-cu12", version, tag="py3-none-manylinux2014_x86_64"
        )
        for soname in sonames:
            runpath = "$ORIGIN" if component == "cudnn" else ""
            found[f"{SITE}/nvidia/{component}/lib/{soname}"] = shared_object(soname, runpath=runpath)
    found |= distribution("nvidia-cuda-nvcc-cu12", "12.5.82", tag="py3-none-manylinux2014_x86_64")
    return {**found, f"{SITE}/nvidia/cuda_nvcc/nvvm/libdevice/libdevice.10.bc": "BC"}


#: CUDA 12.3 and cuDNN 8 as Ubuntu packages: what tensorflow/tensorflow:2.18.0-gpu has in it.
_SYSTEM = (
    ("libcudart.so.12", "12.3.101"), ("libcublas.so.12", "12.3.4.1"), ("libcublasLt.so.12", "12.3.4.1"),
    ("libcufft.so.11", "11.0.12.1"), ("libcusolver.so.11", "11.5.4.101"), ("libcusparse.so.12", "12.2.0.103"),
)  # fmt: skip
_TARGETS = "/usr/local/cuda-12.3/targets/x86_64-linux/lib"


def system_cuda() -> dict[str, Content]:
    found: dict[str, Content] = {}
    for soname, version in _SYSTEM:
        base = soname.partition(".so")[0]
        found[f"{_TARGETS}/{base}.so.{version}"] = shared_object(soname)
        found[f"{_TARGETS}/{soname}"] = f"-> {base}.so.{version}"
    for part in ("", "_ops_infer", "_cnn_infer"):
        found[f"{LIB}/libcudnn{part}.so.8.9.7"] = shared_object(f"libcudnn{part}.so.8")
        found[f"{LIB}/libcudnn{part}.so.8"] = f"-> libcudnn{part}.so.8.9.7"
    return found


def system_cache() -> list[tuple[str, str]]:
    cached = [(soname, f"{_TARGETS}/{soname}") for soname, _ in _SYSTEM]
    return cached + [
        (f"libcudnn{p}.so.8", f"{LIB}/libcudnn{p}.so.8") for p in ("", "_ops_infer", "_cnn_infer")
    ]


def healthy() -> list[Files]:
    """TensorFlow 2.18.0 with its CUDA wheels in a venv that all may read."""
    return [debian(), {**venv(), **tensorflow(), **cuda_wheels()}]


def causes(
    folder: Path,
    layers: Sequence[Files],
    env: Mapping[str, str] = NVIDIA_ENV,
    user: str = "app",
    labels: Mapping[str, str] | None = None,
    **given: object,
) -> set[str]:
    """Ids of the root findings of `image verify` on such an image; a rule that crashes fails the test at once."""
    return {
        f.id for f in judgement(folder, layers, env, user, labels, **given).findings if f.caused_by is None
    }


def judgement(
    folder: Path,
    layers: Sequence[Files],
    env: Mapping[str, str] = NVIDIA_ENV,
    user: str = "app",
    labels: Mapping[str, str] | None = None,
    **given: object,
) -> Judgement:
    archive = docker_archive(folder / "image.tar", layers, env, user, labels)
    found = verify(Request(str(archive), given)).judgement
    assert found.crashed == (), found.crashed
    return found


def finding(found: Judgement, cause: str) -> Finding:
    return next(f for f in found.findings if f.id == cause)
