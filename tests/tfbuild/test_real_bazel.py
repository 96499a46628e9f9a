"""Real Bazel (4.2.3 and 2.1.0), buildifier and a Starlark interpreter on small workspaces of our own: scripts/fetch-bazel gets them.

Not a TensorFlow build: what is proven is how Bazel reads rc files, the downloader's configuration, folders of archives, variables, and our edits.
"""

from __future__ import annotations

import hashlib
import http.server
import json
import os
import shutil
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from gpudoctor.facts.observed import value_of
from gpudoctor.tfbuild import rcblock
from gpudoctor.tfbuild.mirrors import Sources
from gpudoctor.tfbuild.patching import plan
from gpudoctor.tfbuild.patching.pages import NAMES
from gpudoctor.tfbuild.preflight.model import Clang
from gpudoctor.tfbuild.tree import detect
from tests.tfbuild import trees
from tests.tfbuild.test_patching import GITHUB, NVIDIA, write

HERE = Path(os.environ.get("GPUDOCTOR_TEST_BUILD", Path(__file__).parents[2] / "build")) / "bazel"
pytestmark = pytest.mark.slow


def need(name: str) -> Path:
    found = HERE / name
    if not found.exists():
        pytest.skip(f"no {found.name}: scripts/fetch-bazel could not get it")
    return found


class Workspace:
    """A workspace and its server, which lives as long as the tests of this file: a start of it takes as long as all that a test asks."""

    def __init__(self, folder: Path, bazel: Path) -> None:
        self.folder, self.bazel = folder / "ws", bazel
        self.root = folder / "root"
        self.folder.mkdir()
        self.clear()

    def clear(self) -> None:
        for path in self.folder.iterdir():
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        trees.put(self.folder, "BUILD", 'exports_files(["BUILD"])\n')

    def run(self, *arguments: str, code: int | None = 0) -> str:
        ended = subprocess.run(
            [str(self.bazel), f"--output_user_root={self.root}", "--max_idle_secs=60", *arguments],
            cwd=self.folder, capture_output=True, text=True, timeout=150, env={"PATH": "/usr/bin:/bin", "HOME": str(self.folder.parent)},
        )  # fmt: skip
        if code is not None:
            assert ended.returncode == code, ended.stderr
        return ended.stdout + ended.stderr


def _server(factory: pytest.TempPathFactory, name: str) -> Iterator[Workspace]:
    made = Workspace(factory.mktemp(name), need(f"bin/{name}"))
    yield made
    made.run("shutdown", code=None)


@pytest.fixture(scope="module")
def bazel_4(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    yield from _server(tmp_path_factory, "bazel-4")


@pytest.fixture(scope="module")
def bazel_2(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    yield from _server(tmp_path_factory, "bazel-2")


@pytest.fixture
def workspace(bazel_4: Workspace) -> Workspace:
    bazel_4.clear()
    return bazel_4


TELL = """
def _tell(ctx):
    ctx.file("BUILD", "")
    ctx.file("told.bzl", "X = 1")
    for name in ctx.attr.names:
        print("TOLD " + name + "=" + ctx.os.environ.get(name, "not set"))
    made = ctx.execute(["/bin/sh", "-c", "echo PIP=$PIP_CONFIG_FILE"])
    print("TOLD " + made.stdout.strip())

tell = repository_rule(implementation = _tell, attrs = {"names": attr.string_list()}, local = True)
"""


@pytest.mark.parametrize("bazel", ["bazel_4", "bazel_2"])
def test_the_patched_mirror_function_in_real_bazel(
    tmp_path: Path, request: pytest.FixtureRequest, bazel: str
) -> None:
    workspace: Workspace = request.getfixturevalue(bazel)
    workspace.clear()
    tree = trees.make(tmp_path / "tree")
    write(plan(detect(str(tree)), ["mirrors"]))
    text = (tree / "third_party/repo.bzl").read_text()
    trees.put(workspace.folder, "repo.bzl", text)
    calls = "".join(
        f'    print("TOLD " + str(tf_mirror_urls("{u}")))\n' for u in (NVIDIA, GITHUB, "http://a.example/b")
    )
    trees.put(workspace.folder, "tell.bzl", f'load("//:repo.bzl", "tf_mirror_urls")\ndef go():\n{calls}')
    trees.put(workspace.folder, "WORKSPACE", 'load("//:tell.bzl", "go")\ngo()\n')
    said = workspace.run("query", "//:BUILD")
    told = [line.partition("TOLD ")[2] for line in said.splitlines() if "TOLD " in line]
    assert json.loads(told[0]) == [NVIDIA]
    assert len(json.loads(told[1])) == 2 and json.loads(told[1])[1] == GITHUB
    assert json.loads(told[2]) == ["http://a.example/b"]


def test_capabilities_win_over_the_trees_own_list(workspace: Workspace, tmp_path: Path) -> None:
    """The .bazelrc of 2.18's shape, what configure writes, and our block, in the order in which Bazel reads them."""
    trees.make(tmp_path / "tree")
    rc = (
        (tmp_path / "tree/.bazelrc")
        .read_text()
        .replace("--copt=-Qunused-arguments", "--define=a=1")
        .replace('--linkopt="-fuse-ld=lld"', "--define=b=1")
    )
    trees.put(
        workspace.folder,
        ".bazelrc",
        rc.replace("build:cuda_wheel", "build:cuda_wheel --define=c=1\nbuild:cuda_wheel"),
    )
    trees.put(
        workspace.folder, ".tf_configure.bazelrc",
        'build:cuda --repo_env HERMETIC_CUDA_COMPUTE_CAPABILITIES="sm_86"\nbuild --config=cuda_clang\nbuild --config=cuda_clang\n',
    )  # fmt: skip
    trees.put(workspace.folder, "tell.bzl", TELL)
    names = '["HERMETIC_CUDA_COMPUTE_CAPABILITIES", "HERMETIC_PYTHON_VERSION"]'
    trees.put(
        workspace.folder, "WORKSPACE",
        f'load("//:tell.bzl", "tell")\ntell(name = "told", names = {names})\nload("@told//:told.bzl", "X")\n',
    )  # fmt: skip
    short, long = ["--config=cuda_wheel"], ["--config=cuda", "--config=cuda_wheel"]
    # the trap: with the shorter command the tree's own list wins over what configure wrote
    assert "CAPABILITIES=sm_60" in workspace.run("build", "--nobuild", *short, "//:BUILD")
    assert "CAPABILITIES=sm_86" in workspace.run("build", "--nobuild", *long, "//:BUILD")
    tree = detect(str(tmp_path / "tree"))
    clang = Clang("/usr/bin/true", "/usr/bin/true", "/usr/bin/true", 17)
    block = rcblock.lines(
        tree, "sm_75", "3.10", clang, Sources((), {"PIP_CONFIG_FILE": "/a folder/pip.conf"}, {})
    )
    trees.put(workspace.folder, ".bazelrc.user", rcblock.with_block("", block))
    for configs in (short, long):
        said = workspace.run("build", "--nobuild", *configs, "//:BUILD")
        assert "TOLD HERMETIC_CUDA_COMPUTE_CAPABILITIES=sm_75" in said
    assert "TOLD HERMETIC_PYTHON_VERSION=3.10" in said
    assert "TOLD PIP=/a folder/pip.conf" in said


class Archives:
    """An HTTP server on loopback that serves one file and remembers what was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.content = b"an archive, said to be"
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked.append(self.path)
                self.send_response(200)
                self.send_header("Content-Length", str(len(outer.content)))
                self.end_headers()
                self.wfile.write(outer.content)

            def log_message(self, *_: object) -> None:
                return

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"127.0.0.1:{self.server.server_address[1]}"


@pytest.fixture
def archives() -> Iterator[Archives]:
    made = Archives()
    yield made
    made.server.shutdown()
    made.server.server_close()


DOWNLOAD = """
def _get(ctx):
    ctx.download(url = ["https://copies.example/github.com/a/b.tgz", "https://github.com/a/b.tgz"], output = "b.tgz", sha256 = ctx.attr.sha256)
    ctx.file("BUILD", 'exports_files(["b.tgz"])')
    ctx.file("x.bzl", "X = 1")

get = repository_rule(implementation = _get, attrs = {"sha256": attr.string()})
"""


def _download(workspace: Workspace, sha256: str) -> None:
    trees.put(workspace.folder, "get.bzl", DOWNLOAD)
    trees.put(
        workspace.folder, "WORKSPACE",
        f'load("//:get.bzl", "get")\nget(name = "got", sha256 = "{sha256}")\nload("@got//:x.bzl", "X")\n',
    )  # fmt: skip


def test_a_profiles_downloader_configuration(
    workspace: Workspace, tmp_path: Path, archives: Archives
) -> None:
    """A blocked host is not asked, a rewritten one is a mirror; the checksum is the tree's."""
    from gpudoctor.knowledge.mirrors import profile

    _download(workspace, hashlib.sha256(archives.content).hexdigest())
    file = trees.put(
        tmp_path, "mirror.json",
        json.dumps({"blocked": ["copies.example"], "rewrites": [{"prefix": "github.com/", "to": [f"http://{archives.address}/github/"]}]}),
    )  # fmt: skip
    config = trees.put(tmp_path, "downloader.cfg", "# ours\n" + profile(str(file)).downloader_config())
    workspace.run("query", f"--experimental_downloader_config={config}", "--repository_cache=", "//:BUILD")
    assert archives.asked == ["/github/a/b.tgz"]
    archives.content = b"something else"
    workspace.run("sync", f"--experimental_downloader_config={config}", "--repository_cache=", code=None)
    said = workspace.run(
        "query", f"--experimental_downloader_config={config}", "--repository_cache=", "//:BUILD", code=None
    )
    assert "Checksum was" in said


def test_distdir_serves_without_any_network(workspace: Workspace, tmp_path: Path) -> None:
    content = b"an archive from a folder"
    _download(workspace, hashlib.sha256(content).hexdigest())
    trees.put(tmp_path / "dist", "b.tgz", content.decode())
    workspace.run("query", f"--distdir={tmp_path / 'dist'}", "--repository_cache=", "//:BUILD")


@pytest.mark.parametrize("kind", ["2.18", "2.19"])
def test_patched_files_pass_buildifier_and_a_starlark_interpreter(tmp_path: Path, kind: str) -> None:
    buildifier = need("bin/buildifier")
    python = need("starlark/bin/python")
    tree = detect(str(trees.make(tmp_path, kind)))
    write(plan(tree, NAMES))
    files = [str(tmp_path / c.path) for c in tree.copies]
    files += [str(p) for p in tmp_path.rglob("cuda_*.bzl")]
    for path in files:
        made = subprocess.run(
            [str(buildifier), "-mode=check", "-type=bzl", path], capture_output=True, text=True, timeout=20
        )
        assert made.returncode in (0, 4), made.stderr  # 1: it does not parse; 4: it would format it otherwise
    program = "import starlark, sys\nfor p in sys.argv[1:]:\n    starlark.parse(p, open(p).read())\n"
    parsed = subprocess.run([str(python), "-c", program, *files], capture_output=True, text=True, timeout=20)
    assert parsed.returncode == 0, parsed.stderr
    program = (
        "import starlark, sys, json\ng = starlark.Globals.standard()\nm = starlark.Module()\n"
        "text = open(sys.argv[1]).read().partition('def tf_http_archive')[0]\n"
        "starlark.eval(m, starlark.parse('r', text + '\\n'), g)\n"
        "print(json.dumps(starlark.eval(m, starlark.parse('c', 'tf_mirror_urls(%r)' % sys.argv[2]), g)))\n"
    )
    ran = subprocess.run(
        [str(python), "-c", program, files[0], NVIDIA], capture_output=True, text=True, timeout=20
    )
    assert ran.stdout and json.loads(ran.stdout) == [NVIDIA], ran.stderr


def test_the_tree_is_as_bazel_reads_it(workspace: Workspace, tmp_path: Path) -> None:
    """Our reader of rc files and Bazel agree on the options of the small tree."""
    tree = detect(str(trees.make(tmp_path / "tree")))
    trees.put(workspace.folder, ".bazelrc", (tmp_path / "tree/.bazelrc").read_text())
    trees.put(workspace.folder, "WORKSPACE", "")
    said = workspace.run("build", "--nobuild", "--announce_rc", "--config=cuda_clang", "//:BUILD", code=None)
    wanted = [line.option for line in tree.rc if line.config == "cuda_clang"]
    assert value_of(tree.bazel, "") == "6.5.0"
    for option in wanted:
        assert option.split("=")[0] in said


def test_buildifier_is_asked_where_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its objection rolls the change back: here it is made to see another file than the one that was written."""
    from gpudoctor.changes.transaction import apply
    from gpudoctor.system.writer import Writer

    need("bin/buildifier")
    monkeypatch.setenv("PATH", f"{HERE / 'bin'}:/usr/bin:/bin")
    tree = detect(str(trees.make(tmp_path / "tree")))
    before = trees.snapshot(tmp_path / "tree")
    made = plan(tree, ["mirrors", "lib64"])
    assert len(made.validations) == len(made.files) == 5
    broken = trees.put(tmp_path, "broken.bzl", "def (")
    bad = made.replace(
        validations=(made.validations[0].replace(argv=(*made.validations[0].argv[:3], str(broken))),)
    )
    assert apply(bad, Writer(state=str(tmp_path / "state"))).state == "rolled-back"
    assert trees.snapshot(tmp_path / "tree") == before
    assert apply(made, Writer(state=str(tmp_path / "state"))).state == "applied"
