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

explains = (
    "container-toolkit-missing",
    "container-runtime-not-registered",
    "docker-needs-restart-for-gpus",
    "docker-runtime-path-missing",
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
