"""Settings that the driver's programs and systemd hold: persistence, compute mode, a daemon that has nothing to do."""

from __future__ import annotations

from gpudoctor.changes.plan import Action, Plan
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import Known, value_of
from gpudoctor.findings import Finding
from gpudoctor.fixes.see import Manual, See

mends = ("persistence-mode-off", "gpu-exclusive-mode", "fabric-manager-not-needed", "nccl-shared-memory")

#: NVML's names of the compute modes, and what nvidia-smi -c calls them.
_MODES = {
    "exclusive-thread": "EXCLUSIVE_THREAD",
    "prohibited": "PROHIBITED",
    "exclusive-process": "EXCLUSIVE_PROCESS",
}
_SHM = "/dev/shm"


def plan(finding: Finding, machine: Machine, see: See) -> Plan:
    makers = {
        "persistence-mode-off": _persistence,
        "gpu-exclusive-mode": _compute_mode,
        "fabric-manager-not-needed": _fabric_manager,
        "nccl-shared-memory": _shared_memory,
    }
    title, action = makers[finding.id](finding, machine, see)
    return Plan(
        finding.id,
        title,
        "unsafe",
        finding.subject,
        actions=(action,),
        recheck=(finding.id,),
        needs_root=True,
    )


def _persistence(finding: Finding, machine: Machine, see: See) -> tuple[str, Action]:
    if isinstance(machine.driver.persistence_daemon, Known):
        return "Run the persistence daemon", _service(see, "nvidia-persistenced", on=True)
    smi = see.program("nvidia-smi")
    gpu = finding.subject.name
    action = Action((smi, "-i", gpu, "-pm", "1"), "keep the GPU initialised", (smi, "-i", gpu, "-pm", "0"))
    return f"Switch persistence mode on for {finding.subject.label}, until the next reboot", action


def _compute_mode(finding: Finding, machine: Machine, see: See) -> tuple[str, Action]:
    mode = next((e.value for e in finding.evidence if e.what == "compute mode"), "")
    before = _MODES.get(mode.lower().replace(" ", "-").replace("_", "-"))
    if before is None:
        raise Manual(f"compute mode {mode!r} has no name that nvidia-smi would take to restore it")
    smi, gpu = see.program("nvidia-smi"), finding.subject.name
    action = Action(
        (smi, "-i", gpu, "-c", "DEFAULT"),
        "several processes may use this GPU",
        (smi, "-i", gpu, "-c", before),
    )
    return f"Let several processes use {finding.subject.label}", action


def _fabric_manager(finding: Finding, machine: Machine, see: See) -> tuple[str, Action]:
    return "Disable the Fabric Manager", _service(see, "nvidia-fabricmanager", on=False)


def _service(see: See, name: str, on: bool) -> Action:
    systemctl = see.program("systemctl")
    forth, back = ("enable", "disable") if on else ("disable", "enable")
    return Action(
        (systemctl, forth, "--now", name),
        f"{name} {'runs' if on else 'does not run'}, now and after a reboot",
        (systemctl, back, "--now", name),
        state_argv=(systemctl, "is-enabled", name),
    )


def _shared_memory(finding: Finding, machine: Machine, see: See) -> tuple[str, Action]:
    if isinstance(machine.containers.inside, Known):
        raise Manual("a container's shared memory is given to it when it is started")
    size = next((f.size for f in (value_of(machine.host.shm, None),) if f is not None), 0)
    if not size:
        raise Manual(f"the size of {_SHM} is not known")
    mount = see.program("mount")
    action = Action(
        (mount, "-o", "remount,size=1G", _SHM),
        "until the next reboot; a line in /etc/fstab makes it last",
        (mount, "-o", f"remount,size={size}", _SHM),
    )
    return f"Give {_SHM} 1 GiB", action
