"""Packages of one interpreter: installed, replaced and removed by the installer that made its environment.

Before that, the files of the distributions that the command would replace or remove are kept aside, so `undo` needs no network
and brings back what was there, to the byte (`gpudoctor/helpers/pip_keep.py`). Where that can't be, a person has to do it: conda's
packages, an interpreter that the distribution manages (PEP 668), an environment without pip on a machine without uv.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex

from gpudoctor.changes.plan import Action, Plan
from gpudoctor.facts.frameworks import Interpreter
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.facts.record import Record
from gpudoctor.findings import Finding
from gpudoctor.fixes.see import Manual, See
from gpudoctor.system.child import source
from gpudoctor.system.statefolder import state_folder

mends = (
    "abi-mismatch-extension",
    "cpu-only-wheel",
    "cuda-libs-missing-for-framework",
    "cudnn-lacks-gpu-kernels",
    "cudnn-missing",
    "cudnn-sublibrary-missing",
    "cudnn-version-mismatch",
    "duplicate-dist-info",
    "duplicate-distributions",
    "extension-built-without-cuda",
    "extension-lacks-gpu-arch",
    "framework-cuda-version-mismatch",
    "framework-pins-broken",
    "import-fails",
    "jax-cpu-only-jaxlib",
    "jax-plugin-mismatch",
    "keras-tensorflow-mismatch",
    "libcudart-missing",
    "nccl-version-mismatch",
    "numpy-too-new-for-framework",
    "numpy-too-old-for-framework",
    "torchvision-torchaudio-mismatch",
    "triton-torch-mismatch",
    "wheel-lacks-gpu-arch",
    "wrong-accelerator-build",
)

#: Gigabytes over a slow line, or an extension that is compiled (seconds).
TIMEOUT = 4 * 3600.0


class _Command(Record):
    """`arguments` of pip: ("install", "torch==2.5.1", ...); `uv`: the rule wants uv to do it."""

    arguments: tuple[str, ...]
    env: tuple[tuple[str, str], ...] = ()
    uv: bool = False


def plan(finding: Finding, machine: Machine, see: See) -> Plan:
    python = _interpreter(finding, machine)
    commands = [
        _parsed(line, python) for line in (finding.fix.commands if finding.fix else ()) if line[:1] != "#"
    ]
    if not commands:
        raise Manual("no build is known that would mend it")
    _refuse_managed(python, commands)
    actions = _actions(python, commands, see)
    what = "; ".join(" ".join(("pip", *c.arguments)) for c in commands)
    return Plan(
        finding.id,
        f"{finding.fix.summary if finding.fix else 'Install packages'} ({python.path})",
        "unsafe",
        finding.subject,
        actions=actions,
        recheck=(finding.id,),
        notes=(
            f"what {what} replaces is kept for `gpudoctor undo`, until you have it forgotten (`undo --forget`)",
            "programs that use this interpreter now keep what they have loaded: restart them",
        ),
    )


def _interpreter(finding: Finding, machine: Machine) -> Interpreter:
    subject = finding.subject
    path = subject.parent.name if subject.kind == "package" and subject.parent else subject.name
    for one in value_of(machine.frameworks.interpreters, ()):
        if one.path == path:
            return one
    raise Manual("the interpreter is not known")


def _parsed(line: str, python: Interpreter) -> _Command:
    """A rule's command as arguments of the installer. Raises Manual for any other program."""
    words = shlex.split(line)
    env = []
    while words and re.match(r"[A-Z_]+=", words[0]):
        name, _, value = words.pop(0).partition("=")
        env.append((name, value))
    if words[:3] == [python.path, "-m", "pip"]:
        return _Command(tuple(w for w in words[3:] if w != "-y"), tuple(env))
    if words[:2] == ["uv", "pip"] and words[3:5] == ["--python", python.path]:
        return _Command((words[2], *words[5:]), tuple(env), True)
    raise Manual(f"it is not pip's to do: {words[0] if words else line}")


def _refuse_managed(python: Interpreter, commands: list[_Command]) -> None:
    if isinstance(python.externally_managed, Known) and python.externally_managed.value:
        wanted = [shlex.join(c.arguments) for c in commands if c.arguments[0] == "install"]
        raise Manual(
            f"{python.path} belongs to the distribution (externally managed): packages go into an environment of your own",
            ("python3 -m venv ~/gpu-env", *(f"~/gpu-env/bin/python -m pip {w}" for w in wanted)),
        )
    if python.kind == "conda" and any(
        p.installer == "conda" and p.name in " ".join(w for c in commands for w in c.arguments)
        for p in value_of(python.packages, ())
    ):
        raise Manual("conda installed these packages, and pip would write over them")


def _actions(python: Interpreter, commands: list[_Command], see: See) -> tuple[Action, ...]:
    become = _become(python, see)
    uv = _installer(python, commands, see, bool(become))
    tool = uv or "pip"
    folder = _folder(python, commands, see, bool(become))
    helper = (python.path, "-c", source("pip_keep"))
    parts: list[str] = []
    for command in commands:
        parts += ["--", *(command if uv else _for_pip(command)).arguments]
    env = tuple(pair for command in commands for pair in command.env)
    forget = (*become, *helper, "forget", folder)
    keep = Action(
        (*become, *helper, "keep", folder, tool, *parts),
        "keep what will be replaced",
        forget,
        env=env,
        timeout=TIMEOUT,
        forget_argv=forget,
    )
    installs = [
        Action(
            (*become, *_argv(python, command, uv)),
            "with the installer of that environment",
            (*become, *helper, "restore", folder, tool) if number == 0 else (),
            env=command.env,
            timeout=TIMEOUT,
        )
        for number, command in enumerate(commands)
    ]
    return (keep, *installs)


def _argv(python: Interpreter, command: _Command, uv: str) -> tuple[str, ...]:
    if uv:
        return (uv, "pip", command.arguments[0], "--python", python.path, *command.arguments[1:])
    command = _for_pip(command)
    yes = ("-y",) if command.arguments[0] == "uninstall" else ()
    return (python.path, "-m", "pip", "--no-input", *command.arguments, *yes)


def _installer(python: Interpreter, commands: list[_Command], see: See, other: bool) -> str:
    """The path of uv where it made the environment or is all there is; "" for the environment's own pip."""
    pip, uv = _has_pip(python, see), _uv(see, other)
    if pip and not (uv and any(c.uv for c in commands)):
        return ""
    if uv:
        return uv
    raise Manual(
        f"{python.path} has no pip, and there is no uv on PATH",
        (f"{python.path} -m ensurepip --upgrade   # then run gpudoctor fix again",),
    )


def _uv(see: See, other: bool) -> str:
    """Root runs no program that belongs to somebody else."""
    runner = see.login.uid if see.login and other else os.geteuid()
    home = see.login.home if see.login else see.env.get("HOME", "")
    for folder in (*see.env.get("PATH", "").split(":"), f"{home}/.local/bin", f"{home}/.cargo/bin"):
        try:
            if folder.startswith("/") and see.port.stat(f"{folder}/uv").uid in (0, runner):
                return f"{folder}/uv"
        except OSError:
            continue
    return ""


def _for_pip(command: _Command) -> _Command:
    """A rule's command for uv in pip's words."""
    words = list(command.arguments)
    while command.uv and "--reinstall-package" in words:
        at = words.index("--reinstall-package")
        words[at : at + 2] = ["--force-reinstall"]
    return command.replace(arguments=tuple(words))


def _has_pip(python: Interpreter, see: See) -> bool:
    return any(see.is_there(f"{place}/pip") for place in python.path_order)


def _become(python: Interpreter, see: See) -> tuple[str, ...]:
    """Under sudo the environment's owner installs, so that its files stay theirs."""
    login = see.login
    if login is None or not login.other:
        return ()
    try:
        owner = see.port.stat(python.prefix or python.path).uid
    except OSError:
        return ()
    if owner == 0:
        return ()
    if owner != login.uid:
        raise Manual(f"{python.prefix} belongs to neither root nor {login.user}")
    return ("runuser", "-u", login.user, "--")


def _folder(python: Interpreter, commands: list[_Command], see: See, other: bool) -> str:
    """A new one, below the state folder of whoever runs the installer."""
    name = hashlib.sha256("\0".join([python.path, *(w for c in commands for w in c.arguments)]).encode())
    state = f"{see.login.home}/.local/state/gpudoctor" if see.login and other else state_folder()
    base = os.path.join(state, "packages", name.hexdigest()[:12])
    number = 1
    while see.is_there(f"{base}-{number}"):
        number += 1
    return f"{base}-{number}"
