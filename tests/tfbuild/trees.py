"""Small trees of the shape that TensorFlow's have, written for these tests: every file is ours, none is TensorFlow's.

`make(folder, "2.18")` writes one: the same places, labels, functions and options, each as short as it can be.
"""

from __future__ import annotations

from pathlib import Path

REPO = '''"""Addresses of downloads."""

def tf_mirror_urls(url):
    """The copy first, then the origin."""
    if not url.startswith("https://"):
        return [url]
    return [
        "https://copies.example/" + url[8:],
        url,
    ]

def tf_http_archive(name, urls):
    if len(urls) < 2:
        fail("two addresses, please")
    return name

def tf_vendored(name, relpath):
    native.local_repository(name = name, path = relpath)
'''

VERSIONS = """CUDA_REDIST_JSON_DICT = {{
{cuda}
}}

CUDNN_REDIST_JSON_DICT = {{
{cudnn}
}}

CUDA_NCCL_WHEELS = {{
{cuda}
}}

MIRRORS = ["https://developer.download.nvidia.com/", "https://github.com/x/y"]
"""

INIT = """load("//third_party:repo.bzl", "tf_mirror_urls")
load(":cuda_redist_versions.bzl", "CUDA_REDIST_JSON_DICT")

def _create_symlinks(ctx, folder, dirs):
    for dir in dirs:
        dir_path = folder + "/" + dir
        if not ctx.path(folder).exists:
            fail("no folder " + dir_path)
        ctx.symlink(dir_path, dir)

def use_local_path(ctx, folder, dirs, prefix = CUDA_REDIST_JSON_DICT):
    _create_symlinks(ctx, folder, dirs)

def _use_local_cuda_path(ctx, folder):
    \"\"\"The folder's own.\"\"\"
    use_local_path(ctx, folder, ["include", "lib", "bin", "nvvm"])

def download(ctx, url):
    ctx.download(url = tf_mirror_urls(url))
"""

CONFIGURE_BZL = """_CAPS = "HERMETIC_CUDA_COMPUTE_CAPABILITIES"

def _auto_configure_fail(message):
    fail("Cuda Configuration Error: " + message)

def _compute_capabilities(ctx):
    found = (get_host_environ(ctx, _CAPS) or "compute_35,compute_52").split(",")
    if all([len(x.split(".")) == 2 for x in found]):
        plain = sorted([x.replace(".", "") for x in found])
        found = ["sm_" + x for x in plain[:-1]] + ["compute_" + plain[-1]]
    for item in found:
        number = item.replace("sm_", "").replace("compute_", "")
        if not item.startswith(("sm_", "compute_")) or not (%s):
            _auto_configure_fail("Invalid compute capability: " + item)
    return found

def _setup(ctx, cc):
    defines = {}
    if %s:
        defines["compiler"] = "clang"
    else:
        defines["compiler"] = "unknown"
    defines["arguments"] = str(%s)
    return defines
"""

RC = """# options
build:cuda --repo_env TF_NEED_CUDA=1
build:cuda --repo_env=HERMETIC_CUDA_VERSION="12.5.1"
build:cuda --repo_env=HERMETIC_CUDNN_VERSION="9.3.0"
build:cuda_wheel --define=wheel=1
build:cuda_clang --config=cuda
build:cuda_clang --copt=-Qunused-arguments
build:cuda_clang --repo_env=HERMETIC_CUDA_COMPUTE_CAPABILITIES="sm_60,sm_70,sm_80,sm_89,compute_90"
build:cuda_clang --linkopt="-fuse-ld=lld"
build:{nvcc} --config=cuda
build --define=framework_shared_object=true \\
    --define=tsl_protobuf_header_only=true

try-import %workspace%/.tf_configure.bazelrc
try-import %workspace%/.bazelrc.user
"""

WORKSPACE = """workspace(name = "org_tensorflow")
load("@//tensorflow:workspace3.bzl", "tf_workspace3")
tf_workspace3()
load("@{owner}//{rules}:cuda_json_init_repository.bzl", "cuda_json_init_repository")
load("@{owner}//{rules}:cuda_configure.bzl", "cuda_configure")
"""

WORKSPACE3 = """load("//third_party:repo.bzl", "tf_vendored")

def workspace():
    tf_vendored(name = "local_xla", relpath = "third_party/xla")
    tf_vendored(name = "local_tsl", relpath = "third_party/xla/third_party/tsl")
"""

CUDA_218 = ("11.8", "12.3.2", "12.4.0", "12.4.1", "12.5.1", "12.6.1")
CUDNN_218 = ("8.9.7.29", "9.1.1", "9.3.0", "9.4.0")
TSL = "third_party/xla/third_party/tsl"
HERMETIC = "third_party/gpus/cuda/hermetic"

#: What each kind of tree has.
KINDS = {
    "2.17": {"bazel": "6.5.0", "pythons": "3.9 3.10 3.11 3.12", "nvcc": "nvcc_clang"},
    "2.18": {"bazel": "6.5.0", "pythons": "3.9 3.10 3.11 3.12", "nvcc": "nvcc_clang"},
    "2.19": {"bazel": "6.5.0", "pythons": "3.9 3.10 3.11 3.12", "nvcc": "cuda_nvcc"},
    "2.20": {"bazel": "7.4.1", "pythons": "3.9 3.10 3.11 3.12 3.13", "nvcc": "cuda_nvcc"},
}


def put(root: Path, path: str, text: str, mode: int = 0o644) -> Path:
    place = root / path
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)
    place.chmod(mode)
    return place


def _rules(root: Path, folder: str, kind: str) -> None:
    old = kind == "2.18"
    digits = "len(number) == 2 and number.isdigit()" if old else "number.rstrip('a').isdigit()"
    test = 'cc.endswith("clang")' if old else '"clang" in cc'
    rows = "\n".join(
        f'    "{key}": ["https://developer.download.nvidia.com/{key}.json", "0"],' for key in CUDA_218
    )
    cudnn = "\n".join(
        f'    "{key}": ["https://developer.download.nvidia.com/{key}.json", "0"],' for key in CUDNN_218
    )
    put(root, f"{folder}/cuda_redist_versions.bzl", VERSIONS.format(cuda=rows, cudnn=cudnn))
    put(root, f"{folder}/cuda_redist_init_repositories.bzl", INIT)
    put(root, f"{folder}/cuda_json_init_repository.bzl", 'load("//third_party:repo.bzl", "tf_mirror_urls")\n')
    put(root, f"{folder}/cuda_configure.bzl", CONFIGURE_BZL % (digits, test, test))


def make(root: Path, kind: str = "2.18", *, patch: str = "1") -> Path:
    """Write a tree of that kind ("2.17" classic, "2.18" and "2.19" hermetic, "2.20" with the rules elsewhere)."""
    about = KINDS[kind]
    major, minor = kind.split(".")
    put(
        root,
        "tensorflow/core/public/version.h",
        f"#define TF_MAJOR_VERSION {major}\n#define TF_MINOR_VERSION {minor}\n#define TF_PATCH_VERSION {patch}\n"
        '#define TF_VERSION_SUFFIX ""\n',
    )
    put(root, ".bazelversion", f"{about['bazel']}\n# a comment\n")
    put(root, ".bazelrc", RC.format(nvcc=about["nvcc"]))
    put(root, "tensorflow/workspace3.bzl", WORKSPACE3)
    for python in about["pythons"].split():
        put(root, f"requirements_lock_{python.replace('.', '_')}.txt", "# pinned\n")
    for folder in ("third_party", "third_party/xla/third_party", f"{TSL}/third_party"):
        put(root, f"{folder}/repo.bzl", REPO)
    if kind == "2.17":
        digits = "len(number) == 2 and number.isdigit()"
        text = CONFIGURE_BZL % (digits, "True", "True")
        put(root, f"{TSL}/third_party/gpus/cuda_configure.bzl", text.replace("_compute_cap", "compute_cap"))
        put(root, "WORKSPACE", 'workspace(name = "org_tensorflow")\n')
    elif kind == "2.20":
        put(root, "WORKSPACE", WORKSPACE.format(owner="rules_ml_toolchain", rules="gpu/cuda"))
        put(root, "third_party/py/rules_pywrap/pywrap.bzl", "X = 1\n")
    else:
        put(root, "WORKSPACE", WORKSPACE.format(owner="local_tsl", rules=HERMETIC))
        _rules(root, f"{TSL}/{HERMETIC}", kind)
        _rules(root, HERMETIC, kind)
        if kind == "2.19":
            put(root, "third_party/py/rules_pywrap/pywrap.bzl", "X = 1\n")
    return root


def snapshot(root: Path) -> dict[str, tuple[str, bytes]]:
    """Every file and link below `root`: what it is and holds."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = str(path.relative_to(root))
        if path.is_symlink():
            found[name] = ("link", str(path.readlink()).encode())
        elif path.is_file():
            found[name] = (oct(path.stat().st_mode), path.read_bytes())
    return found
