"""What the loader fixes share: the cache made anew, and folders taken out of the loader's configuration."""

from __future__ import annotations

from gpudoctor.changes.plan import Action, FileChange
from gpudoctor.fixes.see import Manual, See

CACHE = "/etc/ld.so.cache"


def ldconfig(see: See) -> Action:
    """The cache is kept as it was, and put back by undo; if it was made again since, it is made again."""
    program = see.program("ldconfig")
    return Action((program,), "make the loader's cache anew", (program,), touches=(CACHE,))


def without_folder(see: See, path: str, folder: str, reason: str) -> FileChange:
    """A file of ld.so.conf.d without the line that names the folder; the file goes if nothing else is in it."""
    text = see.text(path)
    lines = text.splitlines(keepends=True)
    kept = [line for line in lines if line.split("#")[0].strip().rstrip("/") != folder.rstrip("/")]
    if len(kept) == len(lines):
        raise Manual(f"{path} has no line with {folder}")
    if not any(line.split("#")[0].strip() for line in kept) and "/ld.so.conf.d/" in path:
        return FileChange(path, see.read(path), None, reason)
    return see.edit(path, "".join(kept), reason)
