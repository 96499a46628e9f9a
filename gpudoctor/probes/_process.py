"""A process's loading of shared objects, played through without loading anything.

The order is that of ld.so(8), section "Dynamic library searching", for a name without a slash:

1. an object of that name that the process already has;
2. DT_RPATH of the object that asks, then of the one that loaded it, and so on to the program: only if the object
   that asks has no DT_RUNPATH (and of those above it only where they have none either);
3. LD_LIBRARY_PATH;
4. DT_RUNPATH of the object that asks, for its own wants only;
5. /etc/ld.so.cache; 6. the default folders (both left out for `-z nodefaultlib`, as far as default folders go).

So a wheel that finds its libraries by RPATH is safe from LD_LIBRARY_PATH, and one that does so by RUNPATH is not.
Objects of another class or machine are passed by; a file of no bytes is an error ("file too short"), not passed by.
Not played: LD_PRELOAD, LD_AUDIT, glibc-hwcaps folders, $LIB and $PLATFORM (such folders are left out).
"""

from __future__ import annotations

from collections.abc import Callable

from gpudoctor.facts.record import Record
from gpudoctor.parsers.elf import Elf, read
from gpudoctor.probes._copies import names_in
from gpudoctor.system import loader
from gpudoctor.system.port import Port

#: More objects than this in one process is a loop of ours, not a program.
_MOST_OBJECTS = 600


class Hit(Record):
    """`path` "" when nothing was found. `via` as in facts.libraries.Load; `error` when the file cannot be loaded."""

    path: str
    via: str
    error: str = ""


NOTHING = Hit("", "")


class Object:
    """A loaded object and who asked for it."""

    def __init__(self, path: str, elf: Elf, asked_by: Object | None) -> None:
        self.path, self.elf, self.asked_by = path, elf, asked_by


class Process:
    """`program`: the interpreter's file; its own RPATH counts (conda's python has one)."""

    def __init__(self, port: Port, program: str) -> None:
        self._port = port
        self._loaded: dict[str, Hit] = {}
        self.objects: dict[str, Object] = {}
        self.asked: dict[str, tuple[Hit, str]] = {}
        elf = elf_of(port, program)
        self._machine = elf.machine if elf else ""
        self.program = Object(program, elf, None) if elf else None
        self._environment = [d.path for d in loader.library_path(port)]

    def open(
        self, path: str, wanted: Callable[[str], bool], via: str = "preload", asked_by: Object | None = None
    ) -> Object | None:
        """Load the file and, breadth first, all that it needs and `wanted` accepts or its own folders hold.

        None if it is no library that this process can load."""
        first = self._take(path, via, asked_by or self.program)
        todo = [first] if first else []
        while todo and len(self.objects) < _MOST_OBJECTS:
            current = todo.pop(0)
            for soname in current.elf.needed:
                if soname in self._loaded:
                    continue
                hit = self.search(soname, current)
                ours = wanted(soname)
                if not ours and hit.via not in ("RPATH", "RUNPATH"):
                    continue
                if ours:
                    self.asked.setdefault(soname, (hit, current.path))
                made = self._take(hit.path, hit.via, current) if hit.path and not hit.error else None
                if made:
                    todo.append(made)
        return first

    def dlopen(self, soname: str, caller: Object, wanted: Callable[[str], bool]) -> Hit:
        """What `dlopen(soname)` in `caller` gives; the library is then part of the process."""
        hit = self._loaded.get(soname) or self.search(soname, caller)
        self.asked.setdefault(soname, (hit, caller.path))
        if hit.path and not hit.error and soname not in self._loaded:
            self.open(hit.path, wanted, hit.via, caller)
        return hit

    def search(self, soname: str, caller: Object) -> Hit:
        """Steps 1 to 6 for one name."""
        if soname in self._loaded:
            return self._loaded[soname]
        for via, folder in self._folders(caller):
            hit = self._in(folder, soname, via)
            if hit:
                return hit
        for entry in loader.cached_by_name(self._port).get(soname, ()):
            if entry.is_64_bit and not self._default(entry.path, caller):
                hit = self._in(entry.path.rpartition("/")[0], entry.path.rpartition("/")[2], "cache")
                if hit:
                    return hit
        for folder in () if caller.elf.no_default_dirs else loader.default_dirs(self._port):
            hit = self._in(folder, soname, "default")
            if hit:
                return hit
        return NOTHING

    def _folders(self, caller: Object) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        if not caller.elf.runpath:
            at: Object | None = caller
            while at is not None:
                if not at.elf.runpath:
                    found += [("RPATH", folder) for folder in _expanded(at.elf.rpath, at.path)]
                at = at.asked_by
        found += [("LD_LIBRARY_PATH", folder) for folder in self._environment]
        return found + [("RUNPATH", folder) for folder in _expanded(caller.elf.runpath, caller.path)]

    def _default(self, path: str, caller: Object) -> bool:
        return caller.elf.no_default_dirs and path.rpartition("/")[0] in loader.default_dirs(self._port)

    def _in(self, folder: str, name: str, via: str) -> Hit | None:
        if name not in names_in(self._port, folder):
            return None
        path = f"{folder}/{name}"
        try:
            info = self._port.stat(path)
        except OSError:
            return None
        if info.kind != "file":
            return None
        if info.size < 64:
            return Hit(path, via, "file too short")
        elf = elf_of(self._port, path)
        if elf is None:
            return Hit(path, via, "not a shared object that can be read")
        if elf.bits != 64 or (self._machine and elf.machine != self._machine):
            return None
        return Hit(path, via)

    def _take(self, path: str, via: str, asked_by: Object | None) -> Object | None:
        elf = elf_of(self._port, path)
        if elf is None:
            return None
        made = Object(path, elf, asked_by)
        hit = Hit(path, via)
        for name in (elf.soname, path.rpartition("/")[2]):
            if name:
                self._loaded.setdefault(name, hit)
                self.objects.setdefault(name, made)
        return made


def elf_of(port: Port, path: str) -> Elf | None:
    """The file's loader's view, once per port; None if it cannot be read or is no ELF file."""

    def ask() -> Elf | None:
        try:
            with port.open(path) as file:
                return read(file)
        except (OSError, ValueError):
            return None

    return port.memo(f"process.elf:{path}", ask)


def _expanded(folders: tuple[str, ...], path: str) -> list[str]:
    import posixpath

    origin = path.rpartition("/")[0]
    found = []
    for folder in folders:
        folder = folder.replace("${ORIGIN}", origin).replace("$ORIGIN", origin)
        if "$" not in folder:
            found.append(posixpath.normpath(folder) if folder.startswith("/") else folder)
    return found
