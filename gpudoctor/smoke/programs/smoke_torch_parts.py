"""torch, full runs: what a job needs beside its model: checkpoints, loaders, the profiler, the compiler, TensorBoard."""

import io
import os
import sys
import time

import torch
import torch.nn.functional as F
from smoke_child import Ill, NotHere
from smoke_torch_models import Recurrent, rows

#: The program that runs: smoke_torch.py, with its device, its data and its checks.
B = sys.modules["__main__"]
CHILD = B.CHILD


def checkpoint():
    torch.manual_seed(9)
    model = Recurrent().to(B.Place.device)
    x, y = rows(64, 61)
    optimizer = torch.optim.Adam(model.parameters())
    F.cross_entropy(model(x), y).backward()
    optimizer.step()
    with open(os.path.join(os.environ.get("TMPDIR", "."), "checkpoint.pt"), "w+b") as file:
        torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict()}, file)
        file.flush()
        os.fsync(file.fileno())
        file.seek(0)
        loaded = torch.load(io.BytesIO(file.read()), map_location=B.Place.device, weights_only=True)
    again = Recurrent().to(B.Place.device)
    again.load_state_dict(loaded["model"])
    for (name, one), other in zip(model.state_dict().items(), again.state_dict().values()):
        if not torch.equal(one, other):
            raise Ill("numerics", "%s came back from its checkpoint changed" % name)
    CHILD.values["tensors"] = len(loaded["model"])


class Examples(torch.utils.data.Dataset):
    def __len__(self):
        return 256

    def __getitem__(self, number):
        return torch.full((3, 64, 64), float(number)), number


def loader():
    """What a loader's workers make lies in shared memory. They are forked: they must not meet CUDA."""
    made = torch.utils.data.DataLoader(
        Examples(), batch_size=64, num_workers=2, multiprocessing_context="fork", timeout=45
    )
    seen = []
    begun = time.monotonic()
    for x, numbers in made:
        there = x.to(B.Place.device)
        if not torch.equal(there[:, 0, 0, 0].cpu().long(), numbers):
            raise Ill("numerics", "examples arrived changed through shared memory")
        seen += numbers.tolist()
    CHILD.values["examples_per_s"] = len(seen) / (time.monotonic() - begun)
    if sorted(seen) != list(range(256)):
        raise Ill("", "%d of 256 examples arrived" % len(set(seen)))


def profile():
    """Kernels as CUPTI records them. Without CUDA among the activities nothing can be said."""
    from torch.profiler import ProfilerActivity, supported_activities
    from torch.profiler import profile as profiler

    if not B.Place.gpu or ProfilerActivity.CUDA not in supported_activities():
        raise NotHere("this torch records no kernels of a GPU here")
    with profiler(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as taken:
        a = torch.randn(1024, 1024, device=B.Place.device)
        for _ in range(5):
            a = torch.relu(a @ a) / 1024
        B.sync()
    found = [e for e in taken.events() if "CUDA" in str(getattr(e, "device_type", ""))]
    seconds = sum(float(getattr(e, "device_time", 0) or getattr(e, "cuda_time", 0) or 0) for e in found) / 1e6
    why = "" if found else "the profile holds no kernel (CUPTI may be refused or in use)"
    CHILD.values["kernels"] = len(found)
    CHILD.say("kernels", count=len(found), seconds=seconds, names=[str(e.name) for e in found[:3]], why=why)


def compiled():
    if not hasattr(torch, "compile"):
        raise NotHere("torch %s has no compile" % torch.__version__)
    torch.manual_seed(10)
    x = torch.randn(64, 784, device=B.Place.device)
    model = torch.nn.Sequential(torch.nn.Linear(784, 64), torch.nn.GELU(), torch.nn.Linear(64, 10)).to(
        B.Place.device
    )

    def waves(t):
        return torch.sin(t) + torch.cos(t) * 2

    begun = time.monotonic()
    try:
        fast_waves, fast_model = torch.compile(waves), torch.compile(model)
        same("sin + cos", fast_waves(x), waves(x))
        same("a model", fast_model(x), model(x))
    except RuntimeError as error:
        if "not supported on Python" in str(error) or "not yet supported" in str(error):
            raise NotHere(str(error).splitlines()[0]) from None
        raise
    gradients = torch.autograd.grad(fast_model(x).square().mean(), list(model.parameters()))
    for one, other in zip(gradients, torch.autograd.grad(model(x).square().mean(), list(model.parameters()))):
        same("a gradient", one, other)
    CHILD.values["compile_s"] = time.monotonic() - begun


def same(what, got, true):
    got, true = got.detach(), true.detach()
    gap = float((got - true).abs().max() / (true.abs().max() + 1e-12))
    CHILD.values["gap"] = max(CHILD.values.get("gap", 0.0), gap)
    if not gap <= 1e-3:
        raise Ill("numerics", "%s, compiled, differs from the eager result by %.2g" % (what, gap))


def tensorboard():
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise NotHere("no writer: %s (tensorboard is not installed in that interpreter)" % error) from None
    name = "torch-%s" % (os.environ.get("CUDA_VISIBLE_DEVICES", "")[:12] or "all" if B.Place.gpu else "cpu")
    writer = SummaryWriter(os.path.join(CHILD.config["tensorboard"], name))
    written = 0
    for phase, curve, values in CHILD.history:
        for step, loss in enumerate(curve):
            writer.add_scalar("loss/%s" % phase, loss, step)
            written += 1
        for key, value in values.items():
            writer.add_scalar("%s/%s" % (phase, key), value, 0)
    writer.add_graph(Recurrent(), torch.zeros(1, 28, 28))
    writer.close()
    CHILD.values["losses"] = written


PHASES = {
    "checkpoint": checkpoint,
    "loader": loader,
    "profile": profile,
    "compile": compiled,
    "tensorboard": tensorboard,
}
