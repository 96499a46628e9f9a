"""A small root to change, a picture of all that is to be the same after `undo`, and a child that dies where it is told to."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

from gpudoctor.changes.plan import FileChange, Plan
from gpudoctor.system.writer import Writer

#: Longer than what is written at a time, so that a run can be killed between its halves.
BASHRC = b"# ann's\nexport EDITOR=vi\n" + b"# a line\n" * 60
CHUNK = 400


def machine(place: Path) -> Path:
    """A home with a dotfile that is a link, a file to be deleted, a link to be moved."""
    root = place / "root"
    (root / "home/ann/dotfiles").mkdir(parents=True)
    (root / "etc").mkdir()
    (root / "usr/local/cuda-12.4").mkdir(parents=True)
    (root / "home/ann/dotfiles/bashrc").write_bytes(BASHRC)
    (root / "home/ann/dotfiles/bashrc").chmod(0o640)
    (root / "home/ann/.bashrc").symlink_to("/home/ann/dotfiles/bashrc")
    (root / "etc/old.conf").write_bytes(b"/opt/cuda-11/lib64\n")
    (root / "usr/local/cuda").symlink_to("cuda-11.8")
    for number, name in enumerate(
        ("home/ann/dotfiles/bashrc", "home/ann/.bashrc", "etc/old.conf", "usr/local/cuda")
    ):
        os.utime(root / name, ns=(10**18 + 7, 10**18 + number), follow_symlinks=False)
    return root


def plan() -> Plan:
    """One change of each kind: an edit through a link, a file in new folders, a removal, a link that moves."""
    return Plan(
        "small",
        "a change of each kind",
        "safe",
        files=(
            FileChange("/home/ann/.bashrc", BASHRC, BASHRC + b"export A=1\n", "an edit"),
            FileChange("/etc/ld.so.conf.d/deep/cuda.conf", None, b"/usr/local/cuda/lib64\n", "a new file"),
            FileChange("/etc/old.conf", b"/opt/cuda-11/lib64\n", None, "a removal"),
            FileChange(
                "/usr/local/cuda", None, None, "a link", link="/usr/local/cuda-12.4", old_link="cuda-11.8"
            ),
        ),
    )


def writer(root: Path, **more: object) -> Writer:
    return Writer(str(root), str(root.parent / "state"), **more)  # type: ignore[arg-type]


def picture(root: Path) -> dict[str, tuple[object, ...]]:
    """Everything below `root` that must be the same after a change was taken back: bytes, mode, owner, time, attributes,
    links. A folder's times are its entries' business."""
    found: dict[str, tuple[object, ...]] = {}
    for folder, folders, files in os.walk(root):
        for name in (*folders, *files):
            path = os.path.join(folder, name)
            info = os.lstat(path)
            owner = (stat.S_IFMT(info.st_mode), stat.S_IMODE(info.st_mode), info.st_uid, info.st_gid)
            if stat.S_ISLNK(info.st_mode):
                found[path[len(str(root)) :]] = (*owner, info.st_mtime_ns, os.readlink(path))
            elif stat.S_ISREG(info.st_mode):
                xattrs = tuple((n, os.getxattr(path, n)) for n in sorted(os.listxattr(path)))
                found[path[len(str(root)) :]] = (*owner, info.st_mtime_ns, Path(path).read_bytes(), xattrs)
            else:
                found[path[len(str(root)) :]] = owner
    return found


#: Imports once; a process for each line on its standard input, which may be killed; how that ended, as JSON.
_CHILDREN = """
import json, os, signal, sys, traceback
from gpudoctor.changes.restore import undo
from gpudoctor.changes.transaction import apply
from tests.changes.small import CHUNK, plan, writer
from pathlib import Path

def work(root, deed, last):
    steps = []
    def hook(what, path):
        steps.append(what)
        if len(steps) == last:
            os.kill(os.getpid(), signal.SIGKILL)
    door = writer(Path(root), hook=hook)
    door.chunk = CHUNK
    (apply(plan(), door) if deed == "apply" else undo(door))
    return " ".join(steps)

for line in sys.stdin:
    root, deed, last = json.loads(line)
    ours, theirs = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            said, code = work(root, deed, last), 0
        except BaseException:
            said, code = traceback.format_exc(), 1
        os.write(theirs, said.encode())
        os._exit(code)
    os.close(theirs)
    with open(ours) as pipe:
        said = pipe.read()
    print(json.dumps([os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), said]), flush=True)
"""


def without_times(picture: dict[str, tuple[object, ...]]) -> dict[str, tuple[object, ...]]:
    return {path: seen[:4] + seen[5:] for path, seen in picture.items()}


class Children:
    """Runs `apply` or `undo` in a process of its own that is killed before its step number `last` (0: never), and says how it ended
    (minus the signal) and its steps. The processes are forked from one that has imported everything: 10 ms each."""

    def __enter__(self) -> Children:
        self._process = subprocess.Popen(
            [sys.executable, "-c", _CHILDREN],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=Path(__file__).parents[2],
        )
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.communicate(timeout=60)

    def __call__(self, root: Path, deed: str, last: int) -> tuple[int, str]:
        assert self._process.stdin is not None and self._process.stdout is not None
        self._process.stdin.write(json.dumps([str(root), deed, last]) + "\n")
        self._process.stdin.flush()
        code, said = json.loads(self._process.stdout.readline())
        return int(code), str(said)
