"""/usr/local/cuda is a link to a toolkit that is not there

What it is: /usr/local/cuda is a symbolic link (often through /etc/alternatives), and the toolkit that it points to was
removed or renamed.

Why it hurts: PATH entries, CUDA_HOME, CMake, PyTorch's extension builder and XLA's search for libdevice all go through
this one name; each reports something else: "nvcc: command not found", "CUDA_HOME ... does not exist", "libdevice not found".

How to tell: The link exists, its end does not.

How to fix: Point it at a toolkit that is there (`sudo update-alternatives --config cuda` where NVIDIA's packages manage
it, else ln -sfn), or remove it.

Sources: https://docs.nvidia.com/cuda/cuda-installation-guide-linux/#environment-setup
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.cuda import NOT_THERE, Cuda
from gpudoctor.facts.observed import Absent
from gpudoctor.findings import MACHINE, DoesNotApply, Evidence, Fix, Problem
from gpudoctor.rules.judging import need
from gpudoctor.rules.toolkit._view import selection, tool

explains = (
    "cuda-home-missing",
    "path-entry-missing",
    "toolkit-not-on-path",
    "nvcc-wrapper-broken",
    "libdevice-not-found",
    "libnvvm-missing",
)

LINK = "/usr/local/cuda"


def check(cuda: Cuda) -> Iterator[Problem]:
    chosen = selection(cuda, LINK)
    if chosen is None:
        raise DoesNotApply(f"no {LINK}")
    if not isinstance(chosen.prefix, Absent) or not chosen.prefix.looked_in.endswith(NOT_THERE):
        return
    others = [
        t
        for t in need(cuda.toolkits, "CUDA toolkits")
        if t.prefix.startswith("/usr/local/") and tool(t, "nvcc")
    ]
    yield Problem(
        f"{LINK} is a link to nothing: {chosen.prefix.looked_in}",
        MACHINE,
        "warning",
        (
            Evidence(LINK, chosen.prefix.looked_in, "; ".join(chosen.through)),
            *(Evidence("toolkit that is there", t.prefix, t.real_prefix) for t in others),
        ),
        fix=Fix(f"Point it at {others[-1].prefix}", (f"sudo ln -sfn {others[-1].prefix} {LINK}",), "unsafe")
        if others
        else Fix("Remove the link, or install the toolkit that it names", (f"sudo rm {LINK}",), "unsafe"),
    )
