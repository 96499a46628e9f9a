"""The tree's own configure.py, asked nothing, and read back: what it wrote is compared with what was wanted.

With its standard input closed it does not fail on what it does not understand: it says "Invalid compute capability", takes 3.5,7.0 and
ends with status 0. So its file decides, not its status.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from gpudoctor.facts.observed import value_of
from gpudoctor.facts.record import Record
from gpudoctor.tfbuild.bazelrc import read_rc
from gpudoctor.tfbuild.preflight.machine import baked
from gpudoctor.tfbuild.preflight.model import Clang
from gpudoctor.tfbuild.tree import Tree
from gpudoctor.versions import is_version, release

#: What configure.py writes, relative to the tree. All of it is in the tree's .gitignore.
WRITES = (".tf_configure.bazelrc", "tools/python_bin_path.sh", "xla_configure.bazelrc")
RC = ".tf_configure.bazelrc"


class Wanted(Record):
    """What configure.py shall write. `cuda_path`: the view or the folder itself, "" where Bazel downloads it."""

    cuda: str
    cudnn: str
    capabilities: str
    cuda_path: str
    cudnn_path: str
    nccl_path: str
    clang: Clang
    python: str
    #: The loader's path that clang needs to start at all; else empty.
    libraries: str = ""


def environment(tree: Tree, wanted: Wanted, env: Mapping[str, str]) -> dict[str, str]:
    """The environment in which configure.py has no question left. Variables of the user's that it would write down are not in it."""
    kept = {
        n: v
        for n, v in env.items()
        if n not in baked(dict(env)) and n not in ("LD_LIBRARY_PATH", "PYTHONHOME")
    }
    kept |= {
        "PYTHON_BIN_PATH": wanted.python,
        "USE_DEFAULT_PYTHON_LIB_PATH": "1",
        "TF_NEED_ROCM": "0",
        "TF_NEED_CUDA": "1",
        "TF_NEED_CLANG": "1",
        "TF_CUDA_CLANG": "1",
        "CLANG_CUDA_COMPILER_PATH": wanted.clang.given if wanted.clang.shim else wanted.clang.path,
        "CC_OPT_FLAGS": "-Wno-sign-compare",
        "TF_SET_ANDROID_WORKSPACE": "0",
        "TF_CONFIGURE_IOS": "0",
    }
    if wanted.libraries:
        kept["LD_LIBRARY_PATH"] = wanted.libraries
    if value_of(tree.cuda, "") == "classic":
        paths = ",".join(p for p in (wanted.cuda_path, wanted.cudnn_path, wanted.nccl_path) if p)
        kept |= {
            "TF_NEED_TENSORRT": "0",
            "TF_DOWNLOAD_CLANG": "0",
            "TF_CUDA_VERSION": release(wanted.cuda) if is_version(wanted.cuda) else wanted.cuda,
            "TF_CUDNN_VERSION": wanted.cudnn.split(".")[0],
            "TF_CUDA_PATHS": paths,
            "CUDA_TOOLKIT_PATH": wanted.cuda_path,
            "CUDNN_INSTALL_PATH": wanted.cudnn_path,
            "TF_CUDA_COMPUTE_CAPABILITIES": wanted.capabilities,
            "GCC_HOST_COMPILER_PATH": "/usr/bin/gcc",
        }
    else:
        kept |= {
            "HERMETIC_CUDA_VERSION": wanted.cuda,
            "HERMETIC_CUDNN_VERSION": wanted.cudnn,
            "HERMETIC_CUDA_COMPUTE_CAPABILITIES": wanted.capabilities,
            "LOCAL_CUDA_PATH": wanted.cuda_path,
            "LOCAL_CUDNN_PATH": wanted.cudnn_path,
            "LOCAL_NCCL_PATH": wanted.nccl_path,
        }
    return {n: v for n, v in kept.items() if v}


def read_back(tree: Tree, text: str) -> dict[str, str]:
    """Variables that configure wrote, by name; a configuration's and a plain one's alike: the last stands.

    build:cuda --repo_env HERMETIC_CUDA_VERSION="12.4.0"  ->  {"HERMETIC_CUDA_VERSION": "12.4.0"}
    """
    found: dict[str, str] = {}
    lines, _ = read_rc(text)
    for line in lines:
        match = re.match(r"--(?:repo_env|action_env)[= ](\w+)=(.*)", line.option, re.S)
        if match and line.config in ("", "cuda", "cuda_clang"):
            found[match[1]] = match[2].strip("\"'")
        elif line.option in ("--config=cuda_clang", "--config cuda_clang") and not line.config:
            found["--config"] = "cuda_clang"
    return found


def differs(tree: Tree, wanted: Wanted, text: str) -> tuple[str, ...]:
    """What configure wrote otherwise than it was told, one sentence each. Empty: all as wanted.

    The compiler's path is not compared: configure follows links, and the block after it names the one that is used."""
    found = read_back(tree, text)
    classic = value_of(tree.cuda, "") == "classic"
    prefix = "TF" if classic else "HERMETIC"
    expected = {f"{prefix}_CUDA_COMPUTE_CAPABILITIES": wanted.capabilities}
    if not classic:
        expected |= {
            "HERMETIC_CUDA_VERSION": wanted.cuda,
            "HERMETIC_CUDNN_VERSION": wanted.cudnn,
            "LOCAL_CUDA_PATH": wanted.cuda_path,
            "LOCAL_CUDNN_PATH": wanted.cudnn_path,
            "LOCAL_NCCL_PATH": wanted.nccl_path,
        }
    wrong = []
    for name, value in expected.items():
        said = found.get(name, "")
        if said != value:
            wrong.append(f"{name} is {said or 'not there'} where {value or 'nothing'} was wanted")
    if found.get("--config") != "cuda_clang" and "cuda_clang" in tree.configs():
        wrong.append("--config=cuda_clang is not there: nvcc's options would reach clang")
    said = found.get("CLANG_CUDA_COMPILER_PATH", "")
    if said and os.path.realpath(said) != wanted.clang.real:
        wrong.append(f"CLANG_CUDA_COMPILER_PATH is {said} where {wanted.clang.real} was wanted")
    if found.get("LD_LIBRARY_PATH", "") != wanted.libraries:
        wrong.append(f"LD_LIBRARY_PATH is {found.get('LD_LIBRARY_PATH') or 'not there'}")
    return tuple(wrong)
