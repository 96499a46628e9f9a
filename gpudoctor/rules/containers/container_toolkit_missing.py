"""The NVIDIA Container Toolkit is not installed

What it is: Docker can't give a GPU to a container by itself: the NVIDIA Container Toolkit mounts the driver's libraries
and nodes. The host has a GPU and a Docker daemon, but not the toolkit, and no CDI specification either.

Why it hurts: `docker run --gpus all` fails with: could not select device driver "" with capabilities: [[gpu]]. And
`--runtime=nvidia` is unknown.

How to tell: Neither nvidia-container-runtime-hook, nor nvidia-container-runtime, nor nvidia-ctk is on the host.

How to fix: Install the package nvidia-container-toolkit from NVIDIA's repository, register the runtime, restart Docker.
The driver itself stays as it is.

Sources: https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/install-guide.html
https://github.com/NVIDIA/nvidia-docker/issues/1034
https://github.com/NVIDIA/nvidia-docker/issues/1243
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.driver import Driver
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem, seen
from gpudoctor.rules.containers._shared import (
    docker_daemons,
    names_nvidia,
    need_a_gpu,
    nvidia_specs,
    restart,
    toolkit_usable,
)
from gpudoctor.signature import Signature

explains = (
    "docker-runtime-path-missing",
    "container-runtime-not-registered",
    "docker-needs-restart-for-gpus",
    "cdi-device-unresolvable",
)

signatures: tuple[Signature | str, ...] = (
    Signature(
        r"could not select device driver \"?\\?\"?(?:nvidia)?\\?\"? ?with capabilities: \[\[(?:compute |utility |graphics )*gpu",
        0.93,
        unless=(
            r"nvidia-ctk runtime configure .{0,160}(?:fix(?:ed|es)|solv(?:ed|es)|works?|worked|resolv(?:ed|es))",
            r"/snap/|snap\.docker|snap list|desktop-linux|Docker Desktop (?:for|on) (?:Linux|Ubuntu|Debian|Fedora)",
        ),
    ),
    Signature(
        r"could not select device driver",
        0.85,
        unless=(
            r"nvidia-ctk runtime configure .{0,160}(?:fix(?:ed|es)|solv(?:ed|es)|works?|worked|resolv(?:ed|es))",
            r"/snap/|snap\.docker|snap list|desktop-linux|Docker Desktop (?:for|on) (?:Linux|Ubuntu|Debian|Fedora)",
        ),
    ),
    Signature(
        r"exec: \"?nvidia-container-(?:runtime(?:-hook)?|cli|toolkit)\"?: executable file not found", 0.9
    ),
    Signature(
        r"(?:fork/exec|stat) \S*/nvidia-container-(?:runtime|cli|toolkit)\S*: no such file or directory", 0.88
    ),
    Signature(
        r"nvidia-container-cli: (?:command )?not found|nvidia-ctk: (?:command )?not found",
        0.8,
        needs=(r"not found",),
    ),
    Signature(r"failed to discover GPU vendor from CDI: no known GPU vendor found", 0.9),
    Signature(r"dpkg-query: no packages found matching nvidia-container-toolkit", 0.9),
    # The tool by its name: shells, apt, Apptainer, LXC, Nomad.
    Signature(
        r"nvidia-container-(?:cli|toolkit|runtime(?:-hook)?)\W{0,3} ?(?:not found|not installed|is not installed|could not be found|isn't installed|missing)|(?:find|locate|without|missing|no) (?:the )?[`'\"]?(?:nvidia-container-(?:cli|toolkit|runtime)|NVIDIA Container Toolkit)",
        0.8,
        unless=(r"(?:unable to|cannot) find .{0,40}config", r"desktop-linux|snap"),
    ),
    Signature(
        r"nvidia-docker: (?:command )?not found|docker: 'nvidia' is not a docker command|(?:unable to|couldn't) (?:locate|find) (?:any )?package (?:by \w+ )?nvidia-(?:docker2?|container-toolkit)",
        0.85,
    ),
    Signature(
        r"(?:after |by )?install(?:ing|ed)? (?:the )?(?:nvidia-container-toolkit|nvidia-docker2?|NVIDIA Container Toolkit).{0,60}(?:fix\w*|solv\w*|work\w*|resolv\w*)",
        0.75,
    ),
    Signature(r"LXC hook couldn't find|nvidia-container-cli.{0,30}command not found", 0.8),
    Signature(
        r"nvidia-(?:container-toolkit|docker2|container-runtime)\W{0,2} has no installation candidate|dpkg -l ?\| ?grep (?:-i )?nvidia-(?:container|docker).{0,20}(?:nothing|empty|no )",
        0.84,
    ),
)


def check(host: Host, driver: Driver, gpu: Gpu, containers: Containers) -> Iterator[Problem]:
    daemons = [d for d in docker_daemons(containers) if d.flavour != "snap"]
    if not daemons:
        raise DoesNotApply("Docker is a snap: the host's toolkit is out of its reach")
    need_a_gpu(host, driver, gpu)
    if toolkit_usable(containers) or nvidia_specs(containers):
        return
    intended = any(names_nvidia(daemon) for daemon in daemons)
    yield Problem(
        "Docker is here and a GPU is here, but the NVIDIA Container Toolkit between them is not",
        # Many hosts have Docker for other work: without a sign that GPUs are wanted in it, a warning is enough.
        severity="failure" if intended else "warning",
        evidence=(
            seen("container toolkit", containers.toolkit),
            *(
                Evidence("Docker", f"{d.flavour} {value_of(d.version, '')}".strip(), d.endpoint)
                for d in daemons
            ),
            *(seen("runtimes in its file", d.file_runtimes) for d in daemons if names_nvidia(d)),
        ),
        fix=_fix(host, restart(daemons[0])),
    )


def _fix(host: Host, restarting: str) -> Fix:
    distribution = value_of(host.distribution, None)
    family = {distribution.id, *distribution.like} if distribution else set()
    install: tuple[str, ...] = ()
    base = "https://nvidia.github.io/libnvidia-container"
    if family & {"debian", "ubuntu"}:
        key = "/usr/share/keyrings/nvidia-container-toolkit-keyring.gpg"
        install = (
            f"curl -fsSL {base}/gpgkey | sudo gpg --dearmor -o {key}",
            f'echo "deb [signed-by={key}] {base}/stable/deb/$(dpkg --print-architecture) /" '
            "| sudo tee /etc/apt/sources.list.d/nvidia-container-toolkit.list",
            "sudo apt-get update && sudo apt-get install -y nvidia-container-toolkit",
        )
    elif family & {"rhel", "fedora", "centos"}:
        install = (
            f"curl -fsSL {base}/stable/rpm/nvidia-container-toolkit.repo "
            "| sudo tee /etc/yum.repos.d/nvidia-container-toolkit.repo",
            "sudo dnf install -y nvidia-container-toolkit",
        )
    return Fix(
        "Install the package nvidia-container-toolkit, register its runtime, restart Docker",
        (*install, "sudo nvidia-ctk runtime configure --runtime=docker", restarting) if install else (),
    )
