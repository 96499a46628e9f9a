"""JAX has no GPU support on native Windows

What it is: JAX's CUDA plugins are published for Linux only. On native Windows there is jaxlib for the CPU, and nothing
else.

Why it hurts: jax.devices() lists the CPU, whatever CUDA and cuDNN are installed; `pip install "jax[cuda12]"` finds no
plugin for Windows.

How to tell: The system is Windows, and JAX or one of its CUDA plugins is meant to use the GPU.

How to fix: Install JAX in WSL2, where NVIDIA GPUs are supported experimentally.

Sources: https://docs.jax.dev/en/latest/installation.html#supported-platforms
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.frameworks import Frameworks
from gpudoctor.facts.host import Host
from gpudoctor.findings import DoesNotApply, Evidence, Fix, Problem, seen
from gpudoctor.rules.judging import need
from gpudoctor.rules.pythons import package_named, pythons, subject
from gpudoctor.signature import Signature

explains = ("import-differs-from-files",)

signatures: tuple[Signature | str, ...] = (
    # JAX's install page: no CUDA wheels for native Windows.
    Signature(
        r"jax\[cuda\d{0,2}\w*\]|jax[-_]cuda1\d[-_](?:plugin|pjrt)",
        0.88,
        when="on-windows",
        needs=(r"\bcpu\b|CpuDevice|\bno gpu|No matching|Could not find|n't\b|\bnot\b|fail|error",),
    ),
)

PLUGINS = ("jax-cuda12-plugin", "jax-cuda13-plugin")


def check(host: Host, frameworks: Frameworks) -> Iterator[Problem]:
    if need(host.system, "operating system") != "Windows":
        raise DoesNotApply("not Windows")
    for python in pythons(frameworks):
        plugin = next((p for name in PLUGINS if (p := package_named(python, name)) is not None), None)
        if plugin is None:
            continue
        yield Problem(
            f"{plugin.name} {plugin.version} has no build for Windows: JAX runs on the CPU there",
            subject=subject(python, plugin.name),
            evidence=(
                seen("system", host.system),
                Evidence(plugin.name, plugin.version, plugin.location),
            ),
            fix=Fix(
                "Install JAX in WSL2",
                ("wsl --install", "python3 -m pip install 'jax[cuda12]'   # inside WSL2"),
            ),
        )
