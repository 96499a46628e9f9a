"""torch, the phases of a full run. `phases(base)` gets the program that runs, with its device, its data and its checks."""

import io
import json
import os
import subprocess
import sys
import time

import torch
import torch.nn.functional as F
from smoke_child import Ill, NotHere

B = None
CHILD = None


def phases(base):
    global B, CHILD
    B, CHILD = base, base.CHILD
    return {
        "lstm": lstm,
        "transformer": transformer,
        "amp": amp,
        "checkpoint": checkpoint,
        "loader": loader,
        "profile": profile,
        "compile": compiled,
        "collective": collective,
        "p2p": p2p,
        "roofline": roofline,
        "burn": burn,
        "tensorboard": tensorboard,
    }


def train(what, model, data, held_out, steps, least, step=None, dtype=None):
    """Until the held-out accuracy is `least`, looked at every ten steps, or until all steps are done. With `dtype` the
    forward pass alone is in autocast: a context around all of it would keep its first casts of the weights for ever."""
    x, y = data
    torch.manual_seed(5)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
    CHILD.curve = []
    accuracy = 0.0
    with B.Timed():
        for number in range(steps):
            with torch.autocast(B.Place.device.type, dtype=dtype or half(), enabled=dtype is not None):
                loss = F.cross_entropy(model(x).float(), y)
            optimizer.zero_grad()
            if step is None:
                loss.backward()
                optimizer.step()
            else:
                step(loss, optimizer)
            CHILD.curve.append(float(loss.detach()))
            if number % 10 == 9:
                accuracy = right(model, held_out, dtype)
                if accuracy >= max(least, 0.99):
                    break
    CHILD.check_convergence(what, 0.9)
    CHILD.check_accuracy(what, accuracy, least)
    B.on_device(next(model.parameters()), what)


def right(model, held_out, dtype):
    with torch.no_grad():
        with torch.autocast(B.Place.device.type, dtype=dtype or half(), enabled=dtype is not None):
            return float((model(held_out[0]).argmax(1) == held_out[1]).float().mean())


def rows(count, seed):
    x, y = B.pictures(count, seed)
    return x.squeeze(1).contiguous(), y


class Recurrent(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.lstm = torch.nn.LSTM(28, 64, batch_first=True)
        self.out = torch.nn.Linear(64, 10)

    def forward(self, x):
        return self.out(self.lstm(x)[0][:, -1])


def lstm():
    torch.manual_seed(3)
    train("lstm", Recurrent().to(B.Place.device), rows(512, 41), rows(200, 42), 100, 0.95)


class Attending(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.first = torch.nn.Linear(28, 64)
        self.place = torch.nn.Parameter(torch.randn(28, 64) * 0.1)
        self.qkv = torch.nn.Linear(64, 192)
        self.norm = torch.nn.LayerNorm(64)
        self.wide = torch.nn.Linear(64, 128)
        self.narrow = torch.nn.Linear(128, 64)
        self.out = torch.nn.Linear(64, 10)

    def forward(self, x):
        h = self.first(x) + self.place
        n = x.shape[0]
        q, k, v = (t.view(n, 28, 2, 32).transpose(1, 2) for t in self.qkv(h).chunk(3, -1))
        h = h + F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(n, 28, 64)
        h = h + self.narrow(F.gelu(self.wide(self.norm(h))))
        return self.out(h.mean(1))


def backends():
    """(name, a context manager that permits this one alone)"""
    try:
        from torch.nn.attention import SDPBackend, sdpa_kernel
    except ImportError:
        if not hasattr(torch.backends.cuda, "sdp_kernel"):
            raise NotHere("torch %s has no scaled_dot_product_attention" % torch.__version__) from None
        for name, chosen in (
            ("math", "enable_math"),
            ("flash", "enable_flash"),
            ("efficient", "enable_mem_efficient"),
        ):
            flags = dict.fromkeys(("enable_math", "enable_flash", "enable_mem_efficient"), False)
            flags[chosen] = True
            yield name, torch.backends.cuda.sdp_kernel(**flags)
        return
    for name, kind in (
        ("math", "MATH"),
        ("flash", "FLASH_ATTENTION"),
        ("efficient", "EFFICIENT_ATTENTION"),
        ("cudnn", "CUDNN_ATTENTION"),
    ):
        if hasattr(SDPBackend, kind):
            yield name, sdpa_kernel(getattr(SDPBackend, kind))


def half():
    """bf16 where the device has it; flash attention takes no fp32 on GPUs."""
    return torch.bfloat16 if B.has_bf16() else torch.float16


def transformer():
    data, held_out = rows(512, 51), rows(200, 52)
    outputs, done = {}, []
    for name, only in backends():
        torch.manual_seed(6)
        model = Attending().to(B.Place.device)
        with only:
            try:
                # fp16 keeps three more bits than bf16: what differs then is the backend and not the rounding.
                cast = torch.autocast(B.Place.device.type, dtype=torch.float16, enabled=B.Place.gpu)
                with torch.no_grad(), cast:
                    outputs[name] = model(held_out[0]).float()
            except RuntimeError as error:
                if not any(w in str(error) for w in ("No available kernel", "No viable backend")):
                    raise
                CHILD.values["%s_available" % name] = 0
                continue
            dtype = half() if B.Place.gpu else None
            train("transformer, %s attention" % name, model, data, held_out, 150, 0.95, dtype=dtype)
        CHILD.values["%s_accuracy" % name] = CHILD.values.pop("accuracy")
        done.append(name)
    if not done:
        raise Ill("", "no attention backend has a kernel for this device")
    true = outputs["math"] if "math" in outputs else outputs[done[0]]
    for name in done:
        gap = float((outputs[name] - true).abs().max() / true.abs().max())
        CHILD.values["%s_gap" % name] = gap
        if not gap <= 2e-2:
            raise Ill(
                "numerics",
                "%s attention differs from the others by %.2g (of the largest output)" % (name, gap),
            )


def amp():
    data, held_out = B.pictures(512 if B.Place.gpu else 128, 31), B.pictures(200, 32)
    for name, dtype in (("bf16", torch.bfloat16), ("fp16", torch.float16)):
        if (name == "fp16" and not B.Place.gpu) or (name == "bf16" and not B.has_bf16()):
            continue
        torch.manual_seed(8)
        model = torch.nn.Sequential(
            torch.nn.Conv2d(1, 16, 3, padding=1),
            torch.nn.ReLU(),
            torch.nn.MaxPool2d(7),
            torch.nn.Flatten(),
            torch.nn.Linear(256, 10),
        ).to(B.Place.device)
        scaler = grad_scaler() if name == "fp16" else None

        def step(loss, optimizer, scaler=scaler):
            if scaler is None:
                loss.backward()
                optimizer.step()
                return
            scaler.scale(loss).backward()
            scaler.step(optimizer)
            scaler.update()

        train("amp, %s" % name, model, data, held_out, 120, 0.95, step, dtype)
        CHILD.values["%s_accuracy" % name] = CHILD.values.pop("accuracy")
        if scaler is not None:
            CHILD.values["scale"] = scaler.get_scale()
            if not scaler.get_scale() > 0:
                raise Ill("convergence", "amp: the scaler's scale fell to %r" % scaler.get_scale())


def grad_scaler():
    newer = getattr(getattr(torch, "amp", None), "GradScaler", None)
    return newer("cuda") if newer is not None else torch.cuda.amp.GradScaler()


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
