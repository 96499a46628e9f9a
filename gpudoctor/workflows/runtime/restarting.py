"""Start a daemon again that nobody supervises: with its own arguments, environment, folder, user and log.

What a daemon was started with is kept in the state folder before it is told to end, so that one that does not come up (its file is
broken) can be started again after the file was put right.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING

from gpudoctor.changes.outcome import run_program, said, shown
from gpudoctor.codec import decode, to_json
from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.containers import Engine
from gpudoctor.facts.observed import Known
from gpudoctor.facts.record import Record
from gpudoctor.system.live import Live
from gpudoctor.workflows.runtime import daemons, find

if TYPE_CHECKING:
    from gpudoctor.probes.container_processes import Daemon

#: A daemon with many containers takes this long to end (dockerd's own default is 15 s a container, side by side), and to come up.
ENDS = 60.0
COMES = 45.0
_PAUSE = 0.05


class Started(Record):
    """How a daemon was started. `log`: the regular files or devices behind its standard output and error, else empty."""

    argv: tuple[str, ...]
    program: str
    env: Mapping[str, str]
    cwd: str
    uid: int
    gid: int
    groups: tuple[int, ...]
    umask: int
    log: tuple[str, str]
    socket: str


def reload(name: str) -> str:
    """SIGHUP to the daemon that a command would reach; says what was done. Raises GpudoctorError."""
    daemon, endpoint = _running(name)
    if daemon is None:
        return "the daemon does not run: it reads its file when it starts"
    _kill(daemon.pid, signal.SIGHUP)
    # It answers while it reads; the proof that follows asks until the runtime is there.
    return f"SIGHUP to {name} ({endpoint}, process {daemon.pid})"


def restart(name: str, unless_broken: bool = False) -> str:
    """End the daemon and start it as it was started. One that does not run is started as it was the last time it was seen.

    `unless_broken`: Docker is left running where it would not start with its file; and where systemd looks after it, that does it."""
    daemon, endpoint = _running(name)
    if unless_broken and daemon is not None:
        port = Live(find.ASKING)
        engine = find.the_engine(port, name)
        why = _would_not_start(port, engine)
        if why:
            return f"{name} is left running, as it was: with its file it would not start ({why})"
        command = daemons.how(port, engine, daemon, name)
        if command[0] in ("systemctl", "snap"):
            ran = run_program(command, ENDS + COMES, ())
            if ran.code != 0:
                raise GpudoctorError(f"`{shown(command)}` failed", context=said(ran))
            return f"{name} was restarted by {command[0]}"
    if daemon is None:
        started = _remembered(name, endpoint)
        if started is None:
            raise GpudoctorError(
                f"{name} does not run, and how it was started is not known", hint="start it as you always do"
            )
    else:
        top = _top(daemon.pid)
        started = _how(top, endpoint.removeprefix("unix://"))
        _remember(name, endpoint, started)
        _kill(top, signal.SIGTERM)
        _wait_until_gone(name, top, daemon.pid)
    pid = _start(started)
    _wait_until_up(name, pid, started)
    return f"{name} runs again as process {pid}"


def _would_not_start(port: Live, engine: Engine) -> str:
    """What in its file keeps dockerd from starting (its own --validate says nothing of a default runtime that is not defined);
    "" where nothing is known to."""
    if isinstance(engine.config_error, Known):
        return engine.config_error.value
    default = engine.file_default_runtime
    if not isinstance(default, Known) or not isinstance(engine.file_runtimes, Known):
        return ""
    name = default.value
    built_in = name == "runc" or name.startswith("io.containerd.")
    return "" if built_in or name in engine.file_runtimes.value else f"it defines no runtime {name}"


def _running(name: str) -> tuple[Daemon | None, str]:
    port = Live(find.ASKING)
    engine = find.the_engine(port, name)
    return find.daemon_of(port, engine), engine.endpoint


def _top(pid: int) -> int:
    """The process to end: a rootless dockerd lives inside rootlesskit, which starts it."""
    while True:
        parent = int(_status(pid, "PPid")[0])
        if parent <= 1 or _program(parent) != "rootlesskit":
            return pid
        pid = parent


def _program(pid: int) -> str:
    """By its file: rootlesskit starts itself again as /proc/self/exe, and is called "exe" then."""
    try:
        return os.path.basename(os.readlink(f"/proc/{pid}/exe")).removesuffix(" (deleted)")
    except OSError:
        return ""


def _status(pid: int, key: str) -> list[str]:
    with open(f"/proc/{pid}/status") as file:
        return next(line.split()[1:] for line in file if line.startswith(f"{key}:"))


def _how(pid: int, socket: str) -> Started:
    from gpudoctor.probes.container_inside import environment_block

    place = f"/proc/{pid}"
    try:
        with open(f"{place}/cmdline", "rb") as file:
            argv = tuple(os.fsdecode(w) for w in file.read().split(b"\0")[:-1])
        with open(f"{place}/environ", "rb") as file:
            env = environment_block(file.read())
        umask = _status(pid, "Umask")
        return Started(
            argv,
            os.readlink(f"{place}/exe"),
            env,
            os.readlink(f"{place}/cwd"),
            int(_status(pid, "Uid")[0]),
            int(_status(pid, "Gid")[0]),
            tuple(map(int, _status(pid, "Groups"))),
            int(umask[0], 8) if umask else 0o022,
            (_log(place, 1), _log(place, 2)),
            socket,
        )
    except (OSError, StopIteration) as error:
        raise GpudoctorError(
            f"how process {pid} was started can't be read: {error}",
            note="it was left running",
            hint="root may read it: try again with sudo",
        ) from None


def _log(place: str, number: int) -> str:
    """Where its output goes, if that is a place that can be opened again: a pipe or a socket is not."""
    try:
        target = os.readlink(f"{place}/fd/{number}")
    except OSError:
        return ""
    return target if target.startswith("/") and not target.endswith(" (deleted)") else ""


# ---------------------------------------------------------------- memory


def _memory(name: str, endpoint: str) -> str:
    from gpudoctor.system.statefolder import state_folder

    label = re.sub(r"[^A-Za-z0-9.-]+", "_", endpoint.removeprefix("unix://")).strip("_")
    return os.path.join(state_folder(), "daemons", f"{name}{'-' if label else ''}{label}.json")


def _remember(name: str, endpoint: str, started: Started) -> None:
    """Private: the environment of a daemon may hold secrets."""
    path = _memory(name, endpoint)
    content = to_json(started).encode("utf-8", "surrogateescape")
    try:
        os.makedirs(os.path.dirname(path), 0o700, exist_ok=True)
        temporary = f"{path}.{os.getpid()}"
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            os.write(descriptor, content)
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        os.replace(temporary, path)
    except OSError as error:
        raise GpudoctorError(
            f"{path} can't be written: {error.strerror or error}", note=f"{name} was left running"
        ) from None


def _remembered(name: str, endpoint: str) -> Started | None:
    try:
        with open(_memory(name, endpoint), "rb") as file:
            return decode(Started, json.loads(file.read().decode("utf-8", "surrogateescape")))
    except (OSError, ValueError):
        return None


# ---------------------------------------------------------------- down and up


def _kill(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return
    except PermissionError:
        raise GpudoctorError(
            f"process {pid} belongs to somebody else", note="it was left alone", hint="try again with sudo"
        ) from None


def _gone(pid: int) -> bool:
    try:
        return _status(pid, "State")[0] in ("Z", "X")
    except (OSError, StopIteration):
        return True


def _wait_until_gone(name: str, *pids: int) -> None:
    deadline = time.monotonic() + ENDS
    while not all(_gone(pid) for pid in pids):
        if time.monotonic() > deadline:
            raise GpudoctorError(
                f"{name} (process {pids[0]}) did not end within {ENDS:.0f} s of being told to"
            )
        time.sleep(_PAUSE)


def _start(started: Started) -> int:
    outputs = [_open(place) for place in started.log]
    same = started.uid == os.geteuid()
    try:
        process = subprocess.Popen(
            started.argv,
            executable=_executable(started),
            env=started.env,
            cwd=started.cwd,
            stdin=subprocess.DEVNULL,
            stdout=outputs[0],
            stderr=outputs[1],
            start_new_session=True,
            user=None if same else started.uid,
            group=None if same else started.gid,
            extra_groups=None if same else list(started.groups),
            umask=started.umask,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise GpudoctorError(f"{started.argv[0]} can't be started: {error}") from None
    finally:
        for output in outputs:
            os.close(output)
    process.returncode = 0  # it outlives us: nobody is to wait for it, or to warn that nobody did
    return process.pid


def _executable(started: Started) -> str | None:
    """The program's file; a package's update has removed the one that ran, and then its name is looked up again."""
    return started.program if os.access(started.program, os.X_OK) else None


def _open(place: str) -> int:
    try:
        return os.open(place or os.devnull, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC | os.O_NOCTTY)
    except OSError:
        return os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)


def _wait_until_up(name: str, pid: int, started: Started) -> None:
    deadline = time.monotonic() + COMES
    while not _answers(name, started.socket):
        if _gone(pid):
            raise GpudoctorError(f"{name} does not come up again", context=_last_words(started))
        if time.monotonic() > deadline:
            raise GpudoctorError(
                f"{name} does not answer within {COMES:.0f} s of its start", context=_last_words(started)
            )
        time.sleep(_PAUSE)


def _answers(name: str, socket: str) -> bool:
    if name == "docker":
        from gpudoctor.probes import docker_socket

        return isinstance(docker_socket.info(socket), Known)
    import socket as sockets

    with sockets.socket(sockets.AF_UNIX, sockets.SOCK_STREAM) as connection:
        try:
            connection.connect(socket)
        except OSError:
            return False
    return True


def _last_words(started: Started) -> str:
    """The end of its log, where that is a regular file."""
    for place in started.log:
        if place and os.path.isfile(place):
            with open(place, "rb") as file:
                file.seek(max(0, os.path.getsize(place) - 1500))
                return file.read().decode("utf-8", "replace").strip().rpartition("\n")[2][-600:]
    return ""
