"""A machine that is ill, mended by the real transaction, well by the real rules, and as before after undo."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from gpudoctor.changes.outcome import Outcome
from gpudoctor.changes.plan import Plan
from gpudoctor.changes.restore import undo
from gpudoctor.changes.transaction import apply
from gpudoctor.engine import Asking
from gpudoctor.facts.machine import Machine
from gpudoctor.findings import Finding
from gpudoctor.fixes import registry
from gpudoctor.fixes.see import Login, See
from gpudoctor.system.live import Live
from gpudoctor.system.port import Port, Ran
from gpudoctor.system.root import Root
from gpudoctor.system.writer import Writer
from gpudoctor.workflows.fix import fresh_environment
from tests import judged
from tests.changes import small

RunFunction = Callable[[tuple[str, ...], float, tuple[tuple[str, str], ...]], Ran]


def ids(machine: Machine) -> set[str]:
    """Every finding, folded or not."""
    return {f.id for f in judged.judgement(machine).findings}


def plan_for(
    cause: str, machine: Machine, port: Port, login: Login | None, env: Mapping[str, str] | None = None
) -> Plan:
    found: list[Finding] = [f for f in judged.judgement(machine).findings if f.id == cause]
    assert found, (cause, ids(machine))
    plan: Plan = registry.modules()[cause].plan(found[0], machine, See(port, login, env))
    return plan


# ---------------------------------------------------------------- start-up files, with real shells


class Home:
    """A home with a real shell. `machine`: the facts, given the environment that a login has."""

    def __init__(self, place: Path, shell: str, machine: Callable[[Mapping[str, str]], Machine]) -> None:
        self.home = place / "home"
        self.home.mkdir(exist_ok=True)
        self.login = Login("ann", os.getuid(), str(self.home), shell)
        self.state = str(place / "state")
        self._machine = machine

    def environment(self) -> Mapping[str, str]:
        return fresh_environment(self.login)

    def machine(self) -> Machine:
        """Its environment is probed: the login's variables, and the lines of the files that set them."""
        env = self.environment()
        probed = Asking(Live(20.0, env), ("environment",)).machine().environment
        return self._machine(env).replace(environment=probed)

    def fixed(self, cause: str) -> Plan:
        """Ill, mended, well, undone, ill again and the same to the byte."""
        before = small.picture(self.home)
        machine = self.machine()
        plan = plan_for(cause, machine, Live(20.0, self.environment()), self.login)
        outcome = apply(plan, Writer("", self.state))
        assert outcome.state == "applied", outcome
        after = self.machine()
        assert cause not in ids(after), [f.title for f in judged.judgement(after).findings]
        assert undo(Writer("", self.state)).state == "undone"
        changed = {p for p, seen in small.picture(self.home).items() if before.get(p) != seen}
        assert {p for p in changed if not _shells_own(p)} == set()
        assert cause in ids(self.machine())
        return plan


def _shells_own(path: str) -> bool:
    """What a shell writes at its start: histories, fish's variables."""
    return (
        re.search(
            r"/\.(zcompdump|bash_history|zsh_history|cache)|/\.local|/fish_variables|^/\.config(/fish)?$",
            path,
        )
        is not None
    )


# ---------------------------------------------------------------- everything else, with fake programs in a sysroot


class Sysroot:
    """A root whose programs are small scripts that change nothing but it. `run` is given to the transaction: a path of
    the root in a command leads into it."""

    def __init__(
        self, place: Path, files: Mapping[str, str | bytes] = {}, programs: Mapping[str, str] = {}
    ) -> None:
        self.root = place / "root"
        self.root.mkdir()
        self.ran: list[str] = []
        self.state = str(place / "state")
        for path, content in files.items():
            self.write(path, content)
        for name, script in {**_COMMON, **programs}.items():
            where = self.write(f"/usr/sbin/{name}", "#!/bin/sh\n" + script + "\n")
            where.chmod(0o755)

    def write(self, path: str, content: str | bytes) -> Path:
        where = self.root / path.lstrip("/")
        where.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str) and content.startswith("-> "):
            where.symlink_to(content[3:])
        else:
            where.write_bytes(content.encode() if isinstance(content, str) else content)
        return where

    def text(self, path: str) -> str:
        where = self.root / path.lstrip("/")
        return where.read_text() if where.is_file() else ""

    def run(self, argv: tuple[str, ...], timeout: float, env: tuple[tuple[str, str], ...]) -> Ran:
        self.ran.append(" ".join(argv))
        inside = re.compile(r"(?<![\w.*/])/(?=(?:dev|etc|usr|sbin|var|proc)\b)")
        words = [inside.sub(f"{self.root}/", word) for word in argv]
        ended = subprocess.run(
            words,
            env={"PATH": "/usr/bin:/bin", "ROOT": str(self.root), **dict(env)},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return Ran(argv, ended.returncode, ended.stdout, ended.stderr)

    def port(self) -> Root:
        return Root(str(self.root))

    def writer(self) -> Writer:
        return Writer(str(self.root), self.state, live=True)

    def fixed(self, cause: str, machine: Callable[[Sysroot], Machine], login: Login | None = None) -> Plan:
        """Ill, mended, well, undone, ill again and the same."""
        before = small.picture(self.root)
        assert cause in ids(machine(self)), ids(machine(self))
        plan = plan_for(cause, machine(self), self.port(), login)
        outcome: Outcome = apply(plan, self.writer(), self.run)
        assert outcome.state == "applied", outcome
        assert cause not in ids(machine(self)), [f.title for f in judged.judgement(machine(self)).findings]
        back = undo(self.writer(), run=self.run)
        assert back.state == "undone", back
        assert _still(small.picture(self.root)) == _still(before)
        assert cause in ids(machine(self))
        return plan


def _still(picture: dict[str, tuple[object, ...]]) -> dict[str, tuple[object, ...]]:
    """Without the times of what programs write again when they undo (kernel state and the like)."""
    own = ("/proc/", "/run/", "/dev/", "/etc/group", "/etc/systemd/")
    return {p: (s[:4] + s[5:] if p.startswith(own) and len(s) > 4 else s) for p, s in picture.items()}


_COMMON = {
    "find": 'exec /usr/bin/find "$@"',
    "chmod": 'exec chmod "$@"',
    "ldconfig": 'echo again >> "$ROOT/etc/ld.so.cache"; for f in "$ROOT"/etc/ld.so.conf.d/*; do cat "$f" >> "$ROOT/etc/ld.so.cache"; done; exit 0',
    "modprobe": (
        'if [ "$1" = -r ]; then sed -i "/^$2 /d" "$ROOT/proc/modules"; '
        'else grep -q "^$1 " "$ROOT/proc/modules" || echo "$1 1 0 - Live 0x0" >> "$ROOT/proc/modules"; fi'
    ),
    "nvidia-modprobe": (
        'mknod "$ROOT/dev/nvidia$2" c 195 "$2" 2>/dev/null\n'
        '[ -e "$ROOT/dev/nvidiactl" ] || mknod "$ROOT/dev/nvidiactl" c 195 255\n'
        'if [ "$3" = -u ]; then grep -q "^nvidia_uvm " "$ROOT/proc/modules" || echo "nvidia_uvm 1 0 - Live 0x0" >> "$ROOT/proc/modules"; '
        '[ -e "$ROOT/dev/nvidia-uvm" ] || mknod "$ROOT/dev/nvidia-uvm" c 510 0; fi; exit 0'
    ),
    "systemctl": (
        'verb="$1"; shift; for word in "$@"; do case "$word" in -*) continue;; esac\n'
        'unit="$ROOT/etc/systemd/system/multi-user.target.wants/$word.service"\n'
        'case "$verb" in enable) ln -sf "/usr/lib/systemd/system/$word.service" "$unit";; '
        'disable) rm -f "$unit";; is-enabled) [ -e "$unit" ];; esac; done; exit 0'
    ),
    "usermod": 'sed -i "s/^\\($2:.*\\)$/\\1$3/" "$ROOT/etc/group"',
    "gpasswd": 'sed -i "s/^\\($3:.*\\)$2$/\\1/" "$ROOT/etc/group"',
    "nvidia-smi": 'echo "$4" > "$ROOT/run/$2$3"',
    "mount": 'echo "${2#remount,size=}" > "$ROOT/run/shm"',
    "udevadm": "exit 0",
    "nvidia-ctk": (
        'case "$1" in cdi) echo "cdiVersion: new" > "${3#--output=}";; '
        'system) mkdir -p "$ROOT/dev/char"; ln -s ../nvidia0 "$ROOT/dev/char/195:0";; esac'
    ),
    "update-alternatives": (
        'sed -i "1s/.*/manual/" "$ROOT/var/lib/dpkg/alternatives/cuda"; ln -sfn "${3#$ROOT}" "$ROOT/etc/alternatives/cuda"'
    ),
}
