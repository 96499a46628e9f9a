"""Faults for the child of a smoke run, planted from its environment: SMOKE_FAULT=WHAT[:PHASE], or several with "+". Nothing of ours is touched:
the operating system's calls and the framework itself are made ill, before the framework is imported."""

import importlib.machinery
import os
import sys

FAULT, _, PHASE = os.environ.get("SMOKE_FAULT", "").partition(":")
#: Only the child carries this: gpudoctor itself starts in the same environment.
IN_CHILD = "GPUDOCTOR_SMOKE_RUN" in os.environ


def hang():
    import signal

    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    while True:
        signal.pause()


def segfault():
    import ctypes

    ctypes.string_at(0)


def abort():
    os.abort()


def no_memory():
    """A real limit: from here on the process gets no more than 30 MB of addresses."""
    import resource

    with open("/proc/self/statm") as file:
        now = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
    resource.setrlimit(resource.RLIMIT_AS, (now + (30 << 20), resource.RLIM_INFINITY))


def when_the_phase_begins(act):
    """The child announces its phases on a pipe: a write to it that names ours is the moment."""
    write = os.write

    def watched(fd, data):
        done = write(fd, data)
        if b'"begin"' in data and b'"%s"' % PHASE.encode() in data:
            act()
        return done

    os.write = watched


def after_import(name, change):
    """Change a module as soon as it has been imported."""
    import importlib.util

    class Finder:
        def find_spec(self, wanted, path=None, target=None):
            if wanted != name:
                return None
            sys.meta_path.remove(self)
            spec = importlib.util.find_spec(name)
            if spec is None:
                return None
            load = spec.loader.exec_module

            def exec_module(module):
                load(module)
                change(module)

            spec.loader.exec_module = exec_module
            return spec

    sys.meta_path.insert(0, Finder())


def wrong_products(torch):
    """One element of each product is off by one, as a broken multiplier would have it."""
    true = torch.Tensor.__matmul__

    def product(one, other):
        got = true(one, other)
        if got.dtype != torch.float64:
            got.view(-1)[0] += 1
        return got

    torch.Tensor.__matmul__ = product


def uphill(torch):
    true = torch.autograd.grad
    torch.autograd.grad = lambda *a, **k: tuple(-40 * g for g in true(*a, **k))


def wrong_products_tf(tensorflow):
    true = tensorflow.matmul

    def product(*arguments, **words):
        got = true(*arguments, **words)
        return tensorflow.tensor_scatter_nd_add(got, [[0, 0]], [tensorflow.ones((), got.dtype)])

    tensorflow.matmul = product


def wrong_products_jax(numpy):
    true = numpy.matmul
    numpy.matmul = lambda *a, **k: (lambda got: got.at[0, 0].add(1))(true(*a, **k))


def uphill_tf(tensorflow):
    tape = tensorflow.GradientTape
    true = tape.gradient
    tape.gradient = lambda self, *a, **k: [-40 * g for g in true(self, *a, **k)]


def uphill_jax(jax):
    true = jax.value_and_grad

    def value_and_grad(function):
        def both(*arguments):
            value, gradients = true(function)(*arguments)
            return value, [-40 * g for g in gradients]

        return both

    jax.value_and_grad = value_and_grad


def oom_tf(tensorflow):
    """As TensorFlow's allocator says it of a GPU."""

    def convolution(*arguments, **words):
        raise tensorflow.errors.ResourceExhaustedError(
            None,
            None,
            "OOM when allocating tensor with shape[4096,1024] and type float on /job:localhost/replica:0/task:0/device:GPU:0",
        )

    tensorflow.nn.conv2d = convolution


def oom_jax(lax):
    def convolution(*arguments, **words):
        from jax.errors import JaxRuntimeError

        raise JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory while trying to allocate 4294967296 bytes.")

    lax.conv_general_dilated = convolution


def liar(torch):
    """A torch without CUDA that claims to have it, in all that it says of itself."""
    from types import SimpleNamespace

    cpu_to = torch.Tensor.to

    def to(self, *args, **kwargs):
        args = tuple(torch.device("cpu") if isinstance(a, torch.device) else a for a in args)
        # Half precision is slow on CPUs; the lie does not depend on it.
        args = tuple(torch.float32 if a in (torch.float16, torch.bfloat16) else a for a in args)
        return cpu_to(self, *args, **kwargs)

    class Event:
        def __init__(self, enable_timing=False):
            self.at = 0.0

        def record(self):
            import time

            self.at = time.monotonic()

        def synchronize(self):
            pass

        def elapsed_time(self, other):
            return (other.at - self.at) * 900

    told = SimpleNamespace(
        name="NVIDIA H100 80GB HBM3", major=9, minor=0, multi_processor_count=132, total_memory=80 << 30
    )
    ones = torch.ones
    torch.cuda.is_available = lambda: True
    torch.cuda.synchronize = lambda *a: None
    torch.cuda.Event = Event
    torch.cuda.get_device_properties = lambda *a: told
    torch.cuda.mem_get_info = lambda *a: (79 << 30, 80 << 30)
    torch.ones = lambda *a, **k: ones(*a, **{n: v for n, v in k.items() if n != "device"})
    torch.Tensor.to = to
    torch.Tensor.is_cuda = property(lambda self: True)


def soft_placement(tensorflow):
    """A TensorFlow that lists a GPU and quietly puts what is meant for it on the CPU."""
    config = tensorflow.config
    config.set_soft_device_placement(True)
    config.set_soft_device_placement = lambda enabled: None
    config.list_physical_devices = lambda kind=None: ["/physical_device:GPU:0"]


class Meta(type):
    def __getattr__(cls, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return cls

    def __call__(cls, *arguments, **words):
        return cls

    def __iter__(cls):
        return iter(())


class Light:
    """Frameworks that are nothing but their names, for faults that strike before a phase uses them: imported in no time."""

    NAMES = ("torch", "tensorflow", "jax", "numpy")

    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in self.NAMES:
            return None
        return importlib.machinery.ModuleSpec(name, self, is_package=True)

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        thing = Meta("Thing", (), {})
        module.__dict__.update(
            __version__="0", __file__="light", __getattr__=lambda name: getattr(thing, name)
        )


AT_A_PHASE = {"hang": hang, "segfault": segfault, "abort": abort, "no-memory": no_memory}
#: Fault -> the module that is changed once it has been imported, and how.
IN_FRAMEWORKS = {
    "wrong-products": (
        ("torch", wrong_products),
        ("tensorflow", wrong_products_tf),
        ("jax.numpy", wrong_products_jax),
    ),
    "uphill": (("torch", uphill), ("tensorflow", uphill_tf), ("jax", uphill_jax)),
    "oom": (("tensorflow", oom_tf), ("jax.lax", oom_jax)),
    "liar": (("torch", liar),),
    "soft-placement": (("tensorflow", soft_placement),),
}

if IN_CHILD and "SMOKE_LIGHT" in os.environ:
    sys.meta_path.insert(0, Light())
if IN_CHILD and FAULT in AT_A_PHASE:
    when_the_phase_begins(AT_A_PHASE[FAULT])
elif IN_CHILD:
    for fault in FAULT.split("+"):
        for module, change in IN_FRAMEWORKS.get(fault, ()):
            after_import(module, change)
