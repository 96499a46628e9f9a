"""Programs for a build that needs no network and no night: real processes with the interface of bazel, clang, patchelf and of configure.py.

The stub bazel prints Bazel's progress, makes a small wheel, or fails with the words that BAZEL_FAILS names a file of.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.tfbuild import trees

_PYTHON = f"#!{sys.executable} -S\n"

BAZEL = (
    _PYTHON
    + """
import glob, os, re, sys, zipfile
argv = sys.argv[1:]
home = os.path.dirname(os.path.abspath(__file__))
log = open(home + "/bazel.log", "a"); log.write(repr(argv) + "\\n"); log.close()
if "--version" in argv:
    print("bazel " + os.environ.get("STUB_BAZEL_VERSION", "6.5.0")); sys.exit(0)
base = home + "/output_base"
if "info" in argv:
    print(base); sys.exit(0)
def say(*words):
    print(*words, file=sys.stderr, flush=True)
def rc():
    found = {}
    for name in (".bazelrc", ".tf_configure.bazelrc", ".bazelrc.user"):
        if os.path.exists(name):
            for line in open(name):
                for key, value in re.findall(r"--(?:repo_env|action_env)[= ](\\w+)=(\\S+)", line):
                    found[key] = value.strip('"')
    return found
values = rc()
local = values.get("LOCAL_CUDA_PATH", "")
for repo, library in (("cuda_cudart", "libcudart.so."), ("cuda_cupti", "libcupti.so.")):
    folder = base + "/external/" + repo
    os.makedirs(folder, exist_ok=True)
    names = os.listdir(local + "/lib") if local and os.path.isdir(local + "/lib") else []
    there = not local or any(n.startswith(library) for n in names)
    open(folder + "/version.txt", "w").write("12" if there else "")
    open(folder + "/BUILD", "w").write("cc_import()\\n" if there else "x\\n\\'\\'\\'\\ncc_import()\\n\\'\\'\\'\\n")
if "build" not in argv:
    sys.exit(2)
stage = "fetch" if "--nobuild" in argv else "build"
fails = os.environ.get("STUB_FAILS_" + stage.upper(), "")
once = home + "/failed-once"
if fails and not (os.environ.get("STUB_FAILS_ONCE") and os.path.exists(once)):
    open(once, "w").close()
    say("INFO: Analyzed target //tensorflow/tools/pip_package:wheel (700 packages loaded, 50000 targets configured).")
    say("[7 / 34,131] Compiling llvm/lib/Support/A.cpp")
    say(open(fails).read())
    say("FAILED: Build did NOT complete successfully")
    sys.exit(1)
if stage == "fetch":
    say("INFO: Build completed successfully, 0 total actions"); sys.exit(0)
hold = os.environ.get("STUB_HOLDS", "")
for done in (1, 1200, 17000, 34131):
    say("[{:,} / 34,131] Compiling tensorflow/core/kernels/x.cc; 3s local".format(done))
    if hold and done == 1200:
        open(hold, "w").close()
        sys.stdin.read() if False else __import__("time").sleep(60)
house = "bazel-bin/tensorflow/tools/pip_package/wheel_house"
os.makedirs(house, exist_ok=True)
tag = "cp" + values.get("HERMETIC_PYTHON_VERSION", "3.11").replace(".", "")
name = "tensorflow-2.18.1-{0}-{0}-linux_x86_64.whl".format(tag)
caps = values.get("HERMETIC_CUDA_COMPUTE_CAPABILITIES", "").split(",")
info = "build_info = " + repr({"is_cuda_build": True, "cuda_version": values.get("HERMETIC_CUDA_VERSION", ""), "cudnn_version": "9", "cuda_compute_capabilities": caps})
with zipfile.ZipFile(house + "/" + name, "w") as z:
    for path, text in (
        ("tensorflow/__init__.py", "__version__ = '2.18.1'\\n"),
        ("tensorflow/python/platform/build_info.py", info + "\\n"),
        ("tensorflow-2.18.1.dist-info/METADATA", "Metadata-Version: 2.1\\nName: tensorflow\\nVersion: 2.18.1\\n"),
        ("tensorflow-2.18.1.dist-info/WHEEL", "Wheel-Version: 1.0\\nGenerator: stub\\nRoot-Is-Purelib: false\\nTag: {0}-{0}-linux_x86_64\\n".format(tag)),
        ("tensorflow-2.18.1.dist-info/RECORD", ""),
    ):
        z.writestr(zipfile.ZipInfo(path, (2024, 1, 1, 0, 0, 0)), text)
say("INFO: Build completed successfully, 34131 total actions")
"""
)

CLANG = (
    _PYTHON
    + """
import os, sys
argv = sys.argv[1:]
if "--version" in argv:
    print("Ubuntu clang version %s.0.6" % os.environ.get("STUB_CLANG", "17")); sys.exit(0)
if "-print-prog-name=ld.lld" in argv:
    print(os.path.dirname(os.path.abspath(__file__)) + "/ld.lld"); sys.exit(0)
if "-E" in argv:
    sys.stderr.write("Selected GCC installation: /usr/lib/gcc/x86_64-linux-gnu/12\\n#include <...> search starts here:\\n %s\\nEnd of search list.\\n" % os.environ.get("STUB_CXX", "/nowhere/c++/12"))
    sys.exit(0)
if os.environ.get("STUB_NO_HEADERS"):
    sys.stderr.write("<stdin>:1:10: fatal error: 'memory' file not found\\n"); sys.exit(1)
out = argv[argv.index("-o") + 1]
with open(out, "w") as f:
    f.write("#!/bin/sh\\nprintf 42\\n")
os.chmod(out, 0o755)
"""
)

#: `docker run [options] IMAGE COMMAND...`: does what the image would, with this machine as the image.
DOCKER = (
    _PYTHON
    + """
import os, sys
argv = sys.argv[1:]
log = open(os.path.dirname(os.path.abspath(__file__)) + "/docker.log", "w"); log.write(repr(argv)); log.close()
assert argv.pop(0) == "run"
env = {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **{n: v for n, v in os.environ.items() if n.startswith("STUB_")}}
while argv[0].startswith("--"):
    name, _, value = argv.pop(0).partition("=")
    if name == "--env":
        key, _, text = value.partition("=")
        env[key] = text
    elif name == "--workdir":
        os.chdir(value)
image, program = argv.pop(0), argv[0]
os.execvpe(program, argv, env)
"""
)

LLD = _PYTHON + "print('Debian LLD 17.0.6 (compatible with GNU linkers)')\n"
TRUE = "#!/bin/sh\nexit 0\n"

#: The same questions in the same order as TensorFlow's, answered from the environment, else from standard input; the same file.
CONFIGURE = '''"""Asks what a build needs, takes answers from the environment, and writes .tf_configure.bazelrc."""
import os, re, subprocess, sys

def answer(name, question, default):
    if os.environ.get(name):
        return os.environ[name]
    try:
        return input(question) or default
    except EOFError:
        return default

subprocess.run(["bazel", "--version"], check=True, stdout=subprocess.DEVNULL)
lines = ['build --action_env PYTHON_BIN_PATH="%s"' % answer("PYTHON_BIN_PATH", "python? ", sys.executable)]
os.makedirs("tools", exist_ok=True)
with open("tools/python_bin_path.sh", "w") as f:
    f.write('export PYTHON_BIN_PATH="%s"\\n' % os.environ.get("PYTHON_BIN_PATH", ""))
if answer("TF_NEED_ROCM", "ROCm? ", "0") == "1" or answer("TF_NEED_CUDA", "CUDA? ", "0") != "1":
    sys.exit("not tested")
prefix = "HERMETIC" if os.environ.get("HERMETIC_CUDA_VERSION") else "TF"
for name in ("CUDA_VERSION", "CUDNN_VERSION"):
    value = answer(prefix + "_" + name, name + "? ", "")
    if value:
        lines.append('build:cuda --repo_env %s_%s="%s"' % (prefix, name, value))
capabilities = answer(prefix + "_CUDA_COMPUTE_CAPABILITIES", "capabilities? ", "3.5,7.0")
if not all(re.match(r"\\d+.\\d+|(sm|compute)_?\\d\\d", c) for c in capabilities.split(",")) or os.environ.get("STUB_CONFIGURE") == "falls back":
    print("Invalid compute capability: " + capabilities)
    capabilities = "3.5,7.0"
lines.append('build:cuda --repo_env %s_CUDA_COMPUTE_CAPABILITIES="%s"' % (prefix, capabilities))
for name in ("LOCAL_CUDA_PATH", "LOCAL_CUDNN_PATH", "LOCAL_NCCL_PATH"):
    value = answer(name, name + "? ", "")
    if value:
        lines.append('build:cuda --repo_env %s="%s"' % (name, value))
if os.environ.get("LD_LIBRARY_PATH"):
    lines.append('build --action_env LD_LIBRARY_PATH="%s"' % os.environ["LD_LIBRARY_PATH"])
if answer("TF_CUDA_CLANG", "clang? ", "1") == "1":
    lines.append("build --config=cuda_clang")
    lines.append('build --action_env CLANG_CUDA_COMPILER_PATH="%s"' % os.path.realpath(answer("CLANG_CUDA_COMPILER_PATH", "clang where? ", "/usr/bin/clang")))
answer("CC_OPT_FLAGS", "flags? ", "")
answer("TF_SET_ANDROID_WORKSPACE", "android? ", "0")
if os.environ.get("STUB_CONFIGURE") == "dies":
    sys.exit("configure says no")
with open(".tf_configure.bazelrc", "w") as f:
    f.write("\\n".join(lines) + "\\n")
'''


def programs(folder: Path, clang: str = "clang") -> Path:
    """The programs in `folder`; the compiler is bin/<clang>, with bin/clang beside it where that is another name."""
    trees.put(folder, "bazel", BAZEL, 0o755)
    trees.put(folder, clang, CLANG, 0o755)
    if clang != "clang":
        (folder / "clang").symlink_to(clang)
    trees.put(folder, "ld.lld", LLD, 0o755)
    for name in ("patchelf", "git", "zip", "unzip", "tar"):
        trees.put(folder, name, TRUE, 0o755)
    return folder


def configurable(root: Path, kind: str = "2.18") -> Path:
    trees.make(root, kind)
    trees.put(root, "configure.py", CONFIGURE)
    trees.put(root, "tensorflow/tools/pip_package/BUILD", 'tf_wheel(\n    name = "wheel",\n)\n')
    return root


#: CUDA 12's libraries by the major of their sonames.
MAJORS = {
    "cudart": 12,
    "cublas": 12,
    "cufft": 11,
    "curand": 10,
    "cusolver": 11,
    "cusparse": 12,
    "nvrtc": 12,
    "nvJitLink": 12,
}


def cuda(root: Path, lib: str = "lib64", *, extras: bool = True, version: str = "12.4.0") -> Path:
    """A CUDA install as the runfile leaves it: lib64 and extras/CUPTI. Empty files of the right names."""
    for name in ("cuda.h", "cuda_runtime.h", "cub/cub.h"):
        number = "".join(f"{int(p):02d}"[-2:] if n else p for n, p in enumerate(version.split(".")[:2]))
        trees.put(root, f"include/{name}", f"#define CUDA_VERSION {number}0\n" if name == "cuda.h" else "")
    for name, major in MAJORS.items():
        trees.put(root, f"{lib}/lib{name}.so.{major}", "")
        (root / lib / f"lib{name}.so").symlink_to(f"lib{name}.so.{major}")
    trees.put(root, f"{lib}/libcudart_static.a", "")
    trees.put(root, f"{lib}/stubs/libcuda.so", "")
    place = "extras/CUPTI/" if extras else ""
    trees.put(root, f"{place}include/cupti.h", "")
    trees.put(root, f"{place}{lib}/libcupti.so.12", "")
    for name in ("nvcc", "ptxas", "fatbinary", "nvlink", "bin2c"):
        trees.put(
            root, f"bin/{name}", "#!/bin/sh\necho 'Cuda compilation tools, release 12.4, V12.4.99'\n", 0o755
        )
    trees.put(root, "nvvm/libdevice/libdevice.10.bc", "BC")
    trees.put(root, "version.json", f'{{"cuda": {{"version": "{version}"}}}}')
    return root


def cudnn(root: Path, version: str = "9.3.0") -> Path:
    major, minor, patch = version.split(".")
    text = f"#define CUDNN_MAJOR {major}\n#define CUDNN_MINOR {minor}\n#define CUDNN_PATCHLEVEL {patch}\n"
    trees.put(root, "include/cudnn_version.h", text)
    trees.put(root, "include/cudnn.h", "")
    trees.put(root, f"lib/libcudnn.so.{major}", "")
    return root


def environment(folder: Path) -> Path:
    """A virtual environment with pip. pip is a link to this environment's: unpacking one takes three seconds."""
    import pip

    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(folder)], check=True, timeout=60)
    site = next(folder.glob("lib/python3.*/site-packages"))
    (site / "pip").symlink_to(Path(pip.__file__).parent)
    return folder
