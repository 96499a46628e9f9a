"""containerd configurations as people have them, and generated ones."""

from __future__ import annotations

import json

from hypothesis import strategies as st

#: The packages of Debian 12, 13 and sid bring this.
DEBIAN = """\
version = 2

[plugins]
  [plugins."io.containerd.grpc.v1.cri"]
    [plugins."io.containerd.grpc.v1.cri".cni]
      bin_dir = "/usr/lib/cni"
      conf_dir = "/etc/cni/net.d"
  [plugins."io.containerd.internal.v1.opt"]
    path = "/var/lib/containerd/opt"
"""

#: Docker's own package brings this (shortened).
DOCKERS = """\
#   Copyright 2018-2022 Docker Inc.

disabled_plugins = ["cri"]

#root = "/var/lib/containerd"
#state = "/run/containerd"

#[grpc]
#  address = "/run/containerd/containerd.sock"
"""

#: A kubeadm node: the default configuration with systemd's cgroups, and comments of its owner.
KUBEADM = """\
# kept by the ops team, ask before you change it
version = 2
root = "/var/lib/containerd"

[plugins]
  [plugins."io.containerd.grpc.v1.cri"]
    sandbox_image = "registry.k8s.io/pause:3.9" # pinned
    [plugins."io.containerd.grpc.v1.cri".containerd]
      default_runtime_name = "runc"
      snapshotter = "overlayfs"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes]
        [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
          runtime_type = "io.containerd.runc.v2"
          privileged_without_host_devices = false
          [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
            SystemdCgroup = true

# addresses
[grpc]
  address = "/run/containerd/containerd.sock"
"""

VERSION_1 = """\
[plugins.cri]
sandbox_image = 'pause:3.1'
[plugins.cri.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v1"
[plugins.cri.containerd.runtimes.runc.options]
SystemdCgroup = true
"""

VERSION_3 = """\
version = 3
[plugins.'io.containerd.cri.v1.images']
snapshotter = 'overlayfs'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc]
runtime_type = 'io.containerd.runc.v2'
[plugins.'io.containerd.cri.v1.runtime'.containerd.runtimes.runc.options]
SystemdCgroup = true
"""

REAL = {
    "debian": DEBIAN,
    "kubeadm": KUBEADM,
    "version-1": VERSION_1,
    "version-3": VERSION_3,
    "version-2-alone": "version = 2\n",
    "kubeadm-windows": KUBEADM.replace("\n", "\r\n"),
    "kubeadm-unended": KUBEADM.rstrip("\n"),
}

_CRI = 'plugins."io.containerd.grpc.v1.cri"'
_COMMENTS = st.sampled_from(
    ["", "", "", "# a comment", "  # [plugins.x]", "#x = 1", '# runtimes.nvidia = "no"']
)


@st.composite
def version_2(draw: st.DrawFn) -> str:
    """A version 2 file that every containerd since 1.6 reads, in one of many shapes."""
    quote = draw(st.sampled_from(['"', "'"]))
    cri = _CRI.replace('"', quote)
    step = draw(st.sampled_from(["", "  ", "\t"]))
    blocks: list[tuple[int, str, list[str]]] = [(0, "", ["version = 2"])]
    if draw(st.booleans()):
        blocks[0][2].append(
            f"root = {json.dumps('/var/lib/' + draw(st.sampled_from(['containerd', 'c[d]', 'a#b'])))}"
        )
    if draw(st.booleans()):
        blocks.append((0, "plugins", []))
    if draw(st.booleans()):
        blocks.append((1, cri, [draw(st.sampled_from(['sandbox_image = "p:1"', "sandbox_image = 'p#[x]'"]))]))
    if draw(st.booleans()):
        lines = ['snapshotter = "overlayfs"']
        lines += draw(st.sampled_from([[], ['default_runtime_name = "runc"  # the default']]))
        blocks.append((2, f"{cri}.containerd", lines))
    if draw(st.booleans()):
        lines = ['runtime_type = "io.containerd.runc.v2"']
        lines += draw(st.sampled_from([[], ["container_annotations = [", '  "a.*", # ]', "  'b.*',", "]"]]))
        blocks.append((3, f"{cri}.containerd.runtimes.runc", lines))
        if draw(st.booleans()):
            options = draw(
                st.sampled_from([["SystemdCgroup = true"], ['Root = "/x"', "SystemdCgroup = false"], []])
            )
            blocks.append((4, f"{cri}.containerd.runtimes.runc.options", options))
    if draw(st.booleans()):
        blocks.append((3, f"{cri}.containerd.runtimes.kata", ['runtime_type = "io.containerd.kata.v2"']))
    tail = draw(st.sampled_from([[], ["grpc"], ["metrics"], ["grpc", "metrics"]]))
    blocks += [(0, name, ['address = "127.0.0.1:1"']) for name in tail]
    lines = []
    for depth, header, values in blocks:
        lines += [draw(_COMMENTS)]
        lines += [f"{step * depth}[{header}]"] if header else []
        lines += [f"{step * (depth + 1) if header else ''}{value}" for value in values]
    text = "\n".join(lines) + draw(st.sampled_from(["", "\n", "\n\n", "\n# the end\n"]))
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))
