"""JAX 0.4.30 and later. Where a GPU is wanted the platform is required: JAX falls back to the CPU with a warning."""

import os
import sys
import tempfile
import time

from smoke_child import Child, Ill, NotHere, driver_uuid, words

CHILD = Child()
CHILD.say("begin", phase="import")
if CHILD.config["device"] == "gpu" and not CHILD.allow_cpu:
    # What the user has set stays: if it hides the GPU, that is what their job meets.
    os.environ.setdefault("JAX_PLATFORMS", "cuda")
try:
    import jax
    import jax.numpy as jnp
    import numpy as np
except BaseException as error:  # whatever an import raises is the finding
    CHILD.failed_import(error)
    sys.exit(1)
CHILD.imported(version=str(jax.__version__), path=str(jax.__file__))

HELD = 256 << 20


class Place(object):
    device = None
    gpu = False
    capability = (0, 0)
    held = None


def on_device(array, what):
    found = list(array.devices())
    if Place.gpu and [d.platform for d in found] not in (["gpu"], ["cuda"]):
        raise Ill("placement", "%s: the result lies on %s, not on the GPU" % (what, found))
    return array


def put(data):
    return jax.device_put(data, Place.device)


def context():
    gpu = CHILD.config["device"] == "gpu"
    try:
        devices = jax.devices()
    except (
        RuntimeError,
        AssertionError,
    ) as error:  # 0.10 without its plugin: an AssertionError without a word
        if gpu:
            raise Ill(
                "placement", "jax.devices(): %s (JAX_PLATFORMS=%s)" % (words(error), platforms())
            ) from error
        raise
    found = [d for d in devices if d.platform in ("gpu", "cuda")]
    if gpu and not found:
        why = "jax.devices() has no GPU: %s (JAX_PLATFORMS=%s)" % (devices, platforms())
        if not CHILD.allow_cpu:
            raise Ill("placement", why)
        print("smoke: %s; working on the CPU, as --allow-cpu permits" % why)
        gpu = False
    Place.gpu = gpu
    Place.device = found[0] if gpu else jax.devices("cpu")[0]
    begun = time.monotonic()
    data = np.random.RandomState(1).randint(0, 256, 1 << 20).astype(np.uint8)
    there = on_device(put(data) ^ np.uint8(255), "a copy to the device")
    back = np.asarray(there) ^ 255
    CHILD.say("first-result", seconds=time.monotonic() - begun)
    if not np.array_equal(back, data):
        raise Ill(
            "numerics", "%d of %d bytes came back from the device changed" % ((back != data).sum(), data.size)
        )
    if gpu:
        capability = str(getattr(Place.device, "compute_capability", "0.0"))
        Place.capability = tuple(int(part) for part in capability.split("."))
        CHILD.say(
            "device",
            kind="cuda",
            name=str(Place.device.device_kind),
            uuid=driver_uuid(),
            compute_capability=capability,
            multiprocessors=int(getattr(Place.device, "core_count", 0) or 0),
        )
        Place.held = on_device(jnp.ones(HELD, jnp.uint8, device=Place.device), "held memory")
        Place.held.block_until_ready()
        CHILD.hold(HELD)
    else:
        CHILD.say("device", kind="cpu", name="CPU", uuid="")


def platforms():
    return os.environ.get("JAX_PLATFORMS", "not set")


def product(a, b, dtype, precision):
    got = jnp.matmul(put(a).astype(dtype), put(b).astype(dtype), precision=precision)
    return np.asarray(on_device(got, "a product").astype(jnp.float32))


def kinds():
    """(name, dtype, precision, largest exact length): XLA's default precision is TF32 where the GPU has it."""
    highest = jax.lax.Precision.HIGHEST
    yield "fp32", jnp.float32, highest, 4096
    if Place.gpu and Place.capability >= (8, 0):
        yield "tf32", jnp.float32, jax.lax.Precision.DEFAULT, 4096
    yield "fp16", jnp.float16, highest, 1024
    if not Place.gpu or Place.capability >= (8, 0):
        yield "bf16", jnp.bfloat16, highest, 256


def ternary(rows, columns, seed):
    return np.random.RandomState(seed).randint(-1, 2, (rows, columns)).astype(np.float32)


def gemm_exact():
    """Every partial sum is a whole number that the type can hold, so every bit must be right in any order of adding."""
    rows = 1024 if Place.gpu else 128
    for name, dtype, precision, length in kinds():
        a, b = ternary(rows, length, 2), ternary(length, rows, 3)
        true = (a.astype(np.float64) @ b.astype(np.float64)).astype(np.float32)
        wrong = int((product(a, b, dtype, precision) != true).sum())
        CHILD.values["%s_wrong" % name] = wrong
        if wrong:
            raise Ill(
                "numerics",
                "%s: %d of %d elements of an exact matrix product are wrong" % (name, wrong, true.size),
            )


BOUNDS = {"fp32": 1e-5, "tf32": 1e-3, "fp16": 1e-3, "bf16": 1e-2}


def gemm_random():
    size = 1024 if Place.gpu else 256
    source = np.random.RandomState(3)
    a, b = source.randn(size, size).astype(np.float32), source.randn(size, size).astype(np.float32)
    true = a.astype(np.float64) @ b.astype(np.float64)
    for name, dtype, precision, _ in kinds():
        if CHILD.quick and name not in ("fp32", "fp16"):
            continue
        error = float(np.linalg.norm(product(a, b, dtype, precision) - true) / np.linalg.norm(true))
        CHILD.values["%s_error" % name] = error
        if not error <= BOUNDS[name]:
            raise Ill(
                "numerics", "%s: relative error %.2g, at most %.0e was expected" % (name, error, BOUNDS[name])
            )


def pictures(count, seed):
    patterns = np.random.RandomState(7).randn(10, 4, 4, 1).astype(np.float32)
    large = patterns.repeat(7, axis=1).repeat(7, axis=2)
    mine = np.random.RandomState(seed)
    labels = mine.randint(0, 10, count)
    x = large[labels] + 0.5 * mine.randn(count, 28, 28, 1).astype(np.float32)
    return put(x), put(labels)


def weights(*shapes):
    source = np.random.RandomState(11)
    made = []
    for shape in shapes:
        inputs = int(np.prod(shape[:-1])) if len(shape) > 1 else 0
        scale = (2.0 / inputs) ** 0.5 if inputs else 0.0
        made.append(put((source.randn(*shape) * scale).astype(np.float32)))
    return made


def descend(forward, parameters, x, y, steps, rate):
    def loss_of(p):
        logits = forward(p, x)
        picked = jnp.take_along_axis(jax.nn.log_softmax(logits), y[:, None], 1)
        return -picked.mean()

    @jax.jit
    def step(p, speed):
        loss, gradients = jax.value_and_grad(loss_of)(p)
        speed = [0.8 * v + g for v, g in zip(speed, gradients)]
        return loss, [w - rate * v for w, v in zip(p, speed)], speed

    speed = [jnp.zeros_like(p) for p in parameters]
    for _ in range(steps):
        loss, parameters, speed = step(parameters, speed)
        on_device(loss, "the loss")
        CHILD.curve.append(float(loss))
    return parameters


class recorded(object):
    """The kernels of what is done inside, as the profiler has them. It can be refused, and must not fail the phase."""

    def __enter__(self):
        self.folder = None
        if not Place.gpu:
            return
        folder = tempfile.mkdtemp()
        try:
            jax.profiler.start_trace(folder)
            self.folder = folder
        except Exception as error:
            CHILD.say("kernels", count=0, seconds=0, names=[], why="no profile: %s" % words(error))

    def __exit__(self, *_):
        if self.folder is None:
            return
        try:
            jax.profiler.stop_trace()
            from smoke_xplane import kernels

            CHILD.say("kernels", **kernels(self.folder))
        except Exception as error:
            CHILD.say("kernels", count=0, seconds=0, names=[], why="no profile: %s" % words(error))


def mlp():
    x, y = pictures(2048 if Place.gpu else 512, 21)
    x = x.reshape(-1, 784)
    with recorded():
        descend(
            lambda p, data: jax.nn.relu(data @ p[0] + p[1]) @ p[2] + p[3],
            weights((784, 128), (128,), (128, 10), (10,)),
            x,
            y,
            30,
            0.05,
        )
    CHILD.check_convergence("mlp", 0.25)


def pooled(x, size):
    shape = (1, size, size, 1)
    return jax.lax.reduce_window(x, -jnp.inf, jax.lax.max, shape, shape, "VALID")


def convolved(x, w, scale, offset):
    x = jax.lax.conv_general_dilated(x, w, (1, 1), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))
    mean, variance = x.mean((0, 1, 2)), x.var((0, 1, 2))
    return jax.nn.relu((x - mean) / jnp.sqrt(variance + 1e-5) * (scale + 1) + offset)


def forward(p, x):
    x = pooled(convolved(x, p[0], p[1], p[2]), 2)
    x = pooled(convolved(x, p[3], p[4], p[5]), 3)
    # Flattened, not averaged: an average over the picture can't tell these patterns apart.
    return x.reshape(x.shape[0], -1) @ p[6] + p[7]


def conv():
    parameters = weights((3, 3, 1, 16), (16,), (16,), (3, 3, 16, 16), (16,), (16,), (256, 10), (10,))
    x, y = pictures(512 if Place.gpu else 128, 31)
    parameters = descend(forward, parameters, x, y, 60 if Place.gpu else 15, 0.05)
    held_x, held_y = pictures(200, 32)
    right = jnp.argmax(forward(parameters, held_x), 1) == held_y
    CHILD.check_convergence("conv", 0.9)
    CHILD.check_accuracy("conv", float(right.mean()), 0.97)


def busy():
    a = jnp.ones((2048, 2048), device=Place.device)
    for _ in range(8):
        a = a @ a / 2048
    a.block_until_ready()


def tensorboard():
    raise NotHere("JAX has no writer of its own for TensorBoard")


if __name__ == "__main__":
    CHILD.run(
        {
            "context": context,
            "gemm-exact": gemm_exact,
            "gemm-random": gemm_random,
            "mlp": mlp,
            "conv": conv,
            "tensorboard": tensorboard,
        },
        busy,
    )
