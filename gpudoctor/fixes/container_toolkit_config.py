"""Settings of NVIDIA's container toolkit in /etc/nvidia-container-runtime/config.toml, its comments kept."""

from __future__ import annotations

from collections.abc import Mapping

from gpudoctor.changes.plan import Plan
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import Finding
from gpudoctor.fixes import cdi_files
from gpudoctor.fixes.see import Manual, See
from gpudoctor.rules.containers._shared import the_toolkit
from gpudoctor.runtimes import toolkit_config
from gpudoctor.runtimes.edited import Refused

mends = (
    "container-rootless-cgroups",
    "container-runtime-config-wrong",
    "container-toolkit-no-cgroups-rootful",
    "nvidia-container-ldconfig-missing",
)

_SECTION = "nvidia-container-cli"


def plan(finding: Finding, machine: Machine, see: See) -> Plan:
    if finding.fix is None or finding.fix.applicability == "manual":
        raise Manual("which setting is right can't be told from here")
    path = finding.subject.name if finding.subject.kind == "file" else toolkit_config.PATH
    if finding.id == "container-rootless-cgroups":
        if any("cdi generate" in command for command in finding.fix.commands):
            return cdi_files.generated(finding, see, "/etc/cdi/nvidia.yaml")
        path = str(value_of(the_toolkit(machine.containers).config_file, toolkit_config.PATH))
    if see.read(path) is None:
        raise Manual(f"{path} is not there")
    settings, why = _settings(finding, see)
    try:
        edited = toolkit_config.put(see.text(path), settings)
    except Refused as error:
        raise Manual(f"{path} can't be edited safely: {error}") from None
    change = see.edit(path, edited.text, why)
    words = ", ".join(f"{key} = {value}" for key, value in settings.items())
    return Plan(
        finding.id, f"Set {words}", "unsafe", files=(change,), recheck=(finding.id,), notes=edited.notes
    )


def _settings(finding: Finding, see: See) -> tuple[Mapping[str, bool | str], str]:
    if finding.id == "container-toolkit-no-cgroups-rootful":
        return {
            f"{_SECTION}.no-cgroups": False
        }, "without device rules a rootful container may not open the GPU"
    if finding.id == "container-rootless-cgroups":
        return {f"{_SECTION}.no-cgroups": True}, "rootless Docker can't set device rules"
    if finding.id == "nvidia-container-ldconfig-missing":
        for place in (
            "/sbin/ldconfig.real",
            "/usr/sbin/ldconfig.real",
            "/sbin/ldconfig",
            "/usr/sbin/ldconfig",
        ):
            if see.is_there(place):
                return {f"{_SECTION}.ldconfig": f"@{place}"}, f"this machine's ldconfig is {place}"
        raise Manual("there is no ldconfig on this machine")
    if not any(e.what == "the host's own driver" for e in finding.evidence):
        raise Manual("the file can't be read: it has to be corrected first")
    return {f"{_SECTION}.root": "/"}, "the host's own driver is used"
