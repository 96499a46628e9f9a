"""The start-up files of a user's shell: which one it really reads, and our block in it.

A block is marked, once per purpose, and written so that reading it twice changes nothing:

    # >>> gpudoctor: toolkit >>>  (`gpudoctor undo` takes it out)
    case ":${PATH}:" in *:/usr/local/cuda/bin:*) ;; *) export PATH="/usr/local/cuda/bin${PATH:+:${PATH}}" ;; esac
    # <<< gpudoctor: toolkit <<<

It goes to the top of a Bourne shell's file: many distributions' ~/.bashrc returns early where nobody types (ssh, login
shells of scripts).
"""

from __future__ import annotations

import re
import shlex
from typing import Literal

from gpudoctor.changes.plan import FileChange, Validation
from gpudoctor.facts.record import Record
from gpudoctor.fixes.see import Login, Manual, See

Dialect = Literal["sh", "fish"]

#: What a login begins with before any file is read (sudo and cron have less).
_FIRST_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Prepend(Record):
    """A folder in front of a path variable, unless it is on it already."""

    name: str
    folder: str


class Assign(Record):
    """A variable's value. `add`: a word added to what the variable has (XLA_FLAGS), unless it is there."""

    name: str
    value: str
    add: bool = False


Statement = Prepend | Assign


class Place(Record):
    path: str
    dialect: Dialect


def places(see: See, login: Login) -> tuple[Place, ...]:
    """The files that together make every shell of this user have the block. Raises Manual for a shell that is not known."""
    shell, home = login.shell.rpartition("/")[2], login.home
    if shell == "bash":
        return tuple(Place(path, "sh") for path in _bash(see, home))
    if shell == "zsh":
        folder = "" if login.other else see.env.get("ZDOTDIR", "")
        return (Place(f"{folder or home}/.zshrc", "sh"),)
    if shell == "fish":
        folder = "" if login.other else see.env.get("XDG_CONFIG_HOME", "")
        return (Place(f"{folder or home + '/.config'}/fish/conf.d/gpudoctor.fish", "fish"),)
    if shell in ("sh", "dash", "ash", "ksh", "mksh"):
        return (Place(f"{home}/.profile", "sh"),)
    raise Manual(f"the start-up files of {login.shell} are not known to gpudoctor")


def _bash(see: See, home: str) -> list[str]:
    """~/.bashrc for interactive shells; a login shell reads the first of three others, which mostly reads ~/.bashrc too."""
    bashrc = f"{home}/.bashrc"
    for name in (".bash_profile", ".bash_login", ".profile"):
        if see.read(f"{home}/{name}") is not None:
            reads = re.search(r"(?m)^[^#\n]*(?:\.|source)[ \t]+\S*bashrc", see.text(f"{home}/{name}"))
            return [bashrc] if reads else [bashrc, f"{home}/{name}"]
    return [bashrc, f"{home}/.profile"]


def block(see: See, where: Place, purpose: str, statements: tuple[Statement, ...], reason: str) -> FileChange:
    """The file with our block, in place of an older one of the same purpose."""
    lines = [_line(one, where.dialect) for one in statements]
    head, tail = f"# >>> gpudoctor: {purpose} >>>", f"# <<< gpudoctor: {purpose} <<<"
    new = "\n".join([f"{head}  (`gpudoctor undo` takes it out)", *lines, tail, ""])
    old = see.text(where.path)
    ours = re.compile(rf"^{re.escape(head)}.*?^{re.escape(tail)}\n?", re.M | re.S)
    if ours.search(old):
        whole = ours.sub(lambda _: new, old, count=1)
    elif "\r\n" in old:
        raise Manual(f"{where.path} has the line ends of Windows, and a shell would stumble over them")
    elif where.dialect == "fish":
        whole = old + ("\n" if old and not old.endswith("\n") else "") + new
    else:
        first, rest = _shebang(old)
        whole = first + new + rest
    return see.edit(where.path, whole, reason)


def taken_off(see: See, path: str, purpose: str, what: Assign, reason: str) -> FileChange:
    """The file that takes off again what `Assign(add=True)` adds: conda reads deactivate.d as it reads activate.d."""
    name, word = what.name, f" {what.value} "
    lines = (
        f"# >>> gpudoctor: {purpose} >>>  (`gpudoctor undo` takes it out)",
        f'case " ${{{name}}} " in *"{word}"*)',
        f'  {name}=" ${{{name}}} "',
        f'  {name}="${{{name}%%"{word}"*}} ${{{name}#*"{word}"}}"',
        f'  {name}="${{{name}# }}"; {name}="${{{name}% }}"',
        f'  [ -n "${{{name}}}" ] || unset {name} ;;',
        "esac",
        f"# <<< gpudoctor: {purpose} <<<",
        "",
    )
    return see.edit(path, "\n".join(lines), reason)


def _shebang(text: str) -> tuple[str, str]:
    first, end, rest = text.partition("\n")
    return (first + end, rest) if first.startswith("#!") else ("", text)


def blocks(
    see: See, login: Login, purpose: str, statements: tuple[Statement, ...], reason: str
) -> tuple[FileChange, ...]:
    return tuple(block(see, where, purpose, statements, reason) for where in places(see, login))


def _line(one: Statement, dialect: Dialect) -> str:
    if isinstance(one, Prepend):
        folder, name = quoted(one.folder), one.name
        if dialect == "fish":
            return f"contains -- {folder} ${name}; or set -gx {name} {folder} ${name}"
        return (
            f'case ":${{{name}}}:" in *:{folder}:*) ;; '
            f'*) export {name}={folder}"${{{name}:+:${{{name}}}}}" ;; esac'
        )
    value, name = quoted(one.value), one.name
    if dialect == "fish":
        if one.add:
            return f'string match -q -- "*{one.value}*" "${name}"; or set -gx {name} (string trim -- "${name} {one.value}")'
        return f"set -gx {name} {value}"
    if one.add:
        return (
            f'case " ${{{name}}} " in *" {one.value} "*) ;; '
            f'*) export {name}="${{{name}:+${{{name}}} }}"{value} ;; esac'
        )
    return f"export {name}={value}"


def quoted(word: str) -> str:
    """The word for any of these shells. Raises Manual for what no start-up file should hold."""
    if re.search(r"[\n\r\0'\"$`\\]", word):
        raise Manual(f"{word!r} can't be written into a start-up file")
    return shlex.quote(word)


def source_now(changes: tuple[FileChange, ...], login: Login) -> tuple[str, ...]:
    """The line for the shell that is open already."""
    if not changes:
        return ()
    return (f"source {shlex.quote(changes[0].path)}",)


# ---------------------------------------------------------------- running a login


def login_argv(login: Login, command: str, env: dict[str, str] | None = None) -> tuple[str, ...]:
    """`command` in a fresh login shell of this user, with nothing of our own environment but what a login brings."""
    shell = login.shell
    flags = (
        ("-l", "-i", "-c")
        if shell.rpartition("/")[2] in ("bash", "zsh", "fish", "ksh", "mksh")
        else ("-l", "-c")
    )
    variables = {
        "HOME": login.home,
        "USER": login.user,
        "LOGNAME": login.user,
        "SHELL": shell,
        "TERM": "dumb",
        "PATH": _FIRST_PATH,
        **(env or {}),
    }
    become = ("runuser", "-u", login.user, "--") if login.other else ()
    pairs = tuple(f"{name}={value}" for name, value in variables.items())
    return (*become, "env", "-i", *pairs, shell, *flags, command)


def runs_in_a_login(login: Login, command: str, reason: str) -> Validation:
    return Validation(login_argv(login, command), reason, timeout=30.0)


def syntax(change: FileChange, shell: str = "") -> tuple[Validation, ...]:
    """The shell that reads this file must be able to; none for files that no shell reads."""
    name = change.path.rpartition("/")[2]
    if (
        change.after is None
        or name in ("environment", ".pam_environment", "pam_env.conf")
        or name.endswith(".conf")
    ):
        return ()
    if name.endswith(".fish"):
        reader = "fish"
    elif name.startswith((".zsh", ".zprofile", "zsh", "zprofile")):
        reader = "zsh"
    elif name.startswith((".bash", "bash")):
        reader = "bash"
    else:
        reader = "sh" if not name.startswith("activate") else "bash"
    return (Validation((reader, "-n", change.path), f"{reader} can read {change.path}"),)
