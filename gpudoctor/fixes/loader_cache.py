"""The loader's cache: made anew, told about WSL's libraries, and rid of driver libraries without bytes."""

from __future__ import annotations

from gpudoctor.changes.plan import FileChange, Plan
from gpudoctor.facts.machine import Machine
from gpudoctor.facts.observed import value_of
from gpudoctor.findings import Finding
from gpudoctor.fixes._loader import ldconfig
from gpudoctor.fixes.see import Manual, See

mends = ("loader-cache-stale", "wsl-libcuda-stub", "zero-size-libcuda")

WSL_LIBRARIES = "/usr/lib/wsl/lib"
WSL_CONF = "/etc/ld.so.conf.d/ld.wsl.conf"


def plan(finding: Finding, machine: Machine, see: See) -> Plan:
    files: tuple[FileChange, ...] = ()
    title = "Make the loader's cache anew"
    safe = True
    if finding.id == "wsl-libcuda-stub":
        if finding.fix is None or finding.fix.applicability != "safe":
            raise Manual("another libcuda is found first: its folder has to be taken away by hand")
        files = (_wsl(see),)
        title = f"Tell the loader about {WSL_LIBRARIES}"
    elif finding.id == "zero-size-libcuda":
        files, title, safe = _empty(machine, see), "Remove the driver libraries that have no bytes", False
    return Plan(
        finding.id,
        title,
        "safe" if safe else "unsafe",
        files=files,
        actions=(ldconfig(see),),
        recheck=(finding.id,),
        needs_root=True,
    )


def _wsl(see: See) -> FileChange:
    """The very file that Windows' own start of WSL writes."""
    text = see.text(WSL_CONF)
    end = "" if not text or text.endswith("\n") else "\n"
    return see.edit(WSL_CONF, f"{text}{end}{WSL_LIBRARIES}\n", "the libraries of Windows' driver are there")


def _empty(machine: Machine, see: See) -> tuple[FileChange, ...]:
    paths = dict.fromkeys(c.real_path for c in value_of(machine.driver.libraries, ()) if c.size == 0)
    changes = []
    for path in paths:
        content = see.read(path)
        if content != b"":
            raise Manual(f"{path} is {'not there' if content is None else 'not empty'} any more")
        changes.append(FileChange(path, b"", None, "a library without bytes hides the driver's own"))
    return tuple(changes)
