"""What `fix` leaves to `runtime configure`: the same plan, for the daemon that the finding is about."""

from __future__ import annotations

from gpudoctor.changes.plan import Plan
from gpudoctor.errors import GpudoctorError
from gpudoctor.facts.machine import Machine
from gpudoctor.findings import Finding
from gpudoctor.fixes.see import Manual, See
from gpudoctor.workflows.runtime.find import Request

mends = (
    "container-runtime-not-registered",
    "docker-default-runtime-undefined",
    "docker-needs-restart-for-gpus",
    "docker-runtime-path-missing",
)

#: Mended by nvidia-ctk where it is there (`fixes/cdi_files.py`), and by a specification of our own where it isn't.
SPECIFICATIONS = ("cdi-spec-stale", "cdi-spec-too-new")

COMMAND = "gpudoctor runtime configure docker"


def plan(finding: Finding, machine: Machine, see: See) -> Plan:
    """As a fix's module: raises Manual where it can't be done here."""
    from gpudoctor.workflows import runtime

    if finding.id in SPECIFICATIONS:
        return specification(finding, see)
    if finding.fix is None or finding.fix.applicability == "manual":
        raise Manual("it is for you to say what is wanted")
    if see.login is not None and see.login.other and "rootless" in finding.subject.label:
        raise Manual(
            f"this Docker is {see.login.user}'s own: run it as {see.login.user}", (f"{COMMAND} --apply",)
        )
    request = Request("docker", repoint=finding.id == "docker-runtime-path-missing", root=see.port.prefix)
    try:
        made = runtime.planned(request).plan
    except GpudoctorError as error:
        raise Manual("; ".join(filter(None, (error.what, error.hint)))) from None
    files = {change.path for change in made.files}
    ours = finding.subject.name in (made.subject.name, *files)
    if not ours:
        raise Manual(
            f"`docker` reaches another daemon from here ({made.subject.name})",
            (f"DOCKER_HOST={finding.subject.name} {COMMAND} --apply",),
        )
    return made.replace(id=finding.id, recheck=(finding.id,))


def is_ours(finding: Finding, see: See) -> bool:
    """No other fix can do this one."""
    if finding.id not in SPECIFICATIONS:
        return finding.id in mends
    try:
        see.program("nvidia-ctk")
    except Manual:
        return True
    return False


def specification(finding: Finding, see: See) -> Plan:
    """The CDI specification as `runtime configure` writes it, of the driver's files and GPUs that are here."""
    from gpudoctor.workflows.runtime import specs
    from gpudoctor.workflows.runtime.find import open_port

    path = finding.subject.name
    port = open_port(see.port.prefix)
    try:
        made = specs.refreshed(port, path)
    except GpudoctorError as error:
        raise Manual("; ".join(filter(None, (error.what, error.hint)))) from None
    finally:
        getattr(port, "close", lambda: None)()
    title = f"Write {path} again (there is no nvidia-ctk: gpudoctor does)"
    return Plan(
        finding.id, title, "unsafe", finding.subject, made.files, recheck=(finding.id,), notes=made.notes
    )
