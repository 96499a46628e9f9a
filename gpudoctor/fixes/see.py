"""What a fix sees: the files as they will be after the plans made so far, and the user whose machine it is."""

from __future__ import annotations

from collections.abc import Mapping

from gpudoctor.changes.plan import FileChange, Plan
from gpudoctor.facts.record import Record
from gpudoctor.system.port import Port, text


class Manual(Exception):
    """This finding can't be mended by the tool. `reason`: one sentence; `commands`: what to do instead, where the rule's own
    commands are not it."""

    def __init__(self, reason: str, commands: tuple[str, ...] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.commands = commands


class Login(Record):
    """The user whose files and environment are in question: under sudo, who called it. `shell`: the path of the login shell.
    `other`: this is not the user that we run as."""

    user: str
    uid: int
    home: str
    shell: str
    other: bool = False


class See:
    """`read` and its kin answer for the examined machine. `login` is None for another root, where nobody logs in."""

    def __init__(self, port: Port, login: Login | None, env: Mapping[str, str] | None = None) -> None:
        self.port = port
        self.login = login
        self.env: Mapping[str, str] = port.env if env is None else env
        self._changed: dict[str, FileChange] = {}

    def note(self, plan: Plan) -> None:
        """From now on the files are seen as this plan leaves them."""
        for change in plan.files:
            self._changed[self.port.realpath(change.path) if change.link is None else change.path] = change

    def forget(self) -> None:
        """The files are seen as they are."""
        self._changed.clear()

    def read(self, path: str) -> bytes | None:
        """The file's contents after links; None where there is none. Raises Manual where it can't be read."""
        change = self._changed.get(self.port.realpath(path))
        if change is not None:
            return change.after
        try:
            return self.port.read(path)
        except (FileNotFoundError, NotADirectoryError):
            return None
        except OSError as error:
            raise Manual(f"{path} can't be read: {error.strerror or error}") from None

    def text(self, path: str) -> str:
        """The file as text, each byte that is no UTF-8 kept (surrogateescape); "" where there is none."""
        return (self.read(path) or b"").decode("utf-8", "surrogateescape")

    def link(self, path: str) -> str | None:
        """Where a symbolic link points, None for what is none."""
        try:
            return self.port.readlink(path)
        except OSError:
            return None

    def is_there(self, path: str) -> bool:
        try:
            self.port.stat(path)
        except OSError:
            return False
        return True

    def program(self, name: str) -> str:
        """The path of a program that root would run. Raises Manual where there is none."""
        for folder in ("/usr/sbin", "/usr/bin", "/sbin", "/bin", "/usr/local/sbin", "/usr/local/bin"):
            if self.is_there(f"{folder}/{name}"):
                return f"{folder}/{name}"
        raise Manual(f"there is no {name} on this machine")

    def listed(self, folder: str) -> tuple[str, ...]:
        """The names in a folder; none where it can't be read."""
        try:
            return tuple(self.port.listdir(folder))
        except OSError:
            return ()

    def edit(self, path: str, new: str, reason: str, mode: int = 0o644) -> FileChange:
        """A change of the file at `path` to `new`."""
        return FileChange(path, self.read(path), new.encode("utf-8", "surrogateescape"), reason, mode=mode)


def login_of(port: Port, env: Mapping[str, str], uid: int) -> Login | None:
    """Who is at the keyboard: the caller of sudo, else the user that we run as. None where no home is known."""
    entries = _passwd(port)
    caller = env.get("SUDO_USER", "")
    if uid == 0 and caller and caller != "root" and caller in entries:
        number, home, shell = entries[caller]
        return Login(caller, number, home, shell or "/bin/sh", other=True)
    name, (_, home, shell) = next(
        ((name, entry) for name, entry in entries.items() if entry[0] == uid), ("", (uid, "", ""))
    )
    home = env.get("HOME", "") or home
    if not home.startswith("/"):
        return None
    return Login(
        env.get("USER", "") or name or str(uid), uid, home, env.get("SHELL", "") or shell or "/bin/sh"
    )


def _passwd(port: Port) -> dict[str, tuple[int, str, str]]:
    try:
        lines = text(port, "/etc/passwd").splitlines()
    except OSError:
        return {}
    found = {}
    for line in lines:
        parts = line.split(":")
        if len(parts) == 7 and parts[2].isdigit():
            found[parts[0]] = (int(parts[2]), parts[5], parts[6])
    return found
