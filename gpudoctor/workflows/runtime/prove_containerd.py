"""containerd's proof: its own reading of its files, its CRI plugin, and a container through `ctr`."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator

from gpudoctor.facts.containers import Engine
from gpudoctor.facts.observed import value_of
from gpudoctor.runtimes.result import ProofStep
from gpudoctor.system.port import Port, which
from gpudoctor.workflows.runtime import find
from gpudoctor.workflows.runtime.containerd import dumped, effective
from gpudoctor.workflows.runtime.image import Image
from gpudoctor.workflows.runtime.prove import ASKING, Asked, Ran, containers

NAMESPACE = "gpudoctor"


def steps(port: Port, engine: Engine, asked: Asked) -> Iterator[ProofStep]:
    path = find.config_path(engine)
    data = dumped(port, engine, path)
    if data is None:
        yield ProofStep(
            "containerd reads its files", None, "its program is not here, or can't print what it read"
        )
        return
    inner = effective(data)
    runtime = inner.get("runtimes", {}).get(asked.runtime, {})
    options = runtime.get("options", {})
    program = options.get("BinaryName", "")
    named = bool(program)
    yield ProofStep(
        f"containerd reads a runtime {asked.runtime} from its files",
        named,
        program or f"none in {path} and its imports",
    )
    runc = inner.get("runtimes", {}).get("runc", {}).get("options", {})
    same = bool(options.get("SystemdCgroup")) == bool(runc.get("SystemdCgroup"))
    yield ProofStep(
        "it has runc's cgroup driver",
        same,
        f"SystemdCgroup = {str(bool(options.get('SystemdCgroup'))).lower()}",
    )
    if asked.default:
        default = inner.get("default_runtime_name", "")
        yield ProofStep(f"{asked.runtime} is the default runtime", default == asked.runtime, default)
    if asked.depth != "config":
        yield from _alive(port, engine, asked, program)


def _alive(port: Port, engine: Engine, asked: Asked, program: str) -> Iterator[ProofStep]:
    daemon = find.daemon_of(port, engine)
    searched = value_of(engine.search_path, "") or port.env.get("PATH") or find.USUAL_PATH
    ctr = which(port, "ctr", searched)
    if daemon is None or ctr is None:
        why = "containerd does not run" if daemon is None else "`ctr` is not installed"
        yield ProofStep("a throwaway container starts with it", None, why)
        return
    base = [ctr, "-a", engine.endpoint.removeprefix("unix://"), "-n", NAMESPACE]
    plugins = port.run([*base, "plugins", "ls"], 15.0)
    cri = [line.split() for line in plugins.stdout.splitlines() if " cri " in f" {' '.join(line.split())} "]
    state = cri[0][-1] if cri else "not there"
    yield ProofStep("the CRI plugin is up", state == "ok" if plugins.code == 0 else None, state)
    image, made = asked.image, ""
    if not image:
        own = Image()
        image = made = f"docker.io/{own.tag}"
        with tempfile.NamedTemporaryFile(prefix="gpudoctor-", suffix=".tar") as file:
            file.write(own.archive)
            file.flush()
            loaded = port.run([*base, "images", "import", file.name], asked.timeout)
        if loaded.code != 0:
            yield ProofStep(
                "an image of this machine's files can be loaded", False, loaded.stderr.strip()[-600:]
            )
            return
    try:
        how = f"with {program}"
        yield from containers(port, asked, lambda c: _run(port, base, program, image, c, asked), how)
    finally:
        if made:
            port.run([*base, "images", "rm", "--sync", made], asked.timeout)


def _run(port: Port, base: list[str], program: str, image: str, command: str, asked: Asked) -> Ran:
    words = [*base, "run", "--rm", "--runc-binary", program]
    for name, value in ASKING.items():
        words += ["--env", f"{name}={value}"]
    ran = port.run([*words, image, f"prove-{os.getpid()}", "/bin/sh", "-c", command], asked.timeout)
    return Ran(ran.code, ran.stdout if ran.code == 0 else ran.stderr or ran.stdout)
