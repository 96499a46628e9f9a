"""torch 1.13 and later, the quick phases. torch.optim is not touched: its import alone costs a second."""

import sys
import time

from smoke_child import Child, Ill, driver_uuid

CHILD = Child()
CHILD.say("begin", phase="import")
try:
    import torch
    import torch.nn.functional as F
except BaseException as error:  # whatever an import raises is the finding
    CHILD.failed_import(error)
    sys.exit(1)
CHILD.imported(version=str(torch.__version__), cuda=str(torch.version.cuda or ""), path=str(torch.__file__))

#: Kept allocated while we work, so that the witness outside can see it (bytes).
HELD = 256 << 20


class Place(object):
    """Where we work: chosen once, by the context phase."""

    device = torch.device("cpu")
    gpu = False
    capability = (0, 0)
    held = None


def sync():
    if Place.gpu:
        torch.cuda.synchronize()


def seeded(seed):
    return torch.Generator().manual_seed(seed)


def on_device(tensor, what):
    """The result must lie where the work was to be done: a fallback that nobody announced is the illness we look for."""
    if Place.gpu and not tensor.is_cuda:
        raise Ill("placement", "%s: the result lies on %s, not on the GPU" % (what, tensor.device))
    return tensor


def context():
    gpu = CHILD.config["device"] == "gpu"
    if gpu and not torch.cuda.is_available():
        why = "torch.cuda.is_available() is False"
        if not torch.version.cuda:
            why += "; this torch %s was built without CUDA" % torch.__version__
        if not CHILD.allow_cpu:
            raise Ill("placement", why)
        print("smoke: %s; working on the CPU, as --allow-cpu permits" % why)
        gpu = False
    Place.gpu = gpu
    Place.device = torch.device("cuda:0" if gpu else "cpu")
    begun = time.monotonic()
    data = torch.randint(0, 256, (1 << 20,), dtype=torch.uint8, generator=seeded(1))
    there = data.to(Place.device)
    on_device(there, "a copy to the device")
    back = (there ^ 255).cpu() ^ 255
    sync()
    CHILD.say("first-result", seconds=time.monotonic() - begun)
    if not torch.equal(back, data):
        wrong = int((back != data).sum())
        raise Ill("numerics", "%d of %d bytes came back from the device changed" % (wrong, data.numel()))
    if gpu:
        describe()
        free = torch.cuda.mem_get_info()[0] if hasattr(torch.cuda, "mem_get_info") else 4 * HELD
        size = min(HELD, free // 8)
        Place.held = torch.ones(size, dtype=torch.uint8, device=Place.device)
        sync()
        CHILD.hold(size)
    else:
        # These models are small: threads would only wait for one another, for long where others use the cores.
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        CHILD.say("device", kind="cpu", name="CPU, %d threads" % threads, uuid="")


def describe():
    told = torch.cuda.get_device_properties(0)
    Place.capability = (told.major, told.minor)
    CHILD.say(
        "device",
        kind="cuda",
        name=str(told.name),
        uuid=driver_uuid(),
        compute_capability="%d.%d" % Place.capability,
        multiprocessors=int(told.multi_processor_count),
        memory=int(told.total_memory),
    )


def has_bf16():
    return not Place.gpu or Place.capability >= (8, 0)


def tf32(allowed):
    """Both ways must be said: builds and environment variables change the default."""
    if Place.gpu:
        torch.backends.cuda.matmul.allow_tf32 = allowed
        torch.backends.cudnn.allow_tf32 = allowed


class Timed(object):
    """CUDA events around work on the device: they need a GPU to elapse, and can't elapse for longer than the wall's clock."""

    def __enter__(self):
        if Place.gpu:
            self.first, self.last = (torch.cuda.Event(enable_timing=True) for _ in (1, 2))
            self.first.record()
        self.begun = time.monotonic()
        return self

    def __exit__(self, *_):
        if Place.gpu:
            self.last.record()
            self.last.synchronize()
            wall = time.monotonic() - self.begun
            CHILD.say("cuda-events", seconds=self.first.elapsed_time(self.last) / 1000.0, wall=wall)


def ternary(rows, columns, seed):
    return torch.randint(-1, 2, (rows, columns), generator=seeded(seed)).float()


def maths():
    """(name, dtype, TF32, largest exact length of a sum of {-1, 0, 1}): bf16 keeps 8 bits, fp16 11, fp32 24."""
    yield "fp32", torch.float32, False, 4096
    if Place.gpu and Place.capability >= (8, 0):
        yield "tf32", torch.float32, True, 4096
    yield "fp16", torch.float16, False, 1024
    if has_bf16():
        yield "bf16", torch.bfloat16, False, 256


def exact_product(name, dtype, allowed, length, seed):
    """Every partial sum is a whole number that the type can hold, so every bit must be right in any order of adding."""
    rows = 1024 if Place.gpu else 128
    a, b = ternary(rows, length, seed), ternary(length, rows, seed + 1)
    true = (a.double() @ b.double()).float()
    tf32(allowed)
    got = on_device(a.to(Place.device, dtype) @ b.to(Place.device, dtype), name).float().cpu()
    wrong = int((got != true).sum())
    CHILD.values["%s_wrong" % name] = wrong
    if wrong:
        worst = float((got - true).abs().max())
        raise Ill(
            "numerics",
            "%s: %d of %d elements of an exact matrix product are wrong, by up to %g"
            % (name, wrong, got.numel(), worst),
        )


def gemm_exact():
    with Timed():
        for number, (name, dtype, allowed, length) in enumerate(maths()):
            exact_product(name, dtype, allowed, length, 10 * number + 2)
    if not CHILD.quick:
        fp8()


def fp8():
    scaled = getattr(torch, "_scaled_mm", None)
    kind = getattr(torch, "float8_e4m3fn", None)
    if not Place.gpu or Place.capability < (8, 9) or scaled is None or kind is None:
        return
    a, b = ternary(256, 256, 90), ternary(256, 256, 91)
    true = a @ b
    one = torch.ones((), device=Place.device)
    try:
        # Column-major second operand: the one layout that cuBLASLt takes for fp8.
        right = b.to(Place.device).t().contiguous().to(kind).t()
        got = scaled(a.to(Place.device).to(kind), right, scale_a=one, scale_b=one, out_dtype=torch.float32)
    except (RuntimeError, TypeError, ValueError) as error:
        # Not a public function: its arguments and the devices that it serves change with releases.
        print("smoke: fp8 was not tried: %s" % error)
        CHILD.values["fp8_available"] = 0
        return
    got = got[0] if isinstance(got, tuple) else got
    wrong = int((got.cpu() != true).sum())
    CHILD.values["fp8_wrong"] = wrong
    if wrong:
        raise Ill(
            "numerics", "fp8: %d of %d elements of an exact matrix product are wrong" % (wrong, got.numel())
        )


#: Largest relative error (Frobenius norm) against double precision, about three times what was measured.
BOUNDS = {"fp32": 1e-5, "tf32": 1e-3, "fp16": 1e-3, "bf16": 1e-2}


def gemm_random():
    size = 1024 if Place.gpu else 256
    a = torch.randn(size, size, generator=seeded(3))
    b = torch.randn(size, size, generator=seeded(4))
    true = a.double() @ b.double()
    modes = list(maths())
    if CHILD.quick:
        modes = [m for m in modes if m[0] in ("fp32", "fp16")]
    for name, dtype, allowed, _ in modes:
        tf32(allowed)
        got = on_device(a.to(Place.device, dtype) @ b.to(Place.device, dtype), name).double().cpu()
        error = float((got - true).norm() / true.norm())
        CHILD.values["%s_error" % name] = error
        if not error <= BOUNDS[name]:
            more = ""
            if name == "fp32" and 1e-4 < error < BOUNDS["tf32"]:
                more = "; an error of this size is TensorFloat-32's, which was switched off"
            raise Ill(
                "numerics",
                "%s: relative error %.2g, at most %.0e was expected%s" % (name, error, BOUNDS[name], more),
            )
    tf32(False)


def pictures(count, seed):
    """Ten random 4x4 patterns, drawn large on 28x28, with noise: learnable in some ten steps by every kind of model."""
    source = seeded(7)
    patterns = torch.randn(10, 1, 4, 4, generator=source)
    large = F.interpolate(patterns, scale_factor=7, mode="nearest")
    mine = seeded(seed)
    labels = torch.randint(0, 10, (count,), generator=mine)
    noise = torch.randn(count, 1, 28, 28, generator=mine)
    return (large[labels] + 0.5 * noise).to(Place.device), labels.to(Place.device)


def weights(*shapes):
    """He's initialisation by hand, from a fixed seed."""
    source = seeded(11)
    made = []
    for shape in shapes:
        inputs = 1
        for part in shape[1:]:
            inputs *= part
        scale = (2.0 / inputs) ** 0.5 if len(shape) > 1 else 0.0
        made.append((torch.randn(*shape, generator=source) * scale).to(Place.device).requires_grad_(True))
    return made


def descend(parameters, loss, rate):
    """One step of plain gradient descent. One look at the loss for the curve: the copy waits for the device."""
    gradients = torch.autograd.grad(loss, parameters)
    with torch.no_grad():
        for parameter, gradient in zip(parameters, gradients):
            parameter.sub_(gradient, alpha=rate)
    on_device(parameters[0], "a weight")
    CHILD.curve.append(float(loss.detach()))


def mlp():
    tf32(False)
    x, y = pictures(2048 if Place.gpu else 512, 21)
    x = x.flatten(1)
    w1, b1, w2, b2 = parameters = weights((128, 784), (128,), (10, 128), (10,))
    with Timed():
        for _ in range(30):
            loss = F.cross_entropy(F.linear(torch.relu(F.linear(x, w1, b1)), w2, b2), y)
            descend(parameters, loss, 0.2)
    CHILD.check_convergence("mlp", 0.25)


def conv_model(parameters):
    w1, g1, b1, w2, g2, b2, w3, b3 = parameters

    def forward(x):
        x = F.max_pool2d(
            torch.relu(F.batch_norm(F.conv2d(x, w1, padding=1), None, None, g1 + 1, b1, True)), 2
        )
        x = F.max_pool2d(
            torch.relu(F.batch_norm(F.conv2d(x, w2, padding=1), None, None, g2 + 1, b2, True)), 3
        )
        # Flattened, not averaged: an average over the picture can't tell these patterns apart.
        return F.linear(x.flatten(1), w3, b3)

    return forward


def conv_weights():
    return weights((16, 1, 3, 3), (16,), (16,), (16, 16, 3, 3), (16,), (16,), (10, 256), (10,))


def conv():
    count = 512 if Place.gpu else 128
    x, y = pictures(count, 31)
    held_x, held_y = pictures(200, 32)
    for layout in ("nchw", "nhwc"):
        parameters = conv_weights()
        form = torch.channels_last if layout == "nhwc" else torch.contiguous_format
        forward, data = conv_model(parameters), x.contiguous(memory_format=form)
        CHILD.curve = []
        with Timed():
            for _ in range(60 if Place.gpu else 12):
                descend(parameters, F.cross_entropy(forward(data), y), 0.1)
        with torch.no_grad():
            right = forward(held_x.contiguous(memory_format=form)).argmax(1) == held_y
        CHILD.values["%s_loss_last" % layout] = CHILD.curve[-1]
        CHILD.check_convergence("conv, %s" % layout, 0.9)
        CHILD.check_accuracy("conv, %s" % layout, float(right.float().mean()), 0.97)


def busy():
    a = torch.ones(2048, 2048, device=Place.device)
    for _ in range(8):
        a = a @ a / 2048
    sync()


PHASES = {
    "context": context,
    "gemm-exact": gemm_exact,
    "gemm-random": gemm_random,
    "mlp": mlp,
    "conv": conv,
}


def main():
    phases = dict(PHASES)
    if any(CHILD.config.get(name) for name in ("full", "burn", "tensorboard")):
        import smoke_torch_models
        import smoke_torch_parts
        import smoke_torch_rates

        for more in (smoke_torch_models, smoke_torch_parts, smoke_torch_rates):
            phases.update(more.PHASES)
    CHILD.run(phases, busy)


if __name__ == "__main__":
    main()
