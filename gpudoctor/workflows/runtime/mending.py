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

COMMAND = "gpudoctor runtime configure docker"


def plan(finding: Finding, machine: Machine, see: See) -> Plan:
    """As a fix's module: raises Manual where it can't be done here."""
    from gpudoctor.workflows import runtime

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
