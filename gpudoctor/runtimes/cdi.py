"""CDI specifications: which of several counts, and one of our own where nvidia-ctk is not there to write it.

A sample of what `generate` writes:

    # Written by gpudoctor from the files of driver 550.163.01. A driver update makes it stale: write it again then.
    cdiVersion: "0.5.0"
    kind: "nvidia.com/gpu"
    devices:
    - name: "0"
      containerEdits:
        deviceNodes:
        - path: "/dev/nvidia0"
    ...

Without the toolkit there is no hook that would run ldconfig in the container. So each library is mounted twice: under its own
name and under the name that programs ask for (libcuda.so.1). Containers whose loader looks into the same folder as this
machine's (Debian's and Ubuntu's in each other's, Red Hat's in each other's) find it without a cache.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from gpudoctor.facts.record import Record

#: The lowest version that has all that we write; Podman 4.3 takes no newer one (measured).
VERSION = "0.5.0"
MARK = "# Written by gpudoctor "
KIND = "nvidia.com/gpu"
#: Where engines look, lowest priority first (the CDI library's default).
FOLDERS = ("/etc/cdi", "/var/run/cdi")
PATH = "/etc/cdi/nvidia.yaml"


class Device(Record):
    """A GPU: `name` "0"; `nodes`: device files as the container shall have them -> as the host has them."""

    name: str
    nodes: Mapping[str, str]
    uuid: str = ""


class Library(Record):
    """A driver library: `path` on the host, with its full version; `soname` as programs ask for it ("" for none)."""

    path: str
    soname: str = ""


class Inventory(Record):
    """What a driver has brought: `control` device files that every container needs; `programs` and `sockets` by path."""

    driver: str
    devices: tuple[Device, ...]
    control: tuple[str, ...] = ()
    libraries: tuple[Library, ...] = ()
    programs: tuple[str, ...] = ()
    sockets: tuple[str, ...] = ()


def generate(inventory: Inventory, version: str = VERSION) -> str:
    """The specification as YAML. Raises ValueError where there is nothing to give to a container."""
    if not inventory.devices:
        raise ValueError("there is no GPU device file to give to a container")
    if not any(library.soname == "libcuda.so.1" for library in inventory.libraries):
        raise ValueError("the driver's libcuda.so.1 was not found")
    about = f"from the files of driver {inventory.driver}" if inventory.driver else "from the driver's files"
    lines = [
        f"{MARK}{about}. A driver update makes it stale: write it again then.",
        f"cdiVersion: {_text(version)}",
        f"kind: {_text(KIND)}",
        "devices:",
    ]
    for names, nodes in _devices(inventory.devices):
        for name in names:
            lines += [f"- name: {_text(name)}", "  containerEdits:", "    deviceNodes:"]
            lines += [line for inside, host in nodes.items() for line in _node(inside, host, "    ")]
    lines += ["containerEdits:", "  env:", f"  - {_text('NVIDIA_VISIBLE_DEVICES=void')}"]
    if inventory.control:
        lines.append("  deviceNodes:")
        lines += [line for path in inventory.control for line in _node(path, path, "  ")]
    lines.append("  mounts:")
    for host, inside, options in _mounts(inventory):
        lines += [f"  - hostPath: {_text(host)}", f"    containerPath: {_text(inside)}"]
        lines.append(f"    options: [{', '.join(map(_text, options))}]")
    return "\n".join(lines) + "\n"


def _devices(devices: Sequence[Device]) -> Iterator[tuple[tuple[str, ...], Mapping[str, str]]]:
    everything: dict[str, str] = {}
    for device in devices:
        yield tuple(filter(None, (device.name, device.uuid))), device.nodes
        everything.update(device.nodes)
    yield ("all",), everything


def _node(inside: str, host: str, indent: str) -> list[str]:
    lines = [f"{indent}- path: {_text(inside)}"]
    return lines if host == inside else [*lines, f"{indent}  hostPath: {_text(host)}"]


def _mounts(inventory: Inventory) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    plain = ("ro", "nosuid", "nodev", "bind")
    for library in inventory.libraries:
        yield library.path, library.path, plain
        folder = library.path.rpartition("/")[0]
        if library.soname and f"{folder}/{library.soname}" != library.path:
            yield library.path, f"{folder}/{library.soname}", plain
    for program in inventory.programs:
        yield program, program, plain
    for socket in inventory.sockets:
        yield socket, socket, (*plain, "noexec")


def _text(value: str) -> str:
    """A YAML double-quoted string, which is JSON's."""
    return json.dumps(value, ensure_ascii=False)


def ours(text: str) -> bool:
    """The file was written by `generate` (and then not by nvidia-ctk)."""
    return text.startswith(MARK)
