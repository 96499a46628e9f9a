"""torch, full runs: GPUs with each other, and how fast they are."""

import json
import os
import subprocess
import sys
import time

import torch
from smoke_child import Ill, NotHere

#: The program that runs: smoke_torch.py, with its device, its data and its checks.
B = sys.modules["__main__"]
CHILD = B.CHILD


def collective():
    """torchrun, as a job starts it: processes of their own that meet at a port of this machine."""
    if not torch.distributed.is_available():
        raise NotHere("this torch was built without torch.distributed")
    count = torch.cuda.device_count() if B.Place.gpu else 2
    folder = os.environ.get("TMPDIR", ".")
    program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "smoke_ranks.py")
    backend = "nccl" if B.Place.gpu else "gloo"
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count)]
    env = dict(os.environ, OMP_NUM_THREADS="1")
    done = subprocess.run(command + [program, backend, folder], env=env, stdin=subprocess.DEVNULL)
    found = []
    for rank in range(count):
        try:
            with open(os.path.join(folder, "rank%d.json" % rank)) as file:
                found.append(json.load(file))
        except (OSError, ValueError):
            raise Ill(
                "", "rank %d of %d gave no result (%s, status %d)" % (rank, count, backend, done.returncode)
            ) from None
    for rank, one in enumerate(found):
        if one["wrong"]:
            raise Ill("numerics", "%s: rank %d got %d wrong sums" % (backend, rank, one["wrong"]))
    CHILD.values["ranks"] = count
    CHILD.values["bus_gbs"] = min(one["bus_gbs"] for one in found)
    if done.returncode:
        raise Ill("", "torchrun ended with status %d although every rank was right" % done.returncode)


def p2p():
    count = torch.cuda.device_count() if B.Place.gpu else 0
    if count < 2:
        raise NotHere("fewer than two GPUs")
    data = torch.arange(16 << 20, dtype=torch.int32)
    for one in range(count):
        for other in range(count):
            if one == other:
                continue
            direct = torch.cuda.can_device_access_peer(one, other)
            here = data.to("cuda:%d" % one)
            torch.cuda.synchronize(one)
            begun = time.monotonic()
            there = here.to("cuda:%d" % other)
            torch.cuda.synchronize(other)
            seconds = time.monotonic() - begun
            CHILD.values["gpu%d_to_%d_gbs" % (one, other)] = data.numel() * 4 / seconds / 1e9
            wrong = int((there.cpu() != data).sum())
            if wrong:
                how = "direct" if direct else "through the host"
                raise Ill(
                    "numerics",
                    "%d of %d numbers changed from GPU %d to GPU %d (%s)"
                    % (wrong, data.numel(), one, other, how),
                )


def timed(work, least=0.2):
    """Seconds a call, over at least `least` seconds of them, after a call that warms up."""
    work()
    B.sync()
    count, begun = 0, time.monotonic()
    with B.Timed():
        while True:
            for _ in range(4):
                work()
            B.sync()
            count += 4
            seconds = time.monotonic() - begun
            if seconds >= least:
                return seconds / count


def roofline():
    size = 8192 if B.Place.gpu and B.Place.capability >= (8, 0) else 4096 if B.Place.gpu else 512
    B.tf32(False)
    kinds = [("fp32", torch.float32), ("fp16", torch.float16)] if B.Place.gpu else [("fp32", torch.float32)]
    if B.Place.gpu and B.has_bf16():
        kinds.append(("bf16", torch.bfloat16))
    for name, dtype in kinds:
        part = size // 2 if name == "fp32" else size
        a = torch.randn(part, part, device=B.Place.device).to(dtype)
        out = torch.empty_like(a)
        CHILD.values["%s_tflops" % name] = (
            2.0 * part**3 / timed(lambda a=a, out=out: torch.mm(a, a, out=out)) / 1e12
        )
        del a, out
    count = (256 if B.Place.gpu else 16) << 20
    source = torch.ones(count, dtype=torch.uint8, device=B.Place.device)
    target = torch.empty_like(source)
    CHILD.values["copy_gbs"] = 2.0 * count / timed(lambda: target.copy_(source)) / 1e9
    if B.Place.gpu:
        pinned = torch.ones(count, dtype=torch.uint8).pin_memory()
        CHILD.values["h2d_gbs"] = count / timed(lambda: target.copy_(pinned, non_blocking=True)) / 1e9
        CHILD.values["d2h_gbs"] = count / timed(lambda: pinned.copy_(source, non_blocking=True)) / 1e9


def burn():
    """The same exact product again and again, compared on the device with the true result from the CPU."""
    rows_, length = (4096, 1024) if B.Place.gpu else (256, 1024)
    a, b = B.ternary(rows_, length, 71), B.ternary(length, rows_, 72)
    true = (a.double() @ b.double()).float()
    a, b, true = a.to(B.Place.device).half(), b.to(B.Place.device).half(), true.to(B.Place.device)
    if not B.Place.gpu:
        a, b = a.float(), b.float()
    end, rounds = time.monotonic() + float(CHILD.config["burn"]), 0
    while time.monotonic() < end:
        wrong = sum(int(((a @ b).float() != true).sum()) for _ in range(4))
        rounds += 4
        if wrong:
            raise Ill("numerics", "%d wrong elements after %d exact products" % (wrong, rounds))
    CHILD.values["products"] = rounds
    CHILD.values["mean_tflops"] = 2.0 * rows_ * rows_ * length * rounds / float(CHILD.config["burn"]) / 1e12


PHASES = {"collective": collective, "p2p": p2p, "roofline": roofline, "burn": burn}
