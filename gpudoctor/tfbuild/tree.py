"""What a TensorFlow tree is, read from its files: never from the version in its name.

A checkout may be a release, a branch or a mixture; the files decide what its build does. So every property below is
found where the build finds it: the copies of repo.bzl by their function, the CUDA rules by the label in WORKSPACE, the
keys by the dictionary, the accepted capabilities by evaluating the tree's own function (`capabilities`).
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Literal

from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.observed import Absent, Known, Observed, Unknown, value_of
from gpudoctor.facts.record import Record
from gpudoctor.tfbuild import starlark
from gpudoctor.tfbuild.bazelrc import RcLine, read_rc

#: hermetic: Bazel fetches CUDA (or is given a folder), rules in the tree. external: the same, rules in a repository that
#: Bazel fetches. classic: find_cuda_config.py looks for an installed CUDA.
CudaKind = Literal["hermetic", "external", "classic"]
#: "ends-with-clang": /opt/clang17/bin/clang-17 is not taken for clang. "contains-clang": it is.
ClangRule = Literal["ends-with-clang", "contains-clang"]

_HERMETIC = "cuda_redist_versions.bzl"
_CONFIGURE = "cuda_configure.bzl"
#: A tree has one of these itself; a folder that holds a tree somewhere below has not.
_OWN_PLACES = ("third_party/repo.bzl", "common/repo.bzl", "third_party/gpus/cuda_configure.bzl")


class Copy(Record):
    """A copy of the file that makes mirror addresses. `path`: relative to the tree. `repository`: the Bazel repository whose
    files load it ("" where WORKSPACE does not say). `cuda`: the CUDA rules that the build uses load this one."""

    path: str
    repository: str
    cuda: bool


class Tree(Record):
    """A tree. `path`: absolute, links resolved. `repositories`: Bazel repository -> folder in the tree.

    `pythons`: the minors that have a lock file ("3.10"); empty: the tree has none. `rc`: the options of .bazelrc in order.
    `imports`: the rc files that .bazelrc tries to import, in order. `hosts`: what the .bzl files name, with how often.
    """

    path: str
    version: Observed[str]
    bazel: Observed[str]
    cuda: Observed[CudaKind]
    rules: str
    repositories: Mapping[str, str]
    copies: tuple[Copy, ...]
    cuda_keys: Observed[tuple[str, ...]]
    cudnn_keys: Observed[tuple[str, ...]]
    nccl_keys: Observed[tuple[str, ...]]
    clang_rule: Observed[ClangRule]
    pythons: tuple[str, ...]
    pywrap: bool
    configure: bool
    rc: tuple[RcLine, ...]
    imports: tuple[str, ...]
    hosts: tuple[tuple[str, int], ...]

    def configs(self) -> frozenset[str]:
        return frozenset(line.config for line in self.rc if line.config)

    def rc_value(self, config: str, name: str) -> str:
        """The last value that .bazelrc gives environment variable `name` under `config`, "" where it gives none."""
        found = ""
        for line in self.rc:
            match = re.match(r"--(?:repo_env|action_env)[= ](\w+)=(.*)", line.option)
            if line.config == config and match and match[1] == name:
                found = match[2].strip("\"'")
        return found

    def names(self) -> str:
        return f"TensorFlow {value_of(self.version, 'of unknown version')}"


def detect(source: str) -> Tree:
    """Read the tree at `source`. Raises GpudoctorError where it is none."""
    if not os.path.isdir(source):
        what = "is not a folder" if os.path.exists(source) else "is not there"
        raise GpudoctorError(f"{source} {what}", context="--source", hint=HOW_TO_GET)
    root = os.path.realpath(source)
    reader = _Reader(root)
    copies = reader.copies()
    own = {c.path for c in copies} | set(reader.find(_CONFIGURE))
    if not own & set(_OWN_PLACES):
        raise GpudoctorError(
            f"{source} is not a TensorFlow source tree",
            context="no third_party/repo.bzl with tf_mirror_urls in it, and no third_party/gpus/cuda_configure.bzl",
            note="nothing was changed",
            hint=HOW_TO_GET,
        )
    kind, rules = reader.cuda()
    versions = reader.module(f"{rules}/{_HERMETIC}") if rules else None
    where = f"{rules}/{_HERMETIC}" if rules else ""
    rc, imports = read_rc(reader.text(".bazelrc"))
    return Tree(
        root,
        reader.version(),
        reader.bazel(),
        kind,
        rules,
        reader.repositories,
        copies,
        _keys(versions, "CUDA_REDIST_JSON_DICT", where, kind),
        _keys(versions, "CUDNN_REDIST_JSON_DICT", where, kind),
        _nccl(versions, where, kind),
        reader.clang_rule(rules),
        reader.pythons(),
        reader.pywrap(),
        os.path.isfile(os.path.join(root, "configure.py")),
        rc,
        imports,
        reader.hosts(),
    )


HOW_TO_GET = "`gpudoctor build-tf --version 2.18.0` prints where a release's source is and its checksum"


def _keys(
    module: ast.Module | None, name: str, where: str, kind: Observed[CudaKind]
) -> Observed[tuple[str, ...]]:
    if module is None:
        if value_of(kind, "") == "external":
            return Unknown("the table is in a repository that Bazel fetches, not in this tree")
        return Absent(where or f"{_HERMETIC} in the tree")
    try:
        return Known(starlark.keys(module, name), where)
    except KeyError:
        return Absent(f"{name} in {where}")
    except ValueError as error:
        return Unknown(f"{where}: {error}")


def _nccl(module: ast.Module | None, where: str, kind: Observed[CudaKind]) -> Observed[tuple[str, ...]]:
    """The CUDA versions that an NCCL belongs to. A computed dictionary names them in its comprehension: not read."""
    if module is None:
        return _keys(None, "", where, kind)
    for name in ("CUDA_NCCL_WHEELS", "NCCL_REDIST_JSON_DICT"):
        try:
            return Known(starlark.keys(module, name), where)
        except (KeyError, ValueError):
            continue
    return Unknown(f"{where}: no table of NCCL that is written out")


class _Reader:
    """The files of one tree, each read once."""

    def __init__(self, root: str) -> None:
        self.root = root
        self._modules: dict[str, ast.Module | None] = {}

    @cached_property
    def files(self) -> tuple[str, ...]:
        """Every .bzl file, WORKSPACE and MODULE.bazel, relative. Bazel's own links, .git and node_modules are left out."""
        found: list[str] = []
        for folder, folders, names in os.walk(self.root):
            top = folder == self.root
            folders[:] = sorted(
                f
                for f in folders
                if f not in (".git", "node_modules") and not (top and f.startswith("bazel-"))
            )
            for name in sorted(names):
                if name.endswith(".bzl") or name in ("WORKSPACE", "WORKSPACE.bazel", "MODULE.bazel"):
                    found.append(os.path.relpath(os.path.join(folder, name), self.root))
        return tuple(found)

    def find(self, name: str) -> tuple[str, ...]:
        return tuple(f for f in self.files if os.path.basename(f) == name)

    def text(self, path: str) -> str:
        """ "" where it can't be read: what is then missing is said where it is looked for."""
        try:
            with open(os.path.join(self.root, path), "rb") as file:
                return file.read(starlark.LIMIT).decode("utf-8", "replace")
        except OSError:
            return ""

    def module(self, path: str) -> ast.Module | None:
        if path not in self._modules:
            try:
                self._modules[path] = starlark.parse(self.text(path)) if self.text(path) else None
            except starlark.NotStarlark:
                self._modules[path] = None
        return self._modules[path]

    @cached_property
    def repositories(self) -> Mapping[str, str]:
        """tf_vendored(name = ..., relpath = ...) and local_repository(name = ..., path = ...) of the top-level files."""
        found: dict[str, str] = {"": ""}
        tops = [f for f in self.files if os.path.dirname(f) in ("", "tensorflow")]
        for path in tops:
            module = self.module(path)
            for name in ("tf_vendored", "local_repository", "native.local_repository"):
                for call in starlark.calls(module, name) if module else ():
                    words = {k.arg: k.value.value for k in call.keywords if isinstance(k.value, ast.Constant)}
                    folder = words.get("relpath") or words.get("path")
                    if isinstance(folder, str) and isinstance(words.get("name"), str):
                        found[str(words["name"])] = folder
        return found

    def _repository(self, path: str) -> str:
        """The innermost repository that a file belongs to."""
        inside = [(len(f), n) for n, f in self.repositories.items() if f and path.startswith(f + "/")]
        return max(inside)[1] if inside else ""

    def cuda(self) -> tuple[Observed[CudaKind], str]:
        """The kind and the folder of the rules that the build uses: the label in WORKSPACE decides between copies."""
        for top in ("WORKSPACE", "WORKSPACE.bazel", "MODULE.bazel"):
            module = self.module(top)
            for label, _ in starlark.loads(module) if module else ():
                repository, _, inner = label.removeprefix("@").partition("//")
                folder, _, name = inner.partition(":")
                if name not in (
                    _CONFIGURE,
                    "cuda_redist_init_repositories.bzl",
                    "cuda_json_init_repository.bzl",
                ):
                    continue
                if repository in self.repositories:
                    rules = os.path.normpath(os.path.join(self.repositories[repository], folder))
                    if f"{rules}/{_HERMETIC}" in self.files:
                        return Known("hermetic", f"{top} loads {label}"), rules
                elif repository:
                    return Known("external", f"{top} loads {label}"), ""
        here = [os.path.dirname(f) for f in self.find(_HERMETIC)]
        if here:
            return Known("hermetic", f"{here[0]}/{_HERMETIC}"), max(here, key=lambda f: (f.count("/tsl/"), f))
        classic = [f for f in self.find(_CONFIGURE) if "/rocm/" not in f]
        if classic:
            return Known("classic", classic[0]), ""
        return Absent(f"{_HERMETIC} and {_CONFIGURE} in the tree"), ""

    def copies(self) -> tuple[Copy, ...]:
        _, rules = self.cuda()
        used = ""
        module = self.module(f"{rules}/cuda_redist_init_repositories.bzl") if rules else None
        if module is not None:
            labels = [label for label, names in starlark.loads(module) if "tf_mirror_urls" in names]
            used = self._resolve(rules, labels[0]) if labels else ""
        found = []
        for path in self.find("repo.bzl"):
            module = self.module(path)
            if module is not None and "tf_mirror_urls" in starlark.functions(module):
                found.append(Copy(path, self._repository(path), path == used))
        return tuple(found)

    def _resolve(self, folder: str, label: str) -> str:
        repository, _, inner = label.partition("//")
        root = self.repositories.get(self._repository(folder + "/"), "")
        if repository.lstrip("@"):
            root = self.repositories.get(repository.lstrip("@"), "?")
        return os.path.normpath(os.path.join(root, inner.replace(":", "/")))

    def clang_rule(self, rules: str) -> Observed[ClangRule]:
        path = f"{rules}/{_CONFIGURE}" if rules else ""
        module = self.module(path) if path else None
        if module is None:
            return Absent(path or "the hermetic rules")
        if any(clang_tests(module)):
            return Known("ends-with-clang", path)
        for node in ast.walk(module):
            if isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In):
                left = node.left
                if isinstance(left, ast.Constant) and left.value == "clang":
                    return Known("contains-clang", path)
        return Unknown(f"{path}: no test of the compiler's name that is understood")

    def version(self) -> Observed[str]:
        text = self.text("tensorflow/core/public/version.h")
        parts = [re.search(rf"define\s+TF_{p}_VERSION\s+(\d+)", text) for p in ("MAJOR", "MINOR", "PATCH")]
        if all(parts):
            suffix = re.search(r'define\s+TF_VERSION_SUFFIX\s+"([^"]*)"', text)
            number = ".".join(p[1] for p in parts if p)
            return Known(number + (suffix[1] if suffix else ""), "tensorflow/core/public/version.h")
        for path in ("tensorflow/tf_version.bzl", "tensorflow/tensorflow.bzl"):
            match = re.search(r'^(?:TF_VERSION|VERSION)\s*=\s*"([0-9][^"]*)"', self.text(path), re.M)
            if match:
                return Known(match[1], path)
        return Absent("tensorflow/core/public/version.h, tensorflow/tf_version.bzl")

    def bazel(self) -> Observed[str]:
        lines = [line.strip() for line in self.text(".bazelversion").splitlines()]
        first = next((line for line in lines if line and not line.startswith("#")), "")
        return Known(first, ".bazelversion") if first else Absent(".bazelversion")

    def pythons(self) -> tuple[str, ...]:
        found = []
        for name in os.listdir(self.root):
            match = re.fullmatch(r"requirements_lock_(\d+)_(\d+)\.txt", name)
            if match:
                found.append((int(match[1]), int(match[2])))
        return tuple(f"{a}.{b}" for a, b in sorted(found))

    def pywrap(self) -> bool:
        return any("rules_pywrap/" in f for f in self.files)

    def hosts(self) -> tuple[tuple[str, int], ...]:
        counts: dict[str, int] = {}
        for path in self.files:
            for host in re.findall(r'["\']https?://([a-z0-9.-]+)/', self.text(path)):
                counts[host] = counts.get(host, 0) + 1
        return tuple(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def clang_tests(module: ast.AST) -> Iterator[ast.Call]:
    """The calls `NAME.endswith("clang")`, in order."""
    for node in ast.walk(module):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "endswith"
            and isinstance(node.func.value, ast.Name)
            and len(node.args) == 1
            and isinstance(node.args[0], ast.Constant)
            and node.args[0].value == "clang"
        ):
            yield node
