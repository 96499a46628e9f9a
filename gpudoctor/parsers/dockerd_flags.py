"""dockerd's command line, and the one in its systemd unit.

A sample: `/usr/bin/dockerd -H fd:// --containerd=/run/containerd/containerd.sock --add-runtime nvidia=/usr/bin/n-c-r`.
"""

from __future__ import annotations

from collections.abc import Sequence

#: Flags whose key in daemon.json is spelled otherwise (moby, cmd/dockerd/config.go). `runtimes` may be in both.
_KEYS = {
    "host": "hosts",
    "H": "hosts",
    "add-runtime": "runtimes",
    "g": "data-root",
    "D": "debug",
    "l": "log-level",
    "s": "storage-driver",
    "b": "bridge",
    "G": "group",
    "p": "pidfile",
    "label": "labels",
    "insecure-registry": "insecure-registries",
    "registry-mirror": "registry-mirrors",
    "storage-opt": "storage-opts",
    "exec-opt": "exec-opts",
    "log-opt": "log-opts",
    "authorization-plugin": "authorization-plugins",
    "default-ulimit": "default-ulimits",
    "cdi-spec-dir": "cdi-spec-dirs",
    "default-address-pool": "default-address-pools",
    "node-generic-resource": "node-generic-resources",
}

_SWITCHES = frozenset(
    [
        "debug",
        "D",
        "experimental",
        "init",
        "icc",
        "ip-forward",
        "ip-masq",
        "iptables",
        "ip6tables",
        "ipv6",
        "live-restore",
        "no-new-privileges",
        "raw-logs",
        "rootless",
        "selinux-enabled",
        "tls",
        "tlsverify",
        "userland-proxy",
        "validate",
    ]
)


def parse(argv: Sequence[str]) -> dict[str, list[str]]:
    """Key of daemon.json (or flag, where it has none) -> its values, in order."""
    found: dict[str, list[str]] = {}
    rest = list(argv[1:])
    while rest:
        flag = rest.pop(0)
        if not flag.startswith("-") or flag == "-":
            continue
        name, equals, value = flag.lstrip("-").partition("=")
        if not equals and not flag.startswith("--") and len(name) > 1 and name[0] in "Hglsbgp":
            name, value, equals = name[0], name[1:], "="
        if not equals and name not in _SWITCHES and rest and not rest[0].startswith("-"):
            value = rest.pop(0)
        found.setdefault(_KEYS.get(name, name), []).append(value)
    return found


def exec_start(units: Sequence[str]) -> list[str]:
    """The last ExecStart of a unit and its drop-ins, in their order; empty when there is none."""
    import shlex

    command: list[str] = []
    for unit in units:
        for line in unit.replace("\\\n", " ").splitlines():
            key, _, value = line.strip().partition("=")
            if key.strip() == "ExecStart":
                try:
                    command = shlex.split(value.strip().lstrip("-@+!:"))
                except ValueError:
                    command = value.split()
    return command
