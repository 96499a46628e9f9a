"""A small root to change, a picture of all that is to be the same after `undo`, and a child that dies where it is told to."""

from __future__ import annotations

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


_CHILD = """
import os, signal, sys
from gpudoctor.changes.restore import undo
from gpudoctor.changes.transaction import apply
from tests.changes.small import CHUNK, plan, writer
from pathlib import Path
root, deed, last = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
steps = []
def hook(what, path):
    steps.append(what)
    if len(steps) == last:
        os.kill(os.getpid(), signal.SIGKILL)
door = writer(root, hook=hook)
door.chunk = CHUNK
(apply(plan(), door) if deed == "apply" else undo(door))
print(" ".join(steps))
"""


def without_times(picture: dict[str, tuple[object, ...]]) -> dict[str, tuple[object, ...]]:
    return {path: seen[:4] + seen[5:] for path, seen in picture.items()}


def child(root: Path, deed: str, last: int) -> subprocess.CompletedProcess[str]:
    """`apply` or `undo` in a process that is killed before its step number `last` (0: never). Prints its steps."""
    return subprocess.run(
        [sys.executable, "-c", _CHILD, str(root), deed, str(last)],
        capture_output=True,
        text=True,
        timeout=60,
        cwd=Path(__file__).parents[2],
        check=False,
    )
