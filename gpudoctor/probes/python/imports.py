"""What importing a framework really gives: in its own interpreter, in a child, with a deadline."""

from __future__ import annotations

import json
import signal
from typing import Any

from gpudoctor.facts.frameworks import Build, Imported
from gpudoctor.facts.observed import Known, Observed, Unknown
from gpudoctor.probes.python.layout import Layout
from gpudoctor.probes.python.select import runnable
from gpudoctor.system.port import NotHere, Port, Ran

HELPERS = {"torch": "torch_info", "tensorflow": "tensorflow_info", "jax": "jax_info"}
#: An import of TensorFlow from a cold disk takes 15 s; longer is a hang, or the whole deadline is over (seconds).
TIMEOUT = 60.0
#: Kept of what a child wrote when it died.
WORDS = 600


def with_imports(port: Port, layout: Layout, builds: tuple[Build, ...]) -> tuple[Build, ...]:
    return tuple(
        build.replace(imported=imported(port, layout, HELPERS[build.framework]))
        if build.framework in HELPERS
        else build
        for build in builds
    )


def imported(port: Port, layout: Layout, helper: str) -> Observed[Imported]:
    refused = runnable(port, layout.path)
    if refused:
        return Unknown(refused)
    via = f"{layout.path}: import {helper.partition('_')[0]}"
    sites = json.dumps([folder for folder in layout.sites if folder not in layout.python_path])
    from gpudoctor.system.child import source

    # -I: neither the working directory nor PYTHONPATH can put another torch.py in front; the user's own site folder,
    # which -I leaves out too, is handed over.
    argv = [layout.path, "-I", "-c", source("unprivileged"), "python", source(helper), sites]
    try:
        ran = port.run(argv, TIMEOUT, cwd="/")
    except NotHere as error:
        return Unknown(str(error))
    except OSError as error:
        return Known(Imported("not-run", type(error).__name__, str(error.strerror or error)), via)
    if ran.code == 125:
        return Unknown("the privileges that an import must not have could not be given up")
    return Known(outcome(ran), via)


def outcome(ran: Ran) -> Imported:
    """A child's end in our words: its answer if it gave one, however it ended after that."""
    for line in reversed(ran.stdout.splitlines()):
        if line.startswith('{"answer"'):
            try:
                return _answer(json.loads(line)["answer"])
            except (ValueError, KeyError, TypeError, AttributeError):
                break
    last = ran.stderr.strip()[-WORDS:]
    if ran.timed_out:
        return Imported("hung", message=f"no end within {ran.seconds:.0f} s")
    if ran.signal is not None:
        try:
            name = signal.Signals(ran.signal).name
        except ValueError:
            name = f"signal {ran.signal}"
        return Imported("crashed", name, last)
    return Imported("failed", f"exit status {ran.code}", last)


def _answer(said: dict[str, Any]) -> Imported:
    state = said["state"]
    if state != "ok":
        return Imported("failed", str(said.get("error", "")), str(said.get("message", "")))
    base = Imported(
        "ok",
        version=str(said.get("version", "")),
        cuda=str(said.get("cuda", "")),
        cudnn=str(said.get("cudnn", "")),
        arch_list=tuple(str(a) for a in said.get("arch_list", ())),
        path=str(said.get("path", "")),
    )
    if "available" in said:
        base = base.replace(
            available=Known(bool(said["available"]), "the framework"),
            devices=Known(int(said.get("devices", 0)), "the framework"),
        )
    return base
