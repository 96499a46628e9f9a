"""What build-tf made, in the hands of the real rules: a real tree's .bazelrc and CUDA rules (GPUDOCTOR_TF_TREE), in real Bazel.

The rules want Bazel 6.5; Bazel 4.2.3 is what a registry has. Three things are put in their place in the copy: `a | b` of dictionaries,
Label.repo_name, and bazel_skylib. Not a build: CUDA and cuDNN are folders of empty files, and nothing is compiled."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpudoctor.facts.observed import value_of
from gpudoctor.tfbuild.bazelrc import read_rc
from gpudoctor.tfbuild.stages.bazel import dummies
from gpudoctor.tfbuild.tree import detect
from tests.tfbuild import stubs, trees
from tests.tfbuild.bench import Bench
from tests.tfbuild.test_real_bazel import Workspace, need

TREES = [
    t
    for t in os.environ.get("GPUDOCTOR_TF_TREE", "").split(":")
    if t and detect(t).configure and value_of(detect(t).cuda, "") == "hermetic"
]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not TREES,
        reason="GPUDOCTOR_TF_TREE names no TensorFlow tree with configure.py and hermetic CUDA rules",
    ),
]
#: Options that Bazel 4 has as well; the others are of compilers, platforms and remote machines.
KNOWN = (
    "--repo_env",
    "--action_env",
    "--define",
    "--config=cuda",
    "--experimental_downloader_config",
    "--repository_cache",
    "--distdir",
)
RULES = "third_party/gpus/cuda/hermetic"
WORKSPACE = f"""
workspace(name = "probe")
local_repository(name = "local_tsl", path = "tsl")
local_repository(name = "bazel_skylib", path = "skylib")
load("@local_tsl//{RULES}:cuda_json_init_repository.bzl", "cuda_json_init_repository")
cuda_json_init_repository()
load("@cuda_redist_json//:distributions.bzl", "CUDA_REDISTRIBUTIONS", "CUDNN_REDISTRIBUTIONS")
load("@local_tsl//{RULES}:cuda_redist_init_repositories.bzl", "cuda_redist_init_repositories", "cudnn_redist_init_repository")
cuda_redist_init_repositories(cuda_redistributions = CUDA_REDISTRIBUTIONS)
cudnn_redist_init_repository(cudnn_redistributions = CUDNN_REDISTRIBUTIONS)
load("@local_tsl//{RULES}:cuda_configure.bzl", "cuda_configure")
cuda_configure(name = "local_config_cuda")
load("//:probe.bzl", "probe")
probe(name = "probed")
load("@probed//:x.bzl", "X")
"""
PROBE = """
def _probe(ctx):
    ctx.path(Label("@local_config_cuda//:BUILD"))
    print("TOLD PIP=" + ctx.execute(["/bin/sh", "-c", "echo $PIP_CONFIG_FILE"]).stdout.strip())
    ctx.file("BUILD", "")
    ctx.file("x.bzl", "X = 1")

probe = repository_rule(implementation = _probe, local = True)
"""


class Probe(Bench):
    """A real tree that build-tf has configured, and a small workspace with its rules and its rc files."""

    def __init__(self, root: Path, tree: str) -> None:
        super().__init__(root)
        shutil.rmtree(self.tree)
        wanted = (
            ".bzl",
            ".h",
            ".py",
            ".tpl",
            "BUILD",
            "WORKSPACE",
            ".bazelversion",
            ".bazelrc",
            ".txt",
            ".lic",
        )
        shutil.copytree(
            tree, self.tree, symlinks=True,
            ignore=lambda folder, names: [
                n for n in names if os.path.isfile(os.path.join(folder, n)) and not n.endswith(wanted)
            ],
        )  # fmt: skip
        self.cuda = stubs.cuda(root / "cuda")
        self.cudnn = stubs.cudnn(root / "cudnn")
        self.always += [
            "--cuda",
            "12.4.0",
            "--cudnn",
            "9.3.0",
            "--local-cuda",
            str(self.cuda),
            "--local-cudnn",
            str(self.cudnn),
        ]
        self.always += ["--python", "3.11", "--mirror", "cn"]
        self.run(
            "--until",
            "configure",
            "--capabilities",
            "sm_75,compute_86",
            "--ignore",
            "hosts,patchelf,disk,bazel,clang,lld",
        )
        self.workspace = Workspace(root, need("bin/bazel-4"))
        self.fill()

    def fill(self) -> None:
        tree, folder = detect(str(self.tree)), self.workspace.folder
        own = self.tree / tree.rules.removesuffix(RULES).rstrip("/")
        for part in ("repo.bzl", "BUILD", "gpus", "remote_config"):
            source, target = own / "third_party" / part, folder / "tsl/third_party" / part
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target)
            elif source.exists():
                shutil.copy(source, target)
        trees.put(folder, "tsl/WORKSPACE", 'workspace(name = "local_tsl")\n')
        trees.put(folder, "tsl/third_party/BUILD", "")
        trees.put(folder, "skylib/WORKSPACE", "")
        for path in (folder / "tsl").rglob("*.bzl"):
            text = path.read_text()
            text = re.sub(
                r"(\w+) \| (\{[^{}]*(?:\{[^{}]*\}[^{}]*)*\}),", r"dict(\1.items() + \2.items()),", text
            )
            path.write_text(text.replace(".repo_name", ".workspace_name"))
        trees.put(folder, "WORKSPACE", WORKSPACE)
        trees.put(folder, "probe.bzl", PROBE)
        for name in (".bazelrc", ".tf_configure.bazelrc", ".bazelrc.user"):
            lines, imports = read_rc((self.tree / name).read_text())
            kept = [
                f"{x.command}{':' if x.config else ''}{x.config} {x.option}"
                for x in lines
                if x.option.startswith(KNOWN) and x.command == "build"
            ]
            kept += ["build:cuda_wheel --define=wheel=1"] if name == ".bazelrc" else []
            text = "\n".join([*kept, *(f"try-import {i}" for i in imports)])
            trees.put(folder, name, text.replace("--repo_env TF_NEED", "--repo_env=TF_NEED") + "\n")

    def evaluated(self, *options: str) -> str:
        """Bazel's words; `output` has what the rules made."""
        return self.workspace.run(
            "build", "--nobuild", "--config=cuda", "--config=cuda_wheel", *options, "//:BUILD"
        )

    @property
    def output(self) -> Path:
        return Path(
            next(x for x in self.workspace.run("info", "output_base").splitlines() if x.startswith("/"))
        )

    def made(self, path: str) -> str:
        return (self.output / "external" / path).read_text()


@pytest.fixture(scope="module", params=TREES or ["none"])
def probe(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Probe]:
    made = Probe(tmp_path_factory.mktemp("probe"), request.param)
    yield made
    made.workspace.run("shutdown", code=None)


def test_the_rules_find_every_library_in_the_view(probe: Probe) -> None:
    """A runfile's CUDA (lib64, extras/CUPTI) as the view has it: no repository comes out empty."""
    said = probe.evaluated()
    assert dummies(str(probe.output)) == ()
    versions = {
        n: probe.made(f"cuda_{n}/version.txt")
        for n in ("cudart", "cublas", "cufft", "curand", "cupti", "cudnn")
    }
    assert versions == {
        "cudart": "12",
        "cublas": "12",
        "cufft": "11",
        "curand": "10",
        "cupti": "12",
        "cudnn": "9",
    }
    assert "\n'''" not in probe.made("cuda_cupti/BUILD")
    assert (
        probe.output / "external/cuda_cupti/include/cupti.h"
    ).resolve() == probe.cuda / "extras/CUPTI/include/cupti.h"
    assert f"TOLD PIP={probe.workdir()}/pip.conf" in said


def test_what_was_asked_for_reaches_the_generated_configuration(probe: Probe) -> None:
    """Capabilities in spite of the tree's own list, and a clang that the rules take for one."""
    probe.evaluated()
    assert "sm_75" in probe.made("local_config_cuda/cuda/cuda/cuda_config.py")
    defines = probe.made("local_config_cuda/cuda/build_defs.bzl")
    assert (
        "--cuda-gpu-arch=sm_75" in defines
        and "sm_60" not in defines
        and "--cuda-include-ptx=sm_86" in defines
    )
    crosstool = probe.made("local_config_cuda/crosstool/BUILD")
    assert 'compiler = "clang"' in crosstool and str(probe.bin / "clang") in crosstool


def test_without_the_view_the_repositories_come_out_empty_and_that_is_seen(probe: Probe) -> None:
    """The rules do not fail on lib64: they comment their targets out. The look that fetch takes finds all of these."""
    probe.evaluated(f"--repo_env=LOCAL_CUDA_PATH={probe.cuda}")
    empty = dummies(str(probe.output))
    assert {"cuda_cudart", "cuda_cublas", "cuda_cupti", "cuda_cusolver"} <= set(
        empty
    ) and "cuda_cudnn" not in empty
