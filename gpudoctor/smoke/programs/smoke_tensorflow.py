"""TensorFlow 2.10 and later, with Keras 2 or 3. Soft placement is off: an operation that has no place on the GPU is an error."""

import os
import subprocess
import sys
import tempfile
import time

from smoke_child import Child, Ill, NotHere, driver_uuid, words

CHILD = Child()
CHILD.say("begin", phase="import")
# Keras 3 may be told to work on another framework: here it is TensorFlow that is tried.
os.environ["KERAS_BACKEND"] = "tensorflow"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "1")
try:
    import numpy as np
    import tensorflow as tf
except BaseException as error:  # whatever an import raises is the finding
    CHILD.failed_import(error)
    sys.exit(1)
BUILT = dict(tf.sysconfig.get_build_info())
CHILD.imported(version=str(tf.__version__), cuda=str(BUILT.get("cuda_version") or ""), path=str(tf.__file__))

HELD = 256 << 20


class Place(object):
    name = "/CPU:0"
    gpu = False
    capability = (0, 0)
    held = None


def here():
    return tf.device(Place.name)


def on_device(tensor, what):
    """Soft placement would have moved it to the CPU without a word."""
    if Place.gpu and not tensor.device.endswith("GPU:0"):
        raise Ill(
            "placement", "%s: the result lies on %s, not on the GPU" % (what, tensor.device or "no device")
        )
    return tensor


def context():
    tf.config.set_soft_device_placement(False)
    gpus = tf.config.list_physical_devices("GPU")
    gpu = CHILD.config["device"] == "gpu"
    if gpu and not gpus:
        why = "tf.config.list_physical_devices('GPU') is empty"
        if not BUILT.get("is_cuda_build"):
            why += "; this TensorFlow %s was built without CUDA" % tf.__version__
        if not CHILD.allow_cpu:
            raise Ill("placement", why)
        print("smoke: %s; working on the CPU, as --allow-cpu permits" % why)
        gpu = False
    Place.gpu, Place.name = gpu, "/GPU:0" if gpu else "/CPU:0"
    begun = time.monotonic()
    data = np.random.RandomState(1).randint(0, 256, 1 << 20).astype(np.uint8)
    with here():
        there = on_device(tf.identity(tf.constant(data)), "a copy to the device")
        back = there.numpy()
        on_device(tf.matmul(tf.ones((8, 8)), tf.ones((8, 8))), "a product").numpy()
    CHILD.say("first-result", seconds=time.monotonic() - begun)
    if not np.array_equal(back, data):
        raise Ill(
            "numerics", "%d of %d bytes came back from the device changed" % ((back != data).sum(), data.size)
        )
    if gpu:
        describe(gpus[0])
        with here():
            Place.held = on_device(tf.zeros(HELD // 4) + 1, "held memory")
            tf.reduce_sum(Place.held[:8]).numpy()
        CHILD.hold(HELD)
    else:
        CHILD.say("device", kind="cpu", name="CPU", uuid="")


def describe(gpu):
    told = tf.config.experimental.get_device_details(gpu)
    Place.capability = tuple(told.get("compute_capability", (0, 0)))
    CHILD.say(
        "device",
        kind="cuda",
        name=str(told.get("device_name", gpu.name)),
        uuid=driver_uuid(),
        compute_capability="%d.%d" % Place.capability,
    )


def tf32(allowed):
    tf.config.experimental.enable_tensor_float_32_execution(allowed)


def ternary(rows, columns, seed):
    return np.random.RandomState(seed).randint(-1, 2, (rows, columns)).astype(np.float32)


def gemm_exact():
    """Every partial sum is a whole number that the type can hold, so every bit must be right in any order of adding."""
    kinds = [("fp32", tf.float32, False, 4096), ("fp16", tf.float16, False, 1024)]
    if Place.gpu and Place.capability >= (8, 0):
        kinds.append(("tf32", tf.float32, True, 4096))
    if not Place.gpu or Place.capability >= (8, 0):
        kinds.append(("bf16", tf.bfloat16, False, 256))
    rows = 1024 if Place.gpu else 128
    for name, dtype, allowed, length in kinds:
        a, b = ternary(rows, length, 2), ternary(length, rows, 3)
        true = (a.astype(np.float64) @ b.astype(np.float64)).astype(np.float32)
        tf32(allowed)
        with here():
            product = on_device(tf.matmul(tf.cast(a, dtype), tf.cast(b, dtype)), name)
        wrong = int((tf.cast(product, tf.float32).numpy() != true).sum())
        CHILD.values["%s_wrong" % name] = wrong
        if wrong:
            raise Ill(
                "numerics",
                "%s: %d of %d elements of an exact matrix product are wrong" % (name, wrong, true.size),
            )
    tf32(False)


def pictures(count, seed):
    patterns = np.random.RandomState(7).randn(10, 4, 4, 1).astype(np.float32)
    large = patterns.repeat(7, axis=1).repeat(7, axis=2)
    mine = np.random.RandomState(seed)
    labels = mine.randint(0, 10, count)
    x = large[labels] + 0.5 * mine.randn(count, 28, 28, 1).astype(np.float32)
    with here():
        return tf.identity(tf.constant(x)), tf.identity(tf.constant(labels, tf.int64))


def variables(*shapes):
    source = np.random.RandomState(11)
    made = []
    with here():
        for shape in shapes:
            inputs = int(np.prod(shape[:-1])) if len(shape) > 1 else 0
            scale = (2.0 / inputs) ** 0.5 if inputs else 0.0
            made.append(tf.Variable(source.randn(*shape).astype(np.float32) * scale))
    return made


def loss_of(logits, y):
    return tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))


def descend(forward, parameters, x, y, steps, rate):
    """Gradient descent with momentum, by hand. One look at the loss a step for the curve."""
    with here():
        speed = [tf.Variable(tf.zeros_like(p)) for p in parameters]
        for _ in range(steps):
            with tf.GradientTape() as tape:
                loss = loss_of(forward(x), y)
            for p, v, g in zip(parameters, speed, tape.gradient(loss, parameters)):
                v.assign(0.8 * v + g)
                p.assign_sub(rate * v)
            on_device(loss, "the loss")
            CHILD.curve.append(float(loss.numpy()))


def accuracy(forward, held_out):
    x, y = held_out
    with here():
        right = tf.equal(tf.argmax(forward(x), 1, output_type=tf.int64), y)
    return float(np.mean(right.numpy()))


def dense(parameters):
    w1, b1, w2, b2 = parameters
    return lambda x: tf.matmul(tf.nn.relu(tf.matmul(x, w1) + b1), w2) + b2


def mlp():
    x, y = pictures(2048 if Place.gpu else 512, 21)
    x = tf.reshape(x, (-1, 784))
    parameters = variables((784, 128), (128,), (128, 10), (10,))
    with recorded():
        descend(dense(parameters), parameters, x, y, 30, 0.05)
    CHILD.check_convergence("mlp", 0.25)


class recorded(object):
    """The kernels of what is done inside, as the profiler has them. It can be refused, and must not fail the phase."""

    def __enter__(self):
        self.folder = None
        if not Place.gpu:
            return
        folder = tempfile.mkdtemp()
        try:
            tf.profiler.experimental.start(folder)
            self.folder = folder
        except Exception as error:
            CHILD.say("kernels", count=0, seconds=0, names=[], why="no profile: %s" % words(error))

    def __exit__(self, *_):
        if self.folder is None:
            return
        try:
            tf.profiler.experimental.stop()
            from smoke_xplane import kernels

            CHILD.say("kernels", **kernels(self.folder))
        except Exception as error:
            CHILD.say("kernels", count=0, seconds=0, names=[], why="no profile: %s" % words(error))


def conv_model(parameters):
    w1, g1, b1, w2, g2, b2, w3, b3 = parameters

    def norm(x, scale, offset):
        mean, variance = tf.nn.moments(x, [0, 1, 2])
        return tf.nn.batch_normalization(x, mean, variance, offset, scale + 1, 1e-5)

    def forward(x):
        x = tf.nn.max_pool2d(tf.nn.relu(norm(tf.nn.conv2d(x, w1, 1, "SAME"), g1, b1)), 2, 2, "VALID")
        x = tf.nn.max_pool2d(tf.nn.relu(norm(tf.nn.conv2d(x, w2, 1, "SAME"), g2, b2)), 3, 3, "VALID")
        # Flattened, not averaged: an average over the picture can't tell these patterns apart.
        return tf.matmul(tf.reshape(x, (-1, 256)), w3) + b3

    return forward


def conv():
    parameters = variables((3, 3, 1, 16), (16,), (16,), (3, 3, 16, 16), (16,), (16,), (256, 10), (10,))
    forward = conv_model(parameters)
    x, y = pictures(512 if Place.gpu else 128, 31)
    descend(forward, parameters, x, y, 60 if Place.gpu else 15, 0.05)
    CHILD.check_convergence("conv", 0.9)
    CHILD.check_accuracy("conv", accuracy(forward, pictures(200, 32)), 0.97)


def raw(variable):
    """Keras 3 wraps TensorFlow's variable; in Keras 2 `value` is a method of it."""
    inner = getattr(variable, "value", None)
    return variable if inner is None or callable(inner) else inner


def lstm():
    keras = tf.keras
    CHILD.values["keras_major"] = int(str(getattr(keras, "__version__", "2")).split(".")[0])
    x, y = pictures(512 if Place.gpu else 256, 41)
    x = tf.reshape(x, (-1, 28, 28))
    held_x, held_y = pictures(200, 42)
    with here():
        layer = keras.layers.LSTM(64)
        layer(x[:2])
    out, bias = variables((64, 10), (10,))
    parameters = [raw(v) for v in layer.trainable_variables] + [out, bias]

    def forward(data):
        return tf.matmul(layer(data), out) + bias

    descend(forward, parameters, x, y, 40, 0.1)
    CHILD.check_convergence("lstm", 0.9)
    CHILD.check_accuracy("lstm", accuracy(forward, (tf.reshape(held_x, (-1, 28, 28)), held_y)), 0.95)


#: A process of its own: limits must be set before the GPU is used for the first time.
LIMITED = """
import sys, tensorflow as tf
gpu = tf.config.list_physical_devices("GPU")[0]
tf.config.set_soft_device_placement(False)
tf.config.set_logical_device_configuration(gpu, [tf.config.LogicalDeviceConfiguration(memory_limit=512)])
with tf.device("/GPU:0"):
    a = tf.zeros(128 << 20, tf.uint8)
    try:
        b = tf.zeros(1 << 30, tf.uint8)
        float(b[0])
    except tf.errors.ResourceExhaustedError:
        sys.exit(0)
sys.exit(3)
"""


def memory():
    if not Place.gpu:
        raise NotHere("no GPU whose memory could be limited")
    told = tf.config.experimental.get_memory_info("GPU:0")
    CHILD.values.update(current_mb=told["current"] / 2**20, peak_mb=told["peak"] / 2**20)
    code = subprocess.call([sys.executable, "-c", LIMITED], stdin=subprocess.DEVNULL)
    if code == 3:
        raise Ill("", "a memory limit of 512 MB was not obeyed")
    if code:
        raise Ill("", "the process with a memory limit ended with status %d" % code)


def compiled():
    """XLA on the MLP alone: compiling a convolution takes half a minute on small machines."""
    x, _ = pictures(64, 21)
    x = tf.reshape(x, (-1, 784))
    parameters = variables((784, 64), (64,), (64, 10), (10,))
    forward = dense(parameters)
    fast = tf.function(forward, jit_compile=True)
    begun = time.monotonic()
    with here():
        got, true = fast(x).numpy(), forward(x).numpy()
    CHILD.values["compile_s"] = time.monotonic() - begun
    gap = float(np.abs(got - true).max() / (np.abs(true).max() + 1e-12))
    CHILD.values["gap"] = gap
    if not gap <= 1e-3:
        raise Ill("numerics", "a model compiled by XLA differs from the eager result by %.2g" % gap)


def busy():
    with here():
        a = tf.ones((2048, 2048))
        for _ in range(8):
            a = tf.matmul(a, a) / 2048
        a[0, 0].numpy()


def tensorboard():
    """TensorFlow writes these itself; no package of TensorBoard's is needed."""
    name = "tensorflow-%s" % (
        (os.environ.get("CUDA_VISIBLE_DEVICES", "")[:12] or "all") if Place.gpu else "cpu"
    )
    writer = tf.summary.create_file_writer(os.path.join(CHILD.config["tensorboard"], name))
    forward = tf.function(dense(variables((784, 64), (64,), (64, 10), (10,))))
    written = 0
    with writer.as_default():
        for phase, curve, values in CHILD.history:
            for step, loss in enumerate(curve):
                tf.summary.scalar("loss/%s" % phase, loss, step=step)
                written += 1
            for key, value in values.items():
                tf.summary.scalar("%s/%s" % (phase, key), value, step=0)
        with here():
            graph = forward.get_concrete_function(tf.TensorSpec((1, 784), tf.float32)).graph
        tf.summary.graph(graph.as_graph_def())
    writer.close()
    CHILD.values["losses"] = written


if __name__ == "__main__":
    CHILD.run(
        {
            "context": context,
            "gemm-exact": gemm_exact,
            "mlp": mlp,
            "conv": conv,
            "lstm": lstm,
            "memory": memory,
            "compile": compiled,
            "tensorboard": tensorboard,
        },
        busy,
    )
