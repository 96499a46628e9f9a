"""The driver's modules and device nodes: loaded and made, or made again, by the driver's own programs."""

from __future__ import annotations

import shlex

from gpudoctor.changes.plan import Action, Plan
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import Finding
from gpudoctor.fixes.see import Manual, See

mends = ("uvm-not-working", "device-node-missing-or-permission", "kernel-module-not-loaded")

UVM_NODES = ("/dev/nvidia-uvm", "/dev/nvidia-uvm-tools")
#: What `nvidia-modprobe -c 0` makes beside them.
CONTROL_NODES = ("/dev/nvidia0", "/dev/nvidiactl")

#: https://download.nvidia.com/XFree86/Linux-x86_64/550.163.01/README/powermanagement.html
SUSPEND_UNITS = ("nvidia-suspend", "nvidia-hibernate", "nvidia-resume")
UNIT_FOLDERS = ("/usr/lib/systemd/system", "/lib/systemd/system", "/etc/systemd/system")
SUSPEND_FILE = "/etc/modprobe.d/nvidia-preserve-memory.conf"
SUSPEND_LINE = "options nvidia NVreg_PreserveVideoMemoryAllocations=1 NVreg_TemporaryFilePath=/var/tmp\n"


def plan(finding: Finding, machine: Machine, see: See) -> Plan:
    if finding.fix is None or finding.fix.applicability == "manual":
        raise Manual("a person has to do this one")
    if finding.id == "kernel-module-not-loaded":
        return _module(finding, machine, see)
    if finding.id == "uvm-not-working":
        return _uvm(finding, machine, see)
    if finding.fix.applicability == "safe":
        return _missing(finding, see)
    return _group(finding, machine, see) if "usermod" in finding.fix.commands[0] else _no_device(finding, see)


def _module(finding: Finding, machine: Machine, see: See) -> Plan:
    kernel = value_of(machine.host.kernel, "")
    if not any(f.kernel == kernel for f in value_of(machine.driver.module_files, ())):
        raise Manual(
            "there is no module for the running kernel: it has to be built, which is the driver's installation"
        )
    modprobe = see.program("modprobe")
    action = Action((modprobe, "nvidia"), "load the module", (modprobe, "-r", "nvidia"))
    return _plan(finding, "Load NVIDIA's kernel module", "unsafe", action)


def _uvm(finding: Finding, machine: Machine, see: See) -> Plan:
    loaded = "nvidia_uvm" in value_of(machine.driver.loaded_modules, ())
    made = tuple(path for path in (*UVM_NODES, *CONTROL_NODES) if not see.is_there(path))
    modprobe = see.program("modprobe")
    if finding.fix is not None and finding.fix.applicability == "unsafe":
        # Loaded before and after: nothing to take back.
        return _with_suspend(
            machine,
            see,
            _plan(
                finding,
                "Load nvidia-uvm anew",
                "unsafe",
                Action(
                    (modprobe, "-r", "nvidia_uvm"),
                    "unload it; refused while a program uses it",
                    (modprobe, "nvidia_uvm"),
                ),
                Action((modprobe, "nvidia_uvm"), "load it again"),
            ),
        )
    back = [f"rm -f {' '.join(made)}"] if made else []
    back += [] if loaded else [f"{modprobe} -r nvidia_uvm || true"]
    action = Action(
        (see.program("nvidia-modprobe"), "-c", "0", "-u"),
        "load nvidia-uvm and make its node",
        ("sh", "-c", "; ".join(back)) if back else (),
    )
    return _plan(finding, "Load nvidia-uvm and make its node", "safe", action)


def _with_suspend(machine: Machine, see: See, plan: Plan) -> Plan:
    """After a suspend it comes back with the next one, unless the driver saves what is in the GPU's memory."""
    kept = value_of(machine.driver.parameters, {}).get("PreserveVideoMemoryAllocations", "0")
    slept = any(event.kind == "resume" for event in value_of(machine.host.kernel_log, ()))
    said = any(
        "NVreg_PreserveVideoMemoryAllocations" in see.text(f"/etc/modprobe.d/{name}")
        for name in see.listed("/etc/modprobe.d")
        if name.endswith(".conf")
    )
    units = [unit for unit in SUSPEND_UNITS if any(see.is_there(f"{f}/{unit}.service") for f in UNIT_FOLDERS)]
    if not slept or kept == "1" or said or not units:
        return plan
    systemctl = see.program("systemctl")
    enable = Action((systemctl, "enable", *units), "they save and restore it", (systemctl, "disable", *units))
    change = see.edit(SUSPEND_FILE, SUSPEND_LINE, "the driver saves the GPU's memory when the machine sleeps")
    note = "saving the GPU's memory holds from the next load of the driver on: reboot when you can"
    return plan.replace(files=(change,), actions=(*plan.actions, enable), notes=(*plan.notes, note))


def _missing(finding: Finding, see: See) -> Plan:
    paths = next((e.value for e in finding.evidence if e.what == "missing"), "").split(", ")
    program = see.program("nvidia-modprobe")
    numbers = [p[len("/dev/nvidia") :] for p in paths if p[len("/dev/nvidia") :].isdigit()]
    actions = []
    for number in numbers or ["0"]:
        # It makes the control node too.
        new = [p for p in (f"/dev/nvidia{number}", "/dev/nvidiactl") if p in paths and not see.is_there(p)]
        back = ("rm", "-f", *new) if new else ()
        actions.append(Action((program, "-c", number), f"make /dev/nvidia{number}", back))
    return _plan(finding, "Make the missing device nodes", "safe", *actions)


def _no_device(finding: Finding, see: See) -> Plan:
    """A plain file where a device belongs, mostly made by `docker run -v /dev/nvidia0`: it is kept beside, not deleted."""
    paths = [e.what for e in finding.evidence]
    aside = [f"mv {shlex.quote(p)} {shlex.quote(p)}.gpudoctor" for p in paths]
    back = [f"rm -f {shlex.quote(p)}; mv {shlex.quote(p)}.gpudoctor {shlex.quote(p)}" for p in paths]
    return _plan(
        finding,
        f"Replace {', '.join(paths)} by device nodes",
        "unsafe",
        Action(("sh", "-c", " && ".join(aside)), "put it aside", ("sh", "-c", "; ".join(back))),
        Action(
            (see.program("nvidia-modprobe"), "-c", "0", "-u"),
            "make the nodes anew",
            ("rm", "-f", *paths, *(p for p in (*UVM_NODES, *CONTROL_NODES) if not see.is_there(p))),
        ),
    )


def _group(finding: Finding, machine: Machine, see: See) -> Plan:
    if see.login is None:
        raise Manual("another root has no user who logs in")
    node = next((n for n in value_of(machine.driver.nodes, ()) if n.path == finding.evidence[0].what), None)
    group = _group_name(see, node.gid) if node is not None else ""
    if not group:
        raise Manual("the group of the node has no name here")
    user = see.login.user
    return _plan(
        finding,
        f"Add {user} to the group {group}",
        "unsafe",
        Action(
            (see.program("usermod"), "-aG", group, user),
            f"{group} may open the nodes",
            (see.program("gpasswd"), "-d", user, group),
        ),
    ).replace(notes=("it holds from the next login on: log out and in again",))


def _group_name(see: See, gid: int) -> str:
    for line in see.text("/etc/group").splitlines():
        parts = line.split(":")
        if len(parts) > 2 and parts[2] == str(gid):
            return parts[0]
    return ""


def _plan(finding: Finding, title: str, grade: str, *actions: Action) -> Plan:
    return Plan(
        finding.id,
        title,
        "safe" if grade == "safe" else "unsafe",
        actions=tuple(actions),
        recheck=(finding.id,),
        needs_root=True,
    )
