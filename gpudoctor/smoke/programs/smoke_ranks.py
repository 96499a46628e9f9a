"""One rank of an all-reduce, started by torchrun: smoke_ranks.py BACKEND FOLDER. Leaves FOLDER/rank<N>.json."""

import json
import os
import sys
import time

import torch
import torch.distributed as dist


def main():
    backend, folder = sys.argv[1], sys.argv[2]
    rank, world = int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])
    device = torch.device("cpu")
    if backend == "nccl":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
    dist.init_process_group(backend)
    count = (16 if backend == "nccl" else 1) << 20
    base = torch.arange(count, dtype=torch.float32, device=device) % 1000
    true = base * world + sum(range(world))  # whole numbers far below 2**24: exact in any order
    data = base + rank
    dist.all_reduce(data)
    wrong = int((data != true).sum())
    rounds = 5
    dist.barrier()
    if backend == "nccl":
        torch.cuda.synchronize()
    begun = time.monotonic()
    for _ in range(rounds):
        dist.all_reduce(data)
    if backend == "nccl":
        torch.cuda.synchronize()
    seconds = (time.monotonic() - begun) / rounds
    moved = 2.0 * (world - 1) / world * count * 4
    with open(os.path.join(folder, "rank%d.json" % rank), "w") as file:
        json.dump({"wrong": wrong, "bus_gbs": moved / seconds / 1e9}, file)
    dist.barrier()
    dist.destroy_process_group()


main()
