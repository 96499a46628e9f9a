"""Rootless Docker sees the CDI folder as a link, and does not follow it

What it is: rootlesskit gives a rootless daemon its own copy of /etc, made of links to the real one. Docker's CDI search does
not follow a folder that is a link (measured with Docker 28.5.2; the CDI library does so up to 1.1.0).

Why it hurts: "unresolvable CDI devices nvidia.com/gpu=all", although /etc/cdi/nvidia.yaml is there, is readable, and
works for the rootful daemon.

How to tell: The CDI folder in the daemon's own root (/proc/<pid>/root) is a link.

How to fix: Put the specification into a folder outside /etc, and name that folder in the rootless daemon's own file:
"cdi-spec-dirs".

Sources: https://docs.docker.com/reference/cli/dockerd/#configure-cdi-devices
https://docs.docker.com/engine/security/rootless/
https://github.com/rootless-containers/rootlesskit/blob/master/pkg/copyup/tmpfssymlink/tmpfssymlink.go
https://github.com/cncf-tags/container-device-interface/blob/v1.1.0/pkg/cdi/spec-dirs.go
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.observed import Unknown, value_of
from gpudoctor.findings import CouldNotTell, DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.containers._cdi import folder
from gpudoctor.rules.containers._shared import config_file, daemon, docker_daemons, nvidia_specs


def check(containers: Containers) -> Iterator[Problem | CouldNotTell]:
    rootless = [d for d in docker_daemons(containers) if d.flavour == "rootless"]
    specs = nvidia_specs(containers)
    if not rootless or not specs:
        raise DoesNotApply("no rootless Docker, or no CDI specification")
    for engine in rootless:
        if isinstance(engine.cdi_dir_links, Unknown):
            yield CouldNotTell(
                f"how the rootless daemon sees /etc/cdi: {engine.cdi_dir_links.reason}",
                engine.cdi_dir_links.would_help,
                daemon(engine),
            )
            continue
        links = value_of(engine.cdi_dir_links, ())
        hidden = [spec for spec in specs if folder(spec) in links]
        others = value_of(engine.cdi_dirs, ())
        if not hidden or any(folder(spec) in others and folder(spec) not in links for spec in specs):
            continue
        yield Problem(
            f"Rootless Docker sees {folder(hidden[0])} as a link and does not read {hidden[0].path}",
            daemon(engine),
            evidence=(
                *(
                    Evidence("a link in the daemon's root", link, getattr(engine.cdi_dir_links, "via", ""))
                    for link in links
                ),
                Evidence("CDI folders of the daemon", ", ".join(others) or "the default ones"),
            ),
            fix=Fix(
                f'Copy the specification, and name the folder in {config_file(engine)}: "cdi-spec-dirs": ["$HOME/.config/cdi"]',
                (
                    f'mkdir -p "$HOME/.config/cdi" && cp {hidden[0].path} "$HOME/.config/cdi/"',
                    "systemctl --user restart docker",
                ),
            ),
        )
