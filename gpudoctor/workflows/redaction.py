"""Redaction: what leaves the machine in a snapshot says nothing of its people and holds no secret.

Values, and those keys that are no names of fields (paths, mostly), so that the shape stays. Equal values become equal pseudonyms, so that verdicts stay the same: two
mentions of one GPU are still one GPU.
"""

from __future__ import annotations

import re
from typing import Any

#: Names that say nothing of a person; replacing them would mangle paths ("/root") and prose.
COMMON_NAMES = frozenset(
    [
        "root",
        "admin",
        "administrator",
        "user",
        "users",
        "account",
        "cloud",
        "live",
        "service",
        "system",
        "ubuntu",
        "debian",
        "fedora",
        "centos",
        "ec2-user",
        "azureuser",
        "vagrant",
        "runner",
        "jovyan",
        "nobody",
        "default",
        "home",
        "docker",
        "nvidia",
        "gpu",
        "cuda",
        "python",
        "test",
        "dev",
        "work",
        "app",
        "data",
        "local",
        "linux",
        "build",
        "main",
        "jenkins",
        "gitlab-runner",
    ]
)

_SECRET_NAME = r"[\w.-]*(?:token|secret|passw(?:or)?d|passwd|api[_-]?key|apikey|credential|auth|private[_-]?key|access[_-]?key)[\w.-]*"

#: (name, pattern): what a match is replaced by is "<name>"; a group 1 is kept in front of it.
_SECRETS: tuple[tuple[str, str], ...] = (
    ("private-key", r"-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"),
    ("credentials", r"(\b[a-z][a-z0-9+.-]*://)[^/\s@]+@"),
    ("host", r"(<credentials>)[\w.-]+"),
    ("secret", rf"(?i)(\b{_SECRET_NAME}\s*[=:]\s*[\"']?)[^\s\"',;]+"),
    ("serial", r"(?i)(\b(?:serial(?:[ _-]?(?:number|no))?|s/n)\s*[=:#]?\s*)(?=\w*\d)[\w-]{6,}"),
    ("secret", r"(?i)(\bbearer\s+)[\w.~+/=-]{8,}"),
    (
        "token",
        r"\b(?:gh[pousr]_\w{16,}|github_pat_\w{20,}|glpat-[\w-]{16,}|hf_\w{16,}|xox[abprs]-[\w-]{10,}|sk-[\w-]{16,}|"
        r"pypi-[\w-]{16,}|npm_\w{16,}|nvapi-[\w-]{16,}|dckr_pat_[\w-]{16,}|A(?:KIA|SIA)[A-Z0-9]{12,}|AIza[\w-]{20,}|"
        r"ya29\.[\w-]{20,}|eyJ[\w-]{8,}\.[\w-]{8,}(?:\.[\w-]*)?)",
    ),
    ("email", r"\b[\w.+-]+@[\w-]+(?:\.[\w-]+)+\b"),
)
_HOME = re.compile(
    r"(?P<before>(?:/home/|/Users/|/export/home/|/mnt/[a-z]/Users/|[A-Za-z]:[\\/]+Users[\\/]+))(?P<name>[^/\\:\s\"',;]+)"
)
_UUID = re.compile(
    r"\b(?P<kind>GPU|MIG)-(?P<id>[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12})\b"
)
_PLAIN_UUID = re.compile(r"\b[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\b")
#: Four-part versions ("9.10.2.21") look like addresses: only what stands as one in its text is taken for one.
_ADDRESS = re.compile(r"(?:(?<=[\s/@])|(?=[\d.]+:\d))(?!127\.|0\.0\.0\.0)(?:\d{1,3}\.){3}\d{1,3}(?![\d.-])")
#: What is said to be one, is one: "MASTER_ADDR=10.0.0.5" (but "libcurand=10.3.5.147" is a version).
_NAMED_ADDRESS = re.compile(
    r"(?i)(?P<before>(?:addr|address|host|hostname|ip|server|endpoint|peer|gateway|proxy)[\w-]*\s*[=:(]\s*[\[\"']?)"
    r"(?P<address>(?:\d{1,3}\.){3}\d{1,3})(?![\d.-])"
)
#: At least three groups and a "::", or eight groups; a PCI address ("0000:3b:00.0") has neither.
_ADDRESS_6 = re.compile(
    r"(?<![\w:.])(?:(?:[0-9a-fA-F]{1,4}:){7}[0-9a-fA-F]{1,4}|(?:[0-9a-fA-F]{1,4}:){2,6}(?::[0-9a-fA-F]{1,4}){1,5}|"
    r"(?:fe80|f[cd][0-9a-fA-F]{2}|2[0-9a-fA-F]{3})::?(?:[0-9a-fA-F]{1,4}:){0,6}[0-9a-fA-F]{1,4})(?![\w:])"
)
#: Of network cards, InfiniBand's GUIDs ("b859:9f03:00fc:6de4") too.
_MAC = re.compile(
    r"\b(?:(?:[0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}|(?:[0-9a-fA-F]{2}-){5}[0-9a-fA-F]{2}|(?:[0-9a-fA-F]{4}:){3}[0-9a-fA-F]{4})\b"
    r"(?!:)"
)
#: What stands behind a person's "@" is a machine of theirs.
_AT_HOST = re.compile(r"(\bname-\d+@)[A-Za-z0-9][\w.-]*")
#: A key that is the name of a field.
_FIELD = re.compile(r"[A-Za-z0-9_]+")
#: Long runs that mix letters and digits: keys that no pattern knows. Paths and versions have separators.
_OPAQUE = re.compile(r"(?<![\w/.+-])(?=\w*\d)(?=\w*[A-Za-z])[A-Za-z0-9_]{28,}(?![\w/.+-])")


class Redactor:
    """One per snapshot: it remembers which pseudonym stands for what. `names`: user and host names to hide."""

    def __init__(self, names: tuple[str, ...] = ()) -> None:
        self._pseudonyms: dict[tuple[str, str], str] = {}
        self._counts: dict[str, int] = {}
        kept = [n for n in names if len(n) >= 3 and n.lower() not in COMMON_NAMES]
        self._names = (
            re.compile(rf"(?i)(?<![a-z0-9])(?:{'|'.join(map(re.escape, kept))})(?![a-z0-9])")
            if kept
            else None
        )
        self._secrets = tuple((name, re.compile(pattern)) for name, pattern in _SECRETS)

    def tree(self, data: Any) -> Any:
        """JSON values with every string redacted; the names of fields stay as they are."""
        if isinstance(data, str):
            return self.text(data)
        if isinstance(data, list):
            return [self.tree(item) for item in data]
        if isinstance(data, dict):
            return {
                key if _FIELD.fullmatch(key) else self.text(key): self.tree(value)
                for key, value in data.items()
            }
        return data

    def text(self, text: str) -> str:
        for name, pattern in self._secrets:
            text = pattern.sub(rf"\g<1><{name}>" if pattern.groups else f"<{name}>", text)
        text = _UUID.sub(self._uuid, text)
        text = _PLAIN_UUID.sub(
            lambda m: m.group()
            if m.group().startswith("00000000-")
            else self._call("uuid", m.group().lower()),
            text,
        )
        text = _HOME.sub(self._home, text)
        text = _MAC.sub(lambda m: self._call("mac", m.group().lower()), text)
        text = _ADDRESS.sub(lambda m: self._call("address", m.group()), text)
        text = _NAMED_ADDRESS.sub(lambda m: m["before"] + self._call("address", m["address"]), text)
        text = _ADDRESS_6.sub(lambda m: self._call("address", m.group().lower()), text)
        if self._names is not None:
            text = self._names.sub(lambda m: self._call("name", m.group().lower()), text)
        text = _AT_HOST.sub(r"\g<1><host>", text)
        return _OPAQUE.sub("<opaque>", text)

    def _uuid(self, match: re.Match[str]) -> str:
        key = ("gpu-uuid", match["id"].lower())
        if key not in self._pseudonyms:
            self._counts["gpu-uuid"] = self._counts.get("gpu-uuid", 0) + 1
            self._pseudonyms[key] = f"00000000-0000-4000-8000-{self._counts['gpu-uuid']:012d}"
        return f"{match['kind']}-{self._pseudonyms[key]}"

    def _home(self, match: re.Match[str]) -> str:
        if match["name"].lower() in COMMON_NAMES:
            return match.group()
        return match["before"] + self._call("name", match["name"].lower())

    def _call(self, kind: str, value: str) -> str:
        key = (kind, value)
        if key not in self._pseudonyms:
            self._counts[kind] = self._counts.get(kind, 0) + 1
            self._pseudonyms[key] = f"{kind}-{self._counts[kind]}"
        return self._pseudonyms[key]


def _full_name(gecos: str) -> list[str]:
    """ "Alice Kowalczyk,Room 5,..." of /etc/passwd: the name's words, which people put into titles of kernels and folders."""
    return gecos.partition(",")[0].split()


def names_of_this_machine() -> tuple[str, ...]:
    """The user's and the host's names: what paths and logs spell, and a snapshot must not."""
    import os
    import socket

    names = [os.environ.get(v, "") for v in ("USER", "LOGNAME", "SUDO_USER")]
    try:
        import pwd

        own = pwd.getpwuid(os.getuid())
        names += [own.pw_name, *_full_name(own.pw_gecos)]
        names += _full_name(pwd.getpwnam(os.environ.get("SUDO_USER", "")).pw_gecos)
    except (ImportError, KeyError):
        pass
    home = os.path.expanduser("~")
    names.append(
        home.rpartition("/")[2] if home.count("/") > 1 else ""
    )  # "/data/people/alice", whoever that is
    host = socket.gethostname()
    return tuple(dict.fromkeys(n for n in (*names, host, host.partition(".")[0]) if n))
