"""Docker does not know the nvidia runtime

What it is: The container toolkit is installed, but this daemon has no runtime called nvidia: its file does not define
one, or the file that defines it is not the one that this daemon reads, or the daemon has not read it again since.

Why it hurts: `docker run --runtime=nvidia` fails with "unknown or invalid runtime name: nvidia", and with it compose
files that ask for that runtime and everything that relies on a default runtime. `--gpus all` may still work, as it needs
the toolkit's hook only.

How to tell: The runtimes in the daemon's answer (`docker info`) against those in the file that it reads: by its command
line, and per kind of daemon (/etc/docker/daemon.json, ~/.config/docker/daemon.json when rootless).

How to fix: `nvidia-ctk runtime configure --runtime=docker --config=FILE` for the right file, then reload the daemon:
runtimes are read again on SIGHUP, running containers go on.

Sources: https://docs.nvidia.com/datacenter/cloud-native/container-toolkit/latest/install-guide.html#configuring-docker
https://github.com/NVIDIA/nvidia-container-toolkit/issues/378
https://docs.docker.com/reference/cli/dockerd/#daemon-configuration-file
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers, Engine
from gpudoctor.facts.driver import Driver
from gpudoctor.facts.gpu import Gpu
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Known, Unknown
from gpudoctor.findings import CouldNotTell, DoesNotApply, Fix, Problem, Severity, seen
from gpudoctor.rules.containers._shared import (
    config_file,
    daemon,
    docker_daemons,
    names_nvidia,
    need_a_gpu,
    not_this_users,
    nvidia_specs,
    restart,
    sudo,
    the_toolkit,
    toolkit_usable,
)
from gpudoctor.signature import Signature

signatures: tuple[Signature | str, ...] = (
    # Prose: what was not run after the installation, and what the engine does not know.
    Signature(
        r"(?:forg[eo]t\w*|missed|skipped|n't run|not run|without running|never ran) .{0,30}nvidia-ctk runtime configure",
        0.76,
        needs=(r"runtime",),
        unless=(r"Unknown Error", r"unresolvable CDI"),
    ),
    Signature(
        r"(?:unknown|invalid|unsupported|unrecognized) (?:container )?runtime",
        0.72,
        needs=(r"runtime(?:: ?|=| )nvidia|nvidia runtime",),
    ),
    Signature(r"unknown or invalid runtime name: nvidia", 0.95),
    Signature(r"Unknown runtime specified \"?nvidia", 0.95),
    Signature(r"no runtime for \"?\\?\"?nvidia\\?\"?\"? is configured", 0.95),
    Signature(r"RuntimeHandler \"?\\?\"?nvidia\\?\"?\"? not (?:supported|found)", 0.95),
    Signature(r"unable to get OCI runtime for sandbox .{0,200}nvidia", 0.85),
    Signature(
        r"(?:default runtime|runtime) \"?nvidia\"? (?:not found|is not (?:configured|registered|defined))",
        0.85,
    ),
    Signature(
        r"failed to (?:create|find) runtime handler nvidia|failed to find runtime handler nvidia", 0.93
    ),
    Signature(r"specified default runtime '?nvidia'? does not exist", 0.9),
    Signature(r"error running container: .{0,60}default OCI runtime \"nvidia\" not found", 0.9),
    # `docker info` beside a command that asks for it.
    Signature(
        r"^Runtimes: (?P<runtimes>[^\n]{3,200})$",
        0.75,
        when="no-nvidia-runtime",
        needs=(r"--runtime[= ]nvidia|runtime: nvidia|RuntimeClass|could not select device driver",),
        explanation="The daemon lists the runtimes {runtimes} and none of NVIDIA's.",
    ),
    Signature(r"OCI runtime \"?nvidia\"? not found|Requested runtime \"?nvidia\"? not found", 0.93),
    Signature(
        r"(?:unknown?|invalid|no such|unrecognized) (?:or invalid )?(?:OCI )?runtime(?: name| specified)?:? [\"'`]?nvidia",
        0.93,
    ),
    Signature(
        r"runtime(?: handler)? [\"'`]?nvidia[\"'`]? (?:not found|not supported|is not supported|unknown|does not exist|not configured|is not known)",
        0.9,
    ),
    Signature(r"(?:no|unknown) runtime (?:handler )?(?:for )?[\"'`]?nvidia", 0.88),
    Signature(r"nvidia-ctk runtime configure .{0,200}(?:fix\w*|solv\w*|work\w*|resolv\w*)", 0.7),
    # Docker's refusal, and what mended it: the toolkit was there, and not written into the daemon's file.
    Signature(
        r"nvidia-ctk runtime configure .{0,160}(?:fix(?:ed|es)|solv(?:ed|es)|works?|worked|resolv(?:ed|es))\b",
        0.96,
        needs=(r"could not select device driver",),
        unless=(
            r"install(?:ed|ing)? (?:the )?(?:nvidia-container-toolkit|NVIDIA Container Toolkit)|not installed",
        ),
    ),
    Signature(
        r"(?:\"default-runtime\": ?\"nvidia\"|daemon\.json).{0,120}(?:fix(?:ed|es)|solv(?:ed|es)|works?|worked|resolv(?:ed|es)|missing|missed)\b",
        0.72,
        needs=(r"runtime", r"nvidia|gpu"),
        unless=(r"device[- ]plugin|kube|k8s|Unknown Error|could not select",),
    ),
)


def check(host: Host, driver: Driver, gpu: Gpu, containers: Containers) -> Iterator[Problem | CouldNotTell]:
    daemons = docker_daemons(containers)
    the_toolkit(containers)
    need_a_gpu(host, driver, gpu)
    if not toolkit_usable(containers):
        raise DoesNotApply("the toolkit's programs are not installed")
    specs = bool(nvidia_specs(containers))
    for engine in daemons:
        if engine.flavour == "snap":
            continue  # it can't reach the toolkit at all: that has a page of its own
        listed = engine.runtimes
        if isinstance(listed, Known):
            if any("nvidia" in name for name in listed.value):
                continue
        elif isinstance(engine.file_runtimes, Unknown):
            yield CouldNotTell(
                f"the runtimes of {engine.endpoint}: {engine.file_runtimes.reason}",
                engine.file_runtimes.would_help,
                daemon(engine),
                not_this_users(engine),
            )
            continue
        elif names_nvidia(engine):
            continue  # written down, and nobody answers to contradict it
        yield _problem(engine, specs)


def _problem(engine: Engine, specs: bool) -> Problem:
    written = names_nvidia(engine)
    file = config_file(engine)
    severity: Severity = "failure" if written else "note" if specs else "warning"
    if written:
        title = f"{file} defines the nvidia runtime, but the running daemon does not list it"
    else:
        title = f"The container toolkit is installed, but Docker's file {file} defines no nvidia runtime"
    configure = f"{sudo(engine)}nvidia-ctk runtime configure --runtime=docker --config={file}"
    reload = restart(engine).replace("restart", "reload")
    return Problem(
        title,
        daemon(engine),
        severity,
        (
            seen("runtimes of the daemon", engine.runtimes),
            seen("runtimes in its file", engine.file_runtimes),
            seen("file that this daemon reads", engine.config_file),
            seen("default runtime", engine.default_runtime),
        ),
        explanation="CDI specifications are here, so devices can be asked for by CDI name; only the runtime's name fails."
        if severity == "note"
        else "",
        fix=Fix(
            "Let the daemon read its file again" if written else "Register the runtime and reload the daemon",
            (reload,) if written else (configure, reload),
            "unsafe",
        ),
    )
