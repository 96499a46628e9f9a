"""`image build`: choose a builder, build, and name the cause where that fails."""

from __future__ import annotations

import os
import re
import shutil

from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.record import Record
from gpudoctor.images.building.steps import Builder, Built, Order, Watch
from gpudoctor.logs.diagnosis import Diagnosis
from gpudoctor.system.live import Live
from gpudoctor.versions import older

BUILDERS: tuple[Builder, ...] = ("buildx", "docker", "podman", "buildah")
#: How long a builder may take to say that it is there (seconds).
_ANSWER = 10.0
#: The first that knows --progress=rawjson (its release notes).
OLDEST_BUILDX = "0.13"
#: Build arguments that Docker knows without their being declared; in capitals and not, for programs differ.
_PROXY = ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")


class Request(Record):
    """`mirror`: none, cn, or a profile's file. `proxy`: for the build's downloads. `ca`: a file of certificates, given to
    the build as the secret "ca". `builder`: "" for the first of BUILDERS that answers."""

    order: Order
    builder: str = ""
    mirror: str = "none"
    proxy: str = ""
    ca: str = ""


class Result(Record):
    """`diagnoses`: what the failed step's output betrays, best first. `notes`: what was asked for and had no effect."""

    built: Built
    diagnoses: tuple[Diagnosis, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        return 0 if self.built.ok else 1


def build(request: Request, watch: Watch) -> Result:
    """Raises GpudoctorError where nothing could be begun: no Dockerfile, no builder, a secret that is not there."""
    order = request.order
    recipe = _recipe(order)
    order, notes = _equipped(request, recipe)
    for name, path in order.secrets:
        if not os.path.isfile(path):
            raise GpudoctorError(f"the secret {name} has no file {path}", note="nothing was built")
    port = Live(_ANSWER * 4)
    try:
        builder, endpoint = _choose(port, request.builder)
    finally:
        port.close()
    built = _build(order, builder, endpoint, watch)
    if built.ok or built.timed_out:
        return Result(built, (), notes)
    from gpudoctor.workflows.diagnose import diagnose_text

    step = built.failed
    return Result(built, diagnose_text(built.text, step.name if step else "the build").known, notes)


def _build(order: Order, builder: Builder, endpoint: str, watch: Watch) -> Built:
    try:
        if builder == "buildx":
            from gpudoctor.images.building import buildx

            return buildx.build(order, watch)
        if builder == "docker":
            from gpudoctor.images.building import classic

            return classic.build(order, watch, endpoint)
        from gpudoctor.images.building import podman

        return podman.build(order, watch, builder)
    except OSError as error:
        raise GpudoctorError(
            f"{builder} can't be started: {error.strerror or error}", note="nothing was built"
        ) from None


def _recipe(order: Order) -> str:
    if not os.path.isdir(order.context):
        raise GpudoctorError(
            f"{order.context} is no folder", context="the build's context", note="nothing was built"
        )
    candidates = (
        [order.dockerfile]
        if order.dockerfile
        else [os.path.join(order.context, name) for name in ("Dockerfile", "Containerfile")]
    )
    for path in candidates:
        try:
            with open(path, encoding="utf-8", errors="replace") as file:
                return file.read()
        except FileNotFoundError:
            continue
        except OSError as error:
            raise GpudoctorError(
                f"{path} can't be read: {error.strerror}", note="nothing was built"
            ) from None
    raise GpudoctorError(
        f"there is no {' and no '.join(candidates)}",
        note="nothing was built",
        hint="`gpudoctor image plan` writes one that fits a driver; --file names another",
    )


def _equipped(request: Request, recipe: str) -> tuple[Order, tuple[str, ...]]:
    """The order with mirrors, proxy and certificates, and what of these the recipe does not take."""
    from gpudoctor.knowledge import mirrors

    order = request.order
    arguments, secrets, notes = dict(order.build_args), dict(order.secrets), []
    declared = set(re.findall(r"^\s*ARG\s+(\w+)", recipe, re.M | re.I))
    mounted = set(re.findall(r"--mount=\S*type=secret\S*?id=([\w.-]+)", recipe))
    profile = mirrors.profile(request.mirror)
    offered = {
        "PIP_INDEX_URL": profile.pip_index,
        **{name: rule.to for rule in profile.apt if rule.verified for name in _apt_arguments(rule.path)},
    }
    taken = {
        name: value for name, value in offered.items() if value and name in declared and name not in arguments
    }
    arguments.update(taken)
    if any(offered.values()) and not taken:
        wanted = ", ".join(name for name, value in offered.items() if value)
        notes.append(f"--mirror {request.mirror} has no effect: the recipe declares none of ARG {wanted}")
    if request.proxy:
        arguments.update({name: request.proxy for name in _PROXY if name not in arguments})
    output = order.output
    if output.startswith("type=oci") and (epoch := os.environ.get("SOURCE_DATE_EPOCH")):
        # https://docs.docker.com/build/ci/github-actions/reproducible-builds/
        output += ",rewrite-timestamp=true"
        arguments.setdefault("SOURCE_DATE_EPOCH", epoch)
    if request.ca:
        secrets["ca"] = request.ca
        if "ca" not in mounted:
            notes.append("--ca has no effect: the recipe mounts no secret of the id ca")
    equipped = order.replace(
        build_args=tuple(arguments.items()), secrets=tuple(secrets.items()), output=output
    )
    return equipped, tuple(notes)


def _apt_arguments(path: str) -> tuple[str, ...]:
    """A mirror's rule for "/ubuntu" is offered as APT_MIRROR_UBUNTU."""
    return (f"APT_MIRROR_{path.strip('/').upper().replace('-', '_').replace('/', '_')}",)


# ---------------------------------------------------------------- the builder


def _choose(port: Live, wanted: str) -> tuple[Builder, str]:
    """The builder and, for the classic one, where its engine listens."""
    from gpudoctor.probes.container_engines import selected

    endpoint, by = selected(port)
    reasons: list[str] = []
    for builder in BUILDERS:
        if wanted and builder != wanted:
            continue
        reason = _lacks(port, builder, endpoint, by)
        if not reason:
            return builder, endpoint
        reasons.append(f"{builder}: {reason}")
    raise GpudoctorError(
        "no builder answers" if not wanted else f"{wanted} can't build here",
        context="; ".join(reasons),
        note="nothing was built",
        hint="start Docker's daemon, or install podman or buildah",
    )


def _lacks(port: Live, builder: Builder, endpoint: str, by: str) -> str:
    """Why it can't be used; "" where it can."""
    if builder == "docker":
        return _ping(endpoint, by)
    program = "docker" if builder == "buildx" else builder
    if shutil.which(program) is None:
        return f"no {program} on PATH"
    if builder != "buildx":
        return ""
    plugin = port.run(["docker", "buildx", "version"], _ANSWER)
    if plugin.code != 0:
        return "docker has no buildx plugin"
    found = re.search(r"\bv?(\d+\.\d+)", plugin.stdout)
    if found and older(found[1], OLDEST_BUILDX):
        return f"buildx {found[1]} does not tell its progress as JSON; {OLDEST_BUILDX} does"
    answer = port.run(["docker", "version", "--format", "{{.Server.Version}}"], _ANSWER)
    said = (answer.stderr or answer.stdout).strip().splitlines()
    return "" if answer.code == 0 else said[-1] if said else "the daemon does not answer"


def _ping(endpoint: str, by: str) -> str:
    if not endpoint:
        return f"{by} names no daemon"
    import docker.errors

    from gpudoctor.images.daemon import client, why

    try:
        api = client(endpoint, _ANSWER)
        try:
            api.ping()
        finally:
            api.close()
    except (docker.errors.DockerException, OSError, ValueError) as error:
        return f"{endpoint} ({by}) does not answer: {why(error)}"
    return ""
