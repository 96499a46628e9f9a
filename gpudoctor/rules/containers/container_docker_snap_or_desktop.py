"""Docker is the snap or Docker Desktop, which can't reach the host's GPU

What it is: The Docker that answers is not the distribution's or Docker's own engine. The snap is confined and reads other
files (/var/snap/docker); Docker Desktop for Linux runs its daemon in a virtual machine without the GPU. What is
installed and configured on the host does not exist for either.

Why it hurts: `--gpus all` fails ("could not select device driver", "load library failed: libnvidia-ml.so.1") however
often the toolkit is installed and daemon.json is edited.

How to tell: The daemon's program or socket lies under a snap, or the context is desktop-linux (`docker context ls`), or
the daemon's answer says "Docker Desktop". On WSL2 Docker Desktop is fine: there it does pass the GPU on.

How to fix: Install Docker Engine (docker-ce or the distribution's docker.io), then `docker context use default`, and
remove the snap if that is it.

Sources: https://docs.docker.com/engine/install/
https://github.com/NVIDIA/nvidia-docker/issues/1642
https://github.com/NVIDIA/nvidia-docker/issues/1711
https://docs.docker.com/desktop/features/gpu/
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.driver import Driver
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Known
from gpudoctor.findings import DoesNotApply, Fix, Problem, seen
from gpudoctor.rules.containers._shared import daemon, engines, need_a_gpu, wanted
from gpudoctor.signature import Signature

explains = (
    "container-toolkit-missing",
    "container-runtime-not-registered",
    "docker-needs-restart-for-gpus",
    "docker-runtime-path-missing",
    "cdi-device-unresolvable",
)

signatures: tuple[Signature | str, ...] = (
    Signature(r"Docker Root Dir: ?/var/snap/docker", 0.95),
    Signature(r"/(?:var/)?snap/docker", 0.82, needs=(r"nvidia|gpu|GPU",)),
    Signature(r"snap\.docker(?:\.dockerd)?", 0.8, needs=(r"nvidia|gpu|GPU",)),
    Signature(r"/snap/bin/docker\b", 0.85, needs=(r"nvidia|gpu|GPU",)),
    # `docker version`: the server calls itself Docker Desktop.
    Signature(r"Server: Docker Desktop \d", 0.86, when="desktop-on-linux", needs=(r"nvidia|gpu|GPU",)),
    Signature(r"desktop-linux", 0.85, needs=(r"nvidia|gpus?|GPU",)),
    Signature(r"\.docker/desktop/docker\.sock", 0.88, needs=(r"nvidia|gpus?|GPU",)),
    Signature(r"Operating System: Docker Desktop", 0.85, when="not-on-wsl", unless=(r"Windows",)),
    Signature(r"docker \d[\w.+-]* \d+ latest/\S+ canonical", 0.88),
    Signature(r"Docker Desktop (?:for|on) (?:Linux|Ubuntu|Debian|Fedora)", 0.85, needs=(r"nvidia|gpu|GPU",)),
    Signature(
        r"\bsnap (?:list|install|remove|services|info|restart|refresh|connect|version|package|store).{0,40}docker|snap services|docker\.dockerd|docker\.nvidia-container",
        0.84,
        needs=(r"nvidia|gpu|GPU", r"docker"),
    ),
    # The reporter's words.
    Signature(
        r"docker .{0,60}(?:via|from|using|through|by|with|as|in|is|was|the) (?:a |the |an )?\bsnap\b|\bsnap\b(?:'s)? (?:version of |based |installed )?docker|docker \(?snap\b|(?:remov|uninstall|purg|delet)\w+ .{0,20}\bsnap\b.{0,20}docker",
        0.86,
        needs=(r"nvidia|gpu|GPU",),
    ),
    Signature(r"Docker[- ]Desktop", 0.86, when="desktop-on-linux", needs=(r"nvidia|gpu|GPU",)),
    Signature(
        r"Docker[- ]Desktop|docker context use default|Context: desktop",
        0.76,
        needs=(r"could not select device driver|unknown or invalid runtime|Unknown runtime",),
    ),
    # The hook runs in Docker Desktop's virtual machine, where no driver is; on WSL2 it finds Windows' own.
    Signature(
        r"Docker[- ]Desktop",
        0.9,
        when="not-on-wsl",
        needs=(r"load library failed: libnvidia-ml\.so|nvml error: driver not loaded",),
        unless=(r"Windows|\bMac(?:Book|OS)?\b|Hyper-V|[A-Z]:\\",),
    ),
    Signature(
        r"(?:var/lib|~|/home/\w+)/\.?docker[/-]desktop|docker-desktop(?:-data)?\b",
        0.66,
        when="not-on-wsl",
        needs=(r"nvidia|gpu|GPU",),
        unless=(r"Windows",),
    ),
)


def check(host: Host, driver: Driver, gpu: Gpu, containers: Containers) -> Iterator[Problem]:
    dockers = engines(containers, "docker")
    need_a_gpu(host, driver, gpu)
    if isinstance(host.wsl, Known):
        raise DoesNotApply("on WSL2 Docker Desktop passes the GPU on")
    for engine in dockers:
        if not engine.selected_by or engine.flavour not in ("snap", "desktop"):
            continue
        snap = engine.flavour == "snap"
        other = [e.endpoint for e in dockers if e is not engine and e.flavour == "rootful"]
        yield Problem(
            f"`docker` talks to {'the snap of Docker' if snap else 'Docker Desktop'}, which can't use the host's GPU",
            daemon(engine),
            "failure" if wanted(containers) else "warning",
            (
                seen("socket", Known(engine.endpoint or "unknown", engine.selected_by)),
                seen("client", engine.client),
                seen("file that this daemon reads", engine.config_file),
                seen("answers", engine.answers),
            ),
            fix=Fix(
                "Install Docker Engine, and let the client talk to it"
                if not other
                else f"Let the client talk to Docker Engine at {other[0]}",
                ("sudo snap remove docker",) if snap else ("docker context use default",),
            ),
        )
