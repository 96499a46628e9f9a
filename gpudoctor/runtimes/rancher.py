"""k3s and rke2 write containerd's config.toml anew at every start, from a template if there is one.

They look for the toolkit's programs themselves when they start and add a runtime for each that they find, so usually there is
nothing to configure but to start them again. The template is for those who want another program or another name.
Source: https://docs.k3s.io/advanced (Configuring containerd; NVIDIA Container Runtime).
"""

from __future__ import annotations

import re

from gpudoctor.facts.record import Record
from gpudoctor.runtimes.containerd import CRI, RUNC
from gpudoctor.runtimes.edited import Edited
from gpudoctor.runtimes.toml_text import key_text, render

_PLACE = re.compile(r"^(/var/lib/rancher/(k3s|rke2)/agent/etc/containerd)/config\.toml$")
#: Opens a template that only adds to the built-in one.
BASE = '{{ template "base" . }}'
_MARK = "# gpudoctor: runtime "
_END = "# gpudoctor: end"


class Rancher(Record):
    """`name`: k3s or rke2. `template`: the file to edit for this version of containerd's configuration."""

    name: str
    folder: str
    template: str


def recognised(config: str, version: int) -> Rancher | None:
    """
    >>> recognised("/var/lib/rancher/k3s/agent/etc/containerd/config.toml", 3).template
    '/var/lib/rancher/k3s/agent/etc/containerd/config-v3.toml.tmpl'
    """
    match = _PLACE.match(config)
    if match is None:
        return None
    template = "config-v3.toml.tmpl" if version == 3 else "config.toml.tmpl"
    return Rancher(match[2], match[1], f"{match[1]}/{template}")


def configure(template: str, runtime: str, path: str, version: int, systemd_cgroup: bool) -> Edited:
    """A marked block at the template's end. An empty template becomes one that adds to the built-in one; text that is not
    TOML (a Go template) is left as it is."""
    if f"{_MARK}{runtime}\n" in template:
        without = unconfigure(template, runtime).text
        again = configure(without, runtime, path, version, systemd_cgroup)
        return again if again.text != template else Edited(template)
    table = ("plugins", CRI[version], "containerd", "runtimes", runtime)
    block = (
        f"{_MARK}{runtime}\n[{key_text(table)}]\n  runtime_type = {render(RUNC)}\n"
        f"[{key_text((*table, 'options'))}]\n  BinaryName = {render(path)}\n  SystemdCgroup = {render(systemd_cgroup)}\n{_END}\n"
    )
    start = template or f"{BASE}\n"
    return Edited(f"{start}{'' if start.endswith(chr(10)) else chr(10)}\n{block}", (f"runtimes.{runtime}",))


def unconfigure(template: str, runtime: str) -> Edited:
    block = re.compile(rf"\n{re.escape(_MARK + runtime)}\n.*?{re.escape(_END)}\n", re.DOTALL)
    text = block.sub("", template, count=1)
    return Edited(text, (f"runtimes.{runtime}",) if text != template else ())
