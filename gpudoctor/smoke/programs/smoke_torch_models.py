"""torch, full runs: kinds of models that are trained until they have learnt what they can."""

import sys

import torch
import torch.nn.functional as F
from smoke_child import Ill, NotHere

#: The program that runs: smoke_torch.py, with its device, its data and its checks.
B = sys.modules["__main__"]
CHILD = B.CHILD


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


PHASES = {"lstm": lstm, "transformer": transformer, "amp": amp}
