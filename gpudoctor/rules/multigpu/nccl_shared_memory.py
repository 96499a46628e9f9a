"""/dev/shm is too small for NCCL and data loaders

What it is: Processes of one machine hand each other data through /dev/shm. A container gets 64 MiB of it by default.

Why it hurts: PyTorch's data loader workers die with "bus error", and NCCL fails with "error while creating shared memory segment" or
"No space left on device".

How to tell: The size of /dev/shm inside the container (a host has half its memory), or how little of it is free. The disk being full is
another message.

How to fix: Start the container with `--shm-size=1g` or more, or `--ipc=host`; in Kubernetes mount an emptyDir with medium Memory at
/dev/shm. If it is full, remove what ended programs left there.

Sources: https://docs.nvidia.com/deeplearning/nccl/user-guide/docs/troubleshooting/runtime_and_mpi_issues.html
https://docs.docker.com/reference/cli/docker/container/run/
"""

from __future__ import annotations

from collections.abc import Iterator

from gpudoctor.facts.containers import Containers
from gpudoctor.facts.host import Host
from gpudoctor.facts.observed import Absent, Known, Unknown
from gpudoctor.findings import MACHINE, CannotLook, Evidence, Fix, Problem
from gpudoctor.rules.judging import need
from gpudoctor.signature import Signature

#: What NCCL's manual asks for, and what Docker gives by itself (its --shm-size). Below that little free space,
#: segments of NCCL (some 10 MB each) do not fit.
ENOUGH, DEFAULT = 1 << 30, 64 << 20


signatures: tuple[Signature | str, ...] = (
    # NCCL src/misc/shmutils.cc; PyTorch's DataLoader; Ray, Horovod.
    Signature(r"Error while creating shared memory segment", 0.95),
    Signature(r"failed to extend /dev/shm/nccl", 0.95),
    Signature(
        r"(?:Call to posix_fallocate|ftruncate) failed.{0,60}No space left on device",
        0.85,
        needs=(r"nccl|shm",),
    ),
    Signature(r"/dev/shm.{0,80}No space left on device", 0.85),
    Signature(r"This might be caused by insufficient shared memory \(shm\)", 0.93),
    Signature(r"DataLoader worker \(pid \d+\) is killed by signal: Bus error", 0.95),
    Signature(r"Bus error.{0,80}(?:shm|shared memory|insufficient)", 0.85),
    Signature(r"NCCL WARN .{0,20}(?:unable to allocate|Cuda failure).{0,40}shared memory", 0.7),
    Signature(r"\bncclShm(?:Open|Setup|Alloc)\w*", 0.75),
    # NGC images say so whenever they start; it is the cause only of something that fails for it.
    Signature(
        r"The SHMEM allocation limit is set to the default of 64MB",
        0.66,
        needs=(
            r"bus error|SIGBUS|unhandled system error|ncclSystemError|No space left on device|DataLoader worker|NCCL WARN|NCCL error",
        ),
    ),
    Signature(r"unable to (?:open|write to|resize) (?:shared memory object|file) </torch_\d+", 0.85),
    # NCCL without its reason, in a container: the shared memory of 64 MiB is the likeliest.
    Signature(
        r"unhandled system error",
        0.45,
        when="in-container",
        unless=(r"NCCL WARN", r"socket interface", r"nnodes|multi-?node|two nodes"),
    ),
    # NCCL's segments by name; its other calls; SIGBUS as launchers print it; Ray and Paddle.
    Signature(
        r"/dev/shm/nccl-\w+|shm(?:utils)?\.(?:cc|h):\d+ NCCL WARN|ncclShm(?:Open|Setup)\w*.{0,60}fail", 0.82
    ),
    Signature(
        r"(?:shm_open|posix_fallocate|ftruncate|mmap).{0,60}(?:No space left|Bus error)",
        0.75,
        needs=(r"nccl|shm",),
    ),
    Signature(
        r"(?:Signal 7 \(SIGBUS\)|received SIGBUS|signal SIGBUS|exitcode ?: -7|signal: 7|Fatal Python error: Bus error|Bus error \(core dumped\)|Bus error encountered)",
        0.7,
        needs=(r"nccl|pytorch|DataLoader|docker|kubectl|container|vllm|paddle|num_workers|torchrun",),
    ),
    Signature(
        r"unable to (?:mmap|open|write|allocate) .{0,60}(?:shared memory|</torch_)|ERROR: Unexpected (?:bus error|segmentation fault) encountered in worker",
        0.88,
    ),
    Signature(
        r"(?:not enough|insufficient|out of|run\w* out of|lack of|limited|small|no) shared memory\b|shared memory (?:size |limit )?(?:is |was )?(?:too small|insufficient|not enough|exhausted|full)|共享内存(?:不足|太小|不够)",
        0.75,
        unless=(r"Xid", r"per block|shared memory per|dynamic shared memory|smem|Required: ?\d+"),
    ),
    Signature(
        r"(?:add\w*|increas\w+|increase|set(?:ting)?|larger|bigger|rais\w+|with|specify\w*|need\w*|missing|use|using) .{0,40}(?:--)?(?:shm[-_]size|ipc[=: ]+host|/dev/shm)",
        0.72,
        needs=(r"bus error|nccl|NCCL|DataLoader|worker|system error|killed|hang",),
        unless=(r"socket interface",),
    ),
    Signature(
        r"/dev/shm (?:has only|is only|only has|is too small|is full|too small|size)|(?:shm|tmpfs) 64(?:\.0)?M\b|/dev/shm .{0,30}\b64 ?M",
        0.7,
    ),
    Signature(
        r"No space left on device:? ?['\"(]{0,2}/?(?:psm_|torch_|dev/shm|nccl-)\w*|No space left on device.{0,60}shared_memory",
        0.88,
    ),
    Signature(
        r"/dev/shm (?:is |was |may be |might be )?(?:insufficient|not (?:large )?enough)|insufficient /dev/shm|DataLoader process exited",
        0.76,
    ),
)


def check(host: Host, containers: Containers) -> Iterator[Problem]:
    shm = need(host.shm, "/dev/shm")
    size = Evidence("size of /dev/shm", f"{shm.size >> 20} MiB", getattr(host.shm, "via", ""))
    free = Evidence("free in /dev/shm", f"{shm.free >> 20} MiB", getattr(host.shm, "via", ""))
    if shm.free < DEFAULT < shm.size:
        yield Problem(
            f"/dev/shm is full: {shm.free >> 20} of {shm.size >> 20} MiB are free",
            MACHINE,
            "warning",
            (size, free),
            fix=Fix("Remove what ended programs left there", ("ls -lt /dev/shm",)),
        )
        return
    if shm.size >= ENOUGH:
        return
    if isinstance(containers.inside, Unknown) and shm.size > DEFAULT:
        raise CannotLook(f"whether this is a container: {containers.inside.reason}")
    if isinstance(containers.inside, Absent) and shm.size > DEFAULT:
        return  # a host with little memory: half of it is all there is
    yield Problem(
        f"/dev/shm holds {shm.size >> 20} MiB; NCCL and data loaders want 1 GiB or more",
        MACHINE,
        "warning",
        (size, free),
        fix=_fix(containers),
    )


def _fix(containers: Containers) -> Fix:
    kind = containers.inside.value.kind if isinstance(containers.inside, Known) else ""
    if kind in ("kubernetes", "containerd"):
        return Fix("Mount an emptyDir with medium: Memory at /dev/shm in the pod")
    if kind in ("docker", "podman"):
        return Fix("Start the container anew with more shared memory", (f"{kind} run --shm-size=1g ...",))
    return Fix("Give /dev/shm more room", ("sudo mount -o remount,size=1G /dev/shm",), "unsafe")
